//! Tables: what goes in comes out, and what did not go in does not.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

type Rows = BTreeMap<u64, BTreeSet<Posting>>;

struct RowKeys(std::collections::btree_map::IntoIter<u64, BTreeSet<Posting>>);

impl Keys for RowKeys {
    fn next_key(&mut self, postings: &mut Vec<Posting>) -> Result<Option<u64>, SegmentError> {
        let next = self.0.next();
        Ok(next.map(|(key, places)| {
            *postings = places.into_iter().collect();
            key
        }))
    }
}

fn write(rows: &Rows) -> (Vec<u8>, Vec<u8>) {
    let n_keys = count_keys(&mut RowKeys(rows.clone().into_iter())).unwrap();
    let mut writer = TableWriter::new(n_keys);
    let mut blocks = Vec::new();
    for (&key, places) in rows {
        writer.push(key, &mut places.iter().copied().collect(), &mut blocks).unwrap();
    }
    (writer.finish(&mut blocks).unwrap(), blocks)
}

fn rows() -> impl Strategy<Value = Rows> {
    let key = prop_oneof![0_u64..1 << FINGERPRINT_BITS, 0_u64..50, Just((1 << FINGERPRINT_BITS) - 1)];
    let posting = (0_u32..5, 1_u32..300, 0_u32..300).prop_map(|(entry, first, extent)| Posting {
        entry,
        first,
        last: first + extent,
    });
    let places = proptest::collection::btree_set(posting, 1..4);
    proptest::collection::btree_map(key, places, 0..300)
}

proptest! {
    #[test]
    fn what_is_written_is_read(rows in rows(), others in proptest::collection::vec(0_u64..1 << FINGERPRINT_BITS, 50)) {
        let (directory, blocks) = write(&rows);
        let table = Table::open(&directory, &blocks).unwrap();
        prop_assert_eq!(table.n_keys(), rows.len() as u64);
        prop_assert_eq!(table.n_postings(), rows.values().map(|places| places.len() as u64).sum::<u64>());
        let mut postings = Vec::new();
        for (&key, places) in &rows {
            prop_assert!(table.may_hold(key));
            table.postings(key, usize::MAX, &mut postings).unwrap();
            prop_assert_eq!(&postings, &places.iter().copied().collect::<Vec<_>>());
        }
        for key in others.into_iter().filter(|key| !rows.contains_key(key)) {
            table.postings(key, usize::MAX, &mut postings).unwrap();
            prop_assert!(postings.is_empty());
        }
        let mut keys = TableKeys::new(table);
        for (&key, places) in &rows {
            prop_assert_eq!(keys.next_key(&mut postings).unwrap(), Some(key));
            prop_assert_eq!(&postings, &places.iter().copied().collect::<Vec<_>>());
        }
        prop_assert_eq!(keys.next_key(&mut postings).unwrap(), None);
    }

    #[test]
    fn arbitrary_bytes_never_panic(directory in proptest::collection::vec(any::<u8>(), 0..5), slots in 0_u32..4, blocks: Vec<u8>) {
        let mut bytes = vec![0; 64 * (1 + (1 << slots))];
        bytes.iter_mut().skip(64).zip(directory.iter().cycle()).for_each(|(to, from)| *to = *from);
        let table = Table::open(&bytes, &blocks).unwrap();
        let mut postings = Vec::new();
        for key in [0, 1, 1 << 55, (1 << FINGERPRINT_BITS) - 1] {
            let _ = table.may_hold(key);
            drop(table.postings(key, 9, &mut postings));
        }
        let mut keys = TableKeys::new(table);
        while let Ok(Some(_)) = keys.next_key(&mut postings) {}
    }
}

#[test]
fn the_filter_stops_almost_all_that_is_not_there() {
    // Multiples of a large odd number are spread evenly enough, and the same on every run.
    let key = |nth: u64| nth.wrapping_mul(0xd129_42d7_1f4c_8b33) >> 8;
    let one = Posting { entry: 0, first: 1, last: 1 };
    let rows: Rows = (1..20_000).map(|nth| (key(nth), BTreeSet::from([one]))).collect();
    let (directory, blocks) = write(&rows);
    let table = Table::open(&directory, &blocks).unwrap();
    let passed = (20_000..40_000).filter(|&nth| table.may_hold(key(nth))).count();
    assert!(passed < 400, "{passed} of 20000 passed");
}

#[test]
fn a_key_too_large_for_its_slot_is_refused() {
    let one = Posting { entry: 0, first: 1, last: 1 };
    let rows: Rows = (0..100).map(|nth| (nth << 48, BTreeSet::from([one]))).collect();
    let (directory, mut blocks) = write(&rows);
    let read = |blocks: &[u8]| count_keys(&mut TableKeys::new(Table::open(&directory, blocks).unwrap()));
    assert_eq!(read(&blocks).unwrap(), 100);
    // Four slots leave 54 bits in seven bytes; the last byte of the first key is behind the count.
    blocks[7] = 0xff;
    assert!(read(&blocks).is_err());
}

#[test]
fn the_ninth_place_in_one_entry_is_dropped() {
    let places = (1..20).map(|first| Posting { entry: 1, first, last: first });
    let other = Posting { entry: 2, first: 1, last: 1 };
    let rows = Rows::from([(7, places.chain([other]).collect())]);
    let (directory, blocks) = write(&rows);
    let mut postings = Vec::new();
    Table::open(&directory, &blocks).unwrap().postings(7, usize::MAX, &mut postings).unwrap();
    assert_eq!(postings.len(), PLACES_PER_ENTRY_MAX + 1);
    assert_eq!(postings.last(), Some(&other));
}
