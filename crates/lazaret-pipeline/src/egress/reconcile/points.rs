//! What enforcement points wrote: which calls bear a decision, whose it was, and whether it was carried out.

use std::collections::BTreeSet;

use lazaret_core::{DecisionId, Outcome, Part, TrafficFact, Visibility};
use lazaret_evidence::traffic::{Activity, LinePlace};
use lazaret_traffic::{Glimpse, Place};

use super::calls::{Covers, Ground, Held, Reading, TimesOf, Told, add_times, note_times};
use super::recorded::{latest_use_of, time_in};
use super::report::{Discrepancy, Unsettled};
use crate::egress::logs::Span;

/// How long before a line a call may have begun by the name of its decision alone, in microseconds.
const UNRECORDED_MAX: i64 = 24 * 3600 * 1_000_000;

/// What is gathered of the logs of enforcement points.
#[derive(Default)]
pub(super) struct Gathered {
    /// When calls that were allowed were under way.
    pub(super) allowed: TimesOf,
    /// When calls were denied.
    pub(super) denied: TimesOf,
    /// Beginnings and ends of tunnels that bear a decision, of which the other line may bear none.
    begun: TimesOf,
    ended: TimesOf,
    /// Beginnings and ends that bear none.
    waiting: Vec<(Part, i64, Held)>,
    /// The names of the decisions that stand in the logs.
    pub(super) named: BTreeSet<DecisionId>,
    /// Whether any line states how long its call lasted.
    pub(super) has_durations: bool,
    pub(super) told: Told,
}

/// Watches one log of an enforcement point, or a part of it.
pub(super) struct PointWatch<'a> {
    pub(super) ground: Ground<'a>,
    pub(super) input: u32,
    pub(super) span: Span,
    pub(super) activity: Activity,
    pub(super) gathered: Gathered,
}

impl lazaret_traffic::Watch for PointWatch<'_> {
    fn is_of_interest(&mut self, _place: Place, glimpse: &Glimpse<'_>) -> bool {
        self.span.note(glimpse);
        self.gathered.told.counts.read += 1;
        if let Some(time) = glimpse.time {
            self.activity.note(time);
        }
        self.ground.knows(glimpse)
    }

    fn fact(&mut self, place: Place, fact: &TrafficFact<'_>) {
        let place = LinePlace { input: self.input, line: place.line };
        self.gathered.has_durations |= fact.duration.is_some();
        // What stands there may be another program's mark.
        let id = fact.decision.and_then(|text| str::from_utf8(text).ok()?.parse::<DecisionId>().ok());
        if let Some(id) = id {
            self.gathered.named.insert(id);
        }
        match self.ground.read(fact, place) {
            Reading::Open => self.gathered.told.counts.open += 1,
            Reading::Held(held) => self.gathered.note(&self.ground, fact, id, &held),
        }
    }
}

impl Gathered {
    /// Notes a call that enforcement is about.
    fn note(&mut self, ground: &Ground<'_>, fact: &TrafficFact<'_>, id: Option<DecisionId>, held: &Held) {
        let Some(time) = fact.time else {
            self.told.leave_open(Unsettled::NoTime, held);
            return;
        };
        let duration = fact.duration.and_then(|duration| i64::try_from(duration).ok());
        let end = time.saturating_add(duration.unwrap_or(0));
        // What is neither recorded nor bears a time as our names do is another program's mark, and no decision.
        let id = id.filter(|id| ground.records.get(id).is_some() || time_in(id).is_some());
        let Some(id) = id else {
            self.note_undecided(fact, time, held);
            self.note_outlived(ground, held, held.exemption, end);
            return;
        };
        self.told.counts.decided += 1;
        let recorded = ground.records.get(&id);
        let made = recorded.map(|recorded| recorded.time).or_else(|| time_in(&id));
        // Where a line does not say how long its call lasted, it began when its decision was made. A name that no record
        // bears out may be anybody's, so that it accounts for what was seen within a day before the line and no more.
        let earliest = if recorded.is_some() { i64::MIN } else { time.saturating_sub(UNRECORDED_MAX) };
        let begin = made.filter(|_| duration.is_none()).map_or(time, |made| made.clamp(earliest, time));
        let span = (begin.saturating_sub(ground.tolerance), end.saturating_add(ground.tolerance));
        let denies = recorded.is_some_and(|recorded| recorded.denies) || fact.outcome == Outcome::Blocked;
        note_times(if denies { &mut self.denied } else { &mut self.allowed }, held, span.0, span.1);
        match fact.part {
            Part::Beginning => note_times(&mut self.begun, held, span.0, span.1),
            Part::End => note_times(&mut self.ended, held, span.0, span.1),
            Part::Whole => {}
        }
        if fact.outcome == Outcome::Blocked {
            self.told.counts.stopped += 1;
            return;
        }
        let spans = |time| ground.records.spans(time);
        let is_past_use = latest_use_of(&id).is_some_and(|latest| latest < time);
        if recorded.is_none() && (made.is_some_and(spans) || (is_past_use && spans(time))) {
            self.told.leave_open(Unsettled::NotRecorded, held);
        }
        if recorded.is_some_and(|recorded| recorded.denies) && fact.outcome == Outcome::Passed {
            self.told.tell(Discrepancy::DespiteDenial, held, None);
        }
        let latest = recorded.map(|recorded| recorded.valid_until).or_else(|| latest_use_of(&id));
        // A line that states no duration tells when its call ended, and not when it began.
        let is_known = duration.is_some() || fact.visibility == Visibility::Http;
        if let Some(beyond) = latest.map(|latest| time.saturating_sub(latest))
            && is_known
            && beyond > ground.tolerance
        {
            self.told.tell(Discrepancy::KeptTooLong, held, Some(beyond));
        }
        let exemption = recorded.and_then(|recorded| recorded.exemption.as_deref());
        let exemption = exemption.and_then(|name| ground.leave.number_of(name)).or(held.exemption);
        self.note_outlived(ground, held, exemption, end);
    }

    fn note_undecided(&mut self, fact: &TrafficFact<'_>, time: i64, held: &Held) {
        if fact.outcome == Outcome::Blocked {
            self.told.counts.stopped += 1;
        } else if fact.part == Part::Whole {
            self.told.tell(Discrepancy::Undecided, held, None);
        } else {
            self.waiting.push((fact.part, time, held.clone()));
        }
    }

    /// Notes a tunnel that was under way after its exemption's end.
    fn note_outlived(&mut self, ground: &Ground<'_>, held: &Held, exemption: Option<u32>, end: i64) {
        note_outlived(&mut self.told, ground, held, exemption, end);
    }

    pub(super) fn add(&mut self, other: Self) {
        add_times(&mut self.allowed, other.allowed);
        add_times(&mut self.denied, other.denied);
        add_times(&mut self.begun, other.begun);
        add_times(&mut self.ended, other.ended);
        self.waiting.extend(other.waiting);
        self.named.extend(other.named);
        self.has_durations |= other.has_durations;
        self.told.add(other.told);
    }

    /// Tells of the lines that bear no decision, and of whose call no other line bears one.
    pub(super) fn conclude(&mut self) {
        let begun = Covers::of(std::mem::take(&mut self.begun));
        let ended = Covers::of(std::mem::take(&mut self.ended));
        for (part, time, held) in std::mem::take(&mut self.waiting) {
            let others = if part == Part::Beginning { &ended } else { &begun };
            if !others.contain(&held, time) {
                self.told.tell(Discrepancy::Undecided, &held, None);
            }
        }
    }
}

/// Notes a call that went on after the end of the exemption under which it was made.
pub(super) fn note_outlived(
    told: &mut Told,
    ground: &Ground<'_>,
    held: &Held,
    exemption: Option<u32>,
    end: i64,
) {
    let Some(number) = exemption else { return };
    let Some(ended) = ground.end_of(number) else { return };
    let beyond = end.saturating_sub(ended);
    if beyond > ground.tolerance {
        let mut held = held.clone();
        held.key.exemption = Some(number);
        told.tell(Discrepancy::OutlivedExemption, &held, Some(beyond));
    }
}
