//! Callers under other names: numbers within one report, or pseudonyms by a key that changes with the period.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit as _, Mac as _};
use lazaret_evidence::traffic::{Caller, LinePlace};
use sha2::Sha256;

/// How callers are named in what leaves the program; their own names never do.
#[derive(Debug, Clone)]
pub enum Naming {
    /// By numbers in the order in which they were first told of: good within one report alone.
    Numbered,
    /// By pseudonyms.
    Pseudonyms(PeriodKeys),
}

impl Naming {
    /// Returns the word.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Numbered => "numbered",
            Self::Pseudonyms(_) => "pseudonyms",
        }
    }
}

/// A secret of which each period has a key of its own, so that one caller has another pseudonym in each.
#[derive(Clone)]
pub struct PeriodKeys {
    secret: [u8; 32],
    days: u16,
}

impl std::fmt::Debug for PeriodKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PeriodKeys").field("days", &self.days).finish_non_exhaustive()
    }
}

/// How many days a caller keeps a pseudonym, where nobody says otherwise.
pub const PSEUDONYM_PERIOD_DAYS: u16 = 30;

/// How many bytes of the code a pseudonym shows: enough that no two of a billion callers share one by chance.
const PSEUDONYM_BYTES: usize = 10;

impl PeriodKeys {
    /// Takes a secret, and how many days a period has; at least one.
    #[must_use]
    pub fn new(secret: [u8; 32], days: u16) -> Self {
        Self { secret, days: days.max(1) }
    }

    /// Returns the number of the period of an hour; -1 for calls whose time is not known.
    #[must_use]
    pub fn period(&self, hour: Option<i64>) -> i64 {
        hour.map_or(-1, |hour| hour.div_euclid(24).div_euclid(i64::from(self.days)).max(0))
    }

    /// Returns the pseudonym of a caller in a period: HMAC-SHA-256 of kind and name, under a key that is the
    /// HMAC-SHA-256 of the period under the secret.
    #[must_use]
    pub fn pseudonym(&self, caller: &Caller, period: i64) -> String {
        let key = code(&self.secret, &[b"lazaret pseudonyms of period ", period.to_string().as_bytes()]);
        let code = code(&key, &[caller.kind().as_bytes(), b"\0", &caller.bytes()]);
        let digits = code.iter().take(PSEUDONYM_BYTES).map(|byte| format!("{byte:02x}"));
        format!("p{period}-{}", digits.collect::<String>())
    }
}

fn code(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    // A key that is shorter than a block is filled up with zeros (RFC 2104).
    let mut block = [0; 64];
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    let mut mac = Hmac::<Sha256>::new(&block.into());
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// The names of the callers of one report.
#[derive(Debug)]
pub(super) struct Names {
    numbers: BTreeMap<Caller, usize>,
    keys: Option<PeriodKeys>,
}

impl Names {
    /// Names callers. Each stands there with when its first call was made, and on which line it is told of.
    pub(super) fn new<'c>(
        naming: &Naming,
        callers: impl IntoIterator<Item = (&'c Caller, (Option<i64>, LinePlace))>,
    ) -> Self {
        let keys = match naming {
            Naming::Numbered => None,
            Naming::Pseudonyms(keys) => return Self { numbers: BTreeMap::new(), keys: Some(keys.clone()) },
        };
        let mut first = BTreeMap::new();
        for (caller, seen) in callers {
            let known = first.entry(caller).or_insert(seen);
            *known = seen.min(*known);
        }
        let mut order: Vec<_> = first.into_iter().map(|(caller, seen)| (seen, caller)).collect();
        order.sort();
        let numbers = order.into_iter().zip(1..).map(|((_, caller), number)| (caller.clone(), number));
        Self { numbers: numbers.collect(), keys }
    }

    /// Returns the name of a caller of an hour; `None` for one that the log does not name.
    pub(super) fn of(&self, caller: &Caller, hour: Option<i64>) -> Option<String> {
        if *caller == Caller::Unnamed {
            return None;
        }
        match &self.keys {
            Some(keys) => Some(keys.pseudonym(caller, keys.period(hour))),
            None => self.numbers.get(caller).map(|number| format!("caller-{number}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> Caller {
        Caller::User(name.as_bytes().into())
    }

    #[test]
    fn a_pseudonym_is_the_same_within_a_period_and_another_in_the_next() {
        let keys = PeriodKeys::new([7; 32], 30);
        let (first, last, next) = (Some(0), Some(30 * 24 - 1), Some(30 * 24));
        let of = |hour| keys.pseudonym(&user("robin"), keys.period(hour));
        assert_eq!(of(first), of(last));
        assert_ne!(of(first), of(next));
        assert_ne!(of(first), of(None));
        assert!(!of(first).contains("robin"));
    }

    #[test]
    fn kinds_secrets_and_names_give_different_pseudonyms() {
        let keys = PeriodKeys::new([7; 32], 30);
        let other = PeriodKeys::new([8; 32], 30);
        let device = Caller::Device(b"robin".as_slice().into());
        let names = [
            keys.pseudonym(&user("robin"), 1),
            keys.pseudonym(&user("kim"), 1),
            keys.pseudonym(&device, 1),
            other.pseudonym(&user("robin"), 1),
        ];
        let different: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!(different.len(), names.len());
    }
}
