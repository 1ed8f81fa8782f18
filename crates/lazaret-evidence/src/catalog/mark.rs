//! A mark as the detectors use it: checked, compiled, with its dates and its worth.

use jiff::civil::Date;
use lazaret_core::{ProviderId, Role, Strength, ToolId};
use regex_automata::meta::Regex;

use super::data::{MarkKind, Passage, Place, SettingValue};

/// One thing that a tool leaves behind.
#[derive(Debug, Clone)]
pub struct Mark {
    /// Its id, unique in the catalog.
    pub id: String,
    /// What kind of place it stands in.
    pub kind: MarkKind,
    /// The tool that leaves it.
    pub tool: Option<ToolId>,
    /// Who runs that tool.
    pub provider: Option<ProviderId>,
    /// What the tool did; `None` where the place or the trailer key says it.
    pub role: Option<Role>,
    /// What the mark is worth.
    pub strength: Strength,
    /// The first day it was seen, where known.
    pub first_seen: Option<Date>,
    /// The last day it was seen.
    pub last_seen: Date,
    /// The month in which the row was last checked, `YYYY-MM`.
    pub verified: String,
    /// What it looks like.
    pub pattern: Pattern,
    /// The patterns as people read them.
    pub spelled: Vec<String>,
    /// What a reader of the row should know.
    pub note: Option<String>,
}

/// What a mark looks like.
#[derive(Debug, Clone)]
pub enum Pattern {
    /// A machine's identity.
    Identity(IdentityPattern),
    /// A trailer by key and value.
    Trailer(TrailerPattern),
    /// A line, which also holds one of the needles.
    Line(LinePattern),
    /// A beginning.
    Prefixes(Vec<String>),
    /// The beginning of a link.
    Links(Vec<String>),
    /// A path.
    Paths(PathPattern),
    /// A file by path, and what in it turns attribution off.
    Suppression(SuppressionPattern),
}

impl Pattern {
    /// Returns the paths, where the mark stands in files of certain paths.
    #[must_use]
    pub fn paths(&self) -> Option<&PathPattern> {
        match self {
            Self::Paths(paths) => Some(paths),
            Self::Suppression(suppression) => Some(&suppression.paths),
            Self::Identity(_) | Self::Trailer(_) | Self::Line(_) | Self::Prefixes(_) | Self::Links(_) => None,
        }
    }

    /// The line pattern, where the mark is a line.
    #[must_use]
    pub fn line(&self) -> Option<&LinePattern> {
        if let Self::Line(line) = self { Some(line) } else { None }
    }
}

/// A machine's identity: any one of the parts suffices.
#[derive(Debug, Clone)]
pub struct IdentityPattern {
    /// Whole addresses in lower case.
    pub addresses: Vec<String>,
    /// Account names at users.noreply.github.com in lower case, whatever their number.
    pub accounts: Vec<String>,
    /// Tags behind a `+` in somebody's own address, in lower case.
    pub tags: Vec<String>,
    /// The name.
    pub name: Option<LinePattern>,
    /// Where it counts.
    pub places: Vec<Place>,
}

/// A trailer that only a tool writes.
#[derive(Debug, Clone)]
pub struct TrailerPattern {
    /// Keys in lower case.
    pub keys: Vec<String>,
    /// What the value must be; anything if `None`.
    pub value: Option<Regex>,
    /// What the value must not be.
    pub unless: Option<Regex>,
}

/// An expression over one line, guarded by texts of which the line must hold one.
#[derive(Debug, Clone)]
pub struct LinePattern {
    /// The expression.
    pub expression: Regex,
    /// Texts in lower case; not empty.
    pub needles: Vec<String>,
    /// Where in a file it counts in full.
    pub passage: Passage,
}

impl LinePattern {
    /// Whether the line holds a needle and matches.
    #[must_use]
    pub fn matches(&self, line: &[u8]) -> bool {
        self.needles.iter().any(|needle| contains_ignoring_case(line, needle.as_bytes()))
            && self.expression.is_match(line)
    }
}

/// Paths, as names, folders or patterns.
#[derive(Debug, Clone)]
pub struct PathPattern {
    /// An anchored expression that a path must match.
    pub expression: Regex,
    /// The patterns it stands for.
    pub patterns: Vec<String>,
}

/// What in a file turns attribution off.
#[derive(Debug, Clone)]
pub struct SuppressionPattern {
    /// The path.
    pub paths: PathPattern,
    /// JSON pointers and the values that turn attribution off.
    pub settings: Vec<(String, SettingValue)>,
    /// A line of rules that forbids attribution.
    pub line: Option<LinePattern>,
}

/// Whether `haystack` holds `needle` (in lower case) in any case of ASCII letters.
pub(crate) fn contains_ignoring_case(haystack: &[u8], needle: &[u8]) -> bool {
    let Some(first) = needle.first() else { return true };
    let mut candidates = memchr::memchr2_iter(*first, first.to_ascii_uppercase(), haystack);
    candidates.any(|at| {
        haystack.get(at..at + needle.len()).is_some_and(|window| window.eq_ignore_ascii_case(needle))
    })
}
