//! Flow logs of Amazon VPC, versions 2 to 5: one flow a line, in columns that a header names.
//!
//! Documented in the Amazon VPC User Guide, "Flow log records"; read by that documentation, not held against the service.
//! Without a header, lines have the default columns of version 2.

use std::sync::Arc;

use lazaret_core::{Outcome, Part, Visibility};
use memchr::memchr_iter;

use crate::counts::Fault;
use crate::grammar::{Grammar, Manner, Taken, Told};
use crate::row::{Coding, Piece, Row, Slot};
use crate::values::number::Unit;
use crate::values::time::Clock;

const DEFAULT: &[u8] = b"version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status";

/// Names that only a header begins with.
const COLUMNS: [&[u8]; 16] = [
    b"version",
    b"account-id",
    b"interface-id",
    b"srcaddr",
    b"dstaddr",
    b"srcport",
    b"dstport",
    b"protocol",
    b"action",
    b"pkt-srcaddr",
    b"pkt-dstaddr",
    b"vpc-id",
    b"subnet-id",
    b"instance-id",
    b"start",
    b"type",
];

/// The columns as far as they are known.
#[derive(Debug, Clone)]
pub(crate) struct VpcFlow {
    columns: Vec<Option<Slot>>,
    manner: Manner,
}

impl VpcFlow {
    pub(crate) fn new() -> Self {
        let manner =
            Manner { clock: Clock::Epoch(Unit::Seconds), duration: Unit::Seconds, time_is_end: false };
        Self { columns: columns(DEFAULT), manner }
    }
}

/// Where traffic is translated on its way, the `pkt-` addresses are those of its ends.
fn columns(header: &[u8]) -> Vec<Option<Slot>> {
    let names: Vec<&[u8]> = header.split(|byte| *byte == b' ').collect();
    let has = |name: &[u8]| names.contains(&name);
    let slot = |name: &&[u8]| match *name {
        b"version" => Some(Slot::MarkA),
        b"account-id" => Some(Slot::Account),
        b"interface-id" if !has(b"instance-id") => Some(Slot::Device),
        b"instance-id" => Some(Slot::Device),
        b"srcaddr" if !has(b"pkt-srcaddr") => Some(Slot::Client),
        b"pkt-srcaddr" => Some(Slot::Client),
        b"dstaddr" if !has(b"pkt-dstaddr") => Some(Slot::Server),
        b"pkt-dstaddr" => Some(Slot::Server),
        b"dstport" => Some(Slot::Port),
        b"bytes" => Some(Slot::Sent),
        b"start" => Some(Slot::Began),
        b"end" => Some(Slot::Ended),
        b"action" => Some(Slot::Outcome),
        b"log-status" => Some(Slot::Kind),
        _ => None,
    };
    names.iter().map(slot).collect()
}

impl Grammar for VpcFlow {
    fn take<'l>(&'l self, line: &'l [u8], row: &mut Row) -> Result<Taken<'l>, Fault> {
        let mut columns = self.columns.iter();
        let mut start = 0;
        for end in memchr_iter(b' ', line).chain([line.len()]) {
            let column = columns.next().ok_or(Fault::Fields)?;
            if let Some(slot) = column.filter(|_| line.get(start..end).is_some_and(|field| field != b"-")) {
                row.put(slot, Piece::new(start, end, Coding::Plain))?;
            }
            start = end + 1;
        }
        if columns.next().is_some() {
            return Err(Fault::Fields);
        }
        if row
            .raw(Slot::MarkA, line)
            .is_some_and(|version| version.len() > 2 || !version.iter().all(u8::is_ascii_digit))
        {
            return Err(Fault::Value);
        }
        match row.raw(Slot::Kind, line) {
            Some(b"NODATA") => return Ok(Taken::Beside(b"nodata")),
            // Flows happened, and the service did not write them down.
            Some(b"SKIPDATA") => return Ok(Taken::Beside(b"skipdata")),
            Some(b"OK") | None => {}
            Some(_) => return Err(Fault::Value),
        }
        let outcome = match row.raw(Slot::Outcome, line) {
            Some(b"ACCEPT") => Outcome::Passed,
            Some(b"REJECT") => Outcome::Blocked,
            None => Outcome::Unstated,
            Some(_) => return Err(Fault::Value),
        };
        Ok(Taken::Call(Told { visibility: Visibility::Flow, part: Part::Whole, outcome }))
    }

    fn manner(&self) -> &Manner {
        &self.manner
    }

    fn hides_a_cut(&self) -> bool {
        true
    }

    fn has_headers(&self) -> bool {
        true
    }

    fn is_header(&self, line: &[u8]) -> bool {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let mut words = line.split(|byte| *byte == b' ');
        words.next().is_some_and(|first| COLUMNS.contains(&first)) && words.next().is_some()
    }

    fn after(&self, line: &[u8]) -> Option<Arc<dyn Grammar>> {
        Some(Arc::new(Self { columns: columns(line), manner: self.manner.clone() }))
    }
}
