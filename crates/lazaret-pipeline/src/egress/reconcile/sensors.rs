//! What sensors saw: calls that a decision accounts for, calls past the enforcement points, and calls of which nothing
//! can be said.

use lazaret_core::{EndpointId, Outcome, TrafficFact, Visibility};
use lazaret_evidence::traffic::{Activity, Cover, Extent, LinePlace, Spans, minute_of};
use lazaret_traffic::{Glimpse, Place};
use rustc_hash::FxHashMap;

use super::calls::{Covers, Ground, Held, Reading, Told};
use super::points::{Gathered, note_outlived};
use super::report::{Discrepancy, Unsettled};
use super::sources::Source;
use crate::egress::logs::Span;

/// What enforcement points wrote and records tell, ready to be asked about a call.
pub(super) struct Account<'a> {
    allowed: Covers,
    denied: Covers,
    /// When decisions were made that no line bears, by the row they are about.
    without_line: FxHashMap<EndpointId, Cover>,
    /// The sources that are enforcement points.
    points: Vec<&'a Source>,
    /// From how many minutes on a source is quiet.
    quiet_minutes: i64,
}

impl<'a> Account<'a> {
    /// Takes what was gathered of the points. Returns how many decisions no line bears, too.
    pub(super) fn new(
        ground: &Ground<'_>,
        gathered: &mut Gathered,
        points: Vec<&'a Source>,
        quiet_minutes: u32,
    ) -> (Self, u64) {
        let mut spans: FxHashMap<EndpointId, Spans> = FxHashMap::default();
        let mut without_line = 0;
        for (id, recorded) in ground.records.iter() {
            if gathered.named.contains(id) {
                continue;
            }
            without_line += 1;
            let Some(row) = &recorded.row else { continue };
            let begin = recorded.time.saturating_sub(ground.tolerance);
            let end = recorded.valid_until.saturating_add(ground.tolerance);
            spans.entry(row.clone()).or_default().put(begin, end);
        }
        let account = Self {
            allowed: Covers::of(std::mem::take(&mut gathered.allowed)),
            denied: Covers::of(std::mem::take(&mut gathered.denied)),
            without_line: spans.into_iter().map(|(row, spans)| (row, spans.cover())).collect(),
            points,
            quiet_minutes: i64::from(quiet_minutes),
        };
        (account, without_line)
    }

    /// Says why nothing can be said of a call at a time that no line accounts for; nothing where something can.
    fn unsettled(&self, ground: &Ground<'_>, held: &Held, time: i64) -> Option<Unsettled> {
        let decided =
            held.rows.iter().filter_map(|row| self.without_line.get(row)).any(|cover| cover.contains(time));
        if decided {
            return Some(Unsettled::DecisionWithoutLine);
        }
        let is_recorded = ground.records.spans(time);
        if self.points.is_empty() {
            return (!is_recorded).then_some(Unsettled::PointQuiet);
        }
        let minute = minute_of(time);
        if !self.points.iter().all(|point| point.told_at(minute, self.quiet_minutes)) {
            return Some(Unsettled::PointQuiet);
        }
        let ends_soon = |point: &&Source| {
            point.span().is_none_or(|(_, last)| minute > last.saturating_sub(self.quiet_minutes))
        };
        (!is_recorded && self.points.iter().any(ends_soon)).then_some(Unsettled::MayBeOpen)
    }
}

/// Watches one log of a sensor, or a part of it.
pub(super) struct SensorWatch<'a> {
    pub(super) ground: Ground<'a>,
    pub(super) account: &'a Account<'a>,
    pub(super) input: u32,
    pub(super) span: Span,
    pub(super) activity: Activity,
    pub(super) told: Told,
}

impl lazaret_traffic::Watch for SensorWatch<'_> {
    fn is_of_interest(&mut self, _place: Place, glimpse: &Glimpse<'_>) -> bool {
        self.span.note(glimpse);
        self.told.counts.read += 1;
        if let Some(time) = glimpse.time {
            self.activity.note(time);
        }
        self.ground.knows(glimpse)
    }

    fn fact(&mut self, place: Place, fact: &TrafficFact<'_>) {
        let place = LinePlace { input: self.input, line: place.line };
        match self.ground.read(fact, place) {
            Reading::Open => self.told.counts.open += 1,
            Reading::Held(held) => self.note(fact, &held),
        }
    }
}

impl SensorWatch<'_> {
    fn note(&mut self, fact: &TrafficFact<'_>, held: &Held) {
        if fact.outcome == Outcome::Blocked {
            self.told.counts.stopped += 1;
            return;
        }
        let Some(time) = fact.time else {
            self.told.leave_open(Unsettled::NoTime, held);
            return;
        };
        let is_call = fact.visibility != Visibility::Dns;
        if is_call {
            let duration = fact.duration.and_then(|duration| i64::try_from(duration).ok());
            let end = time.saturating_add(duration.unwrap_or(0));
            note_outlived(&mut self.told, &self.ground, held, held.exemption, end);
        }
        if self.account.allowed.contain(held, time) {
            self.told.counts.accounted += 1;
        } else if self.account.denied.contain(held, time) {
            // A greeting goes out before it can be denied.
            if is_call && held.calls.extent == Extent::Exchanged {
                self.told.tell(Discrepancy::DespiteDenial, held, None);
            } else {
                self.told.counts.accounted += 1;
            }
        } else if !is_call {
            self.told.leave_open(Unsettled::LookedUp, held);
        } else if let Some(why) = self.account.unsettled(&self.ground, held, time) {
            self.told.leave_open(why, held);
        } else {
            self.told.tell(Discrepancy::Bypass, held, None);
        }
    }
}
