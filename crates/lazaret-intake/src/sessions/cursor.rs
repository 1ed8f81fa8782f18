//! Reads Cursor's transcripts, which have calls without ids, times or results.

use serde_json::Value;

use super::claude_code::read_message;
use super::fields::text;
use super::report::UnreadKind;
use super::scribe::{Scribe, Setting};

/// Reads one line.
pub(super) fn read(line: &Value, setting: &mut Setting, scribe: &mut Scribe<'_>) {
    match text(line, "role") {
        Some("assistant") => read_message(line, setting, scribe),
        Some("user" | "system") => {}
        Some(_) | None => scribe.note(UnreadKind::UnknownRecord),
    }
}
