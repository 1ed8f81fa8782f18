//! What the policy demands of the people who work under it, as far as those who record their work must know it.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::ParseIdError;

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
}
