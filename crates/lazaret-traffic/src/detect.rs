//! Tells the format from the first lines. Lines of two formats are told as such, and never guessed about.

use std::sync::{Arc, LazyLock};

use crate::chunks::is_binary;
use crate::error::TrafficError;
use crate::format::all;
use crate::grammar::{Grammar, Taken};
use crate::records::cloudtrail::is_document;
use crate::records::dnstap::is_stream;
use crate::row::Row;

/// How many lines are looked at.
const LINES: usize = 64;

/// Every format whose lines can be told without a header; a flow log of the default columns needs none.
static BY_LINE: LazyLock<Vec<(&'static str, Arc<dyn Grammar>)>> =
    LazyLock::new(|| all().filter(|(name, _)| !is_binary_format(name)).collect());

/// Every format that begins with a header.
static BY_HEADER: LazyLock<Vec<(&'static str, Arc<dyn Grammar>)>> =
    LazyLock::new(|| all().filter(|(_, grammar)| grammar.has_headers()).collect());

/// Whether a format has no lines of its own, so that a line of that kind is nobody's.
fn is_binary_format(name: &str) -> bool {
    name == "dnstap"
}

fn of_name(wanted: &'static str) -> Option<(Arc<dyn Grammar>, String)> {
    let (_, grammar) = all().find(|(name, _)| *name == wanted)?;
    Some((grammar, wanted.to_owned()))
}

/// Returns the format of some first lines.
pub(crate) fn detect(bytes: &[u8]) -> Result<(Arc<dyn Grammar>, String), TrafficError> {
    // These two begin with what no line begins with.
    let by_begin = if is_stream(bytes) {
        of_name("dnstap")
    } else if is_document(bytes) {
        of_name("cloudtrail")
    } else {
        None
    };
    if let Some(found) = by_begin {
        return Ok(found);
    }
    // A line that tells of a call, or names columns, tells the format. Other lines of a format may look like many things,
    // and are asked only where nothing better is there.
    let (mut found, mut beside): (Vec<Found>, Vec<Found>) = (Vec::new(), Vec::new());
    let mut row = Row::default();
    let lines = bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    for (line, number) in lines.zip(1_u64..).filter(|(line, _)| !line.trim_ascii().is_empty()).take(LINES) {
        // Once a header is met, its lines are its own.
        if found.first().is_some_and(|found| found.grammar.has_headers()) {
            break;
        }
        let add = |list: &mut Vec<Found>, name: &'static str, grammar: &Arc<dyn Grammar>| {
            if !list.iter().any(|found| found.name == name) {
                list.push(Found { name, grammar: Arc::clone(grammar), line: number });
            }
        };
        for (name, grammar) in BY_HEADER.iter().filter(|(_, grammar)| grammar.is_header(line)) {
            add(&mut found, name, grammar);
        }
        for (name, grammar) in &*BY_LINE {
            match taken(line, &**grammar, &mut row) {
                Some(Taken::Call(_)) => add(&mut found, name, grammar),
                Some(Taken::Beside(_)) => add(&mut beside, name, grammar),
                None => {}
            }
        }
    }
    let found = if found.is_empty() { beside } else { found };
    match found.as_slice() {
        [] if bytes.trim_ascii().is_empty() => Err(TrafficError::Empty),
        [] => Err(TrafficError::Unknown),
        [found] => Ok((Arc::clone(&found.grammar), found.name.to_owned())),
        [first, second, ..] => Err(TrafficError::Mixed {
            first: first.name.to_owned(),
            first_line: first.line,
            second: second.name.to_owned(),
            second_line: second.line,
        }),
    }
}

/// A format that understands a line, and the first such line.
struct Found {
    name: &'static str,
    grammar: Arc<dyn Grammar>,
    line: u64,
}

/// Returns what a format takes a line for, if it understands it.
fn taken<'l>(line: &'l [u8], grammar: &'l dyn Grammar, row: &mut Row) -> Option<Taken<'l>> {
    row.clear();
    if is_binary(line) || (grammar.is_utf8() && str::from_utf8(line).is_err()) {
        return None;
    }
    grammar.take(line, row).ok()
}

/// Whether a line of which a format could make no fact is one of another.
#[cold]
pub(crate) fn is_of_another(line: &[u8], grammar: &dyn Grammar) -> bool {
    let mut row = Row::default();
    if taken(line, grammar, &mut row).is_some() {
        return false;
    }
    let is_header = BY_HEADER.iter().any(|(_, other)| other.is_header(line)) && !grammar.has_headers();
    is_header
        || BY_LINE.iter().any(|(_, other)| matches!(taken(line, &**other, &mut row), Some(Taken::Call(_))))
}
