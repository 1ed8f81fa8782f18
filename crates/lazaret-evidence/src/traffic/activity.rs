//! When a source wrote, by the minute, and the time in between in which it did not.

use std::collections::BTreeMap;

/// Microseconds in a minute.
const MINUTE: i64 = 60_000_000;
/// Minutes in an hour.
const HOUR_MINUTES: i64 = 60;
/// How many hours are kept: twenty years of them. A source that tells of more has no clock to go by.
const HOURS_MAX: usize = 200_000;

/// The minutes in which a source told of a call. Two of them are put together by [`Activity::add`], in any order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Activity {
    /// A bit for each minute of an hour since 1970-01-01 UTC.
    hours: BTreeMap<i64, u64>,
    /// The hour that was noted last, before it is put to the others: most lines are of the same.
    recent: Option<(i64, u64)>,
    overflowed: bool,
}

/// A time in which a source wrote nothing: whole minutes since 1970-01-01 UTC, the last excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quiet {
    /// The first minute without a line.
    pub from: i64,
    /// The next minute with one, or the end of the time that was looked at.
    pub until: i64,
}

impl Quiet {
    /// Whether a minute lies in it.
    #[must_use]
    pub fn contains(&self, minute: i64) -> bool {
        (self.from..self.until).contains(&minute)
    }
}

/// Returns the minute of a time in microseconds.
#[must_use]
pub fn minute_of(time: i64) -> i64 {
    time.div_euclid(MINUTE)
}

impl Activity {
    /// Notes a line that tells of a call at a time, in microseconds since 1970-01-01 UTC.
    pub fn note(&mut self, time: i64) {
        let minute = minute_of(time);
        let (hour, bit) = (minute.div_euclid(HOUR_MINUTES), 1 << minute.rem_euclid(HOUR_MINUTES));
        match &mut self.recent {
            Some((recent, minutes)) if *recent == hour => *minutes |= bit,
            recent => {
                if let Some((hour, minutes)) = recent.replace((hour, bit)) {
                    self.put(hour, minutes);
                }
            }
        }
    }

    /// Adds what was noted elsewhere; the order does not matter.
    pub fn add(&mut self, other: &Self) {
        self.overflowed |= other.overflowed;
        for (hour, minutes) in other.hours.iter().map(|(hour, minutes)| (*hour, *minutes)).chain(other.recent)
        {
            self.put(hour, minutes);
        }
    }

    /// Whether it tells of more hours than any house has had: then its clock cannot be believed.
    #[must_use]
    pub fn overflowed(&self) -> bool {
        self.overflowed
    }

    /// Returns the first and the last minute with a line.
    #[must_use]
    pub fn span(&self) -> Option<(i64, i64)> {
        let settled = self.settled();
        let (first, last) = (settled.first_key_value()?, settled.last_key_value()?);
        let first = first.0 * HOUR_MINUTES + i64::from(first.1.trailing_zeros());
        let last = last.0 * HOUR_MINUTES + i64::from(u64::BITS - 1 - last.1.leading_zeros());
        Some((first, last))
    }

    /// Whether a line stands in any of these minutes.
    #[must_use]
    pub fn wrote_in(&self, quiet: Quiet) -> bool {
        self.quiet(quiet.from, quiet.until, 1) != [quiet]
    }

    /// Returns the times of at least `least` minutes without a line, from one minute to another, the latter excluded.
    #[must_use]
    pub fn quiet(&self, from: i64, until: i64, least: i64) -> Vec<Quiet> {
        let mut found = Vec::new();
        let mut next = from;
        let mut silence = |from: i64, until: i64| {
            if until > from && until - from >= least.max(1) {
                found.push(Quiet { from, until });
            }
        };
        for (hour, minutes) in self.settled() {
            for minute in (0..HOUR_MINUTES).filter(|minute| minutes >> minute & 1 == 1) {
                let minute = hour * HOUR_MINUTES + minute;
                if minute < next || minute >= until {
                    continue;
                }
                silence(next, minute);
                next = minute + 1;
            }
        }
        silence(next, until);
        found
    }

    fn put(&mut self, hour: i64, minutes: u64) {
        *self.hours.entry(hour).or_default() |= minutes;
        while self.hours.len() > HOURS_MAX {
            // Whatever the order, the earliest hours are kept.
            self.hours.pop_last();
            self.overflowed = true;
        }
    }

    fn settled(&self) -> BTreeMap<i64, u64> {
        let mut hours = self.hours.clone();
        if let Some((hour, minutes)) = self.recent {
            *hours.entry(hour).or_default() |= minutes;
        }
        hours
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(minutes: &[i64]) -> Activity {
        let mut activity = Activity::default();
        minutes.iter().for_each(|minute| activity.note(minute * MINUTE + 7));
        activity
    }

    #[test]
    fn time_without_lines_is_told_within_the_time_looked_at() {
        let activity = of(&[10, 11, 75, -1]);
        assert_eq!(activity.span(), Some((-1, 75)));
        assert_eq!(activity.quiet(0, 80, 10), [Quiet { from: 0, until: 10 }, Quiet { from: 12, until: 75 }]);
        assert_eq!(activity.quiet(76, 200, 1), [Quiet { from: 76, until: 200 }]);
        assert_eq!(of(&[]).quiet(0, 60, 60), [Quiet { from: 0, until: 60 }]);
        assert!(activity.wrote_in(Quiet { from: 11, until: 12 }));
        assert!(!activity.wrote_in(Quiet { from: 12, until: 75 }));
        assert_eq!(of(&[]).span(), None);
    }

    proptest! {
        #[test]
        fn neither_order_nor_splitting_matters(minutes in prop::collection::vec(-500_i64..500, 0..60), at in 0_usize..60) {
            let whole = of(&minutes);
            let mut turned = minutes.clone();
            turned.reverse();
            let (one, other) = turned.split_at(at.min(turned.len()));
            let mut put_together = of(other);
            put_together.add(&of(one));
            prop_assert_eq!(whole.quiet(-600, 600, 3), put_together.quiet(-600, 600, 3));
            prop_assert_eq!(whole.span(), put_together.span());
            for quiet in whole.quiet(-600, 600, 3) {
                prop_assert!(minutes.iter().all(|minute| !quiet.contains(*minute)));
            }
        }
    }
}
