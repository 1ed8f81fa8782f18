//! Presence of a tool whose service is not seen in use: by caller, tool's provider and day.

use std::collections::{BTreeMap, BTreeSet};

use super::{Caller, Calls, hour_of};

/// A request of a coding agent carries far more than this; checks of names, versions and health carry less.
pub const TINY_BYTES: u64 = 32 * 1024;

/// Microseconds in a minute.
const MINUTE: i64 = 60_000_000;
/// How many minutes of signs are kept for each caller and day: the earliest. A call is looked for around these.
const MINUTES_MAX: usize = 288;
/// How many minutes before and after a sign a relayed call is looked for.
pub const AROUND_MINUTES: i64 = 10;

/// Whose presence, on which day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PresenceKey {
    /// Who.
    pub caller: Caller,
    /// The provider, by its number in the list that the watch was made with.
    pub provider: u32,
    /// The day since 1970-01-01 UTC; `None` where the time is not known.
    pub day: Option<i64>,
}

/// What was seen of a tool.
#[derive(Debug, Clone)]
pub struct Presence {
    /// The calls that show the tool: sign-in, updates, its reports about itself, and tiny calls to its service.
    pub signs: Calls,
    /// The rows of the catalog that were called.
    pub rows: BTreeSet<u32>,
    /// The minutes in which they were called.
    pub minutes: BTreeSet<i64>,
    /// Whether the provider's models were called with more than a tiny request, or with nobody knows how much.
    pub used: bool,
    /// Whether another detector tells of a call of the caller to the provider's models on that day, or of one that may be.
    pub told: bool,
}

/// What was seen of all tools and callers.
#[derive(Debug, Clone, Default)]
pub struct Presences {
    tools: BTreeMap<PresenceKey, Presence>,
    /// Callers and days of calls of a model service's shape to unknown hosts; by provider, where the shape is one
    /// provider's alone.
    shaped: BTreeSet<(Caller, Option<i64>, Option<u32>)>,
}

/// What a call says of a provider's models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelUse {
    /// They were not called: the tool shows itself otherwise.
    None,
    /// They were called, with so little that a check of names or versions would do it. Another detector tells of it.
    Tiny,
    /// They were called, with more than that or with nobody knows how much. Another detector tells of it.
    Full,
}

impl Presences {
    /// Notes a call that shows a tool of the provider, and what it says of the provider's models.
    pub fn note(&mut self, caller: Caller, provider: u32, row: u32, of_models: ModelUse, calls: Calls) {
        let minutes = calls.first.map(|time| time.div_euclid(MINUTE)).into_iter().collect();
        let (used, told) = (of_models == ModelUse::Full, of_models != ModelUse::None);
        let presence = Presence { signs: calls, rows: BTreeSet::from([row]), minutes, used, told };
        self.put(PresenceKey { caller, provider, day: day_of(calls.first) }, presence);
    }

    /// Notes a call of a model service's shape to an unknown host. `provider` is absent where many providers' models are
    /// called so.
    pub fn note_shape(&mut self, caller: Caller, provider: Option<u32>, time: Option<i64>) {
        self.shaped.insert((caller, day_of(time), provider));
    }

    /// Adds what was noted elsewhere; the order does not matter.
    pub fn add(&mut self, other: Self) {
        for (key, presence) in other.tools {
            self.put(key, presence);
        }
        self.shaped.extend(other.shaped);
    }

    /// Returns those whose provider's models were not seen in use.
    #[must_use]
    pub fn unused(self) -> BTreeMap<PresenceKey, Presence> {
        let Self { tools, shaped } = self;
        let mut unused: BTreeMap<_, _> = tools.into_iter().filter(|(_, presence)| !presence.used).collect();
        for (key, presence) in &mut unused {
            let is_shaped = |provider| shaped.contains(&(key.caller.clone(), key.day, provider));
            presence.told |= is_shaped(None) || is_shaped(Some(key.provider));
        }
        unused
    }

    fn put(&mut self, key: PresenceKey, presence: Presence) {
        match self.tools.get_mut(&key) {
            Some(known) => known.add(presence),
            None => {
                self.tools.insert(key, presence);
            }
        }
    }
}

impl Presence {
    fn add(&mut self, other: Self) {
        self.signs.add(&other.signs);
        self.rows.extend(other.rows);
        self.minutes.extend(other.minutes);
        while self.minutes.len() > MINUTES_MAX {
            self.minutes.pop_last();
        }
        self.used |= other.used;
        self.told |= other.told;
    }

    /// Whether a call at this time is near a sign of the tool.
    #[must_use]
    pub fn is_near(&self, time: Option<i64>) -> bool {
        let Some(time) = time else { return false };
        let minute = time.div_euclid(MINUTE);
        let around = minute.saturating_sub(AROUND_MINUTES)..=minute.saturating_add(AROUND_MINUTES);
        self.minutes.range(around).next().is_some()
    }
}

/// Returns the day of a time, since 1970-01-01 UTC.
fn day_of(time: Option<i64>) -> Option<i64> {
    hour_of(time).map(|hour| hour.div_euclid(24))
}
