//! A run of lines of one content.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A span must hold at least one line and start at line 1 or later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "lines {start} to {end} are not a span: lines count from 1 and the end must not lie before the start"
)]
pub struct EmptySpan {
    start: u32,
    end: u32,
}

/// Lines `start` to `end` of a content, counted from 1, both inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "RawSpan")]
pub struct Span {
    start: u32,
    end: u32,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawSpan {
    start: u32,
    end: u32,
}

impl TryFrom<RawSpan> for Span {
    type Error = EmptySpan;

    fn try_from(raw: RawSpan) -> Result<Self, EmptySpan> {
        Self::new(raw.start, raw.end)
    }
}

impl Span {
    /// Returns the span of lines `start` to `end`.
    ///
    /// # Errors
    /// [`EmptySpan`] when `start` is 0 or `end` lies before it.
    pub fn new(start: u32, end: u32) -> Result<Self, EmptySpan> {
        if start == 0 || end < start { Err(EmptySpan { start, end }) } else { Ok(Self { start, end }) }
    }

    /// The first line.
    #[must_use]
    pub fn start(self) -> u32 {
        self.start
    }

    /// The last line.
    #[must_use]
    pub fn end(self) -> u32 {
        self.end
    }

    /// How many lines the span holds.
    #[must_use]
    pub fn lines(self) -> u32 {
        self.end - self.start + 1
    }

    /// Whether the line lies in the span.
    #[must_use]
    pub fn contains(self, line: u32) -> bool {
        (self.start..=self.end).contains(&line)
    }

    /// Whether the two spans share a line.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        self.start <= other.end && other.start <= self.end
    }
}
