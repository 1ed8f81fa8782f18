//! What all faces share: one decider, one clock, what is counted, what is recorded.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

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
    taken: AtomicU64,
    refused: AtomicU64,
}

/// Decides for all faces. What it decides by can be exchanged while others ask.
pub struct Service {
    decider: RwLock<Arc<Decider>>,
    clock: Clock,
    recorder: Arc<Recorder>,
    tally: Tally,
    /// Whether another policy lies where the one in force came from, and cannot be taken.
    outdated: AtomicBool,
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
        let (decider, outdated) = (RwLock::new(decider), AtomicBool::new(false));
        Self { decider, clock, recorder, tally: Tally::default(), outdated }
    }

    /// Returns what decides now. Whoever holds it goes on with it when another is taken.
    #[must_use]
    pub fn decider(&self) -> Arc<Decider> {
        // A thread that panicked here has exchanged one whole value for another, or has not.
        Arc::clone(&self.decider.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Decides by another policy from the next request on.
    pub fn take(&self, decider: Decider) {
        *self.decider.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(decider);
        self.outdated.store(false, Ordering::Relaxed);
        add(&self.tally.taken);
    }

    /// Notes that another policy lies there and cannot be taken: the one in force stays.
    pub fn refuse(&self) {
        self.outdated.store(true, Ordering::Relaxed);
        add(&self.tally.refused);
    }

    /// Notes that the policy in force is the one that lies there.
    pub fn keep(&self) {
        self.outdated.store(false, Ordering::Relaxed);
    }

    /// Returns the time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Decides about a request by what [`Service::decider`] gave, counts it, and records it where something matches.
    #[must_use]
    pub fn decide<'d>(&self, decider: &'d Decider, point: Point, asked: &AskedCall<'_>) -> Decided<'d> {
        let now = self.now();
        let decided = decider.decide(asked, || new_id(now), now);
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

    /// Returns how it stands, in one line: `ok` first where exemptions could be read lately, and where no other policy
    /// waits that cannot be taken.
    #[must_use]
    pub fn health(&self) -> String {
        let now = self.now();
        let decider = self.decider();
        let word = if !decider.trusts_exemptions(now) {
            "stale"
        } else if self.outdated.load(Ordering::Relaxed) {
            "outdated"
        } else {
            "ok"
        };
        let exemptions = decider.exemptions();
        let policy = decider.policy();
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
        let rows: [(&str, &str, u64); 10] = [
            ("missed", "Requests that nothing of the catalog matches.", count(&tally.missed)),
            ("unreadable", "Requests of which no destination could be read.", count(&tally.unreadable)),
            ("allowed", "Requests that match and may go on.", count(&tally.allowed)),
            ("denied", "Requests that match and are stopped.", count(&tally.denied)),
            ("looser", "Requests that the mode `enforce` would stop.", count(&tally.looser)),
            ("refreshed", "Times that exemptions were read.", count(&tally.refreshed)),
            ("not_refreshed", "Times that exemptions could not be read.", count(&tally.not_refreshed)),
            ("policies_taken", "Times that another policy was taken.", count(&tally.taken)),
            ("policies_refused", "Times that another policy could not be taken.", count(&tally.refused)),
            ("unrecorded", "Decisions that could not be recorded.", self.recorder.lost()),
        ];
        for (name, help, count) in rows {
            let name = format!("lazaret_egress_{name}_total");
            text += &format!("# HELP {name} {help}\n# TYPE {name} counter\n{name} {count}\n");
        }
        let name = "lazaret_egress_outdated";
        let help = "Whether another policy waits that cannot be taken.";
        let outdated = u8::from(self.outdated.load(Ordering::Relaxed));
        text += &format!("# HELP {name} {help}\n# TYPE {name} gauge\n{name} {outdated}\n");
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
