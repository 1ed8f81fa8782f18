//! Reads Amp's threads: one document each.

use serde_json::Value;

use super::calls::Outcome;
use super::fields::{list, name, named, text, time, without_credentials};
use super::report::UnreadKind;
use super::scribe::{Scribe, Setting};

/// Reads one thread.
pub(super) fn read(thread: &Value, setting: &mut Setting, scribe: &mut Scribe<'_>) {
    if thread.get("messages").is_none() {
        scribe.note(UnreadKind::UnknownRecord);
        return;
    }
    if let Some(id) = named(thread, "id") {
        setting.session = id;
    }
    setting.at = time(thread, "created");
    if let Some(start) = thread.get("env").and_then(|env| env.get("initial")) {
        remember_start(start, setting);
    }
    for message in list(thread, "messages") {
        read_message(message, setting, scribe);
    }
}

fn remember_start(start: &Value, setting: &mut Setting) {
    if let Some(platform) = start.get("platform") {
        setting.harness = named(platform, "client");
        setting.harness_version = named(platform, "clientVersion");
    }
    if let Some(tree) = list(start, "trees").first() {
        let folder = named(tree, "uri").map(|uri| uri.strip_prefix("file://").unwrap_or(&uri).to_owned());
        setting.workspace.folder = folder;
        if let Some(repository) = tree.get("repository") {
            setting.workspace.repository = named(repository, "url").map(without_credentials);
            setting.workspace.commit = named(repository, "sha");
            setting.workspace.branch = named(repository, "ref")
                .map(|name| name.strip_prefix("refs/heads/").unwrap_or(&name).to_owned());
        }
    }
    let tags = list(start, "tags").iter().filter_map(Value::as_str);
    let mut models = tags.filter_map(|tag| tag.strip_prefix("model:"));
    setting.model = models.next().and_then(name);
}

fn read_message(message: &Value, setting: &mut Setting, scribe: &mut Scribe<'_>) {
    if let Some(usage) = message.get("usage") {
        setting.model = named(usage, "model").or(setting.model.take());
        setting.at = time(usage, "timestamp").or(setting.at);
    } else if let Some(meta) = message.get("meta") {
        setting.at = time(meta, "sentAt").or(setting.at);
    }
    for block in list(message, "content") {
        match text(block, "type") {
            Some("tool_use") => {
                let input = block.get("input").unwrap_or(&Value::Null);
                scribe.ask(text(block, "id"), setting, text(block, "name").unwrap_or_default(), input);
            }
            Some("tool_result") => {
                if let Some(id) = text(block, "toolUseID") {
                    let status = block.get("run").and_then(|run| text(run, "status"));
                    settle(id, status, setting, scribe);
                }
            }
            Some(_) | None => {}
        }
    }
}

fn settle(id: &str, status: Option<&str>, setting: &Setting, scribe: &mut Scribe<'_>) {
    match status {
        Some("done") => scribe.settle(id, setting, Outcome::DONE),
        Some("error") => scribe.settle(id, setting, Outcome::Failed { has_run: true }),
        Some("cancelled" | "rejected-by-user" | "blocked-on-user") => {
            scribe.settle(id, setting, Outcome::REFUSED);
        }
        Some(_) | None => {}
    }
}
