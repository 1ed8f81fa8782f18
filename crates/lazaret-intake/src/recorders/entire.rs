//! Reads Entire's checkpoints: which sessions stood behind a commit, which files they touched, where their logs lie.
//!
//! The format: <https://docs.entire.io>. A checkpoint is a folder with one numbered folder for every session; it lies on
//! a branch for all checkpoints or under a ref of its own, and commits name it in a trailer. A session's files are those
//! it touched; that it wrote all of their lines is not said.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lazaret_core::{
    ObjectId, RecordedFile, RecordedSpan, RecordedTool, Recorder, Recording, RecordingFault, RevisionMeaning,
    Writer,
};
use serde::Deserialize;

use super::json::{self, Count, Name};
use super::{RecordingError, path};

/// The trailers that a checkpoint's commit bears.
const CHECKPOINT_KEY: &str = "entire-checkpoint";
const AGENT_KEY: &str = "entire-agent";
const SESSION_KEY: &str = "entire-session";
const ATTRIBUTION_KEY: &str = "entire-attribution";

/// Beginnings of the names under which a session's log lies; large logs are cut into numbered pieces.
const TRANSCRIPT_NAMES: [&str; 2] = ["full.json", "transcript.json"];

/// The log of a session, for those who read logs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TranscriptRef {
    /// The blob.
    pub object: ObjectId,
    /// The name of the file.
    pub name: String,
    /// The tool whose log it is, as the recorder spells it: it says in which format.
    pub agent: Option<String>,
}

/// One session of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointSession {
    /// The blob that says so.
    pub record: ObjectId,
    /// The tool, its model and the session, as the recorder spells them.
    pub tool: Arc<RecordedTool>,
    /// The files it touched.
    pub files: Vec<Vec<u8>>,
    /// How many lines of the commit the recorder counts as the tool's.
    pub tool_lines: Option<u64>,
    /// Its logs.
    pub transcripts: Vec<TranscriptRef>,
    /// What could not be taken as it stands, counted.
    pub faults: BTreeMap<RecordingFault, u64>,
}

/// All checkpoints of a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checkpoints {
    sessions: BTreeMap<String, Vec<CheckpointSession>>,
}

#[derive(Deserialize)]
struct SessionMetadata {
    #[serde(default)]
    session_id: Name,
    #[serde(default)]
    agent: Name,
    #[serde(default)]
    model: Name,
    files_touched: Option<Vec<String>>,
    initial_attribution: Option<Attribution>,
}

#[derive(Deserialize)]
struct Attribution {
    #[serde(default)]
    agent_lines: Count,
}

/// Reads a session's metadata.
///
/// # Errors
/// [`RecordingError`] when it is no such metadata.
pub fn parse_session(record: ObjectId, metadata: &[u8]) -> Result<CheckpointSession, RecordingError> {
    let metadata: SessionMetadata = json::read(metadata)?;
    let mut faults = Recording::new(Recorder::Entire, record, record);
    let tool = json::tool(&mut faults, &metadata.agent, &metadata.model, &metadata.session_id);
    let mut files = BTreeSet::new();
    for touched in metadata.files_touched.iter().flatten() {
        match path::in_tree(touched.as_bytes()) {
            Ok(path) => drop(files.insert(path)),
            Err(fault) => faults.fault(fault),
        }
    }
    Ok(CheckpointSession {
        record,
        tool,
        files: files.into_iter().collect(),
        tool_lines: metadata.initial_attribution.and_then(|attribution| attribution.agent_lines.0),
        transcripts: Vec::new(),
        faults: faults.faults,
    })
}

/// Whether a file of a session's folder is its log.
pub(super) fn is_transcript(name: &str) -> bool {
    TRANSCRIPT_NAMES.iter().any(|beginning| name.starts_with(beginning))
}

impl Checkpoints {
    pub(super) fn push(&mut self, id: &str, session: CheckpointSession) {
        let sessions = self.sessions.entry(id.to_owned()).or_default();
        if !sessions.contains(&session) {
            sessions.push(session);
        }
    }

    /// The ids of all checkpoints with their sessions, by id.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[CheckpointSession])> {
        self.sessions.iter().map(|(id, sessions)| (id.as_str(), sessions.as_slice()))
    }

    /// How many checkpoints there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sessions.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// What the checkpoints say of a commit that names them in its message.
    ///
    /// The message's last paragraph has authority where it is a block of trailers; a trailer anywhere else may have
    /// been put there by anybody whose text was quoted, so it leads to a recording that is merely
    /// [`RevisionMeaning::Mentioned`]. A checkpoint that is not at hand leaves what the trailers themselves say.
    #[must_use]
    pub fn link(&self, commit: ObjectId, message: &[u8]) -> Vec<Recording> {
        let trailers = Trailers::read(message);
        let mut recordings = Vec::new();
        for (id, revision) in &trailers.checkpoints {
            let sessions = self.sessions.get(id).map(Vec::as_slice).unwrap_or_default();
            if sessions.is_empty() {
                recordings.push(trailers.recording(commit, *revision));
            }
            recordings.extend(sessions.iter().map(|session| session.recording(commit, *revision)));
        }
        recordings
    }
}

impl CheckpointSession {
    fn recording(&self, commit: ObjectId, revision: RevisionMeaning) -> Recording {
        let writer = Writer::Tool(Arc::clone(&self.tool));
        let mut recording = Recording::new(Recorder::Entire, self.record, commit);
        recording.revision = revision;
        recording.tool_lines = self.tool_lines;
        recording.faults.clone_from(&self.faults);
        recording.files = self.files.iter().map(|path| touched(path, &writer)).collect();
        if self.files.is_empty() {
            recording.whole.push(writer);
        }
        recording
    }
}

fn touched(path: &[u8], writer: &Writer) -> RecordedFile {
    RecordedFile { path: path.to_vec(), spans: vec![RecordedSpan::new(None, writer.clone())] }
}

/// What the trailers of a message say.
#[derive(Debug, Default)]
struct Trailers {
    checkpoints: BTreeMap<String, RevisionMeaning>,
    agent: Option<String>,
    session: Option<String>,
    agent_lines: Option<u64>,
}

impl Trailers {
    fn read(message: &[u8]) -> Self {
        let message = String::from_utf8_lossy(message);
        let lines: Vec<&str> = message.trim_end().lines().collect();
        // A message of one paragraph is a subject.
        let last = lines.iter().rposition(|line| line.trim().is_empty()).unwrap_or(lines.len());
        let (body, last_paragraph) = lines.split_at(last);
        let is_block = last_paragraph.iter().skip(1).all(|line| is_trailer_line(line));
        let mut trailers = Self::default();
        for (lines, stands) in [(last_paragraph, is_block), (body, false)] {
            for (key, value) in lines.iter().filter_map(|line| line.trim().split_once(':')) {
                trailers.trailer(key, value.trim(), stands);
            }
        }
        trailers
    }

    fn trailer(&mut self, key: &str, value: &str, stands: bool) {
        let is = |wanted: &str| key.eq_ignore_ascii_case(wanted);
        let is_name = !value.is_empty() && value.len() <= 200;
        if is(CHECKPOINT_KEY) && is_checkpoint_id(value) {
            let revision = if stands { RevisionMeaning::Commit } else { RevisionMeaning::Mentioned };
            self.checkpoints.entry(value.to_owned()).or_insert(revision);
        } else if stands && is(AGENT_KEY) && is_name {
            self.agent = Some(value.to_owned());
        } else if stands && is(SESSION_KEY) && is_name {
            self.session = Some(value.to_owned());
        } else if stands && is(ATTRIBUTION_KEY) {
            self.agent_lines = attributed_lines(value);
        }
    }

    /// What is left where the checkpoint is not at hand.
    fn recording(&self, commit: ObjectId, revision: RevisionMeaning) -> Recording {
        let mut recording = Recording::new(Recorder::Entire, commit, commit);
        recording.revision = revision;
        recording.tool_lines = self.agent_lines;
        recording.fault(RecordingFault::AbsentCheckpoint);
        let (tool, session) = (self.agent.clone(), self.session.clone());
        recording.whole.push(Writer::Tool(Arc::new(RecordedTool { tool, model: None, session })));
        recording
    }
}

/// A key and a colon, what continues a line before it, or what `git cherry-pick -x` adds.
fn is_trailer_line(line: &str) -> bool {
    let is_key = |key: &str| !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    line.starts_with([' ', '\t'])
        || line.starts_with("(cherry picked from commit ")
        || line.split_once(':').is_some_and(|(key, _)| is_key(key))
}

/// Twelve hexadecimal digits, or the 26 letters and digits of a ULID since July 2026.
pub(super) fn is_checkpoint_id(id: &str) -> bool {
    let is_hex = id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex || (id.len() == 26 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// Reads `73% agent (146/200 lines)`.
fn attributed_lines(value: &str) -> Option<u64> {
    let (_, counts) = value.split_once('(')?;
    let (agent, _) = counts.split_once('/')?;
    agent.trim().parse().ok()
}
