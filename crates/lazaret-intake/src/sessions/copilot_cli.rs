//! Reads Copilot CLI's events.

use serde_json::Value;

use super::calls::Outcome;
use super::fields::{list, named, text, time};
use super::report::UnreadKind;
use super::scribe::{Scribe, Setting};

/// Reads one event.
pub(super) fn read(event: &Value, setting: &mut Setting, scribe: &mut Scribe<'_>) {
    setting.at = time(event, "timestamp").or(setting.at);
    let data = event.get("data").unwrap_or(&Value::Null);
    match text(event, "type") {
        Some("session.start" | "session.resume") => remember_session(data, setting),
        Some("session.model_change") => setting.model = named(data, "newModel").or(setting.model.take()),
        Some("assistant.message") => {
            setting.model = named(data, "model").or(setting.model.take());
            for call in list(data, "toolRequests") {
                read_call(call, "name", setting, scribe);
            }
        }
        // The same call once more, when it begins.
        Some("tool.execution_start") => {
            setting.model = named(data, "model").or(setting.model.take());
            if !text(data, "toolCallId").is_some_and(|id| scribe.knows(setting, id)) {
                read_call(data, "toolName", setting, scribe);
            }
        }
        Some("tool.execution_complete") => {
            if let Some(id) = text(data, "toolCallId") {
                scribe.settle(id, setting, outcome(data));
            }
        }
        Some(kind) if is_silent(kind) => {}
        Some(_) | None => scribe.note(UnreadKind::UnknownRecord),
    }
}

fn is_silent(kind: &str) -> bool {
    ["session.", "user.", "assistant.", "system.", "hook.", "subagent.", "skill."]
        .iter()
        .any(|begin| kind.starts_with(begin))
        || matches!(
            kind,
            "abort" | "tool.execution_partial_result" | "tool.execution_progress" | "tool.user_requested"
        )
}

fn remember_session(data: &Value, setting: &mut Setting) {
    if let Some(session) = named(data, "sessionId") {
        setting.session = session;
    }
    setting.harness = named(data, "producer").or(setting.harness.take());
    setting.harness_version = named(data, "copilotVersion").or(setting.harness_version.take());
    setting.model = named(data, "selectedModel").or(setting.model.take());
    if let Some(context) = data.get("context") {
        setting.workspace.folder = named(context, "cwd");
        setting.workspace.repository = named(context, "repository");
        setting.workspace.commit = named(context, "headCommit");
        setting.workspace.branch = named(context, "branch");
    }
}

fn read_call(call: &Value, name: &str, setting: &Setting, scribe: &mut Scribe<'_>) {
    let input = call.get("arguments").unwrap_or(&Value::Null);
    scribe.ask(text(call, "toolCallId"), setting, text(call, name).unwrap_or_default(), input);
}

fn outcome(data: &Value) -> Outcome {
    let kind = data
        .get("result")
        .and_then(|result| text(result, "result_type").or_else(|| text(result, "resultType")));
    match (data.get("success").and_then(Value::as_bool), kind) {
        (Some(true), _) | (None, Some("success")) => Outcome::DONE,
        (_, Some("rejected" | "denied")) => Outcome::REFUSED,
        (Some(false), _) | (None, Some("failure" | "error")) => Outcome::Failed { has_run: true },
        (None, Some(_) | None) => Outcome::Unclear,
    }
}
