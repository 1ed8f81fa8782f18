//! Suricata's EVE: one JSON object a line, told apart by `event_type`.
//!
//! Documented at docs.suricata.io, "EVE JSON Format"; the events `tls`, `quic`, `dns` (versions 1 to 3), `http` and
//! `flow` are read; held against Suricata 7.0.10. `host` is the sensor (`sensor-name`), and nobody who called.

use lazaret_core::{Outcome, Part, Visibility};

use super::json_lines::{Names, outcome, plan};
use crate::counts::Fault;
use crate::grammar::{Grammar, Manner, Taken, Told};
use crate::json::{Plan, Target};
use crate::row::{Many, Row, Slot};
use crate::values::number::Unit;
use crate::values::time::Clock;

const NAMES: Names<'_> = &[
    (&["event_type"], Target::One(Slot::Kind)),
    (&["timestamp"], Target::One(Slot::Time)),
    (&["src_ip"], Target::One(Slot::Client)),
    (&["dest_ip"], Target::One(Slot::Server)),
    (&["dest_port"], Target::One(Slot::Port)),
    (&["tls", "sni"], Target::One(Slot::Sni)),
    (&["tls", "ja4"], Target::One(Slot::Ja4)),
    (&["quic", "sni"], Target::One(Slot::Sni)),
    (&["quic", "ja4"], Target::One(Slot::Ja4)),
    (&["dns", "type"], Target::One(Slot::MarkA)),
    (&["dns", "rrname"], Target::One(Slot::Question)),
    (&["dns", "queries", "rrname"], Target::One(Slot::Question)),
    (&["dns", "rdata"], Target::Many(Many::Answer)),
    (&["dns", "answers", "rdata"], Target::Many(Many::Answer)),
    (&["http", "hostname"], Target::One(Slot::Host)),
    (&["http", "url"], Target::One(Slot::Path)),
    (&["http", "http_method"], Target::One(Slot::Method)),
    (&["http", "http_user_agent"], Target::One(Slot::Agent)),
    (&["http", "request_headers", "name"], Target::Many(Many::HeaderName)),
    (&["http", "http_port"], Target::Mark(Slot::MarkB)),
    (&["flow", "bytes_toserver"], Target::One(Slot::Sent)),
    (&["flow", "bytes_toclient"], Target::One(Slot::Received)),
    (&["flow", "start"], Target::One(Slot::Began)),
    (&["flow", "end"], Target::One(Slot::Ended)),
    (&["flow", "action"], Target::One(Slot::Outcome)),
];

/// EVE.
#[derive(Debug)]
pub(crate) struct Eve {
    plan: Plan,
    manner: Manner,
}

impl Eve {
    pub(crate) fn new() -> Self {
        let manner = Manner { clock: Clock::Rfc3339, duration: Unit::Seconds, time_is_end: false };
        Self { plan: plan(NAMES), manner }
    }
}

impl Grammar for Eve {
    fn take<'l>(&'l self, line: &'l [u8], row: &mut Row) -> Result<Taken<'l>, Fault> {
        self.plan.read(line, row)?;
        let kind = row.raw(Slot::Kind, line).ok_or(Fault::NobodyCalled)?;
        if !row.has(Slot::Time) {
            return Err(Fault::NobodyCalled);
        }
        Ok(match kind {
            b"tls" | b"quic" => Taken::Call(Told::whole(Visibility::Sni)),
            b"dns" => {
                let part = match row.raw(Slot::MarkA, line) {
                    Some(b"query" | b"request") => Part::Beginning,
                    Some(b"answer" | b"response") => Part::End,
                    _ => Part::Whole,
                };
                Taken::Call(Told { visibility: Visibility::Dns, part, outcome: Outcome::Unstated })
            }
            b"http" => Taken::Call(Told::whole(Visibility::Http)),
            b"flow" => {
                let outcome = outcome(row, line, &[b"pass", b"accept"], &[b"drop", b"reject"]);
                Taken::Call(Told { visibility: Visibility::Flow, part: Part::Whole, outcome })
            }
            other => Taken::Beside(other),
        })
    }

    fn manner(&self) -> &Manner {
        &self.manner
    }

    fn is_utf8(&self) -> bool {
        true
    }
}
