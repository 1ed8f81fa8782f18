//! Columns: the way from a row, or from a record in it, to a value.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

/// A step of a column's path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step {
    /// The member of an object, or the field of a struct.
    Field(String),
    /// Every element of a list.
    Each,
}

/// A column: `content`, `metadata.url`, `messages[].content`; one that may be missing ends with `?`.
///
/// A name that holds one of `. [ ] ? / "` stands in double quotes, which has to be no part of it: `"model.name".id`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Whether the way begins at the row though a row holds several records: written with a leading `/`.
    pub of_row: bool,
    /// The way to the value.
    pub steps: Vec<Step>,
    /// Whether a shard may lack it. Any other column that is missing is an error before the first record.
    pub optional: bool,
}

/// A text is no column.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no column: {why}")]
pub struct ColumnError {
    text: String,
    why: &'static str,
}

/// What cannot stand in a bare name.
const SIGNS: [char; 6] = ['.', '[', ']', '?', '/', '"'];

impl FromStr for Column {
    type Err = ColumnError;

    fn from_str(text: &str) -> Result<Self, ColumnError> {
        let error = |why| ColumnError { text: text.to_owned(), why };
        let (rest, of_row) = text.strip_prefix('/').map_or((text, false), |rest| (rest, true));
        let (mut rest, optional) = rest.strip_suffix('?').map_or((rest, false), |rest| (rest, true));
        let mut steps = Vec::new();
        loop {
            let (name, after) = if let Some(quoted) = rest.strip_prefix('"') {
                quoted.split_once('"').ok_or_else(|| error("a quote is not closed"))?
            } else {
                rest.split_at(rest.find(SIGNS).unwrap_or(rest.len()))
            };
            if name.is_empty() {
                return Err(error("a name is missing; write as in `metadata.url` or `messages[].content`"));
            }
            steps.push(Step::Field(name.to_owned()));
            rest = after;
            while let Some(after) = rest.strip_prefix("[]") {
                steps.push(Step::Each);
                rest = after;
            }
            if rest.is_empty() {
                return Ok(Self { of_row, steps, optional });
            }
            rest = rest.strip_prefix('.').ok_or_else(|| {
                error("a name with one of `. [ ] ? /` in it stands in double quotes, and `?` at the end")
            })?;
        }
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.of_row { "/" } else { "" })?;
        for (nth, step) in self.steps.iter().enumerate() {
            match step {
                Step::Each => f.write_str("[]")?,
                Step::Field(name) => {
                    f.write_str(if nth == 0 { "" } else { "." })?;
                    let quote = if name.contains(SIGNS) { "\"" } else { "" };
                    write!(f, "{quote}{name}{quote}")?;
                }
            }
        }
        f.write_str(if self.optional { "?" } else { "" })
    }
}

impl<'de> Deserialize<'de> for Column {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
