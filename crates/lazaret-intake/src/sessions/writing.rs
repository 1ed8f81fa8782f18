//! One writing of an agent to a file, with everything the log says about it.

use std::fmt;

use jiff::Timestamp;

use super::format::LogFormat;

/// What an agent wrote to one file in one call.
#[derive(Clone, PartialEq, Eq)]
pub struct Writing {
    /// The session's id as the log gives it; the log's name where it gives none.
    pub session: String,
    /// The format of the log.
    pub format: LogFormat,
    /// The harness as the log spells it, where it names one beside its format.
    pub harness: Option<String>,
    /// The harness's version as the log spells it.
    pub harness_version: Option<String>,
    /// The model as the log spells it.
    pub model: Option<String>,
    /// When the agent asked for the writing; the log's claim, not a proof.
    pub at: Option<Timestamp>,
    /// Where the agent worked.
    pub workspace: Workspace,
    /// The file as the log spells it: relative or absolute, possibly hostile, and never to be opened. `None`
    /// where the log shows a text without naming its file.
    pub path: Option<String>,
    /// The texts, in the order of the log.
    pub written: Vec<WrittenText>,
    /// The whole file as it was before, where the log holds it.
    pub file_before: Option<Vec<u8>>,
    /// How well the log shows that it happened.
    pub certainty: Certainty,
    /// Whether a person changed the text before it was written, so that part of it is theirs.
    pub edited_by_user: bool,
}

/// Where an agent worked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Workspace {
    /// The working folder.
    pub folder: Option<String>,
    /// The address of the repository, without the user and password that some logs leave in it.
    pub repository: Option<String>,
    /// The commit that was checked out when the session began.
    pub commit: Option<String>,
    /// The branch that was checked out.
    pub branch: Option<String>,
}

/// A text that an agent put into a file.
#[derive(Clone, PartialEq, Eq)]
pub struct WrittenText {
    /// The text as written.
    pub text: Vec<u8>,
    /// What it took the place of, where the log says; lines that stand in both are older than the writing.
    pub replaced: Option<Vec<u8>>,
    /// The line of the file, from 1, where the text begins after the writing, where that is known.
    pub first_line: Option<u64>,
    /// Whether it is the file or a part of it.
    pub extent: Extent,
}

/// How much of a file a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extent {
    /// The whole file.
    WholeFile,
    /// Whole lines.
    Lines,
    /// A part that may begin or end within a line.
    Fragment,
}

/// How well a log shows that a text was written, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Certainty {
    /// The agent showed the text in an answer; whether anybody put it into a file is not said.
    Shown,
    /// The agent asked for the writing; no result was seen, or one that does not say how it ended.
    Unconfirmed,
    /// The log holds a result that says it was written.
    Confirmed,
}

impl WrittenText {
    /// Makes a text that is a whole file.
    #[must_use]
    pub fn whole_file(text: impl Into<Vec<u8>>) -> Self {
        Self { text: text.into(), replaced: None, first_line: Some(1), extent: Extent::WholeFile }
    }

    /// Makes a text that may begin and end within a line.
    #[must_use]
    pub fn fragment(text: impl Into<Vec<u8>>, replaced: Option<Vec<u8>>) -> Self {
        Self { text: text.into(), replaced, first_line: None, extent: Extent::Fragment }
    }

    /// Says that it is whole lines of a file, and that it is not known which.
    #[must_use]
    pub fn as_lines(self) -> Self {
        Self { first_line: None, extent: Extent::Lines, ..self }
    }
}

// Texts are what the reader must not let out: they show their size alone.

impl fmt::Debug for Writing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writing")
            .field("session", &self.session)
            .field("format", &self.format)
            .field("model", &self.model)
            .field("at", &self.at)
            .field("path", &self.path)
            .field("written", &self.written)
            .field("certainty", &self.certainty)
            .field("edited_by_user", &self.edited_by_user)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for WrittenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WrittenText")
            .field("text_bytes", &self.text.len())
            .field("replaced_bytes", &self.replaced.as_ref().map(Vec::len))
            .field("first_line", &self.first_line)
            .field("extent", &self.extent)
            .finish()
    }
}
