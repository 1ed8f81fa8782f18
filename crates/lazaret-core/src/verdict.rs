//! The verdict on a content: four words, ordered, the worst wins.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is held of a content. Ordered from best to worst: the whole is as bad as its worst part.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Accepted proof covers all of it against every banned tool, and no taint stands.
    Clean,
    /// Nothing shown either way; the start value.
    #[default]
    Unproven,
    /// Taint that does not suffice to condemn: derived, circumstantial or inferred.
    Suspect,
    /// A banned tool or model wrote some of it.
    Tainted,
}

impl Verdict {
    /// All verdicts, best first.
    pub const ALL: [Self; 4] = [Self::Clean, Self::Unproven, Self::Suspect, Self::Tainted];

    /// Returns the worse of the two.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.max(other)
    }

    /// Returns the word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Unproven => "unproven",
            Self::Suspect => "suspect",
            Self::Tainted => "tainted",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
