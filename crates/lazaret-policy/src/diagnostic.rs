//! What is wrong with a policy file, and where in the file.

use std::fmt;
use std::ops::Range;

use serde::Serialize;

/// A place in a policy file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The first byte, counted from 0.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
    /// The line of the first byte, counted from 1.
    pub line: usize,
    /// The column of the first byte in characters, counted from 1.
    pub column: usize,
}

impl Place {
    /// Returns the place of a byte range of `text`; a range outside the text, or one that splits a character, is
    /// drawn in to the nearest place before it.
    #[must_use]
    pub fn of(text: &str, span: Range<usize>) -> Self {
        let start = text.floor_char_boundary(span.start);
        let end = text.floor_char_boundary(span.end).max(start);
        let before = text.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            start,
            end,
            line: before.bytes().filter(|&byte| byte == b'\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        }
    }
}

/// One thing that is wrong with a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// What kind of thing, in kebab-case; stable.
    pub code: &'static str,
    /// Where; absent where the whole file is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl Diagnostic {
    /// Returns a diagnostic about the whole policy.
    #[must_use]
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, place: None, message: message.into(), help: None }
    }

    /// Points the diagnostic at a byte range of the policy's text.
    #[must_use]
    pub fn at(mut self, text: &str, span: Range<usize>) -> Self {
        self.place = Some(Place::of(text, span));
        self
    }

    /// Says what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = self.place {
            write!(f, "line {}, column {}: ", place.line, place.column)?;
        }
        write!(f, "{} [{}]", self.message, self.code)?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, "\n  help: {help}"))
    }
}

/// A policy that cannot be used, with everything found wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("policy is not valid: {}", summary(.diagnostics))]
pub struct PolicyError {
    /// What is wrong, in the order of the file; never empty.
    pub diagnostics: Vec<Diagnostic>,
}

impl PolicyError {
    /// Returns the error of these diagnostics, of which there must be one at least.
    pub(crate) fn of(mut diagnostics: Vec<Diagnostic>) -> Self {
        diagnostics.sort_by_key(|diagnostic| diagnostic.place);
        Self { diagnostics }
    }
}

/// Returns the first diagnostic, and how many there are.
pub(crate) fn summary(diagnostics: &[Diagnostic]) -> String {
    match diagnostics {
        [] => String::new(),
        [only] => only.to_string(),
        [first, rest @ ..] => format!("{} problems, the first: {first}", rest.len() + 1),
    }
}

/// Returns the candidate most like `word`, when one is like enough to be meant.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Below 0.8 the Jaro-Winkler measure proposes words that share little but their first letters.
    const LIKE_ENOUGH: f64 = 0.8;
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= LIKE_ENOUGH)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters_and_never_split_one() {
        let text = "a = 1\nß = é\n";
        assert_eq!(Place::of(text, 11..13), Place { start: 11, end: 13, line: 2, column: 5 });
        assert_eq!(Place::of(text, 12..12), Place { start: 11, end: 11, line: 2, column: 5 });
        assert_eq!(Place::of(text, 900..999), Place { start: 14, end: 14, line: 3, column: 1 });
    }

    #[test]
    fn only_a_like_word_is_proposed() {
        assert_eq!(nearest("provider", ["tools", "providers"]), Some("providers"));
        assert_eq!(nearest("zebra", ["tools", "providers"]), None);
    }
}
