//! Segments: whole ones come back, damaged ones are noticed, and arbitrary bytes are refused.

use lazaret_core::{Digest, ObjectId};
use proptest::prelude::*;

use super::*;
use crate::build::{Lines, SegmentBuilder, Written, merge};
use crate::except::Except;

fn entry(name: &str, recorded_at: i64) -> Entry {
    Entry {
        class: Class::Rival,
        name: name.to_owned(),
        origin: format!("{name}@1:src/gate.rs"),
        tool: "some-tool".to_owned(),
        model: String::new(),
        recorded_at,
    }
}

/// A text of so many different lines, of which two texts share those whose numbers they share.
fn text(lines: Range<u32>) -> String {
    lines.map(|line| format!("let berth_{line} = harbour.moor(ship_{line}, {line});\n")).collect()
}

fn build(texts: &[(Entry, Range<u32>)]) -> Vec<u8> {
    let mut builder = SegmentBuilder::new();
    for (entry, lines) in texts {
        builder.add(entry, &Written::whole(text(lines.clone()).as_bytes()), &Except::new()).unwrap();
    }
    finish(builder)
}

fn finish(builder: SegmentBuilder) -> Vec<u8> {
    let mut bytes = Vec::new();
    builder.finish(&mut bytes).unwrap();
    bytes
}

#[test]
fn entries_come_back_in_their_order() {
    let bytes = build(&[(entry("b", -7), 0..3), (entry("a", i64::MAX), 0..9), (entry("b", -9), 1..2)]);
    let segment = Segment::open(bytes).unwrap();
    let found: Vec<Entry> = (0..segment.n_entries()).map(|number| segment.entry(number).unwrap()).collect();
    assert_eq!(found, [entry("a", i64::MAX), entry("b", -9), entry("b", -7)]);
    assert_eq!([0, 1, 2].map(|number| segment.n_lines(number).unwrap()), [9, 1, 3]);
    assert!(segment.entry(3).is_err());
}

#[test]
fn an_empty_segment_is_one() {
    let segment = Segment::open(finish(SegmentBuilder::new())).unwrap();
    assert_eq!((segment.n_entries(), segment.stats().unwrap().fingerprints), (0, 0));
}

#[test]
fn whole_texts_are_found_by_name() {
    let named = TextId::Object(ObjectId::Sha1([7; 20]));
    let mut builder = SegmentBuilder::new();
    let text = text(0..5);
    let written = Written { ids: &[named], ..Written::whole(text.as_bytes()) };
    builder.add(&entry("a", 0), &written, &Except::new()).unwrap();
    builder.add_id(&entry("b", 0), named).unwrap();
    let piece = Written { lines: Lines::Piece, ..written };
    builder.add(&entry("c", 0), &piece, &Except::new()).unwrap();
    let segment = Segment::open(finish(builder)).unwrap();
    assert_eq!(segment.entries_by_id(named).collect::<Vec<_>>(), [0, 1]);
    let digest = TextId::Sha256(Digest::of(text.as_bytes()));
    assert_eq!(segment.entries_by_id(digest).collect::<Vec<_>>(), [0]);
    let other = TextId::Object(ObjectId::Sha256([7; 32]));
    assert_eq!(segment.entries_by_id(other).count(), 0);
}

#[test]
fn every_damaged_byte_is_noticed() {
    let bytes = build(&[(entry("a", 1), 0..4), (entry("b", 2), 2..6)]);
    assert!(Segment::open(&bytes).is_ok());
    for place in 0..bytes.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[place] ^= flip;
            assert!(Segment::open(damaged).is_err(), "byte {place} of {} ^ {flip:#x}", bytes.len());
        }
    }
}

#[test]
fn every_cut_and_every_excess_is_noticed() {
    let bytes = build(&[(entry("a", 1), 0..4)]);
    for length in 0..bytes.len() {
        assert!(Segment::open(&bytes[..length]).is_err(), "{length} of {}", bytes.len());
    }
    for excess in [1, 64] {
        let longer = [bytes.clone(), vec![0; excess]].concat();
        assert!(Segment::open(longer).is_err());
    }
}

#[test]
fn fingerprints_chosen_otherwise_are_refused() {
    let mut bytes = build(&[(entry("a", 1), 0..4)]);
    bytes[8] = 24;
    let error = Segment::open(bytes).unwrap_err();
    assert_eq!(error, SegmentError::Parameters { found: [24, 16, 32, 32] });
}

#[test]
fn the_bytes_are_those_on_the_format_page() {
    let bytes = build(&[(entry("a", 1), 0..4)]);
    insta::assert_snapshot!(Digest::of(&bytes), @"sha256:ac78e0e902cdee65372b7b4be453d7c5317d81b97b8e869028e438a79df379ae");
}

fn texts() -> impl Strategy<Value = Vec<(Entry, Range<u32>)>> {
    let one = ("[ab]", 0_i64..2, 0_u32..40, 0_u32..12)
        .prop_map(|(name, at, start, n_lines)| (entry(&name, at), start..start + n_lines));
    proptest::collection::vec(one, 0..6)
}

/// Writes the checksums anew, as somebody would who forges a segment.
fn forge(bytes: &mut [u8]) {
    let trailer = bytes.len() - TRAILER_BYTES;
    for nth in 0..N_SECTIONS {
        let row = trailer + nth * SECTION_ROW_BYTES;
        let number = |at: usize| usize::try_from(u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()));
        let (Ok(start), Ok(length)) = (number(row), number(row + 8)) else { continue };
        let Some(section) = start.checked_add(length).and_then(|end| bytes.get(start..end)) else { continue };
        let checksum = xxh3_64(section);
        bytes[row + 16..row + 24].copy_from_slice(&checksum.to_le_bytes());
    }
    let mut hasher = Xxh3::new();
    hasher.update(&bytes[..HEADER_BYTES]);
    let end = bytes.len() - 8;
    hasher.update(&bytes[trailer..end]);
    let checksum = hasher.digest().to_le_bytes();
    bytes[end..].copy_from_slice(&checksum);
}

proptest! {
    #[test]
    fn the_order_of_adding_changes_nothing(texts in texts()) {
        let mut reversed = texts.clone();
        reversed.reverse();
        prop_assert_eq!(build(&texts), build(&reversed));
    }

    #[test]
    fn merging_is_building_from_all(texts in texts(), cut: prop::sample::Index) {
        let (left, right) = texts.split_at(cut.index(texts.len() + 1));
        let segments = [left, right].map(|part| Segment::open(build(part)).unwrap());
        let mut merged = Vec::new();
        merge(&segments, &mut merged).unwrap();
        prop_assert_eq!(merged, build(&texts));
    }

    #[test]
    fn arbitrary_bytes_are_refused(bytes: Vec<u8>) {
        prop_assert!(Segment::open(&bytes).is_err());
        prop_assert!(Segment::open([MAGIC.as_slice(), &[16, 0, 16, 0, 32, 0, 32, 0], &bytes].concat()).is_err());
    }

    #[test]
    fn forged_segments_never_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = build(&[(entry("a", 1), 0..6), (entry("b", 2), 3..9)]);
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        forge(&mut bytes);
        if let Ok(segment) = Segment::open(bytes) {
            for number in 0..segment.n_entries() {
                drop((segment.entry(number), segment.n_lines(number)));
            }
            drop(merge(std::slice::from_ref(&segment), &mut Vec::new()));
            let index = crate::Index::new(vec![segment]);
            drop(index.matches(text(0..9).as_bytes(), &crate::Floor::default()));
        }
    }
}
