//! Reads `OpenCode`'s message and part files, and its exported sessions.
//!
//! A part says what was done and names its message; the message says with which model, in which session and
//! where. Message files are therefore read before part files, as [`super::find_logs`] lists them.

use rustc_hash::FxHashMap;
use serde_json::Value;

use super::calls::{Outcome, key};
use super::fields::{list, named, text, time};
use super::input::understand;
use super::report::UnreadKind;
use super::scribe::{Scribe, Setting};

/// Bytes of messages that are remembered.
const MESSAGES_BYTES_MAX: usize = 64 << 20;

/// What message files say, for the files of their parts.
#[derive(Debug, Default)]
pub(super) struct Messages {
    settings: FxHashMap<u128, Setting>,
    bytes: usize,
}

impl Messages {
    fn remember(&mut self, id: &str, setting: Setting) -> bool {
        let bytes = self.bytes + setting.bytes();
        let has_room = bytes <= MESSAGES_BYTES_MAX;
        if has_room {
            self.bytes = bytes;
            self.settings.insert(key(&[id]), setting);
        }
        has_room
    }
}

/// Reads one message, part or exported session.
pub(super) fn read(record: &Value, setting: &mut Setting, messages: &mut Messages, scribe: &mut Scribe<'_>) {
    if let Some(info) = record.get("info") {
        remember_session(info, setting);
        for message in list(record, "messages") {
            let info = message.get("info").unwrap_or(&Value::Null);
            let spoken = of_message(info, setting);
            list(message, "parts").iter().for_each(|part| read_part(part, &spoken, scribe));
        }
    } else if text(record, "messageID").is_some() {
        let message = text(record, "messageID").and_then(|id| messages.settings.get(&key(&[id])));
        let mut setting = message.unwrap_or(setting).clone();
        if let Some(session) = named(record, "sessionID") {
            setting.session = session;
        }
        read_part(record, &setting, scribe);
    } else if let Some(id) = text(record, "id").filter(|_| record.get("role").is_some()) {
        if !messages.remember(id, of_message(record, setting)) {
            scribe.note(UnreadKind::OverLimit);
        }
    } else {
        scribe.note(UnreadKind::UnknownRecord);
    }
}

fn remember_session(info: &Value, setting: &mut Setting) {
    if let Some(session) = named(info, "id") {
        setting.session = session;
    }
    setting.harness_version = named(info, "version").or(setting.harness_version.take());
    setting.workspace.folder = named(info, "directory").or(setting.workspace.folder.take());
}

fn of_message(message: &Value, setting: &Setting) -> Setting {
    let mut setting = setting.clone();
    if let Some(session) = named(message, "sessionID") {
        setting.session = session;
    }
    setting.model = named(message, "modelID").or(setting.model);
    setting.at = message.get("time").and_then(|at| time(at, "created")).or(setting.at);
    let folder = message.get("path").and_then(|path| named(path, "cwd"));
    setting.workspace.folder = folder.or(setting.workspace.folder);
    setting
}

fn read_part(part: &Value, setting: &Setting, scribe: &mut Scribe<'_>) {
    match text(part, "type") {
        Some("tool") => {}
        Some(
            "text" | "reasoning" | "step-start" | "step-finish" | "snapshot" | "patch" | "file" | "agent"
            | "retry" | "compaction" | "subtask",
        ) => return,
        Some(_) | None => {
            scribe.note(UnreadKind::UnknownRecord);
            return;
        }
    }
    let state = part.get("state").unwrap_or(&Value::Null);
    let mut setting = setting.clone();
    setting.at = state.get("time").and_then(|at| time(at, "start")).or(setting.at);
    let name = text(part, "tool").unwrap_or_default();
    let mut asked = understand(name, state.get("input").unwrap_or(&Value::Null));
    if let [change] = asked.changes.as_mut_slice() {
        let diff = state.get("metadata").and_then(|metadata| metadata.get("filediff"));
        let before = diff.and_then(|diff| text(diff, "before"));
        change.file_before = before.map(|before| before.as_bytes().to_vec());
    }
    scribe.note_unread(&asked);
    let Some(id) = text(part, "callID").or_else(|| text(part, "id")) else {
        scribe.ask_for(None, &setting, asked);
        return;
    };
    let id = format!("{} {id}", setting.session);
    scribe.ask_for(Some(&id), &setting, asked);
    match text(state, "status") {
        Some("completed") => scribe.settle(&id, &setting, Outcome::DONE),
        Some("error") => scribe.settle(&id, &setting, Outcome::Failed { has_run: true }),
        Some(_) | None => {}
    }
}
