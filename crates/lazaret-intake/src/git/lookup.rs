//! Finds a name among sorted names by guessing from its value.
//!
//! Object names are hashes and lie evenly, so a guess comes close at once, where halving an index of a million
//! names would touch a dozen distant places, each a wait for memory.

use std::cmp::Ordering;

/// How many guesses are made before the rest is halved: names that somebody chose need not lie evenly.
const GUESSES_MAX: u32 = 12;

/// Returns where `wanted` stands among `n_names` names in ascending order; `name_at` returns the name at a place.
pub(super) fn position<'a>(n_names: u32, name_at: impl Fn(u32) -> &'a [u8], wanted: &[u8]) -> Option<u32> {
    let number = leading_number(wanted);
    let (mut low, mut high) = (0, n_names);
    let (mut low_number, mut high_number) = (0, u64::MAX);
    let mut n_guesses = 0;
    while low < high {
        let evenly = n_guesses < GUESSES_MAX && (low_number..=high_number).contains(&number);
        let ahead = if evenly {
            let part = u128::from(number - low_number) * u128::from(high - low);
            u32::try_from(part / (u128::from(high_number - low_number) + 1)).unwrap_or(0)
        } else {
            (high - low) / 2
        };
        n_guesses += 1;
        let guess = low + ahead;
        let name = name_at(guess);
        match name.cmp(wanted) {
            Ordering::Equal => return Some(guess),
            Ordering::Less => (low, low_number) = (guess + 1, leading_number(name)),
            Ordering::Greater => (high, high_number) = (guess, leading_number(name)),
        }
    }
    None
}

/// Returns the first eight bytes as a number that sorts as the names do.
fn leading_number(name: &[u8]) -> u64 {
    name.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Names that lie evenly, and names of which many begin alike.
    fn names() -> impl Strategy<Value = Vec<[u8; 20]>> {
        let even = proptest::array::uniform20(any::<u8>());
        let clustered = (0_u8..2, any::<u8>()).prop_map(|(first, last)| {
            let mut name = [first * 255; 20];
            name[19] = last;
            name
        });
        proptest::collection::btree_set(prop_oneof![even, clustered], 0..600)
            .prop_map(|set| set.into_iter().collect())
    }

    proptest! {
        #[test]
        fn finds_each_name_and_no_other(names in names(), other in proptest::array::uniform20(any::<u8>())) {
            let n_names = u32::try_from(names.len()).unwrap();
            let name_at = |place: u32| &names[place as usize][..];
            for (place, name) in (0..).zip(&names) {
                prop_assert_eq!(position(n_names, name_at, name), Some(place));
            }
            let expected = names.binary_search(&other).ok().map(|place| u32::try_from(place).unwrap());
            prop_assert_eq!(position(n_names, name_at, &other), expected);
        }

        #[test]
        fn unsorted_names_end(names in proptest::collection::vec(proptest::array::uniform20(any::<u8>()), 0..50)) {
            let n_names = u32::try_from(names.len()).unwrap();
            let found = position(n_names, |place| &names[place as usize], &[7; 20]);
            prop_assert!(found.is_none_or(|place| names[place as usize] == [7; 20]));
        }
    }
}
