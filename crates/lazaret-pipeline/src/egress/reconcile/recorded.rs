//! Decisions as `egress serve` and the Squid helper recorded them, read line by line.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, BufRead as _, BufReader, Read};

use jiff::Timestamp;
use lazaret_core::{DecisionId, EndpointId, Permission};
use lazaret_policy::egress::{EgressRule, LONGEST_VALIDITY_SECONDS};
use lazaret_traffic::Decoder;
use rustc_hash::FxBuildHasher;
use serde::Deserialize;

use super::report::RecordReport;
use crate::egress::logs::{Log, LogError, Opener};
use crate::egress::report::{FaultReport, moment};

/// The name of the format of a record's lines.
pub const DECISION_FORMAT: &str = "lazaret.egress-decision/1";

/// The longest line that is read, in bytes: a decision names rules and reasons, and takes a few hundred.
const LINE_BYTES_MAX: u64 = 64 << 10;

/// What is read of a line; what else it says is not needed here.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Line {
    format: String,
    time: Timestamp,
    id: DecisionId,
    permission: Permission,
    rule: Option<EgressRule>,
    exemption: Option<String>,
    valid_until: Timestamp,
}

/// A recorded decision. Ordered, so that of two that bear one name the same is kept whatever the order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::egress) struct Recorded {
    /// When it was made, in microseconds since 1970-01-01 UTC.
    pub(in crate::egress) time: i64,
    /// Until when it may be kept.
    pub(super) valid_until: i64,
    pub(in crate::egress) denies: bool,
    pub(super) row: Option<EndpointId>,
    pub(in crate::egress) exemption: Option<String>,
}

/// All decisions that records tell of.
#[derive(Debug, Default)]
pub(in crate::egress) struct Records {
    by_id: HashMap<DecisionId, Recorded, FxBuildHasher>,
    /// When the first and the last of them were made.
    span: Option<(i64, i64)>,
}

impl Records {
    /// Reads a record to its end. What is not understood is counted and named.
    ///
    /// # Errors
    /// [`LogError`] where it cannot be opened, or its first bytes not be read.
    pub(in crate::egress) fn read(&mut self, log: &mut Log<'_>) -> Result<RecordReport, LogError> {
        let open_error = |source| LogError::Open { name: log.name.clone(), source };
        let input: Box<dyn Read + '_> = match &mut log.open {
            Opener::Again(open) => open().map_err(open_error)?,
            Opener::Once(input) => Box::new(input),
        };
        let decoder =
            Decoder::new(input).map_err(|source| LogError::Read { name: log.name.clone(), source })?;
        let mut input = BufReader::new(decoder);
        let mut report = RecordReport { name: log.name.clone(), ..RecordReport::default() };
        let mut faults: BTreeMap<&'static str, (u64, u64)> = BTreeMap::new();
        let mut span = None;
        let mut line = Vec::new();
        loop {
            line.clear();
            match (&mut input).take(LINE_BYTES_MAX).read_until(b'\n', &mut line) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => {
                    report.cut_short = Some(error.to_string());
                    break;
                }
            }
            report.lines += 1;
            let fault =
                if line.last() == Some(&b'\n') || line.len() < usize::try_from(LINE_BYTES_MAX).unwrap_or(0) {
                    self.take(&line, &mut span)
                } else {
                    if let Err(error) = skip_line(&mut input) {
                        report.cut_short = Some(error.to_string());
                    }
                    Err("too-long")
                };
            match fault {
                Ok(()) => report.decisions += 1,
                Err(fault) => {
                    let (count, _) = faults.entry(fault).or_insert((0, report.lines));
                    *count += 1;
                }
            }
        }
        if let Some((first, last)) = span {
            (report.first, report.last) = (Some(moment(first)), Some(moment(last)));
            self.span = wider(self.span, (first, last));
        }
        let fault = |(fault, (count, first_line)): (&str, _)| FaultReport {
            fault: fault.to_owned(),
            count,
            first_line,
        };
        report.not_understood = faults.into_iter().map(fault).collect();
        Ok(report)
    }

    /// Takes a line, or says what is wrong with it.
    fn take(&mut self, line: &[u8], span: &mut Option<(i64, i64)>) -> Result<(), &'static str> {
        let line: Line = serde_json::from_slice(line).map_err(|_error| "malformed")?;
        if line.format != DECISION_FORMAT {
            return Err("other-format");
        }
        let recorded = Recorded {
            time: line.time.as_microsecond(),
            valid_until: line.valid_until.as_microsecond(),
            denies: line.permission == Permission::Deny,
            row: line.rule.map(|rule| rule.endpoint),
            exemption: line.exemption,
        };
        *span = wider(*span, (recorded.time, recorded.time));
        match self.by_id.get_mut(&line.id) {
            // A record that is given twice says the same twice.
            Some(known) if *known == recorded => Ok(()),
            Some(known) => {
                if recorded < *known {
                    *known = recorded;
                }
                Err("twice")
            }
            None => {
                self.by_id.insert(line.id, recorded);
                Ok(())
            }
        }
    }

    /// Returns the decision of that name.
    pub(super) fn get(&self, id: &DecisionId) -> Option<&Recorded> {
        self.by_id.get(id)
    }

    /// Returns all of them, in no order.
    pub(in crate::egress) fn iter(&self) -> impl Iterator<Item = (&DecisionId, &Recorded)> {
        self.by_id.iter()
    }

    /// Whether decisions of that time would be in the records: it lies between the first and the last.
    pub(super) fn spans(&self, time: i64) -> bool {
        self.span.is_some_and(|(first, last)| (first..=last).contains(&time))
    }
}

/// Returns when a decision was made, by its name alone: version 7 of UUIDs begins with the milliseconds.
pub(super) fn time_in(id: &DecisionId) -> Option<i64> {
    let bytes = id.as_bytes();
    if bytes.get(6)? >> 4 != 7 {
        return None;
    }
    let milliseconds = bytes.iter().take(6).fold(0_i64, |sum, byte| sum << 8 | i64::from(*byte));
    milliseconds.checked_mul(1000)
}

/// Returns until when a decision may be kept at most, by its name alone.
pub(super) fn latest_use_of(id: &DecisionId) -> Option<i64> {
    time_in(id)?.checked_add(LONGEST_VALIDITY_SECONDS * 1_000_000)
}

fn wider(span: Option<(i64, i64)>, more: (i64, i64)) -> Option<(i64, i64)> {
    Some(span.map_or(more, |(first, last)| (first.min(more.0), last.max(more.1))))
}

/// Reads on to the end of a line that is too long to be kept.
fn skip_line(input: &mut impl io::BufRead) -> io::Result<()> {
    input.skip_until(b'\n').map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0190163d-8694-739b-aea5-966c26f8ad91";

    fn line(id: &str, permission: &str) -> String {
        format!(
            r#"{{"format":"lazaret.egress-decision/1","time":"2026-11-02T09:00:00Z","id":"{id}","point":"squid","permission":"{permission}","enforced":"deny","mode":"enforce","rule":null,"policy":"sha256:00","exemption":null,"valid-until":"2026-11-02T09:00:30Z","reasons":[]}}"#
        )
    }

    fn read(text: &str) -> (Records, RecordReport) {
        let mut records = Records::default();
        let open = Opener::Once(Box::new(io::Cursor::new(text.to_owned().into_bytes())));
        let report = records.read(&mut Log { name: "record".to_owned(), format: None, open }).unwrap();
        (records, report)
    }

    #[test]
    fn lines_that_are_no_decisions_are_counted_by_what_is_wrong_with_them() {
        let long = format!("{{\"{}", "a".repeat(200_000));
        let other = line(ID, "deny").replace("egress-decision/1", "egress-decision/9");
        let text =
            [&line(ID, "deny"), "no JSON", &long, &other, &line(ID, "deny"), &line(ID, "allow")].join("\n");
        let (records, report) = read(&text);
        assert_eq!((report.lines, report.decisions), (6, 2));
        let faults: Vec<_> =
            report.not_understood.iter().map(|one| (one.fault.as_str(), one.count, one.first_line)).collect();
        assert_eq!(
            faults,
            [("malformed", 1, 2), ("other-format", 1, 4), ("too-long", 1, 3), ("twice", 1, 6)]
        );
        // Of two that bear one name, the same is kept whatever the order.
        let (turned, _) = read(&[line(ID, "allow"), line(ID, "deny")].join("\n"));
        let id = ID.parse().unwrap();
        assert_eq!(records.get(&id), turned.get(&id));
    }

    #[test]
    fn the_name_of_a_decision_tells_when_it_was_made() {
        let id: DecisionId = ID.parse().unwrap();
        assert_eq!(time_in(&id), Some(0x0190_163d_8694 * 1000));
        let other: DecisionId = "0190163d-8694-439b-aea5-966c26f8ad91".parse().unwrap();
        assert_eq!(time_in(&other), None);
    }
}
