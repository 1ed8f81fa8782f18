//! `egress reveal`: leads a pseudonym of a report back to the name in the logs, once two agreed to that.
//!
//! Sources: the logs, and the key that made the pseudonym. Evidence: the caller whose pseudonym it is. Verdict and ledger:
//! the motion that two people carried, before anything is read. Nothing of other callers is kept.

use std::collections::BTreeSet;

use lazaret_core::TrafficFact;
use lazaret_evidence::traffic::{Caller, hour_of};
use lazaret_traffic::{Glimpse, Place};
use rustc_hash::FxHashSet;

use super::callers::PeriodKeys;
use super::logs::{Log, LogError, Progress, Span, input_report, read_log};
use super::report::InputReport;

/// How many callers that are somebody else are remembered, so that their pseudonyms are not made again.
const OTHERS_MAX: usize = 1 << 16;

/// What logs say about a pseudonym.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revealed {
    /// Who is behind it: none where the logs have nobody, and never more than one unless the key is broken.
    pub callers: BTreeSet<Caller>,
    /// The logs.
    pub inputs: Vec<InputReport>,
}

/// Looks for whoever is behind a pseudonym.
///
/// # Errors
/// [`LogError`] where a log cannot be opened or read at all.
pub fn reveal(
    logs: &mut [Log<'_>],
    keys: &PeriodKeys,
    pseudonym: &str,
    n_threads: usize,
    progress: &mut Progress<'_>,
) -> Result<Revealed, LogError> {
    let mut revealed = Revealed { callers: BTreeSet::new(), inputs: Vec::new() };
    let period = pseudonym.strip_prefix('p').and_then(|rest| rest.rsplit_once('-')?.0.parse().ok());
    for log in logs {
        progress(&log.name, false);
        let begin = || Search {
            keys,
            pseudonym,
            period,
            others: FxHashSet::default(),
            span: Span::default(),
            found: BTreeSet::new(),
        };
        let mut span = Span::default();
        let reading = read_log(log, n_threads, begin, |search| {
            span.add(&search.span);
            revealed.callers.extend(search.found);
        })?;
        revealed.inputs.push(input_report(&log.name, reading, &span));
    }
    Ok(revealed)
}

/// Looks through a log, or a part of it.
struct Search<'a> {
    keys: &'a PeriodKeys,
    pseudonym: &'a str,
    /// The period that the pseudonym is of.
    period: Option<i64>,
    others: FxHashSet<Caller>,
    span: Span,
    found: BTreeSet<Caller>,
}

impl lazaret_traffic::Watch for Search<'_> {
    fn is_of_interest(&mut self, _place: Place, glimpse: &Glimpse<'_>) -> bool {
        self.span.note(glimpse);
        self.period == Some(self.keys.period(hour_of(glimpse.time)))
    }

    fn fact(&mut self, _place: Place, fact: &TrafficFact<'_>) {
        let caller = Caller::of(fact);
        if caller == Caller::Unnamed || self.others.contains(&caller) {
            return;
        }
        if self.keys.pseudonym(&caller, self.period.unwrap_or(-1)) == self.pseudonym {
            self.found.insert(caller);
        } else {
            if self.others.len() >= OTHERS_MAX {
                self.others.clear();
            }
            self.others.insert(caller);
        }
    }
}
