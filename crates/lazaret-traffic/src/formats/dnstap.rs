//! dnstap, once its records are written as lines: kind, time, client, server, port, action, question, answers.

use lazaret_core::{Outcome, Part, Visibility};

use crate::counts::Fault;
use crate::grammar::{Grammar, Manner, Taken, Told};
use crate::row::{Coding, Many, Piece, Row, Slot};
use crate::values::number::Unit;
use crate::values::time::Clock;

/// dnstap's messages.
#[derive(Debug)]
pub(crate) struct Dnstap {
    manner: Manner,
}

impl Dnstap {
    pub(crate) fn new() -> Self {
        let manner =
            Manner { clock: Clock::Epoch(Unit::Seconds), duration: Unit::Seconds, time_is_end: false };
        Self { manner }
    }
}

impl Grammar for Dnstap {
    fn take<'l>(&'l self, line: &'l [u8], row: &mut Row) -> Result<Taken<'l>, Fault> {
        let mut fields = [(0, 0); 8];
        let mut ends = memchr::memchr_iter(b'\t', line).chain([line.len()]);
        let mut start = 0;
        for field in &mut fields {
            let end = ends.next().ok_or(Fault::Malformed)?;
            *field = (start, end);
            start = end + 1;
        }
        if ends.next().is_some() {
            return Err(Fault::Malformed);
        }
        let [kind, time, client, server, port, action, question, answers] = fields;
        let of = |(start, end): (usize, usize)| line.get(start..end).unwrap_or_default();
        // What a resolver asks others is its own call, and not a client's.
        let part = match of(kind) {
            b"5" => Part::Beginning,
            b"6" => Part::End,
            b"1" | b"2" => return Ok(Taken::Beside(b"auth")),
            b"3" | b"4" => return Ok(Taken::Beside(b"resolver")),
            b"7" | b"8" => return Ok(Taken::Beside(b"forwarder")),
            _ => return Ok(Taken::Beside(b"other")),
        };
        for (slot, field) in [
            (Slot::Time, time),
            (Slot::Client, client),
            (Slot::Server, server),
            (Slot::Port, port),
            (Slot::Question, question),
        ] {
            if !matches!(of(field), b"" | b"-") {
                row.set(slot, Piece::new(field.0, field.1, Coding::Plain));
            }
        }
        let mut start = answers.0;
        for end in memchr::memchr_iter(b',', of(answers)).map(|at| answers.0 + at).chain([answers.1]) {
            row.push(Many::Answer, Piece::new(start, end, Coding::Plain));
            start = end + 1;
        }
        let outcome = match of(action) {
            b"1" | b"2" | b"4" | b"6" => Outcome::Blocked,
            b"3" => Outcome::Passed,
            _ => Outcome::Unstated,
        };
        Ok(Taken::Call(Told { visibility: Visibility::Dns, part, outcome }))
    }

    fn manner(&self) -> &Manner {
        &self.manner
    }
}
