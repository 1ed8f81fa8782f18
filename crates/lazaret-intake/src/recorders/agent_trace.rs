//! Reads Agent Trace records, version 0.1: which lines of each file which conversation wrote.
//!
//! The format: <https://agent-trace.dev>. Where a record lies is left open; lines of `.agent-trace/traces.jsonl`, notes
//! and agentdiff's refs are read. Writers bend the format, and what they do is named where it is met below.

use std::sync::Arc;

use lazaret_core::{
    ObjectId, RecordedFile, RecordedSpan, RecordedText, Recorder, Recording, RecordingFault, RevisionMeaning,
    Span, Writer,
};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::git_ai::ordered;
use super::json::{self, Count, Name};
use super::{RecordingError, path};

#[derive(Deserialize)]
struct Trace {
    #[serde(default)]
    version: Name,
    #[serde(default)]
    vcs: Lenient<Vcs>,
    #[serde(default)]
    tool: Lenient<Tool>,
    files: Vec<TracedFile>,
    #[serde(default)]
    metadata: Lenient<Metadata>,
}

/// A part that may be of another shape without costing the record.
#[derive(Deserialize)]
#[serde(untagged)]
enum Lenient<T> {
    Given(T),
    Other(IgnoredAny),
}

impl<T> Default for Lenient<T> {
    fn default() -> Self {
        Self::Other(IgnoredAny)
    }
}

impl<T> Lenient<T> {
    fn given(&self) -> Option<&T> {
        if let Self::Given(part) = self { Some(part) } else { None }
    }
}

#[derive(Deserialize)]
struct Vcs {
    #[serde(default, rename = "type")]
    kind: Name,
    #[serde(default)]
    revision: Name,
}

#[derive(Deserialize)]
struct Tool {
    #[serde(default)]
    name: Name,
}

/// What writers add of their own; agentdiff nests it in some versions.
#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    session_id: Name,
    #[serde(default)]
    conversation_id: Name,
    #[serde(default)]
    agentdiff: Lenient<Nested>,
}

#[derive(Deserialize)]
struct Nested {
    #[serde(default)]
    session_id: Name,
}

#[derive(Deserialize)]
struct TracedFile {
    #[serde(default)]
    path: String,
    #[serde(default)]
    conversations: Vec<Conversation>,
}

#[derive(Deserialize)]
struct Conversation {
    contributor: Option<Contributor>,
    #[serde(default)]
    ranges: Vec<Range>,
}

#[derive(Deserialize)]
struct Contributor {
    #[serde(default, rename = "type")]
    kind: Name,
    #[serde(default)]
    model_id: Name,
}

/// A range; some writers leave out the `_line`.
#[derive(Deserialize)]
struct Range {
    #[serde(default)]
    start_line: Count,
    #[serde(default)]
    end_line: Count,
    #[serde(default)]
    start: Count,
    #[serde(default)]
    end: Count,
    #[serde(default)]
    content_hash: Name,
    contributor: Option<Contributor>,
}

/// Reads one record, as one line of a file gives it.
///
/// `noted` is the commit that a note stands on: it settles which commit is meant. Without it the record's own revision
/// counts; of Agent Trace's own writers it may be the parent, agentdiff stamps it after the commit.
///
/// # Errors
/// [`RecordingError`] when it is no such record, is of another version, names no commit, or passes a limit.
pub fn parse(
    recorder: Recorder,
    record: ObjectId,
    noted: Option<ObjectId>,
    trace: &[u8],
) -> Result<Recording, RecordingError> {
    read(recorder, record, noted, &json::read(trace)?)
}

/// Reads a note, which holds one record or several, each on as many lines as it likes.
///
/// What follows on the first one that is not JSON cannot be told apart and is refused with it.
pub fn parse_note(record: ObjectId, commit: ObjectId, note: &[u8]) -> Vec<Result<Recording, RecordingError>> {
    if let Err(error) = json::check_size(note) {
        return vec![Err(error)];
    }
    let mut recordings = Vec::new();
    for trace in serde_json::Deserializer::from_slice(note).into_iter::<Trace>() {
        let is_whole = trace.is_ok();
        let recording = trace.map_err(RecordingError::from);
        recordings.push(recording.and_then(|trace| read(Recorder::AgentTrace, record, Some(commit), &trace)));
        if !is_whole {
            break;
        }
    }
    if recordings.is_empty() {
        recordings.push(Err(RecordingError::NotJson { line: 1, column: 1 }));
    }
    recordings
}

fn read(
    recorder: Recorder,
    record: ObjectId,
    noted: Option<ObjectId>,
    trace: &Trace,
) -> Result<Recording, RecordingError> {
    if let Some(version) = trace.version.as_str()
        && !is_known(version)
    {
        return Err(RecordingError::unknown_version(version));
    }
    let commit = noted.or_else(|| revision(trace)).ok_or(RecordingError::NoCommit)?;
    let mut recording = Recording::new(recorder, record, commit);
    if noted.is_none() && recorder != Recorder::Agentdiff {
        recording.revision = RevisionMeaning::MaybeParent;
    }
    let mut n_spans = 0;
    for file in &trace.files {
        let path = match path::in_tree(file.path.as_bytes()) {
            Ok(path) => path,
            Err(fault) => {
                recording.fault(fault);
                continue;
            }
        };
        let mut spans = Vec::new();
        for conversation in &file.conversations {
            read_conversation(trace, conversation, &mut recording, &mut spans);
        }
        n_spans += spans.len();
        json::check_spans(n_spans)?;
        recording.files.push(RecordedFile { path, spans });
    }
    Ok(recording)
}

/// The format's own pattern wants 0.1 and the like; its reference writer puts 1.0.
fn is_known(version: &str) -> bool {
    version.starts_with("0.") || version == "1.0" || version.starts_with("1.0.")
}

fn revision(trace: &Trace) -> Option<ObjectId> {
    let vcs = trace.vcs.given()?;
    let is_git = vcs.kind.as_str().is_none_or(|kind| kind == "git");
    vcs.revision.as_str().filter(|_| is_git)?.parse().ok()
}

fn read_conversation(
    trace: &Trace,
    conversation: &Conversation,
    recording: &mut Recording,
    spans: &mut Vec<RecordedSpan>,
) {
    let own = conversation.contributor.as_ref();
    let own_writer = writer(trace, own, None, recording);
    let whole = || RecordedSpan::new(None, own_writer.clone());
    if conversation.ranges.is_empty() {
        spans.push(whole());
        return;
    }
    if recording.recorder == Recorder::AgentTrace && is_guess(&conversation.ranges) {
        recording.fault(RecordingFault::GuessedRange);
        spans.push(whole());
        return;
    }
    for range in &conversation.ranges {
        let writer = match &range.contributor {
            Some(contributor) => writer(trace, Some(contributor), own, recording),
            None => own_writer.clone(),
        };
        match lines(range, recording) {
            None => recording.fault(RecordingFault::MalformedEntry),
            lines => {
                let content_hash = range.content_hash.take(recording);
                let text = RecordedText { line_digests: Vec::new(), content_hash };
                let text = text.content_hash.is_some().then(|| Box::new(text));
                spans.push(RecordedSpan { lines, writer, text });
            }
        }
    }
}

/// The reference writer puts line 1 alone where it could not find out which lines were written.
fn is_guess(ranges: &[Range]) -> bool {
    let [range] = ranges else { return false };
    range.start_line.or(range.start) == Count(Some(1)) && range.end_line.or(range.end) == Count(Some(1))
}

fn lines(range: &Range, recording: &mut Recording) -> Option<Span> {
    let (start, end) = (range.start_line.or(range.start), range.end_line.or(range.end));
    ordered(start.line()?, end.line()?, recording)
}

/// Returns who a contributor is. `human` is no known human: writers put it where they saw no tool.
fn writer(
    trace: &Trace,
    contributor: Option<&Contributor>,
    around: Option<&Contributor>,
    recording: &mut Recording,
) -> Writer {
    let absent = Name::Absent;
    let given = |contributor: Option<&Contributor>| contributor.map_or(Name::Absent, |c| c.model_id.clone());
    let model = given(contributor);
    let model = if model == absent { given(around) } else { model };
    let tool = |recording: &mut Recording| {
        let name = trace.tool.given().map_or(&absent, |tool| &tool.name);
        let metadata = trace.metadata.given();
        let session = metadata.map_or(&absent, |metadata| {
            let nested = metadata.agentdiff.given().map_or(&absent, |nested| &nested.session_id);
            metadata.session_id.or(nested).or(&metadata.conversation_id)
        });
        json::tool(recording, name, &model, session)
    };
    match contributor.and_then(|contributor| contributor.kind.as_str()) {
        Some("ai") => {
            let tool = tool(recording);
            // Where agentdiff saw no tool, it has put the committer's name for one, and `ai`; never a model.
            match &tool.tool {
                Some(name) if recording.recorder == Recorder::Agentdiff && model == absent => {
                    Writer::Named(Arc::from(name.as_str()))
                }
                _ => Writer::Tool(tool),
            }
        }
        Some("mixed") => Writer::Mixed(tool(recording)),
        Some("human" | "unknown") => Writer::Unknown,
        kind => {
            recording.fault(RecordingFault::UnknownContributor);
            // A model is named, and people are none; a kind of a later version may mean anything.
            if kind.is_none() && model != Name::Absent {
                Writer::Tool(tool(recording))
            } else {
                Writer::Unknown
            }
        }
    }
}
