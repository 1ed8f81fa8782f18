//! What a walk found in one row or one of its records.

use std::ops::Range;

use super::plan::{Level, Role};
use super::scan::{Malformed, Scanner};
use crate::facts::{BESIDE_SEPARATOR, Fault, may_hold_expression};
use crate::profile::Column;

/// What stands between two texts that are joined.
const SEPARATOR: &[u8] = b"\n\n";

/// What was found. The bytes of its strings are UTF-8, because those of the line are and escapes give characters.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) fault: Option<Fault>,
    /// The joined texts, and how many there are.
    pub(crate) text: Vec<u8>,
    pub(crate) n_texts: usize,
    /// Strings that no column means, joined.
    pub(crate) beside: Vec<u8>,
    /// Where the JSON object stands, and the string that is the text if there is one alone.
    pub(crate) object: Option<Range<usize>>,
    pub(crate) text_range: Option<Range<usize>>,
    others: Vec<u8>,
    spans: Vec<(Role, Range<usize>)>,
    seen: Vec<bool>,
}

impl Found {
    /// Forgets everything but the memory it took.
    pub(crate) fn clear(&mut self, level: &Level) {
        self.fault = None;
        self.text.clear();
        self.n_texts = 0;
        self.beside.clear();
        self.object = None;
        self.text_range = None;
        self.others.clear();
        self.spans.clear();
        self.seen.clear();
        self.seen.resize(level.targets.len(), false);
    }

    /// Notes what is wrong; the first fault is the one that is told.
    pub(crate) fn note(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
    }

    /// Notes that a column is there, be it null.
    pub(crate) fn see(&mut self, target: usize) {
        if let Some(seen) = self.seen.get_mut(target) {
            *seen = true;
        }
    }

    /// Notes what is missing, and calls `missing` with every column that may not be missing and is. Returns whether the
    /// record could be read, so that it says anything of its columns.
    pub(crate) fn complete(
        &mut self,
        level: &Level,
        has_text: bool,
        missing: &mut impl FnMut(&Column),
    ) -> bool {
        if self.fault.is_some_and(is_unreadable) {
            return false;
        }
        if has_text && self.n_texts == 0 {
            self.note(Fault::MissingText);
        }
        for at in 0..level.targets.len() {
            let Some(target) = level.targets.get(at).filter(|target| !target.column.optional) else {
                continue;
            };
            if !self.seen.get(at).copied().unwrap_or_default() {
                missing(&target.column);
                self.note(Fault::MissingColumn);
            }
        }
        true
    }

    /// Reads a string that is the value of a column.
    pub(crate) fn read_value(&mut self, role: Role, scanner: &mut Scanner<'_>) -> Result<(), Malformed> {
        if role == Role::Text {
            if self.n_texts > 0 {
                self.text.extend_from_slice(SEPARATOR);
            }
            let range = scanner.string(&mut self.text)?;
            self.n_texts += 1;
            self.text_range = (self.n_texts == 1).then_some(range);
        } else {
            let start = self.others.len();
            scanner.string(&mut self.others)?;
            self.spans.push((role, start..self.others.len()));
        }
        Ok(())
    }

    /// Adds a text that is no JSON string.
    pub(crate) fn add_text(&mut self, text: &[u8]) {
        if self.n_texts > 0 {
            self.text.extend_from_slice(SEPARATOR);
        }
        self.text.extend_from_slice(text);
        self.n_texts += 1;
        self.text_range = None;
    }

    /// Adds the value of a column.
    pub(crate) fn add_value(&mut self, role: Role, value: &[u8]) {
        let start = self.others.len();
        self.others.extend_from_slice(value);
        self.spans.push((role, start..self.others.len()));
    }

    /// Reads a string that no column means, and keeps it if it may hold somebody's expression.
    pub(crate) fn read_beside(&mut self, scanner: &mut Scanner<'_>) -> Result<(), Malformed> {
        let start = self.begin_beside();
        let from = self.beside.len();
        scanner.string(&mut self.beside)?;
        if !may_hold_expression(self.beside.get(from..).unwrap_or_default()) {
            self.beside.truncate(start);
        }
        Ok(())
    }

    /// Adds a string that no column means, if it may hold somebody's expression.
    pub(crate) fn add_beside(&mut self, string: &[u8]) {
        if may_hold_expression(string) {
            self.begin_beside();
            self.beside.extend_from_slice(string);
        }
    }

    /// Adds strings that were kept elsewhere.
    pub(crate) fn join_beside(&mut self, strings: &[u8]) {
        if !strings.is_empty() {
            self.begin_beside();
            self.beside.extend_from_slice(strings);
        }
    }

    fn begin_beside(&mut self) -> usize {
        let start = self.beside.len();
        if start > 0 {
            self.beside.extend_from_slice(BESIDE_SEPARATOR);
        }
        start
    }

    /// Returns the values of a role, in the order they stand.
    pub(crate) fn values(&self, role: Role) -> impl Iterator<Item = &str> {
        let spans = self.spans.iter().filter(move |(of, _)| *of == role);
        spans.filter_map(|(_, span)| str::from_utf8(self.others.get(span.clone())?).ok())
    }

    /// Returns how many bytes it holds that every record of a row would hold again.
    pub(crate) fn bytes(&self) -> usize {
        self.beside.len() + self.others.len()
    }
}

/// Whether a record with this fault says nothing of the columns of its neighbours.
pub(super) fn is_unreadable(fault: Fault) -> bool {
    match fault {
        Fault::Malformed
        | Fault::NotAnObject
        | Fault::DuplicateKey
        | Fault::NotUtf8
        | Fault::OverLimit
        | Fault::Misaligned => true,
        Fault::MissingText | Fault::MissingColumn | Fault::WrongType => false,
    }
}
