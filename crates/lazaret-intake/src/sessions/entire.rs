//! Reads Entire's compact transcripts, which say for every line which agent it was made from.

use serde_json::Value;

use super::calls::Outcome;
use super::fields::{list, named, text, time};
use super::report::UnreadKind;
use super::scribe::{Scribe, Setting};

/// Reads one line.
pub(super) fn read(line: &Value, setting: &mut Setting, scribe: &mut Scribe<'_>) {
    setting.harness = named(line, "agent").or(setting.harness.take());
    setting.model = named(line, "model").or(setting.model.take());
    setting.at = time(line, "ts").or(setting.at);
    match text(line, "type") {
        Some("assistant") => {
            list(line, "content").iter().for_each(|block| read_block(block, setting, scribe));
        }
        // Older transcripts have results on lines of their own.
        Some("user_tool_result") => {
            if let Some(id) = text(line, "tool_use_id") {
                let result = line.get("result").unwrap_or(&Value::Null);
                scribe.settle(id, setting, outcome(result));
            }
        }
        Some("user" | "system") => {}
        Some(_) | None => scribe.note(UnreadKind::UnknownRecord),
    }
}

fn read_block(block: &Value, setting: &Setting, scribe: &mut Scribe<'_>) {
    if text(block, "type") != Some("tool_use") {
        return;
    }
    let id = text(block, "id");
    let input = block.get("input").unwrap_or(&Value::Null);
    scribe.ask(id, setting, text(block, "name").unwrap_or_default(), input);
    if let (Some(id), Some(result)) = (id, block.get("result")) {
        scribe.settle(id, setting, outcome(result));
    }
}

fn outcome(result: &Value) -> Outcome {
    match text(result, "status") {
        Some("success") => Outcome::DONE,
        Some("error") => Outcome::Failed { has_run: true },
        Some("rejected" | "denied") => Outcome::REFUSED,
        Some(_) | None => Outcome::Unclear,
    }
}
