//! Zeek's logs `ssl`, `quic`, `dns`, `http` and `conn`, as JSON lines and as tab-separated values with their header.
//!
//! Documented at docs.zeek.org, "Log Formats" and "Zeek Logs"; the column `ja4` is that of the package `ja4`.

mod tsv;

use lazaret_core::{Outcome, Part, Visibility};

use super::json_lines::plan;
use crate::counts::Fault;
use crate::grammar::{Grammar, Manner, Taken, Told};
use crate::json::{Plan, Target};
use crate::row::{Many, Row, Slot};
use crate::values::number::Unit;
use crate::values::time::Clock;

pub(crate) use tsv::ZeekTsv;

/// The columns that are read, in every log.
const COLUMNS: [(&str, Target); 22] = [
    ("ts", Target::One(Slot::Time)),
    ("_path", Target::One(Slot::Kind)),
    ("id.orig_h", Target::One(Slot::Client)),
    ("id.resp_h", Target::One(Slot::Server)),
    ("id.resp_p", Target::One(Slot::Port)),
    ("server_name", Target::One(Slot::Sni)),
    ("query", Target::One(Slot::Question)),
    ("answers", Target::Many(Many::Answer)),
    ("host", Target::One(Slot::Host)),
    ("uri", Target::One(Slot::Path)),
    ("method", Target::One(Slot::Method)),
    ("user_agent", Target::One(Slot::Agent)),
    ("client_header_names", Target::Many(Many::HeaderName)),
    ("ja4", Target::One(Slot::Ja4)),
    ("duration", Target::One(Slot::Duration)),
    ("orig_bytes", Target::One(Slot::Sent)),
    ("resp_bytes", Target::One(Slot::Received)),
    ("request_body_len", Target::One(Slot::Sent)),
    ("response_body_len", Target::One(Slot::Received)),
    // What only one kind of log has; where no `_path` says which it is, these do.
    ("conn_state", Target::Mark(Slot::MarkA)),
    ("established", Target::Mark(Slot::MarkB)),
    ("trans_depth", Target::Mark(Slot::MarkC)),
];

fn manner() -> Manner {
    Manner { clock: Clock::Zeek, duration: Unit::Seconds, time_is_end: false }
}

/// What a log of some name tells of.
fn told(path: &[u8]) -> Option<Told> {
    match path {
        b"ssl" | b"quic" => Some(Told::whole(Visibility::Sni)),
        // One line holds the question and the answer.
        b"dns" => Some(Told { visibility: Visibility::Dns, part: Part::Whole, outcome: Outcome::Unstated }),
        b"http" => Some(Told::whole(Visibility::Http)),
        b"conn" => Some(Told::whole(Visibility::Flow)),
        _ => None,
    }
}

/// JSON lines.
#[derive(Debug)]
pub(crate) struct ZeekJson {
    plan: Plan,
    manner: Manner,
}

impl ZeekJson {
    pub(crate) fn new() -> Self {
        let rows: Vec<([&str; 1], Target)> =
            COLUMNS.iter().map(|(name, target)| ([*name], *target)).collect();
        let rows: Vec<(&[&str], Target)> =
            rows.iter().map(|(path, target)| (path.as_slice(), *target)).collect();
        Self { plan: plan(&rows), manner: manner() }
    }
}

impl Grammar for ZeekJson {
    fn take<'l>(&'l self, line: &'l [u8], row: &mut Row) -> Result<Taken<'l>, Fault> {
        self.plan.read(line, row)?;
        if !row.has(Slot::Time) || !row.has(Slot::Client) {
            return match row.raw(Slot::Kind, line) {
                Some(kind) if told(kind).is_none() => Ok(Taken::Beside(kind)),
                _ => Err(Fault::NobodyCalled),
            };
        }
        let kind = match row.raw(Slot::Kind, line) {
            Some(kind) => kind,
            None if row.has(Slot::MarkA) => b"conn",
            None if row.has(Slot::MarkC) => b"http",
            None if row.has(Slot::Question) => b"dns",
            None if row.has(Slot::MarkB) || row.has(Slot::Sni) => b"ssl",
            None => b"other",
        };
        Ok(told(kind).map_or(Taken::Beside(kind), Taken::Call))
    }

    fn manner(&self) -> &Manner {
        &self.manner
    }

    fn is_utf8(&self) -> bool {
        true
    }
}
