//! Unbound's text log: questions (`log-queries`), answers (`log-replies`), response policy zones (`rpz-log`) and local
//! zones (`log-local-actions`), from a file or through syslog.
//!
//! Documented in `unbound.conf(5)`; held against Unbound 1.17.1. A time is read where it is a number or, with
//! `log-time-iso`, a date; `log-time-ascii` and syslog write no year, so that their lines have none.

use lazaret_core::{Outcome, Part, Visibility};
use memchr::memmem;

use super::words::Words;
use crate::counts::Fault;
use crate::grammar::{Grammar, Manner, Taken, Told};
use crate::row::{Row, Slot};
use crate::values::address::address;
use crate::values::number::{Unit, whole};
use crate::values::time::Clock;

/// Unbound's log.
#[derive(Debug)]
pub(crate) struct Unbound {
    manner: Manner,
}

impl Unbound {
    pub(crate) fn new() -> Self {
        Self { manner: Manner { clock: Clock::Zeek, duration: Unit::Seconds, time_is_end: false } }
    }
}

fn told(part: Part, outcome: Outcome) -> Taken<'static> {
    Taken::Call(Told { visibility: Visibility::Dns, part, outcome })
}

/// What a local zone or a response policy zone does with a question.
fn outcome(action: &[u8]) -> Outcome {
    match action {
        b"rpz-passthru" | b"inform" | b"transparent" | b"always_transparent" => Outcome::Passed,
        b"rpz-nxdomain"
        | b"rpz-nodata"
        | b"rpz-drop"
        | b"rpz-local-data"
        | b"rpz-cname-override"
        | b"deny"
        | b"refuse"
        | b"inform_deny"
        | b"always_nxdomain"
        | b"always_nodata"
        | b"always_refuse"
        | b"always_deny"
        | b"always_null" => Outcome::Blocked,
        // `static` and `redirect` answer with what stands in the zone, or with nothing: the line does not say which.
        _ => Outcome::Unstated,
    }
}

impl Grammar for Unbound {
    fn take<'l>(&'l self, line: &'l [u8], row: &mut Row) -> Result<Taken<'l>, Fault> {
        let name = memmem::find(line, b"unbound[").ok_or(Fault::Malformed)?;
        let mut words = Words::new(line, name);
        words.next().ok_or(Fault::Malformed)?;
        let mut level = words.next().ok_or(Fault::Malformed)?;
        // Syslog writes the name with a colon, and Unbound its process and thread again.
        if level.bytes.starts_with(b"[") {
            level = words.next().ok_or(Fault::Malformed)?;
        }
        if !matches!(
            level.bytes,
            b"info:" | b"query:" | b"reply:" | b"notice:" | b"warning:" | b"error:" | b"debug:" | b"fatal"
        ) {
            return Err(Fault::Malformed);
        }
        let before = line.get(..name).unwrap_or_default().trim_ascii();
        let inner = before.strip_prefix(b"[").and_then(|inner| inner.strip_suffix(b"]"));
        let start = usize::from(inner.is_some());
        let length = inner.unwrap_or(before).len();
        Words::put(row, Slot::Time, start, start + length);

        let (first, count) = words.several::<11>();
        let Some([a, b, c, d, e, f, g, h, i, ..]) = first.get(..) else { return Err(Fault::Malformed) };
        if a.bytes == b"rpz:" && b.bytes == b"applied" && count == 9 {
            let at = memchr::memchr(b'@', f.bytes).ok_or(Fault::Malformed)?;
            Words::put(row, Slot::Client, f.start, f.start + at);
            g.put_name(row);
            let _ = (h, i);
            return Ok(told(Part::End, outcome(e.bytes)));
        }
        if count == 6 && c.bytes.contains(&b'@') {
            let at = memchr::memchr(b'@', c.bytes).ok_or(Fault::Malformed)?;
            Words::put(row, Slot::Client, c.start, c.start + at);
            d.put_name(row);
            return Ok(told(Part::End, outcome(b.bytes)));
        }
        if address(a.bytes).is_none() || !matches!(count, 4 | 8..) {
            return Ok(Taken::Beside(b"message"));
        }
        Words::put(row, Slot::Client, a.start, a.start + a.bytes.len());
        b.put_name(row);
        if count == 4 {
            return Ok(told(Part::Beginning, Outcome::Unstated));
        }
        if whole(g.bytes).is_none() || whole(h.bytes).is_none() {
            return Err(Fault::Malformed);
        }
        Words::put(row, Slot::Duration, f.start, f.start + f.bytes.len());
        Ok(told(Part::End, Outcome::Unstated))
    }

    fn manner(&self) -> &Manner {
        &self.manner
    }
}
