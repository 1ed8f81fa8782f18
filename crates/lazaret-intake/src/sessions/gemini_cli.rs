//! Reads Gemini CLI's chats: one document, or one message to a line.

use serde_json::Value;

use super::calls::Outcome;
use super::fields::{list, named, text, time};
use super::input::understand;
use super::report::UnreadKind;
use super::scribe::{Scribe, Setting};

/// Reads one document or line.
pub(super) fn read(record: &Value, setting: &mut Setting, scribe: &mut Scribe<'_>) {
    if let Some(session) = named(record, "sessionId") {
        setting.session = session;
    }
    let changes = record.get("$set").unwrap_or(record);
    let messages = list(changes, "messages");
    if !messages.is_empty() {
        messages.iter().for_each(|message| read_message(message, setting, scribe));
    } else if record.get("type").is_some() {
        read_message(record, setting, scribe);
    } else if !["$set", "$rewindTo", "sessionId", "projectHash"].iter().any(|key| record.get(key).is_some()) {
        scribe.note(UnreadKind::UnknownRecord);
    }
}

fn read_message(message: &Value, setting: &mut Setting, scribe: &mut Scribe<'_>) {
    match text(message, "type") {
        Some("gemini") => {}
        Some("user" | "info" | "error" | "warning") => return,
        Some(_) | None => {
            scribe.note(UnreadKind::UnknownRecord);
            return;
        }
    }
    setting.model = named(message, "model").or(setting.model.take());
    for call in list(message, "toolCalls") {
        setting.at = time(call, "timestamp").or_else(|| time(message, "timestamp")).or(setting.at);
        read_call(call, setting, scribe);
    }
}

fn read_call(call: &Value, setting: &Setting, scribe: &mut Scribe<'_>) {
    let name = text(call, "name").unwrap_or_default();
    let input = call.get("args").unwrap_or(&Value::Null);
    let Some(id) = text(call, "id") else {
        scribe.ask(None, setting, name, input);
        return;
    };
    // Ids are made of the tool's name and the time, and are peculiar to the session only.
    let id = format!("{} {id}", setting.session);
    let mut asked = understand(name, input);
    if let [change] = asked.changes.as_mut_slice() {
        let before = call.get("resultDisplay").and_then(|display| text(display, "originalContent"));
        change.file_before = before.map(|before| before.as_bytes().to_vec());
    }
    scribe.note_unread(&asked);
    scribe.ask_for(Some(&id), setting, asked);
    match text(call, "status") {
        Some("success") => scribe.settle(&id, setting, Outcome::DONE),
        Some("error") => scribe.settle(&id, setting, Outcome::Failed { has_run: true }),
        Some("cancelled") => scribe.settle(&id, setting, Outcome::REFUSED),
        // Not ended yet: a later line may repeat the message with its end.
        Some(_) | None => {}
    }
}
