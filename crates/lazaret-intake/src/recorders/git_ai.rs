//! Reads Git AI's authorship logs, version 3: which lines of each file which session wrote.
//!
//! The format: <https://github.com/git-ai-project/git-ai/blob/main/specs/git_ai_standard_v3.0.0.md>. Above a line
//! `---` stand paths, each followed by indented entries of a key and ranges of lines; below it JSON explains the keys.
//! Lines under no key are lines of which the recorder saw nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use lazaret_core::{
    ObjectId, RecordedFile, RecordedSpan, RecordedTool, Recorder, Recording, RecordingFault, Span, Writer,
};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::json::{self, Name};
use super::{RecordingError, git_ai_early, path};

/// What the keys of known humans begin with.
const HUMAN_PREFIX: &str = "h_";

/// What early writers put for a person instead of a key.
const HUMAN_WORD: &str = "human";

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    schema_version: Name,
    /// Sessions by key; `prompts` is the older name.
    prompts: Option<BTreeMap<String, Session>>,
    sessions: Option<BTreeMap<String, Session>>,
    humans: Option<BTreeMap<String, IgnoredAny>>,
}

#[derive(Deserialize)]
struct Session {
    agent_id: Option<AgentId>,
}

#[derive(Deserialize)]
struct AgentId {
    #[serde(default)]
    tool: Name,
    #[serde(default)]
    id: Name,
    #[serde(default)]
    model: Name,
}

/// Reads the log that `record` holds about `commit`; logs of the versions before 3 too.
///
/// # Errors
/// [`RecordingError`] when it is no such log, is of a later version, or passes a limit.
pub fn parse(record: ObjectId, commit: ObjectId, log: &[u8]) -> Result<Recording, RecordingError> {
    json::check_size(log)?;
    if log.trim_ascii_start().starts_with(b"{") {
        return git_ai_early::parse(record, commit, log);
    }
    let (attested, metadata) = split(log).ok_or(RecordingError::NoMetadata)?;
    let metadata: Metadata = json::read(metadata)?;
    if let Some(version) = metadata.schema_version.as_str()
        && !version.starts_with("authorship/3.")
    {
        return Err(RecordingError::unknown_version(version));
    }
    let mut recording = Recording::new(Recorder::GitAi, record, commit);
    let mut keys = Keys::read(&metadata, &mut recording);
    read_attested(attested, &mut keys, &mut recording)?;
    recording.whole = keys.unused();
    Ok(recording)
}

/// Splits a log at its first line `---`.
fn split(log: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut start = 0;
    for line in log.split_inclusive(|byte| *byte == b'\n') {
        let end = start + line.len();
        if line.trim_ascii_end() == b"---" {
            return Some((log.get(..start)?, log.get(end..)?));
        }
        start = end;
    }
    None
}

/// The keys of a log and whom they stand for.
struct Keys {
    writers: FxHashMap<String, Writer>,
    used: FxHashSet<String>,
}

impl Keys {
    fn read(metadata: &Metadata, recording: &mut Recording) -> Self {
        let mut writers = FxHashMap::default();
        let sessions = [&metadata.prompts, &metadata.sessions];
        for (key, session) in sessions.into_iter().flatten().flatten() {
            let tool = match &session.agent_id {
                Some(agent) => json::tool(recording, &agent.tool, &agent.model, &agent.id),
                None => Arc::default(),
            };
            writers.insert(key.clone(), Writer::Tool(tool));
        }
        // The prefix says what a key is, not the table it was put into: a session must not pass for a person.
        writers.retain(|key, _| !key.starts_with(HUMAN_PREFIX));
        let humans = metadata.humans.iter().flatten().filter(|(key, _)| key.starts_with(HUMAN_PREFIX));
        writers.extend(humans.map(|(key, _)| (key.clone(), Writer::KnownHuman)));
        Self { writers, used: FxHashSet::default() }
    }

    /// Returns whom a key stands for. A log attests lines of sessions and of known humans and of nobody else, so a
    /// key that it does not explain is a session that is lost, unless it is written like a person's.
    fn writer(&mut self, key: &str, recording: &mut Recording) -> Writer {
        let name = key.split_once("::").map_or(key, |(session, _)| session);
        if let Some(writer) = self.writers.get(name) {
            if !self.used.contains(name) {
                self.used.insert(name.to_owned());
            }
            return writer.clone();
        }
        recording.fault(RecordingFault::UnresolvedKey);
        if name.starts_with(HUMAN_PREFIX) || name == HUMAN_WORD {
            return Writer::Unknown;
        }
        let session = (name.len() <= 100).then(|| name.to_owned());
        Writer::Tool(Arc::new(RecordedTool { tool: None, model: None, session }))
    }

    /// Returns the tools to which no line is given, in a stable order.
    fn unused(self) -> Vec<Writer> {
        let Self { writers, used } = self;
        let unused = writers.into_iter().filter(|(key, _)| !used.contains(key)).map(|(_, writer)| writer);
        let mut unused: Vec<_> = unused.filter(|writer| matches!(writer, Writer::Tool(_))).collect();
        unused.sort();
        unused
    }
}

fn read_attested(attested: &[u8], keys: &mut Keys, recording: &mut Recording) -> Result<(), RecordingError> {
    let mut n_spans = 0;
    // `None` before the first path and under a path that is none.
    let mut file: Option<RecordedFile> = None;
    let mut is_first = true;
    for line in attested.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.trim_ascii().is_empty() {
            continue;
        }
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            let spans = read_entry(line, keys, recording);
            n_spans += spans.len();
            json::check_spans(n_spans)?;
            match &mut file {
                Some(file) => file.spans.extend(spans),
                None if is_first => recording.fault(RecordingFault::MalformedEntry),
                None => {}
            }
            continue;
        }
        is_first = false;
        recording.files.extend(file.take());
        match path::in_tree(&unquoted(line)) {
            Ok(path) => file = Some(RecordedFile { path, spans: Vec::new() }),
            Err(fault) => recording.fault(fault),
        }
    }
    recording.files.extend(file);
    Ok(())
}

/// Reads `  key 3-9,12`; a range that cannot be read is a fault, and the others stay.
fn read_entry(line: &[u8], keys: &mut Keys, recording: &mut Recording) -> Vec<RecordedSpan> {
    let entry = std::str::from_utf8(line).ok().map(str::trim);
    let Some((key, ranges)) = entry.and_then(|entry| entry.split_once([' ', '\t'])) else {
        recording.fault(RecordingFault::MalformedEntry);
        return Vec::new();
    };
    let writer = keys.writer(key, recording);
    let mut spans = Vec::new();
    for range in ranges.split(',').map(str::trim) {
        let (start, end) = range.split_once('-').unwrap_or((range, range));
        let lines = start.parse().ok().zip(end.parse().ok());
        match lines.and_then(|(start, end)| ordered(start, end, recording)) {
            None => recording.fault(RecordingFault::MalformedEntry),
            lines => spans.push(RecordedSpan::new(lines, writer.clone())),
        }
    }
    spans
}

/// Returns the span between two lines, whichever comes first; `None` where one of them is 0.
pub(super) fn ordered(start: u32, end: u32, recording: &mut Recording) -> Option<Span> {
    if end < start {
        recording.fault(RecordingFault::ReversedRange);
    }
    Span::new(start.min(end), start.max(end)).ok()
}

/// Returns a path without its quotes and with its escapes resolved, as git quotes paths: `\"`, `\\`, `\t`, `\303`.
/// A backslash before anything else stands for itself, because some writers quote and do not escape.
fn unquoted(line: &[u8]) -> Vec<u8> {
    let line = line.trim_ascii_end();
    let Some(inner) = line.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")) else {
        return line.to_vec();
    };
    let mut path = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            path.push(byte);
            continue;
        }
        let (plain, n_taken) = match *after {
            [b'a', ..] => (7, 1),
            [b'b', ..] => (8, 1),
            [b't', ..] => (b'\t', 1),
            [b'n', ..] => (b'\n', 1),
            [b'v', ..] => (11, 1),
            [b'f', ..] => (12, 1),
            [b'r', ..] => (b'\r', 1),
            [quoted @ (b'"' | b'\\'), ..] => (quoted, 1),
            [high @ b'0'..=b'3', middle @ b'0'..=b'7', low @ b'0'..=b'7', ..] => {
                ((high - b'0') << 6 | (middle - b'0') << 3 | (low - b'0'), 3)
            }
            _ => (b'\\', 0),
        };
        path.push(plain);
        rest = after.get(n_taken..).unwrap_or_default();
    }
    path
}
