//! What formats of one JSON object a line have in common.

use lazaret_core::Outcome;

use crate::json::{Plan, Target};
use crate::row::{Row, Slot};

/// A row of a table of names: the path to a value, one step for each object, and what the value is for.
pub(crate) type Names<'n> = &'n [(&'n [&'n str], Target)];

/// Makes the plan of a table.
pub(crate) fn plan(names: Names<'_>) -> Plan {
    Plan::new(names.iter().copied())
}

/// Returns what a word says the equipment did.
pub(crate) fn outcome(row: &Row, line: &[u8], passed: &[&[u8]], blocked: &[&[u8]]) -> Outcome {
    let word = row.raw(Slot::Outcome, line).unwrap_or_default();
    let is_in = |words: &[&[u8]]| words.iter().any(|known| known.eq_ignore_ascii_case(word));
    if is_in(blocked) {
        Outcome::Blocked
    } else if is_in(passed) {
        Outcome::Passed
    } else {
        Outcome::Unstated
    }
}
