//! Reads Agentnote's notes, version 1: which files a tool wrote in a commit, and how many lines, but not which.
//!
//! The format: <https://github.com/wasabeef/AgentNote>. What was asked and answered stands in the note too and is not
//! read.

use lazaret_core::{ObjectId, RecordedFile, RecordedSpan, Recorder, Recording, Writer};
use serde::Deserialize;

use super::json::{self, Count, Flag, Name};
use super::{RecordingError, path};

#[derive(Deserialize)]
struct Note {
    #[serde(default)]
    v: Count,
    #[serde(default)]
    agent: Name,
    #[serde(default)]
    session_id: Name,
    #[serde(default)]
    model: Name,
    files: Option<Vec<NotedFile>>,
    attribution: Option<Attribution>,
}

#[derive(Deserialize)]
struct NotedFile {
    #[serde(default)]
    path: String,
    #[serde(default)]
    by_ai: Flag,
}

#[derive(Deserialize)]
struct Attribution {
    lines: Option<Lines>,
}

#[derive(Deserialize)]
struct Lines {
    #[serde(default)]
    ai_added: Count,
}

/// Reads the note that `record` holds about `commit`.
///
/// # Errors
/// [`RecordingError`] when it is no such note or of another version.
pub fn parse(record: ObjectId, commit: ObjectId, note: &[u8]) -> Result<Recording, RecordingError> {
    let note: Note = json::read(note)?;
    if let Some(version) = note.v.0.filter(|version| *version != 1) {
        return Err(RecordingError::unknown_version(&version.to_string()));
    }
    let mut recording = Recording::new(Recorder::Agentnote, record, commit);
    let tool = Writer::Tool(json::tool(&mut recording, &note.agent, &note.model, &note.session_id));
    let files = note.files.unwrap_or_default();
    if files.is_empty() {
        recording.whole.push(tool.clone());
    }
    for file in files.iter().filter(|file| file.by_ai.0 == Some(true)) {
        match path::in_tree(file.path.as_bytes()) {
            Ok(path) => {
                let spans = vec![RecordedSpan::new(None, tool.clone())];
                recording.files.push(RecordedFile { path, spans });
            }
            Err(fault) => recording.fault(fault),
        }
    }
    let lines = note.attribution.and_then(|attribution| attribution.lines);
    recording.tool_lines = lines.and_then(|lines| lines.ai_added.0);
    Ok(recording)
}
