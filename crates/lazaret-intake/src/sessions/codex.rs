//! Reads Codex's rollouts: all the shapes of a write, with and without an envelope around each line.

use serde_json::{Map, Value};

use super::calls::Outcome;
use super::diff::parse_diff;
use super::fields::{named, text, time, without_credentials};
use super::input::FileChange;
use super::json;
use super::report::UnreadKind;
use super::scribe::{Scribe, Setting};
use super::writing::{Certainty, WrittenText};

/// Types of lines, items and events that are known and tell of no writing.
const SILENT: [&str; 43] = [
    "agent_message",
    "agent_message_delta",
    "agent_reasoning",
    "agent_reasoning_raw_content",
    "agent_reasoning_section_break",
    "apply_patch_approval_request",
    "background_event",
    "compacted",
    "compaction",
    "compaction_summary",
    "context_compacted",
    "deprecation_notice",
    "elicitation_request",
    "entered_review_mode",
    "error",
    "exec_approval_request",
    "exec_command_begin",
    "exec_command_output_delta",
    "exited_review_mode",
    "get_history_entry_response",
    "ghost_commit",
    "ghost_snapshot",
    "image_generation_call",
    "inter_agent_communication",
    "item_started",
    "mcp_tool_call_begin",
    "mcp_tool_call_end",
    "message",
    "other",
    "patch_apply_begin",
    "plan_update",
    "reasoning",
    "stream_error",
    "task_complete",
    "thread_name_updated",
    "thread_rolled_back",
    "token_count",
    "token_usage_record",
    "turn_aborted",
    "turn_diff",
    "user_message",
    "web_search_call",
    "world_state",
];

/// Types of ended items that are known and tell of no writing.
const SILENT_ITEMS: [&str; 15] = [
    "AgentMessage",
    "CollabAgentToolCall",
    "ContextCompaction",
    "EnteredReviewMode",
    "ExitedReviewMode",
    "Extension",
    "HookPrompt",
    "ImageGeneration",
    "ImageView",
    "McpToolCall",
    "Plan",
    "Reasoning",
    "Sleep",
    "UserMessage",
    "WebSearch",
];

/// Reads one line.
pub(super) fn read(line: &Value, setting: &mut Setting, scribe: &mut Scribe<'_>) {
    setting.at = time(line, "timestamp").or(setting.at);
    match (text(line, "type"), line.get("payload")) {
        (Some("session_meta"), Some(payload)) => remember_session(payload, setting),
        (Some("turn_context"), Some(payload)) => remember_turn(payload, setting),
        (Some("response_item" | "event_msg"), Some(payload)) => read_item(payload, setting, scribe),
        // The oldest rollouts have no envelope: a line on the session, then items.
        (Some(_), None) => read_item(line, setting, scribe),
        (Some(kind), Some(_)) if SILENT.contains(&kind) => {}
        (None, None) if line.get("record_type").is_some() => {}
        (None, None) if line.get("id").is_some() => remember_session(line, setting),
        (Some(_) | None, _) => scribe.note(UnreadKind::UnknownRecord),
    }
}

fn remember_session(meta: &Value, setting: &mut Setting) {
    if let Some(id) = named(meta, "id").or_else(|| named(meta, "session_id")) {
        setting.session = id;
    }
    setting.harness = named(meta, "originator").or(setting.harness.take());
    setting.harness_version = named(meta, "cli_version").or(setting.harness_version.take());
    setting.workspace.folder = named(meta, "cwd").or(setting.workspace.folder.take());
    if let Some(git) = meta.get("git") {
        setting.workspace.commit = named(git, "commit_hash");
        setting.workspace.branch = named(git, "branch");
        setting.workspace.repository = named(git, "repository_url").map(without_credentials);
    }
}

fn remember_turn(turn: &Value, setting: &mut Setting) {
    setting.model = named(turn, "model").or(setting.model.take());
    setting.workspace.folder = named(turn, "cwd").or(setting.workspace.folder.take());
}

fn read_item(item: &Value, setting: &mut Setting, scribe: &mut Scribe<'_>) {
    let id = text(item, "call_id").or_else(|| text(item, "id"));
    match text(item, "type") {
        Some("function_call") => {
            let input = item.get("arguments").unwrap_or(&Value::Null);
            scribe.ask(id, setting, text(item, "name").unwrap_or_default(), input);
        }
        Some("custom_tool_call") => {
            let input = item.get("input").unwrap_or(&Value::Null);
            scribe.ask(id, setting, text(item, "name").unwrap_or_default(), input);
        }
        Some("local_shell_call") => {
            let input = item.get("action").unwrap_or(&Value::Null);
            scribe.ask(id, setting, "local_shell", input);
        }
        Some("function_call_output" | "custom_tool_call_output" | "local_shell_call_output") => {
            if let Some(id) = id {
                let output = item.get("output").unwrap_or(&Value::Null);
                scribe.settle(id, setting, outcome(output));
            }
        }
        Some("exec_command_end") => {
            if let (Some(id), Some(code)) = (id, item.get("exit_code").and_then(Value::as_i64)) {
                scribe.settle(id, setting, ended(code));
            }
        }
        Some("patch_apply_end") => read_applied(item, setting, scribe),
        Some("item_completed") => read_completed(item, setting, scribe),
        Some("task_started" | "thread_settings_applied" | "session_configured") => {
            remember_turn(item, setting);
        }
        Some(kind) if SILENT.contains(&kind) => {}
        Some(_) | None => scribe.note(UnreadKind::UnknownRecord),
    }
}

/// Reads what replaced the single events in version 0.149: an item that has ended. Its id is its own, and not
/// that of the call it comes from.
fn read_completed(event: &Value, setting: &Setting, scribe: &mut Scribe<'_>) {
    let item = event.get("item").unwrap_or(&Value::Null);
    match text(item, "type") {
        Some("FileChange") => {
            if matches!(text(item, "status"), Some("failed" | "declined")) {
                let n_changes = item.get("changes").and_then(Value::as_object).map_or(0, Map::len);
                scribe.report.refused += u64::try_from(n_changes).unwrap_or(u64::MAX);
            } else {
                read_applied(item, setting, scribe);
            }
        }
        Some("CommandExecution") => {
            let Some(id) = text(item, "id") else { return };
            scribe.ask(Some(id), setting, "shell", item);
            if let Some(code) = item.get("exit_code").and_then(Value::as_i64) {
                scribe.settle(id, setting, ended(code));
            }
        }
        Some(kind) if SILENT_ITEMS.contains(&kind) => {}
        Some(_) | None => scribe.note(UnreadKind::UnknownRecord),
    }
}

/// Reads the event or item that says what a patch has changed: the truth about it.
fn read_applied(event: &Value, setting: &Setting, scribe: &mut Scribe<'_>) {
    let id = text(event, "call_id").or_else(|| text(event, "id")).unwrap_or_default();
    let is_done = match event.get("success").and_then(Value::as_bool) {
        Some(success) => success,
        None => matches!(text(event, "status"), Some("completed") | None),
    };
    if !is_done {
        scribe.settle(id, setting, Outcome::REFUSED);
        return;
    }
    let changes = event.get("changes").and_then(Value::as_object);
    let read: Vec<_> = changes.into_iter().flatten().map(|(path, change)| applied(path, change)).collect();
    let is_whole = !read.is_empty() && read.iter().all(Option::is_some);
    let read: Vec<_> = read.into_iter().flatten().collect();
    if scribe.knows(setting, id) {
        // Where one of the changes is not understood, the call says more than the event.
        let instead = is_whole.then_some(read);
        scribe.settle(id, setting, Outcome::Done { instead, edited_by_user: false });
    } else {
        if !is_whole {
            scribe.note(UnreadKind::UnreadCall);
        }
        scribe.tell(setting, read, Certainty::Confirmed, false);
        scribe.settle(id, setting, Outcome::DONE);
    }
}

/// Reads one change of the event; `None` where it is not understood.
fn applied(path: &str, change: &Value) -> Option<FileChange> {
    let kind = text(change, "type").or_else(|| change.get("kind").and_then(|kind| text(kind, "type")));
    let moved_to = text(change, "move_path").or_else(|| text(change, "movePath"));
    let path = Some(moved_to.unwrap_or(path).to_owned());
    let diff = text(change, "unified_diff").or_else(|| text(change, "diff"));
    match kind? {
        "add" => match text(change, "content") {
            Some(content) => Some(FileChange::new(path, vec![WrittenText::whole_file(content)])),
            None => Some(FileChange::new(path, added(diff?))),
        },
        "update" => Some(FileChange::new(path, added(diff?))),
        "delete" => Some(FileChange::new(path, Vec::new())),
        _ => None,
    }
}

fn added(diff: &str) -> Vec<WrittenText> {
    parse_diff(diff).into_iter().flat_map(|file| file.written).collect()
}

/// Tells how a call ended by its output, which has been spelled in many ways.
fn outcome(output: &Value) -> Outcome {
    let parts = output.as_array().map(|parts| {
        let texts = parts.iter().filter_map(|part| text(part, "text"));
        texts.collect::<Vec<_>>().join("\n")
    });
    let said = parts.as_deref().or_else(|| output.as_str()).unwrap_or_default();
    let decoded = json::parse(said).ok();
    let output = decoded.as_ref().filter(|value| value.is_object()).unwrap_or(output);
    let code = output.get("metadata").and_then(|metadata| metadata.get("exit_code")).and_then(Value::as_i64);
    if let Some(code) = code {
        return ended(code);
    }
    if let Some(success) = output.get("success").and_then(Value::as_bool) {
        return if success { Outcome::DONE } else { Outcome::REFUSED };
    }
    outcome_of_text(text(output, "output").or_else(|| text(output, "content")).unwrap_or(said))
}

fn outcome_of_text(said: &str) -> Outcome {
    let code = said.lines().take(8).find_map(|line| {
        let code =
            line.strip_prefix("Exit code: ").or_else(|| line.strip_prefix("Process exited with code "))?;
        code.trim().parse().ok()
    });
    let said = said.trim_start();
    let refusals = [
        "apply_patch verification failed",
        "patch rejected",
        "exec command rejected",
        "aborted",
        "failed",
        "error",
        "unsupported",
        "invalid",
        "user rejected",
        "execution error",
    ];
    let is_refused = refusals
        .iter()
        .any(|refusal| said.get(..refusal.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(refusal)));
    match code {
        Some(code) => ended(code),
        None if said.starts_with("Script failed") => Outcome::Failed { has_run: true },
        None if is_refused => Outcome::REFUSED,
        None if said.contains("Success. Updated the following files") => Outcome::DONE,
        None => Outcome::Unclear,
    }
}

fn ended(code: i64) -> Outcome {
    if code == 0 { Outcome::DONE } else { Outcome::Failed { has_run: true } }
}
