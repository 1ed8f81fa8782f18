//! BIND's query log and the log of its response policy zones, from a file or through syslog.
//!
//! Documented in the BIND 9 Administrator Reference Manual, "The logging Phrase" and "Query Logging"; held against BIND
//! 9.18. BIND writes local time without its zone, so that a line has a time only where the zone is named, or where
//! `print-time iso8601-utc` is set.

use jiff::tz::TimeZone;
use lazaret_core::{Outcome, Part, Visibility};
use memchr::{memchr, memmem};

use super::words::Words;
use crate::counts::Fault;
use crate::grammar::{Grammar, Manner, Taken, Told};
use crate::row::{Row, Slot};
use crate::values::number::Unit;
use crate::values::time::Clock;

/// BIND's log.
#[derive(Debug)]
pub(crate) struct Bind {
    manner: Manner,
}

impl Bind {
    pub(crate) fn new(zone: Option<TimeZone>) -> Self {
        Self { manner: Manner { clock: Clock::Bind(zone), duration: Unit::Seconds, time_is_end: false } }
    }
}

impl Grammar for Bind {
    fn take<'l>(&'l self, line: &'l [u8], row: &mut Row) -> Result<Taken<'l>, Fault> {
        let Some(client) = memmem::find(line, b"client ") else {
            return if is_of_bind(line) { Ok(Taken::Beside(b"message")) } else { Err(Fault::Malformed) };
        };
        let mut words = Words::new(line, client + b"client ".len());
        let mut word = words.next().ok_or(Fault::Malformed)?;
        if word.bytes.starts_with(b"@0x") {
            word = words.next().ok_or(Fault::Malformed)?;
        }
        let port = memchr(b'#', word.bytes).ok_or(Fault::Malformed)?;
        // The name in parentheses is there once the question is known, and a view may follow it.
        let rest = line.get(words.at()..).unwrap_or_default();
        let (kind, about) = [&b": query: "[..], b": rpz ", b": disabled rpz "]
            .into_iter()
            .find_map(|kind| Some((kind, words.at() + memmem::find(rest, kind)? + kind.len())))
            .map_or((&b""[..], 0), |found| found);
        if kind.is_empty() {
            return Ok(Taken::Beside(b"message"));
        }
        let (said, count) = Words::new(line, about).several::<8>();
        let [a, b, c, d, e, ..] = said;
        Words::put(row, Slot::Client, word.start, word.start + port);
        let date = time_end(line.get(..client).unwrap_or_default());
        Words::put(row, Slot::Time, 0, date);
        if kind == b": query: " {
            if count < 4 || b.bytes != b"IN" {
                return Err(Fault::Malformed);
            }
            a.put_name(row);
            let inner = e.bytes.strip_prefix(b"(").and_then(|inner| inner.strip_suffix(b")"));
            if let Some(inner) = inner {
                Words::put(row, Slot::Server, e.start + 1, e.start + 1 + inner.len());
            }
            let _ = (c, d);
            return Ok(told(Part::Beginning, Outcome::Unstated));
        }
        // `QNAME NXDOMAIN rewrite name/A/IN via zone`; the policy may have two words.
        let rewrite = said.iter().position(|word| word.bytes == b"rewrite").ok_or(Fault::Malformed)?;
        let asked = said.get(rewrite + 1).ok_or(Fault::Malformed)?;
        let end = memchr::memrchr(b'/', asked.bytes)
            .and_then(|class| memchr::memrchr(b'/', asked.bytes.get(..class)?));
        Words::put(row, Slot::Question, asked.start, asked.start + end.ok_or(Fault::Malformed)?);
        let outcome = match (kind, b.bytes) {
            (b": disabled rpz ", _) | (_, b"TCP-ONLY") => Outcome::Unstated,
            (_, b"PASSTHRU") => Outcome::Passed,
            _ => Outcome::Blocked,
        };
        Ok(told(Part::End, outcome))
    }

    fn manner(&self) -> &Manner {
        &self.manner
    }

    fn hides_a_cut(&self) -> bool {
        true
    }
}

fn told(part: Part, outcome: Outcome) -> Taken<'static> {
    Taken::Call(Told { visibility: Visibility::Dns, part, outcome })
}

/// Returns where the time ends with which a line begins: after `29-Nov-2026 13:16:56.123`, or after a date of ISO 8601.
fn time_end(before: &[u8]) -> usize {
    let (words, _) = Words::new(before, 0).several::<2>();
    let [date, time] = words;
    let end = |length: usize, start: usize| start + length;
    if date.bytes.contains(&b'T') {
        end(date.bytes.len(), date.start)
    } else {
        end(time.bytes.len(), time.start)
    }
}

/// Whether a line that tells of no client is one of BIND's: it begins with a time of its own.
fn is_of_bind(line: &[u8]) -> bool {
    Clock::Bind(Some(TimeZone::UTC)).read(line.get(..time_end(line)).unwrap_or_default()).is_some()
}
