//! What a recorder says of who wrote which lines of one commit: facts, without opinion.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Digest, ObjectId, Span};

/// A program that writes down, while people and tools work, who wrote what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Recorder {
    /// The Agent Trace interchange format.
    AgentTrace,
    /// Agent Trace records that are signed and kept under refs of their own.
    Agentdiff,
    /// Notes about sessions: which files a tool wrote in a commit, without lines.
    Agentnote,
    /// Checkpoints of sessions, which commits name in a trailer.
    Entire,
    /// Authorship logs in notes, line by line.
    GitAi,
    /// Notes that give every line with its content.
    Whogitit,
}

impl Recorder {
    /// All recorders, by name.
    pub const ALL: [Self; 6] =
        [Self::AgentTrace, Self::Agentdiff, Self::Agentnote, Self::Entire, Self::GitAi, Self::Whogitit];

    /// Returns the word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agentdiff => "agentdiff",
            Self::Agentnote => "agentnote",
            Self::AgentTrace => "agent-trace",
            Self::Entire => "entire",
            Self::GitAi => "git-ai",
            Self::Whogitit => "whogitit",
        }
    }
}

impl fmt::Display for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How surely the commit that a recording names is the one whose lines it speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RevisionMeaning {
    /// It is that commit: the record is tied to it.
    Commit,
    /// It is that commit or its parent: some writers of the format stamp what was checked out before the commit.
    MaybeParent,
    /// The commit's message mentions the record in a place that carries no authority.
    Mentioned,
}

/// A tool as a recorder names it; the spellings are the recorder's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordedTool {
    /// The tool, where the record names one.
    pub tool: Option<String>,
    /// The model, where the record names one.
    pub model: Option<String>,
    /// The session or conversation, where the record names one.
    pub session: Option<String>,
}

/// Who wrote a run of lines, as far as the record says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Writer {
    /// A tool.
    Tool(Arc<RecordedTool>),
    /// A tool and a person after it, or the other way round.
    Mixed(Arc<RecordedTool>),
    /// Somebody or something of this name: the format does not say whether it is a person or a tool.
    Named(Arc<str>),
    /// A person whose typing the recorder saw. Whoever can write a record can write this.
    KnownHuman,
    /// The recorder saw no tool, or could not say.
    Unknown,
}

/// Lines of one file and who wrote them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedSpan {
    /// The lines, counted in the file as the commit left it; `None` where the record names the file alone.
    pub lines: Option<Span>,
    /// Who wrote them.
    pub writer: Writer,
    /// What the record carries of the lines themselves; boxed because most records carry nothing.
    pub text: Option<Box<RecordedText>>,
}

/// What a record carries of lines themselves, never more than hashes of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordedText {
    /// A digest of every line without its ending, where the record carries content.
    pub line_digests: Vec<Digest>,
    /// The record's own hash over the lines, as it is written.
    pub content_hash: Option<String>,
}

impl RecordedSpan {
    /// Returns a span of which the record carries no text.
    #[must_use]
    pub fn new(lines: Option<Span>, writer: Writer) -> Self {
        Self { lines, writer, text: None }
    }
}

/// What a record says of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedFile {
    /// The path from the root of the tree.
    pub path: Vec<u8>,
    /// What it says, in its own order; spans may overlap.
    pub spans: Vec<RecordedSpan>,
}

/// Something in a record that could not be taken as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RecordingFault {
    /// Lines are given to a key that the record does not explain.
    UnresolvedKey,
    /// An entry or a range that makes no sense; the lines it meant are lost.
    MalformedEntry,
    /// A range whose end lies before its start; it was turned round.
    ReversedRange,
    /// A range that stands for "somewhere in this file".
    GuessedRange,
    /// A contributor of a kind that the format does not know.
    UnknownContributor,
    /// A name that stands for no file of a tree.
    PseudoPath,
    /// A path outside the repository.
    OutsidePath,
    /// A spelling longer than any name; it was left out.
    OverlongName,
    /// The commit names a checkpoint that is not at hand.
    AbsentCheckpoint,
    /// The commit's tree has no such file.
    AbsentFile,
    /// A range that goes past the end of the file; what goes past was cut off.
    PastEnd,
}

impl RecordingFault {
    /// Returns the word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnresolvedKey => "unresolved-key",
            Self::MalformedEntry => "malformed-entry",
            Self::ReversedRange => "reversed-range",
            Self::GuessedRange => "guessed-range",
            Self::UnknownContributor => "unknown-contributor",
            Self::PseudoPath => "pseudo-path",
            Self::OutsidePath => "outside-path",
            Self::OverlongName => "overlong-name",
            Self::AbsentCheckpoint => "absent-checkpoint",
            Self::AbsentFile => "absent-file",
            Self::PastEnd => "past-end",
        }
    }
}

/// What one record says of one commit. Nothing in it is proof of anything: every byte is its writer's choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// Who recorded.
    pub recorder: Recorder,
    /// The blob that holds the record; the commit itself where its message is all there is.
    pub record: ObjectId,
    /// The commit it speaks of.
    pub commit: ObjectId,
    /// How surely that is the commit.
    pub revision: RevisionMeaning,
    /// What it says of files.
    pub files: Vec<RecordedFile>,
    /// Who took part, by the record, without a file or a line of theirs.
    pub whole: Vec<Writer>,
    /// How many lines of the commit the record counts as a tool's, where it counts without naming them.
    pub tool_lines: Option<u64>,
    /// What could not be taken as it stands, counted.
    pub faults: BTreeMap<RecordingFault, u64>,
}

impl Recording {
    /// Returns a recording that says nothing yet.
    #[must_use]
    pub fn new(recorder: Recorder, record: ObjectId, commit: ObjectId) -> Self {
        Self {
            recorder,
            record,
            commit,
            revision: RevisionMeaning::Commit,
            files: Vec::new(),
            whole: Vec::new(),
            tool_lines: None,
            faults: BTreeMap::new(),
        }
    }

    /// Counts a fault.
    pub fn fault(&mut self, fault: RecordingFault) {
        *self.faults.entry(fault).or_default() += 1;
    }

    /// Holds the recording against the tree of its commit: cuts off what lies past the end of a file, drops files
    /// that are not there, and counts both. `lines_of` returns how many lines a path has, `None` where there is no
    /// such file.
    pub fn clip(&mut self, mut lines_of: impl FnMut(&[u8]) -> Option<u32>) {
        let mut faults = std::mem::take(&mut self.faults);
        let mut count = |fault| *faults.entry(fault).or_default() += 1;
        self.files.retain_mut(|file| {
            let Some(n_lines) = lines_of(&file.path) else {
                file.spans.iter().for_each(|_| count(RecordingFault::AbsentFile));
                return false;
            };
            file.spans.retain_mut(|span| {
                let Some(lines) = span.lines.filter(|lines| lines.end() > n_lines) else { return true };
                count(RecordingFault::PastEnd);
                span.lines = Span::new(lines.start(), n_lines).ok();
                let n_left = span.lines.map_or(0, Span::lines);
                if let Some(text) = &mut span.text {
                    // A hash over more lines than are left says nothing of those.
                    text.content_hash = None;
                    text.line_digests.truncate(usize::try_from(n_left).unwrap_or(usize::MAX));
                }
                span.lines.is_some()
            });
            true
        });
        self.faults = faults;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: u32, end: u32) -> RecordedSpan {
        let line_digests = (start..=end).map(|line| Digest::of(&line.to_le_bytes())).collect();
        let text = RecordedText { line_digests, content_hash: Some("murmur3:1".to_owned()) };
        let lines = Span::new(start, end).ok();
        RecordedSpan { lines, writer: Writer::Unknown, text: Some(Box::new(text)) }
    }

    #[test]
    fn clipping_cuts_what_lies_past_the_end_and_counts_it() {
        let id = ObjectId::Sha1([1; 20]);
        let mut recording = Recording::new(Recorder::GitAi, id, id);
        let whole = RecordedSpan { lines: None, ..span(1, 1) };
        recording.files = vec![
            RecordedFile { path: b"there".to_vec(), spans: vec![span(1, 2), span(2, 9), span(6, 7), whole] },
            RecordedFile { path: b"gone".to_vec(), spans: vec![span(1, 2), span(4, 4)] },
        ];
        recording.clip(|path| (path == b"there").then_some(5));
        let [file] = recording.files.as_slice() else { panic!("one file is left") };
        let text = |span: &RecordedSpan| {
            span.text.as_ref().map(|text| (text.line_digests.len(), text.content_hash.is_some()))
        };
        let left: Vec<_> = file.spans.iter().map(|span| (span.lines, text(span))).collect();
        let expected = [
            (Span::new(1, 2).ok(), Some((2, true))),
            (Span::new(2, 5).ok(), Some((4, false))),
            (None, Some((1, true))),
        ];
        assert_eq!(left, expected);
        let faults: Vec<_> = recording.faults.into_iter().collect();
        assert_eq!(faults, [(RecordingFault::AbsentFile, 2), (RecordingFault::PastEnd, 2)]);
    }

    #[test]
    fn recorders_are_named_once() {
        let mut names = Recorder::ALL.map(Recorder::as_str).to_vec();
        names.dedup();
        assert_eq!(names.len(), 6);
        assert!(names.is_sorted());
    }
}
