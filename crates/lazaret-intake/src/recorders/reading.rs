//! Walks the places where records lie, hands each to its parser, and keeps count of what was refused.

use std::rc::Rc;

use lazaret_core::{EntryKind, ObjectId, RecordedTool, Recorder, Recording};
use rustc_hash::{FxHashMap, FxHashSet};

use super::entire::{self, CheckpointSession, TranscriptRef};
use super::json::SPANS_MAX;
use super::place::{Place, TRACES_PATH};
use super::{RecordingError, Recordings, RefusedRecord, UnreadPlace};
use super::{agent_trace, agentnote, git_ai, whogitit};
use crate::git::{
    ListedEntry, ObjectKind, ObjectReader, RawCommit, ReadObjectError, TreeError, find_entry, list_tree,
};

/// All records together may give so many runs of lines; the largest repository met gives 1.1 million.
const ALL_SPANS_MAX: usize = SPANS_MAX * 8;

/// So many records are read, refused ones included. A tree of a few kilobytes can name any number of them.
const RECORDS_MAX: u64 = 1 << 21;

/// All records together may be so many bytes. A few blobs under very many names cost nothing to store.
const ALL_BYTES_MAX: usize = 1 << 33;

/// The file that describes a checkpoint or a session of one.
const METADATA_NAME: &str = "metadata.json";

/// A walk over all places.
pub(super) struct Reading<'r, 'a> {
    reader: &'r mut ObjectReader<'a>,
    found: Recordings,
    /// Records by recorder, commit and blob: several refs may hold the same one.
    seen: FxHashSet<(Recorder, ObjectId, ObjectId)>,
    /// Sessions by checkpoint and blob.
    seen_sessions: FxHashSet<(String, ObjectId)>,
    n_spans: usize,
    n_bytes: usize,
}

/// Where a record was met.
#[derive(Clone, Copy)]
struct Met<'p> {
    place: &'p str,
    object: ObjectId,
    line: Option<u32>,
    commit: Option<ObjectId>,
}

/// The blob of a note, and the commit it is a note on.
type Note = (ObjectId, ObjectId);

/// What a note says, and how long it is.
struct ParsedNote {
    n_bytes: usize,
    recordings: Vec<Result<Recording, RecordingError>>,
}

impl ParsedNote {
    fn of(recorder: Recorder, (object, commit): Note, text: &[u8]) -> Self {
        let recordings = match recorder {
            Recorder::AgentTrace | Recorder::Agentdiff => agent_trace::parse_note(object, commit, text),
            Recorder::Agentnote => vec![agentnote::parse(object, commit, text)],
            Recorder::Whogitit => vec![whogitit::parse(object, commit, text)],
            // Entire keeps no notes: no place leads here with it.
            Recorder::GitAi | Recorder::Entire => vec![git_ai::parse(object, commit, text)],
        };
        Self { n_bytes: text.len(), recordings }
    }
}

impl<'r, 'a> Reading<'r, 'a> {
    pub(super) fn new(reader: &'r mut ObjectReader<'a>) -> Self {
        let (seen, seen_sessions) = (FxHashSet::default(), FxHashSet::default());
        Self { reader, found: Recordings::default(), seen, seen_sessions, n_spans: 0, n_bytes: 0 }
    }

    pub(super) fn finish(self) -> Recordings {
        self.found
    }

    /// Reads what a ref holds.
    pub(super) fn git_ref(&mut self, place: &Place, name: &str, target: ObjectId) {
        match place {
            Place::Note(commit) => self.note(Recorder::GitAi, name, (target, *commit), None),
            Place::Notes(recorder) => self.notes(*recorder, name, target),
            Place::Traces => self.agentdiff(name, target),
            Place::Checkpoints => self.checkpoints(name, target, None),
            Place::Checkpoint(id) => self.checkpoints(name, target, Some(id)),
        }
    }

    /// Reads the records in the tree of a commit.
    pub(super) fn tree_of(&mut self, commit: ObjectId) {
        let entry = self.tree(commit).and_then(|tree| match tree {
            Some(tree) => find_entry(self.reader, tree, TRACES_PATH.as_bytes()),
            None => Err(ReadObjectError::Corrupt { id: commit }.into()),
        });
        match entry {
            Ok(Some(entry)) if entry.kind == EntryKind::File => {
                self.traces(Recorder::AgentTrace, TRACES_PATH, entry.id);
            }
            Ok(_) => {}
            Err(why) => self.unread(TRACES_PATH, why.into()),
        }
    }

    /// Returns the tree that a ref's target leads to; `None` where it is a blob.
    fn tree(&mut self, target: ObjectId) -> Result<Option<ObjectId>, TreeError> {
        let object = self.reader.read(&target)?;
        match object.kind {
            ObjectKind::Tree => Ok(Some(target)),
            ObjectKind::Commit => {
                let commit = RawCommit::parse(&object.data);
                Ok(Some(commit.ok_or(ReadObjectError::Corrupt { id: target })?.tree))
            }
            // Nobody tags notes.
            ObjectKind::Blob | ObjectKind::Tag => Ok(None),
        }
    }

    fn files(&mut self, place: &str, target: ObjectId) -> Vec<ListedEntry> {
        let (files, why) = match self.tree(target) {
            Ok(Some(tree)) => list_tree(self.reader, tree),
            Ok(None) => (Vec::new(), Some(TreeError::Malformed { id: target })),
            Err(why) => (Vec::new(), Some(why)),
        };
        if let Some(why) = why {
            self.unread(place, why.into());
        }
        files
    }

    fn notes(&mut self, recorder: Recorder, place: &str, target: ObjectId) {
        let files = self.files(place, target);
        let mut ahead = self.parse_ahead(recorder, &files);
        for file in files {
            if self.is_full(place) {
                return;
            }
            let object = file.entry.id;
            match noted(&file) {
                Some(commit) => {
                    let parsed = ahead.remove(&(object, commit));
                    self.note(recorder, place, (object, commit), parsed);
                }
                None => {
                    self.found.n_records += 1;
                    let met = Met { place, object, line: None, commit: None };
                    self.refuse(met, RecordingError::NotANote);
                }
            }
        }
    }

    /// Parses notes in the order in which their blobs lie in the packs.
    ///
    /// Returns none where together they would go over a limit: which of them are refused then must not depend on how
    /// the repository is packed.
    fn parse_ahead(&mut self, recorder: Recorder, files: &[ListedEntry]) -> FxHashMap<Note, ParsedNote> {
        let notes = files.iter().filter_map(|file| Some((file.entry.id, noted(file)?)));
        let is_new = |&(object, commit): &Note| !self.seen.contains(&(recorder, commit, object));
        let mut notes: Vec<Note> = notes.filter(is_new).collect();
        notes.sort_by_cached_key(|(object, _)| self.reader.place(object));
        let mut ahead = FxHashMap::default();
        let (mut n_bytes, mut n_spans) = (self.n_bytes, self.n_spans);
        for (object, commit) in notes {
            // What cannot be read is refused when it is its turn.
            let Ok(text) = self.reader.read_as(&object, ObjectKind::Blob) else { continue };
            let parsed = ParsedNote::of(recorder, (object, commit), &text);
            n_bytes = n_bytes.saturating_add(parsed.n_bytes);
            n_spans += parsed.recordings.iter().flatten().map(n_spans_of).sum::<usize>();
            if n_bytes > ALL_BYTES_MAX || n_spans > ALL_SPANS_MAX {
                return FxHashMap::default();
            }
            ahead.insert((object, commit), parsed);
        }
        ahead
    }

    fn note(&mut self, recorder: Recorder, place: &str, (object, commit): Note, ahead: Option<ParsedNote>) {
        if !self.seen.insert((recorder, commit, object)) {
            return;
        }
        let met = Met { place, object, line: None, commit: Some(commit) };
        let parsed = match ahead {
            Some(parsed) => {
                self.found.n_records += 1;
                self.n_bytes = self.n_bytes.saturating_add(parsed.n_bytes);
                parsed
            }
            None => {
                let Some(text) = self.record(met) else { return };
                ParsedNote::of(recorder, (object, commit), &text)
            }
        };
        self.found.n_records += parsed.recordings.len().saturating_sub(1) as u64;
        parsed.recordings.into_iter().for_each(|recording| self.take(met, recording));
    }

    /// Agentdiff's ref leads to a tree with one file, or to that file itself.
    fn agentdiff(&mut self, place: &str, target: ObjectId) {
        if let Ok(None) = self.tree(target) {
            return self.traces(Recorder::Agentdiff, place, target);
        }
        for file in self.files(place, target) {
            if file.entry.kind == EntryKind::File && file.path.ends_with(b".jsonl") {
                self.traces(Recorder::Agentdiff, place, file.entry.id);
            }
        }
    }

    fn traces(&mut self, recorder: Recorder, place: &str, object: ObjectId) {
        if !self.seen.insert((recorder, object, object)) {
            return;
        }
        let met = Met { place, object, line: None, commit: None };
        let Some(traces) = self.record(met) else { return };
        // The file was counted as one record; its lines are what counts.
        self.found.n_records -= 1;
        for (at, trace) in traces.split(|byte| *byte == b'\n').enumerate() {
            if trace.trim_ascii().is_empty() {
                continue;
            }
            if self.is_full(place) {
                return;
            }
            self.found.n_records += 1;
            let line = u32::try_from(at + 1).ok();
            self.take(Met { line, ..met }, agent_trace::parse(recorder, object, None, trace));
        }
    }

    /// Reads checkpoints out of `<two letters>/<the rest>/<session>/…`, or one whose ref names it out of `<session>/…`.
    fn checkpoints(&mut self, place: &str, target: ObjectId, id: Option<&str>) {
        let files = self.files(place, target);
        let text = |file: &ListedEntry| {
            let is_file = file.entry.kind == EntryKind::File;
            is_file.then(|| String::from_utf8(file.path.clone()).ok()).flatten()
        };
        let named: Vec<_> = files.iter().filter_map(|file| Some((text(file)?, file.entry.id))).collect();
        let mut logs: FxHashMap<&str, Vec<(&str, ObjectId)>> = FxHashMap::default();
        for (path, object) in &named {
            let (folder, name) = split(path);
            if entire::is_transcript(name) {
                logs.entry(folder).or_default().push((name, *object));
            }
        }
        for (path, object) in &named {
            let (folder, name) = split(path);
            let Some(id) = checkpoint_id(folder, id).filter(|_| name == METADATA_NAME) else { continue };
            if self.is_full(place) {
                return;
            }
            if !self.seen_sessions.insert((id.clone(), *object)) {
                continue;
            }
            let met = Met { place, object: *object, line: None, commit: None };
            let Some(metadata) = self.record(met) else { continue };
            match entire::parse_session(*object, &metadata) {
                // What describes the checkpoint as a whole names no session.
                Ok(session) if *session.tool == RecordedTool::default() => {
                    self.found.n_records -= 1;
                }
                Ok(mut session) => {
                    session.transcripts = transcripts(logs.get(folder), &session);
                    self.found.checkpoints.push(&id, session);
                }
                Err(reason) => self.refuse(met, reason),
            }
        }
    }

    /// Whether there are too many records to go on; the place is then named as read in part.
    fn is_full(&mut self, place: &str) -> bool {
        let is_full = self.found.n_records >= RECORDS_MAX;
        if is_full {
            let max = usize::try_from(RECORDS_MAX).unwrap_or(usize::MAX);
            self.unread(place, RecordingError::OverLimit { what: "records", max });
        }
        is_full
    }

    /// Counts a record and reads its blob; refuses it where that cannot be done. Parsers check the size.
    fn record(&mut self, met: Met<'_>) -> Option<Rc<Vec<u8>>> {
        self.found.n_records += 1;
        let data = self.reader.read_as(&met.object, ObjectKind::Blob).map_err(RecordingError::from);
        self.n_bytes = self.n_bytes.saturating_add(data.as_ref().map_or(0, |data| data.len()));
        let over_limit = RecordingError::OverLimit { what: "bytes of records", max: ALL_BYTES_MAX };
        match data {
            Ok(data) if self.n_bytes <= ALL_BYTES_MAX => Some(data),
            Ok(_) => {
                self.refuse(met, over_limit);
                None
            }
            Err(reason) => {
                self.refuse(met, reason);
                None
            }
        }
    }

    fn take(&mut self, met: Met<'_>, recording: Result<Recording, RecordingError>) {
        let recording = recording.and_then(|recording| {
            self.n_spans += n_spans_of(&recording);
            let what = "runs of lines in all records";
            let over_limit = RecordingError::OverLimit { what, max: ALL_SPANS_MAX };
            if self.n_spans > ALL_SPANS_MAX { Err(over_limit) } else { Ok(recording) }
        });
        match recording {
            Ok(recording) => self.found.recordings.push(recording),
            Err(reason) => self.refuse(met, reason),
        }
    }

    fn unread(&mut self, place: &str, why: RecordingError) {
        self.found.unread.push(UnreadPlace { place: place.to_owned(), why });
    }

    fn refuse(&mut self, met: Met<'_>, reason: RecordingError) {
        let Met { place, object, line, commit } = met;
        self.found.refused.push(RefusedRecord { place: place.to_owned(), object, line, commit, reason });
    }
}

fn n_spans_of(recording: &Recording) -> usize {
    recording.files.iter().map(|file| file.spans.len()).sum()
}

/// Returns the object that a file of a tree of notes is named by. git spreads notes over folders of two digits each.
fn noted(file: &ListedEntry) -> Option<ObjectId> {
    let path = std::str::from_utf8(&file.path).ok().filter(|_| file.entry.kind == EntryKind::File)?;
    let (folders, _) = path.rsplit_once('/').unwrap_or(("", path));
    let is_spread = folders.is_empty() || folders.split('/').all(|folder| folder.len() == 2);
    is_spread.then(|| path.replace('/', "").parse().ok()).flatten()
}

/// Returns the checkpoint that a folder belongs to: `a3/b2c4d5e6f7/0`, or `0` where the ref names it.
fn checkpoint_id(folder: &str, named: Option<&str>) -> Option<String> {
    let is_session = |part: &str| part.is_empty() || part.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(id) = named {
        return is_session(folder).then(|| id.to_owned());
    }
    let mut parts = folder.splitn(3, '/');
    let (shard, rest) = (parts.next()?, parts.next()?);
    let id = format!("{shard}{rest}");
    let is_own = shard.len() == 2 && is_session(parts.next().unwrap_or_default());
    (is_own && entire::is_checkpoint_id(&id)).then_some(id)
}

/// Splits a path into its folder and its name.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// Returns the logs that lie beside a session's metadata.
fn transcripts(beside: Option<&Vec<(&str, ObjectId)>>, session: &CheckpointSession) -> Vec<TranscriptRef> {
    let agent = &session.tool.tool;
    let logs = beside.into_iter().flatten();
    logs.map(|&(name, object)| TranscriptRef { object, name: name.to_owned(), agent: agent.clone() })
        .collect()
}
