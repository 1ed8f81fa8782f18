//! What people and approved tools sign about contents: attestations and tool receipts, as in-toto predicates.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lazaret_core::{Coverage, Digest, ModelId, ObjectId, ToolId};
use serde::{Deserialize, Serialize};

use crate::DigestSet;
use crate::statement::{Annotation, Predicate, Statement, Subject, hex};

/// A person's word: the contents named were written without certain tools.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthorWord {
    /// Who says so, for people; the key is what counts.
    pub person: String,
    /// Which tools had no part in them.
    pub written_without: Coverage,
    /// When it was said.
    pub time: Timestamp,
}

impl Predicate for AuthorWord {
    const TYPE: &'static str = "lazaret:author-word/1";
}

/// A tool's record: it wrote the contents named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolRecord {
    /// The tool.
    pub tool: ToolId,
    /// Its version.
    pub version: String,
    /// The model that it ran, where it ran one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelId>,
    /// When it wrote them.
    pub time: Timestamp,
}

impl Predicate for ToolRecord {
    const TYPE: &'static str = "lazaret:tool-receipt/1";
}

/// git's own name of a content, beside the SHA-256.
const GIT_BLOB: &str = "gitBlob";
/// How many lines a span has; absent for a whole content.
const LINES: &str = "lines";
/// The SHA-256 of the span's first line.
const FIRST_LINE: &str = "firstLine";

/// The digests of a run of whole lines, which may stand anywhere in a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SpanDigest {
    /// Of its bytes, line ends included.
    pub sha256: Digest,
    /// Of its first line, by which it is looked for.
    pub first_line: Digest,
    /// How many lines it has.
    pub lines: u32,
}

impl Subject {
    /// Names a whole content.
    #[must_use]
    pub fn of_content(name: String, sha256: Digest, git_blob: ObjectId) -> Self {
        let mut digest = DigestSet::from(sha256);
        digest.others.insert(GIT_BLOB.to_owned(), git_blob.to_string());
        Self { name, digest, annotations: BTreeMap::new() }
    }

    /// Names a run of lines.
    #[must_use]
    pub fn of_span(name: String, span: SpanDigest) -> Self {
        let annotations = BTreeMap::from([
            (LINES.to_owned(), Annotation::Number(u64::from(span.lines))),
            (FIRST_LINE.to_owned(), Annotation::Text(hex(&span.first_line))),
        ]);
        Self { name, digest: span.sha256.into(), annotations }
    }

    /// Returns the run of lines that the subject is: `None` for a whole content, an error for neither.
    ///
    /// # Errors
    /// A text that says what is wrong with the annotations.
    pub fn span(&self) -> Result<Option<SpanDigest>, &'static str> {
        let (lines, first_line) = match (self.annotations.get(LINES), self.annotations.get(FIRST_LINE)) {
            (None, None) => return Ok(None),
            (Some(Annotation::Number(lines)), Some(Annotation::Text(first_line))) => (lines, first_line),
            _ => return Err("a subject that is a span needs both `lines` and `firstLine`"),
        };
        let lines = u32::try_from(*lines).ok().filter(|lines| *lines > 0);
        let lines = lines.ok_or("`lines` of a subject is out of range")?;
        let first_line = format!("sha256:{first_line}").parse();
        let first_line = first_line.map_err(|_no_digest| "`firstLine` of a subject is no SHA-256")?;
        Ok(Some(SpanDigest { sha256: self.digest.sha256, first_line, lines }))
    }
}

/// What somebody signed about contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// A person did.
    Author(Statement<AuthorWord>),
    /// A tool did.
    Tool(Statement<ToolRecord>),
}

impl Word {
    /// Reads a payload of either kind.
    ///
    /// # Errors
    /// [`StatementError`](crate::StatementError) when it is neither.
    pub fn parse(payload: &[u8]) -> Result<Self, crate::StatementError> {
        match Statement::<ToolRecord>::parse(payload) {
            Ok(record) => Ok(Self::Tool(record)),
            Err(crate::StatementError::Predicate { .. }) => Statement::parse(payload).map(Self::Author),
            Err(error) => Err(error),
        }
    }

    /// Returns what it speaks of.
    #[must_use]
    pub fn subject(&self) -> &[Subject] {
        match self {
            Self::Author(statement) => &statement.subject,
            Self::Tool(statement) => &statement.subject,
        }
    }
}
