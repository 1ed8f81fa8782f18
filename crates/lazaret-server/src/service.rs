//! What all faces share: one decider, one clock, what is counted, what is recorded.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use lazaret_core::{DecisionId, Permission};
use lazaret_pipeline::egress::{AskedCall, Decided, Decider};
use serde::Serialize;
use uuid::{NoContext, Uuid};

use crate::record::{DecisionRecord, Recorder};

/// Tells the time. Libraries read no clock, so the command hands one over.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Which kind of enforcement point asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Point {
    /// Envoy's filter of requests.
    EnvoyHttp,
    /// Envoy's filter of connections.
    EnvoyNetwork,
    /// Squid's helper.
    Squid,
}

/// What was counted since the service began. Of what matches nothing, no more than the number is kept.
#[derive(Debug, Default)]
pub struct Tally {
    missed: AtomicU64,
    unreadable: AtomicU64,
    allowed: AtomicU64,
    denied: AtomicU64,
    looser: AtomicU64,
    refreshed: AtomicU64,
    not_refreshed: AtomicU64,
}

/// Decides for all faces.
pub struct Service {
    decider: Arc<Decider>,
    clock: Clock,
    recorder: Arc<Recorder>,
    tally: Tally,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("tally", &self.tally).finish_non_exhaustive()
    }
}

impl Service {
    /// Makes one.
    #[must_use]
    pub fn new(decider: Arc<Decider>, clock: Clock, recorder: Arc<Recorder>) -> Self {
        Self { decider, clock, recorder, tally: Tally::default() }
    }

    /// Returns what decides.
    #[must_use]
    pub fn decider(&self) -> &Decider {
        &self.decider
    }

    /// Returns the time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Decides about a request, counts it, and records it where something matches.
    #[must_use]
    pub fn decide(&self, point: Point, asked: &AskedCall<'_>) -> Decided<'_> {
        let now = self.now();
        let decided = self.decider.decide(asked, || new_id(now), now);
        match &decided {
            Decided::Missed { is_readable } => {
                add(if *is_readable { &self.tally.missed } else { &self.tally.unreadable });
            }
            Decided::Matched(call) => {
                let decision = &call.decision;
                add(match decision.permission {
                    Permission::Allow => &self.tally.allowed,
                    Permission::Deny => &self.tally.denied,
                });
                if decision.enforced != decision.permission {
                    add(&self.tally.looser);
                }
                self.recorder.record(&DecisionRecord::new(now, point, decision));
            }
        }
        decided
    }

    /// Counts an attempt to read the exemptions anew.
    pub fn note_refresh(&self, succeeded: bool) {
        add(if succeeded { &self.tally.refreshed } else { &self.tally.not_refreshed });
    }

    /// Returns how it stands, in one line: `ok` first where exemptions could be read lately.
    #[must_use]
    pub fn health(&self) -> String {
        let now = self.now();
        let word = if self.decider.trusts_exemptions(now) { "ok" } else { "stale" };
        let exemptions = self.decider.exemptions();
        let policy = self.decider.policy();
        format!(
            "{word} policy={} catalog={} exemptions={} read={} unrecorded={}",
            policy.policy,
            policy.catalog,
            exemptions.count(),
            exemptions.read,
            self.recorder.lost(),
        )
    }

    /// Returns what was counted, as Prometheus reads it.
    #[must_use]
    pub fn metrics(&self) -> String {
        let tally = &self.tally;
        let mut text = String::new();
        let rows: [(&str, &str, u64); 8] = [
            ("missed", "Requests that nothing of the catalog matches.", count(&tally.missed)),
            ("unreadable", "Requests of which no destination could be read.", count(&tally.unreadable)),
            ("allowed", "Requests that match and may go on.", count(&tally.allowed)),
            ("denied", "Requests that match and are stopped.", count(&tally.denied)),
            ("looser", "Requests that the mode `enforce` would stop.", count(&tally.looser)),
            ("refreshed", "Times that exemptions were read.", count(&tally.refreshed)),
            ("not_refreshed", "Times that exemptions could not be read.", count(&tally.not_refreshed)),
            ("unrecorded", "Decisions that could not be recorded.", self.recorder.lost()),
        ];
        for (name, help, count) in rows {
            let name = format!("lazaret_egress_{name}_total");
            text += &format!("# HELP {name} {help}\n# TYPE {name} counter\n{name} {count}\n");
        }
        text
    }
}

fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn count(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

/// Returns a new name for a decision at a time.
fn new_id(now: Timestamp) -> DecisionId {
    let seconds = u64::try_from(now.as_second()).unwrap_or(0);
    let nanoseconds = u32::try_from(now.subsec_nanosecond()).unwrap_or(0);
    let time = uuid::Timestamp::from_unix(NoContext, seconds, nanoseconds);
    DecisionId::from_bytes(*Uuid::new_v7(time).as_bytes())
}
