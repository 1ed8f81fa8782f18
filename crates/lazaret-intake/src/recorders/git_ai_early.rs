//! Reads Git AI's authorship logs from before version 3: JSON that names authors, people and tools alike.

use std::collections::BTreeMap;
use std::sync::Arc;

use lazaret_core::{ObjectId, RecordedFile, RecordedSpan, Recorder, Recording, RecordingFault, Span, Writer};
use serde::{Deserialize, Deserializer};

use super::git_ai::ordered;
use super::json::{self, Count, Name};
use super::{RecordingError, path};

#[derive(Deserialize)]
struct Log {
    #[serde(default)]
    schema_version: Name,
    files: BTreeMap<String, LogFile>,
}

#[derive(Deserialize)]
struct LogFile {
    #[serde(default)]
    authors: Vec<Author>,
}

#[derive(Deserialize)]
struct Author {
    #[serde(default)]
    author: Name,
    #[serde(default)]
    lines: Vec<Lines>,
    /// There for tools alone, and not always for them.
    agent_metadata: Option<AgentMetadata>,
}

#[derive(Deserialize)]
struct AgentMetadata {
    #[serde(default)]
    model: Name,
}

/// One line, or the first and the last.
enum Lines {
    Line(Count),
    Range(Vec<Count>),
}

impl<'de> Deserialize<'de> for Lines {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Range(Vec<Count>),
            Line(Count),
        }
        Ok(match Written::deserialize(deserializer)? {
            Written::Line(line) => Self::Line(line),
            Written::Range(ends) => Self::Range(ends),
        })
    }
}

/// Reads an early log.
pub(super) fn parse(record: ObjectId, commit: ObjectId, log: &[u8]) -> Result<Recording, RecordingError> {
    let log: Log = json::read(log)?;
    if let Some(version) = log.schema_version.as_str()
        && !version.starts_with("authorship/0.")
    {
        return Err(RecordingError::unknown_version(version));
    }
    let mut recording = Recording::new(Recorder::GitAi, record, commit);
    let mut n_spans = 0;
    for (name, file) in &log.files {
        let path = match path::in_tree(name.as_bytes()) {
            Ok(path) => path,
            Err(fault) => {
                recording.fault(fault);
                continue;
            }
        };
        let mut spans = Vec::new();
        for author in &file.authors {
            let writer = writer(author, &mut recording);
            for lines in &author.lines {
                match span(lines, &mut recording) {
                    None => recording.fault(RecordingFault::MalformedEntry),
                    lines => spans.push(RecordedSpan::new(lines, writer.clone())),
                }
            }
        }
        n_spans += spans.len();
        json::check_spans(n_spans)?;
        recording.files.push(RecordedFile { path, spans });
    }
    Ok(recording)
}

fn writer(author: &Author, recording: &mut Recording) -> Writer {
    if let Some(agent) = &author.agent_metadata {
        return Writer::Tool(json::tool(recording, &author.author, &agent.model, &Name::Absent));
    }
    author.author.take(recording).map_or(Writer::Unknown, |name| Writer::Named(Arc::from(name)))
}

fn span(lines: &Lines, recording: &mut Recording) -> Option<Span> {
    let (start, end) = match lines {
        Lines::Line(line) => (line, line),
        Lines::Range(ends) => match ends.as_slice() {
            [start, end] => (start, end),
            _ => return None,
        },
    };
    ordered(start.line()?, end.line()?, recording)
}
