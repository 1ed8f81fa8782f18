//! Field maps: a log described by what its fields mean, in TOML, as the user writes it or as it ships with the program.

mod file;
mod separated;

use std::sync::Arc;

use jiff::tz::TimeZone;
use lazaret_core::{Outcome, Part, Visibility};

use crate::counts::Fault;
use crate::error::FormatError;
use crate::format::zone_of;
use crate::grammar::{Grammar, Manner, Taken, Told};
use crate::json::Plan;
use crate::row::{Row, Slot};
use crate::values::number::Unit;
use crate::values::time::Clock;

use file::{FieldMap, Shape, TimeUnit};
use separated::Separated;

/// How a line is taken apart.
#[derive(Debug, Clone)]
enum Way {
    Json(Arc<Plan>),
    Separated(Separated),
}

/// A log that a field map describes.
#[derive(Debug, Clone)]
pub(crate) struct Mapped {
    way: Way,
    manner: Manner,
    visibility: Visibility,
    absent: Vec<Vec<u8>>,
    passed: Vec<Vec<u8>>,
    blocked: Vec<Vec<u8>>,
    /// The kinds of lines that tell of calls; all where it is empty.
    kinds: Vec<Vec<u8>>,
    headers: Vec<Vec<u8>>,
    /// How many marks a line must have to be one of the format.
    marks: usize,
}

/// Reads a field map and returns its name and what it describes.
///
/// # Errors
/// [`FormatError`] where it is no field map, or says what cannot be.
pub(crate) fn parse(text: &str) -> Result<(String, Mapped), FormatError> {
    let map: FieldMap = toml::from_str(text).map_err(|error| FormatError::Map(Box::new(error)))?;
    let wrong = |why: String| FormatError::MapMeaning { name: map.name.clone(), why };
    let rows = map.rows().map_err(wrong)?;
    let way = match map.shape {
        Shape::Json => {
            Way::Json(Arc::new(Plan::new(rows.iter().map(|(path, target)| (path.as_slice(), *target)))))
        }
        Shape::Separated => Way::Separated(Separated::new(&map, &rows).map_err(wrong)?),
    };
    let zone = match &map.time.zone {
        Some(name) => zone_of(name)?,
        None => TimeZone::UTC,
    };
    let clock = match map.time.format.as_str() {
        "rfc3339" => Clock::Rfc3339,
        "epoch-seconds" => Clock::Epoch(Unit::Seconds),
        "epoch-milliseconds" => Clock::Epoch(Unit::Milliseconds),
        "epoch-microseconds" => Clock::Epoch(Unit::Microseconds),
        "epoch-nanoseconds" => Clock::Epoch(Unit::Nanoseconds),
        pattern if pattern.contains('%') => Clock::Strftime(pattern.to_owned(), zone),
        other => return Err(wrong(format!("there is no time format `{other}`"))),
    };
    let duration = match map.time.duration {
        TimeUnit::Seconds => Unit::Seconds,
        TimeUnit::Milliseconds => Unit::Milliseconds,
        TimeUnit::Microseconds => Unit::Microseconds,
        TimeUnit::Nanoseconds => Unit::Nanoseconds,
    };
    let bytes = |words: &[String]| words.iter().map(|word| word.as_bytes().to_vec()).collect::<Vec<_>>();
    let mapped = Mapped {
        way,
        manner: Manner { clock, duration, time_is_end: map.time.is_end },
        visibility: map.visibility,
        absent: bytes(&map.absent),
        passed: bytes(&map.outcome.passed),
        blocked: bytes(&map.outcome.blocked),
        kinds: bytes(&map.kinds),
        headers: map.headers.keys().map(|name| name.as_bytes().to_vec()).collect(),
        marks: map.signature.len(),
    };
    Ok((map.name, mapped))
}

impl Mapped {
    /// What was seen of a call, as far as the line itself says: a request that was decrypted, the host that was asked to
    /// be connected to, a greeting, or less.
    fn visibility(&self, row: &Row, line: &[u8]) -> Visibility {
        let has_host = row.has(Slot::Host) || row.has(Slot::Url);
        let has_request = has_host || row.has(Slot::Method);
        if self.visibility != Visibility::Http {
            self.visibility
        } else if row.raw(Slot::Method, line) == Some(b"CONNECT") {
            Visibility::Connect
        } else if has_request {
            Visibility::Http
        } else if row.has(Slot::Sni) {
            Visibility::Sni
        } else {
            Visibility::Flow
        }
    }

    fn outcome(&self, row: &Row, line: &[u8]) -> Outcome {
        let said = row.raw(Slot::Outcome, line).unwrap_or_default();
        let says = |words: &[Vec<u8>]| {
            let mut flags = said.split(|byte| *byte == b',').chain([said]);
            flags.any(|flag| words.iter().any(|word| word.eq_ignore_ascii_case(flag)))
        };
        if says(&self.blocked) {
            Outcome::Blocked
        } else if says(&self.passed) {
            Outcome::Passed
        } else {
            Outcome::Unstated
        }
    }
}

impl Grammar for Mapped {
    fn take<'l>(&'l self, line: &'l [u8], row: &mut Row) -> Result<Taken<'l>, Fault> {
        match &self.way {
            Way::Json(plan) => {
                plan.read(line, row)?;
                row.strike(line, &self.absent);
            }
            Way::Separated(separated) => separated.read(line, row, &self.absent)?,
        }
        let marks = [Slot::MarkA, Slot::MarkB, Slot::MarkC];
        if marks.into_iter().take(self.marks).any(|mark| !row.has(mark)) {
            return Err(Fault::NobodyCalled);
        }
        if !self.kinds.is_empty() {
            let kind = row.raw(Slot::Kind, line).ok_or(Fault::NobodyCalled)?;
            if !self.kinds.iter().any(|known| known == kind) {
                return Ok(Taken::Beside(kind));
            }
        }
        let visibility = self.visibility(row, line);
        Ok(Taken::Call(Told { visibility, part: Part::Whole, outcome: self.outcome(row, line) }))
    }

    fn manner(&self) -> &Manner {
        &self.manner
    }

    fn is_utf8(&self) -> bool {
        matches!(self.way, Way::Json(_))
    }

    fn hides_a_cut(&self) -> bool {
        matches!(self.way, Way::Separated(_))
    }

    fn headers(&self) -> &[Vec<u8>] {
        &self.headers
    }

    fn has_headers(&self) -> bool {
        matches!(&self.way, Way::Separated(separated) if separated.has_header())
    }

    fn is_header(&self, line: &[u8]) -> bool {
        matches!(&self.way, Way::Separated(separated) if separated.is_header(line))
    }

    fn after(&self, line: &[u8]) -> Option<Arc<dyn Grammar>> {
        let Way::Separated(separated) = &self.way else { return None };
        Some(Arc::new(Self { way: Way::Separated(separated.after(line)), ..self.clone() }))
    }
}
