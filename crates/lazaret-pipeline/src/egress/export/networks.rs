//! Sets of addresses as disjoint ranges: what is left without others, and what two sets share.

use std::collections::BTreeSet;

use lazaret_core::AddressRange;

/// Addresses, as ranges that do not overlap.
pub(super) type Ranges = BTreeSet<AddressRange>;

/// Every address there is.
pub(super) fn everywhere() -> Ranges {
    ["0.0.0.0/0", "::/0"].iter().filter_map(|all| all.parse().ok()).collect()
}

/// Returns a set with the addresses of a range added.
pub(super) fn with(set: &Ranges, range: AddressRange) -> Ranges {
    if set.iter().any(|outer| outer.covers(&range)) {
        return set.clone();
    }
    let kept = set.iter().copied().filter(|inner| !range.covers(inner));
    kept.chain([range]).collect()
}

/// Returns a set without the addresses of a range.
pub(super) fn without(set: &Ranges, range: &AddressRange) -> Ranges {
    set.iter().flat_map(|one| outside(*one, range)).collect()
}

/// Returns the addresses that two sets share.
pub(super) fn common(one: &Ranges, other: &Ranges) -> Ranges {
    let pairs = one.iter().flat_map(|a| other.iter().map(move |b| (a, b)));
    pairs
        .filter_map(|(a, b)| {
            if a.covers(b) {
                Some(*b)
            } else if b.covers(a) {
                Some(*a)
            } else {
                None
            }
        })
        .collect()
}

/// Returns what lies in a range and not in a hole.
fn outside(range: AddressRange, hole: &AddressRange) -> Vec<AddressRange> {
    if hole.covers(&range) {
        return Vec::new();
    }
    let mut left = Vec::new();
    let mut around = range;
    while around.covers(hole) && around != *hole {
        let Some((lower, upper)) = around.halves() else { break };
        let (inner, outer) = if lower.covers(hole) { (lower, upper) } else { (upper, lower) };
        left.push(outer);
        around = inner;
    }
    if left.is_empty() { vec![range] } else { left }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use proptest::prelude::*;

    use super::*;

    fn holds(set: &Ranges, address: IpAddr) -> bool {
        set.iter().any(|range| range.contains(address))
    }

    /// Ranges in a corner that is small enough to be looked at whole.
    fn range() -> impl Strategy<Value = AddressRange> {
        (0_u8..=255, 24_u8..=32).prop_map(|(last, prefix)| {
            AddressRange::around(Ipv4Addr::new(192, 0, 2, last).into(), prefix).unwrap()
        })
    }

    fn set() -> impl Strategy<Value = Ranges> {
        prop::collection::vec(range(), 0..4)
            .prop_map(|ranges| ranges.into_iter().fold(Ranges::new(), |set, range| with(&set, range)))
    }

    proptest! {
        #[test]
        fn sets_hold_what_they_say(one in set(), other in set(), hole in range()) {
            let (left, shared, more) = (without(&one, &hole), common(&one, &other), with(&one, hole));
            for last in 0..=255_u8 {
                let address = IpAddr::from(Ipv4Addr::new(192, 0, 2, last));
                prop_assert_eq!(holds(&left, address), holds(&one, address) && !hole.contains(address));
                prop_assert_eq!(holds(&shared, address), holds(&one, address) && holds(&other, address));
                prop_assert_eq!(holds(&more, address), holds(&one, address) || hole.contains(address));
            }
            for set in [&left, &shared, &more] {
                for (nth, a) in set.iter().enumerate() {
                    prop_assert!(set.iter().skip(nth + 1).all(|b| !a.covers(b) && !b.covers(a)));
                }
            }
        }
    }
}
