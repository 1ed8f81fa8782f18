//! Reads whogitit's notes, versions 2 and 3: every line of a file, with its content and where it comes from.
//!
//! The format: <https://github.com/dotsetlabs/whogitit/blob/main/docs/src/reference/data-formats.md>. Lines are hashed
//! while they are read; neither they nor the prompts beside them are kept.

use lazaret_core::{
    ObjectId, RecordedFile, RecordedSpan, RecordedText, Recorder, Recording, RecordingFault, Span, Writer,
};
use serde::{Deserialize, Deserializer};

use super::json::{self, Count, Hashed, Name};
use super::{RecordingError, path};

#[derive(Deserialize)]
struct Note {
    #[serde(default)]
    version: Count,
    session: Option<Session>,
    files: Vec<NotedFile>,
}

#[derive(Deserialize)]
struct Session {
    #[serde(default)]
    session_id: Name,
    model: Option<Model>,
}

#[derive(Deserialize)]
struct Model {
    #[serde(default)]
    id: Name,
}

#[derive(Deserialize)]
struct NotedFile {
    #[serde(default)]
    path: String,
    #[serde(default)]
    lines: Vec<Line>,
}

#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    line_number: Count,
    #[serde(default)]
    content: Hashed,
    source: Option<Source>,
}

/// Where a line comes from: an object with a `type`, or the type alone.
struct Source {
    kind: Name,
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Tagged {
                #[serde(rename = "type")]
                kind: Name,
            },
            Plain(Name),
        }
        Ok(match Written::deserialize(deserializer)? {
            Written::Tagged { kind } | Written::Plain(kind) => Self { kind },
        })
    }
}

/// Reads the note that `record` holds about `commit`.
///
/// # Errors
/// [`RecordingError`] when it is no such note, is of another version, or passes a limit.
pub fn parse(record: ObjectId, commit: ObjectId, note: &[u8]) -> Result<Recording, RecordingError> {
    let note: Note = json::read(note)?;
    match note.version.0 {
        Some(2 | 3) => {}
        Some(other) => return Err(RecordingError::unknown_version(&other.to_string())),
        None => return Err(RecordingError::unknown_version("")),
    }
    let mut recording = Recording::new(Recorder::Whogitit, record, commit);
    let absent = Name::Absent;
    let session = note.session.as_ref();
    let session_id = session.map_or(&absent, |session| &session.session_id);
    let model = session.and_then(|session| session.model.as_ref()).map_or(&absent, |model| &model.id);
    // The recorder watches one tool and does not write down which.
    let tool = json::tool(&mut recording, &absent, model, session_id);
    let writers = [Writer::Tool(tool.clone()), Writer::Mixed(tool), Writer::Unknown];
    let mut n_spans = 0;
    for file in &note.files {
        let path = match path::in_tree(file.path.as_bytes()) {
            Ok(path) => path,
            Err(fault) => {
                recording.fault(fault);
                continue;
            }
        };
        let spans = runs(&file.lines, &writers, &mut recording);
        n_spans += spans.len();
        json::check_spans(n_spans)?;
        recording.files.push(RecordedFile { path, spans });
    }
    Ok(recording)
}

/// Joins lines that follow each other and have the same writer. Lines that stood there before are left out.
fn runs(lines: &[Line], writers: &[Writer; 3], recording: &mut Recording) -> Vec<RecordedSpan> {
    let mut spans: Vec<RecordedSpan> = Vec::new();
    for line in lines {
        let kind = line.source.as_ref().and_then(|source| source.kind.as_str());
        let [tool, mixed, unknown] = writers;
        let writer = match kind {
            Some("AI") => tool,
            Some("AIModified") => mixed,
            // What the recorder calls a person's is what it saw no tool write.
            Some("Human" | "Unknown") => unknown,
            Some("Original") => continue,
            _ => {
                recording.fault(RecordingFault::UnknownContributor);
                unknown
            }
        };
        let Some(lines) = line.line_number.line().and_then(|number| Span::new(number, number).ok()) else {
            recording.fault(RecordingFault::MalformedEntry);
            continue;
        };
        match spans.last_mut().filter(|span| continues(span, lines, writer, line.content)) {
            Some(span) => {
                span.lines = span.lines.and_then(|before| Span::new(before.start(), lines.end()).ok());
                if let Some(text) = &mut span.text {
                    text.line_digests.extend(line.content.0);
                }
            }
            None => spans.push(RecordedSpan {
                lines: Some(lines),
                writer: writer.clone(),
                text: line
                    .content
                    .0
                    .map(|digest| Box::new(RecordedText { line_digests: vec![digest], content_hash: None })),
            }),
        }
    }
    spans
}

/// Whether a line follows on a span; all lines of a span have a digest, or none has.
fn continues(span: &RecordedSpan, line: Span, writer: &Writer, content: Hashed) -> bool {
    let follows = span.lines.is_some_and(|before| before.end().checked_add(1) == Some(line.start()));
    follows && span.writer == *writer && span.text.is_none() == content.0.is_none()
}
