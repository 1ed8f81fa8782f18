//! Reads Claude Code's logs, and the message lines of harnesses that took over their shape.

use rustc_hash::FxHashMap;
use serde_json::Value;

use super::calls::Outcome;
use super::fields::{list, named, text, time};
use super::input::{FileChange, from_hunks, replacements};
use super::report::UnreadKind;
use super::scribe::{Scribe, Setting};
use super::writing::WrittenText;

/// Types of lines that are known and tell of no writing.
const SILENT: [&str; 18] = [
    "agent-name",
    "ai-title",
    "attachment",
    "custom-title",
    "file-history-snapshot",
    "last-prompt",
    "mode",
    "permission-mode",
    "pr-link",
    "queue-operation",
    "rewind-pointer",
    "saved_hook_context",
    "session-title",
    "summary",
    "system",
    "tag",
    "task-summary",
    "worktree-state",
];

/// Reads one line.
pub(super) fn read(line: &Value, setting: &mut Setting, scribe: &mut Scribe<'_>) {
    remember(line, setting);
    match text(line, "type") {
        Some("assistant" | "user") => read_message(line, setting, scribe),
        // The steps of a sub-agent, in the log of the one that sent it; they may stand in its own log as well.
        Some("progress") => {
            let step = line.get("data").and_then(|data| data.get("message"));
            if let Some(step) = step.filter(|step| step.get("message").is_some()) {
                let mut setting = setting.clone();
                setting.at = time(step, "timestamp").or(setting.at);
                read_message(step, &mut setting, scribe);
            }
        }
        Some(kind) if SILENT.contains(&kind) => {}
        Some(_) | None => scribe.note(UnreadKind::UnknownRecord),
    }
}

/// Reads a message whose content is a list of blocks: calls from the agent, results from the user's side.
pub(super) fn read_message(line: &Value, setting: &mut Setting, scribe: &mut Scribe<'_>) {
    let Some(message) = line.get("message") else {
        scribe.note(UnreadKind::UnknownRecord);
        return;
    };
    let model = named(message, "model").or_else(|| setting.model.clone());
    let blocks = list(message, "content");
    let n_results = blocks.iter().filter(|block| text(block, "type") == Some("tool_result")).count();
    for block in blocks {
        match text(block, "type") {
            Some("tool_use") => {
                let setting = Setting { model: model.clone(), ..setting.clone() };
                let name = text(block, "name").unwrap_or_default();
                let input = block.get("input").unwrap_or(&Value::Null);
                scribe.ask(text(block, "id"), &setting, name, input);
            }
            Some("tool_result") => {
                let Some(id) = text(block, "tool_use_id") else { continue };
                // The line has one result in full; it belongs to a block only where that is alone.
                let result = line.get("toolUseResult").filter(|_| n_results == 1);
                scribe.settle(id, setting, outcome(block, result));
            }
            Some(_) | None => {}
        }
    }
}

fn remember(line: &Value, setting: &mut Setting) {
    if let Some(session) = named(line, "sessionId") {
        setting.session = session;
    }
    setting.at = time(line, "timestamp").or(setting.at);
    for (key, field) in [
        ("cwd", &mut setting.workspace.folder),
        ("gitBranch", &mut setting.workspace.branch),
        ("version", &mut setting.harness_version),
        ("entrypoint", &mut setting.harness),
    ] {
        if let Some(value) = named(line, key) {
            *field = Some(value);
        }
    }
}

/// Tells how a call ended.
fn outcome(block: &Value, result: Option<&Value>) -> Outcome {
    let is_error = block.get("is_error").and_then(Value::as_bool).unwrap_or(false);
    let said = result.and_then(Value::as_str);
    if is_error || said.is_some_and(|said| said.starts_with("Error") || said.starts_with("User rejected")) {
        let content = list(block, "content").iter().find_map(|part| text(part, "text"));
        let has_run = [said, text(block, "content"), content]
            .into_iter()
            .flatten()
            .any(|said| said.strip_prefix("Error: ").unwrap_or(said).starts_with("Exit code "));
        return Outcome::Failed { has_run };
    }
    let Some(result) = result else { return Outcome::DONE };
    if result.get("interrupted") == Some(&Value::Bool(true)) {
        return Outcome::Failed { has_run: true };
    }
    if !result.is_object() {
        // A result in words was an error wherever it was seen; words that are not known say nothing.
        return Outcome::Unclear;
    }
    let edited_by_user = result.get("userModified") == Some(&Value::Bool(true));
    Outcome::Done { instead: written(result, edited_by_user).map(|change| vec![change]), edited_by_user }
}

/// Reads what was written out of a result; `None` where the result does not say.
///
/// The hunks of `structuredPatch` are made for display: leading tabs have become blanks in them (seen in every
/// patch of a Go file, versions 2.0 to 2.1). Their text is taken only where nothing else has it, that is where a
/// person changed the proposal.
fn written(result: &Value, edited_by_user: bool) -> Option<FileChange> {
    let path = named(result, "filePath")?;
    let file_before = ["originalFile", "originalFileContents"]
        .iter()
        .find_map(|key| text(result, key))
        .map(|before| before.as_bytes().to_vec());
    let edits = list(result, "edits");
    let written = if let Some(content) = text(result, "content") {
        vec![WrittenText::whole_file(content)]
    } else if edited_by_user {
        with_tabs(from_hunks(list(result, "structuredPatch")), result)
    } else if edits.is_empty() {
        replacements(std::slice::from_ref(result))
    } else {
        replacements(edits)
    };
    (!written.is_empty()).then_some(FileChange { path: Some(path), written, file_before })
}

/// Gives lines of hunks made for display the leading tabs that the same lines have in what was proposed.
fn with_tabs(mut written: Vec<WrittenText>, result: &Value) -> Vec<WrittenText> {
    for written in &mut written {
        written.text = with_tabs_of(&written.text, text(result, "newString").unwrap_or_default());
        if let Some(replaced) = &mut written.replaced {
            *replaced = with_tabs_of(replaced, text(result, "oldString").unwrap_or_default());
        }
    }
    written
}

fn with_tabs_of(shown: &[u8], proposed: &str) -> Vec<u8> {
    let with_tabs = proposed.lines().filter(|line| line.starts_with('\t'));
    let with_tabs: FxHashMap<&str, &str> = with_tabs.map(|line| (line.trim_start(), line)).collect();
    let shown = String::from_utf8_lossy(shown);
    let lines = shown.lines().map(|line| with_tabs.get(line.trim_start()).copied().unwrap_or(line));
    lines.flat_map(|line| [line, "\n"]).collect::<String>().into_bytes()
}
