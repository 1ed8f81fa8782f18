//! Takes the lines that are not admitted out of a record, and looks once more at what is left.

use lazaret_core::Span;
use lazaret_evidence::surroundings::count_all_tokens;
use lazaret_policy::Partial;
use lazaret_shard::Record;
use lazaret_syntax::{Granularity, Language, excise};
use schemars::JsonSchema;
use serde::Serialize;

use super::identity::{Names, git_sha1};
use super::record::Examined;
use super::snapshot::Snapshot;

/// What goes on of a record that is excised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remainder {
    /// The text.
    pub text: String,
    /// The names of its bytes.
    pub names: Names,
    /// The lines of the record that were taken out.
    pub removed: Vec<Span>,
}

/// Tokens (words, and every other visible sign by itself), and how many of them each way of cutting keeps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Retention {
    /// Tokens of all records.
    pub all: u64,
    /// Tokens kept where a record with a line that is not admitted is held whole.
    pub by_record: u64,
    /// Tokens kept where functions, items and comments are cut out.
    pub by_unit: u64,
    /// Tokens kept where statements are cut out.
    pub by_statement: u64,
    /// Tokens kept where lines are cut out.
    pub by_line: u64,
}

impl Retention {
    /// Counts the tokens of other records as well.
    pub(crate) fn add(&mut self, other: &Self) {
        self.all += other.all;
        self.by_record += other.by_record;
        self.by_unit += other.by_unit;
        self.by_statement += other.by_statement;
        self.by_line += other.by_line;
    }

    /// A record that is kept whatever the way.
    pub(crate) fn whole(text: &[u8]) -> Self {
        let all = count_all_tokens(text);
        Self { all, by_record: all, by_unit: all, by_statement: all, by_line: all }
    }

    /// A record that is held whatever the way.
    pub(crate) fn nothing(text: &[u8]) -> Self {
        Self { all: count_all_tokens(text), ..Self::default() }
    }

    /// A record of which lines may be cut out.
    pub(crate) fn of(text: &str, record: &Record<'_>, refused: &[Span]) -> Self {
        let kept = |granularity| {
            let cut = excise(text, language(record), refused, granularity);
            cut.map_or(0, |cut| count_all_tokens(cut.remainder.as_bytes()))
        };
        Self {
            all: count_all_tokens(text.as_bytes()),
            by_record: 0,
            by_unit: kept(Granularity::Unit),
            by_statement: kept(Granularity::Statement),
            by_line: kept(Granularity::Line),
        }
    }
}

/// Returns what may go on of a record; `None` where the policy says to hold it, it cannot be cut, nothing is left, or
/// a second look at what is left finds something.
pub(crate) fn remainder(
    text: &str,
    record: &Record<'_>,
    refused: &[Span],
    snapshot: &Snapshot<'_>,
) -> Option<Remainder> {
    let granularity = match snapshot.partial() {
        Partial::Hold => return None,
        Partial::ExciseUnits => Granularity::Unit,
        Partial::ExciseStatements => Granularity::Statement,
        Partial::ExciseLines => Granularity::Line,
    };
    let cut = excise(text, language(record), refused, granularity).ok()?;
    if cut.remainder.trim().is_empty() {
        return None;
    }
    let path = record.path.map_or(&b"record"[..], str::as_bytes);
    let again = Examined::of(path, cut.remainder.as_bytes(), snapshot);
    let finds = again.found.evidence.iter().any(|claim| {
        claim.taint().is_some_and(|taint| taint.role.writes() && snapshot.measure.rules.bans(taint))
    });
    if finds || !again.found.gaps.is_empty() || !again.found.reserved.is_empty() {
        return None;
    }
    let (git_blob, _) = git_sha1(cut.remainder.as_bytes());
    let names = Names { sha256: lazaret_core::Digest::of(cut.remainder.as_bytes()), git_blob };
    let removed = cut.removed.iter().map(|removed| removed.lines).collect();
    Some(Remainder { text: cut.remainder, names, removed })
}

fn language(record: &Record<'_>) -> Option<Language> {
    let by_path = || Language::of_path(record.path?.as_bytes());
    record.language.and_then(Language::of_name).or_else(by_path)
}
