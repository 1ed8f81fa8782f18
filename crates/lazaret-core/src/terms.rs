//! What the policy demands of the people who work under it, as far as those who record their work must know it.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::ParseIdError;
use crate::traffic::Response;

/// What a banned tool may be used for under an exemption.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// To measure it against our own.
    Benchmark,
    /// To attack it, or to test a defence against it.
    RedTeam,
    /// To make our products work with it.
    Interoperability,
    /// To meet a legal duty or to prepare a case.
    Legal,
}

impl Purpose {
    /// All purposes.
    pub const ALL: [Self; 4] = [Self::Benchmark, Self::RedTeam, Self::Interoperability, Self::Legal];

    /// Returns the word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Benchmark => "benchmark",
            Self::RedTeam => "red-team",
            Self::Interoperability => "interoperability",
            Self::Legal => "legal",
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Purpose {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let found = Self::ALL.into_iter().find(|purpose| purpose.as_str() == text);
        found.ok_or_else(|| ParseIdError::new("purpose", text))
    }
}

/// What happens to an overdue case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnDeadline {
    /// Its removal is proposed to the reviewers.
    #[default]
    ProposeRemoval,
    /// It stays held, and is reported as overdue.
    KeepHeld,
}

/// What becomes of a decision that frees content whose authors the store does not all know.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownAuthors {
    /// It is refused: one of those who decide could be the author.
    Refuse,
    /// It is taken. Terms that do not say are of a time in which nobody asked.
    #[default]
    Allow,
}

impl UnknownAuthors {
    fn is_allow(&self) -> bool {
        *self == Self::Allow
    }
}

/// For how many days findings about calls are kept, by class. Days are those of UTC, counted from the day of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Retention {
    /// Findings that ask for a call to be stopped.
    pub block_days: u32,
    /// Findings that ask for a person's look.
    pub alert_days: u32,
    /// Findings that only order what people look at.
    pub score_days: u32,
}

impl Default for Retention {
    /// What holds where nobody says otherwise. It never changes: terms that do not speak of it mean this.
    fn default() -> Self {
        Self { block_days: 90, alert_days: 90, score_days: 30 }
    }
}

impl Retention {
    /// Returns for how many days findings of a class are kept.
    #[must_use]
    pub fn days(&self, class: Response) -> u32 {
        match class {
            Response::Block => self.block_days,
            Response::Alert => self.alert_days,
            Response::Score => self.score_days,
        }
    }

    /// Returns the first day of which findings of a class are still kept: those of earlier days are over. This alone
    /// says what is kept and what is not.
    #[must_use]
    pub fn keeps_from(&self, class: Response, now: Timestamp) -> Date {
        let today = now.to_zoned(TimeZone::UTC).date();
        let days = Span::new().try_days(self.days(class));
        days.map_or(Date::MIN, |days| today.saturating_sub(days))
    }

    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What a policy demands of people: how many must agree, by when, and what an exemption may allow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Terms {
    /// How many different people must agree before a content is cleared; at least two.
    pub people: u32,
    /// After how many days a case is overdue.
    pub deadline_days: u32,
    /// What happens to an overdue case.
    pub on_deadline: OnDeadline,
    /// The longest time an exemption may run, in days.
    pub exemption_days: u32,
    /// For which purposes an exemption may be granted.
    pub purposes: Vec<Purpose>,
    /// What becomes of decisions about content whose authors the store does not all know.
    #[serde(default, skip_serializing_if = "UnknownAuthors::is_allow")]
    pub unknown_authors: UnknownAuthors,
    /// For how long findings about calls are kept.
    #[serde(default, skip_serializing_if = "Retention::is_default")]
    pub retention: Retention,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_kept_for_their_days_and_no_longer() {
        let retention = Retention { block_days: 1, ..Retention::default() };
        let from = |now: &str| retention.keeps_from(Response::Block, now.parse().unwrap()).to_string();
        assert_eq!(from("2026-03-01T00:00:00Z"), "2026-02-28");
        assert_eq!(from("2026-03-01T23:59:59.999999Z"), "2026-02-28");
        assert_eq!(from("2026-03-02T00:00:00Z"), "2026-03-01");
    }

    #[test]
    fn terms_that_do_not_speak_of_it_keep_findings_for_the_days_of_old() {
        let written = r#"{"people":2,"deadline-days":30,"on-deadline":"propose-removal","exemption-days":30,"purposes":[]}"#;
        let terms: Terms = serde_json::from_str(written).unwrap();
        let Retention { block_days, alert_days, score_days } = terms.retention;
        assert_eq!((block_days, alert_days, score_days), (90, 90, 30));
        assert_eq!(
            serde_json::to_string(&terms).unwrap(),
            written,
            "entries of earlier versions keep their bytes"
        );
    }
}
