//! Logs as the workflows read them: opened once or again, with several threads, and accounted for.

use std::collections::BTreeSet;
use std::io::{self, Read};

use lazaret_core::Visibility;
use lazaret_traffic::{Format, Glimpse, Reading, TrafficError, read_in_parallel};

use super::report::{FaultReport, InputReport, moment};

/// A log.
#[expect(missing_debug_implementations, reason = "it holds functions")]
pub struct Log<'a> {
    /// Its name in the report.
    pub name: String,
    /// Its format; told from its first lines where none is given.
    pub format: Option<Format>,
    /// Opens it, from its beginning.
    pub open: Opener<'a>,
}

/// How a log is opened.
#[expect(missing_debug_implementations, reason = "it holds functions")]
pub enum Opener<'a> {
    /// As often as it is asked for: a file.
    Again(Box<dyn Fn() -> io::Result<Box<dyn Read>> + 'a>),
    /// Once: standard input.
    Once(Box<dyn Read + 'a>),
}

/// Is told of each log before it is read: its name, and whether it is read a second time.
pub type Progress<'a> = dyn FnMut(&str, bool) + 'a;

/// A log could not be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// It could not be opened.
    #[error("cannot open the log `{name}`")]
    Open {
        /// Its name.
        name: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It could not be read at all.
    #[error("cannot read the log `{name}`")]
    Read {
        /// Its name.
        name: String,
        /// Why.
        #[source]
        source: TrafficError,
    },
}

/// When the calls of a log were made, and what its lines show of them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Span {
    pub(super) first: Option<i64>,
    pub(super) last: Option<i64>,
    /// A bit for each kind of [`Visibility`], in their order.
    visibility: u8,
}

impl Span {
    pub(super) fn note(&mut self, glimpse: &Glimpse<'_>) {
        self.visibility |= 1 << (glimpse.visibility as u8);
        if let Some(time) = glimpse.time {
            self.first = Some(self.first.map_or(time, |first| first.min(time)));
            self.last = Some(self.last.map_or(time, |last| last.max(time)));
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.visibility |= other.visibility;
        let both = self.first.zip(other.first).map(|(one, other)| one.min(other));
        self.first = both.or(self.first).or(other.first);
        self.last = self.last.max(other.last);
    }

    fn visibility(&self) -> BTreeSet<Visibility> {
        Visibility::ALL.into_iter().filter(|kind| self.visibility >> (*kind as u8) & 1 == 1).collect()
    }
}

/// Reads a log with several watches, each for a part of it, and takes them back in order.
pub(super) fn read_log<W: lazaret_traffic::Watch + Send>(
    log: &mut Log<'_>,
    n_threads: usize,
    begin: impl Fn() -> W + Sync,
    end: impl FnMut(W),
) -> Result<Reading, LogError> {
    let open_error = |source| LogError::Open { name: log.name.clone(), source };
    let format = log.format.as_ref();
    let reading = match &mut log.open {
        Opener::Again(open) => read_in_parallel(open().map_err(open_error)?, format, n_threads, begin, end),
        Opener::Once(input) => read_in_parallel(input, format, n_threads, begin, end),
    };
    reading.map_err(|source| LogError::Read { name: log.name.clone(), source })
}

pub(super) fn input_report(name: &str, reading: Reading, span: &Span) -> InputReport {
    let Reading { format, counts, broken } = reading;
    let mut not_understood: Vec<FaultReport> = counts
        .faulty
        .iter()
        .map(|(fault, faulty)| (fault.as_str(), faulty))
        .chain([("too-long", &counts.too_long)])
        .filter(|(_, faulty)| faulty.lines > 0)
        .map(|(fault, faulty)| FaultReport {
            fault: fault.to_owned(),
            count: faulty.lines,
            first_line: faulty.first.first().map_or(0, |place| place.line),
        })
        .collect();
    not_understood.sort_by(|one, other| one.fault.cmp(&other.fault));
    InputReport {
        name: name.to_owned(),
        log_format: format,
        lines: counts.lines,
        calls: counts.facts + counts.passed,
        other: counts.blank + counts.beside.values().sum::<u64>(),
        not_understood,
        without_time: counts.untimed,
        first: span.first.map(moment),
        last: span.last.map(moment),
        visibility: span.visibility(),
        cut_short: broken.map(|error| error.to_string()),
    }
}
