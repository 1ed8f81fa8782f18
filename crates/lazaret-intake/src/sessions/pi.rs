//! Reads the logs of Pi and of Factory Droid: a line on the session, then messages.

use serde_json::Value;

use super::calls::Outcome;
use super::claude_code::read_message;
use super::fields::{list, named, text, time};
use super::report::UnreadKind;
use super::scribe::{Scribe, Setting};

/// Types of lines that are known and tell of no writing.
const SILENT: [&str; 11] = [
    "branch_summary",
    "compaction",
    "compaction_state",
    "custom",
    "custom_message",
    "label",
    "session_end",
    "session_info",
    "thinking_level_change",
    "todo_state",
    "title_change",
];

/// Reads one line.
pub(super) fn read(line: &Value, setting: &mut Setting, scribe: &mut Scribe<'_>) {
    setting.at = time(line, "timestamp").or(setting.at);
    match text(line, "type") {
        Some("session" | "session_start") => {
            if let Some(id) = named(line, "id") {
                setting.session = id;
            }
            setting.workspace.folder = named(line, "cwd");
        }
        Some("model_change") => setting.model = named(line, "modelId").or(setting.model.take()),
        Some("message") => {
            // Droid's messages have blocks as in Claude Code's; Pi's have their own.
            read_message(line, setting, scribe);
            if let Some(message) = line.get("message") {
                read_own(message, setting, scribe);
            }
        }
        Some(kind) if SILENT.contains(&kind) => {}
        Some(_) | None => scribe.note(UnreadKind::UnknownRecord),
    }
}

fn read_own(message: &Value, setting: &mut Setting, scribe: &mut Scribe<'_>) {
    setting.model = named(message, "model").or(setting.model.take());
    if text(message, "role") == Some("toolResult") {
        if let Some(id) = text(message, "toolCallId") {
            let is_error = message.get("isError").and_then(Value::as_bool).unwrap_or(false);
            let outcome = if is_error { Outcome::Failed { has_run: true } } else { Outcome::DONE };
            scribe.settle(id, setting, outcome);
        }
        return;
    }
    for block in list(message, "content") {
        if text(block, "type") == Some("toolCall") {
            let input = block.get("arguments").unwrap_or(&Value::Null);
            scribe.ask(text(block, "id"), setting, text(block, "name").unwrap_or_default(), input);
        }
    }
}
