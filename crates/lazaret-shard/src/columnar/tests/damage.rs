//! Damaged columnar files: an error or the records that the changed bytes say, and never a panic.

use arrow_array::Int64Array;

use super::reading::{nested, nested_profile};
use super::*;

/// A small generator, so that a failing case is the same case tomorrow (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % sides as u64).unwrap()
    }
}

fn sample() -> RecordBatch {
    let number: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]));
    let texts = strings(&[Some("one text"), None, Some("another text, which is a little longer")]);
    let view = arrow_cast::cast(&texts, &arrow_schema::DataType::Utf8View).unwrap();
    let words = arrow_schema::DataType::Dictionary(
        Box::new(arrow_schema::DataType::Int8),
        Box::new(arrow_schema::DataType::Utf8),
    );
    let word = arrow_cast::cast(&strings(&[Some("a"), Some("b"), Some("a")]), &words).unwrap();
    RecordBatch::try_from_iter([("content", texts), ("view", view), ("word", word), ("number", number)])
        .unwrap()
}

/// How many mutilations of each file; ten thousand and more for all of them.
const MUTILATIONS: usize = 850;

#[test]
fn no_mutilation_panics_or_passes_as_the_whole() {
    let world = World::new();
    let mut dice = Dice(20_261_122);
    let (mut n_errors, mut n_read) = (0, 0);
    let flat_profile = profile("[columns]\ntext = \"content\"\nid = \"number\"\nlanguage = \"word\"");
    for kind in KINDS {
        for (batch, profile) in [(sample(), &flat_profile), (nested(false), &nested_profile())] {
            let bytes = kind.bytes(&[batch.clone(), batch]);
            for _ in 0..MUTILATIONS {
                let mut bytes = bytes.clone();
                match dice.roll(4) {
                    0 => bytes.truncate(dice.roll(bytes.len())),
                    1 => {
                        let (at, n_bytes) = (dice.roll(bytes.len()), 1 + dice.roll(8));
                        let end = (at + n_bytes).min(bytes.len());
                        bytes[at..end].fill(if dice.roll(2) == 0 { 0xFF } else { 0 });
                    }
                    _ => {
                        for _ in 0..=dice.roll(3) {
                            let at = dice.roll(bytes.len());
                            bytes[at] ^= 1 << dice.roll(8);
                        }
                    }
                }
                let path = world.put(kind.name(), &bytes);
                match records(&path, profile) {
                    Ok(_) => n_read += 1,
                    Err(_) => n_errors += 1,
                }
            }
        }
    }
    assert_eq!(n_errors + n_read, KINDS.len() * 2 * MUTILATIONS);
    assert!(n_errors > 3000, "{n_errors} errors, {n_read} read");
}

#[test]
fn what_is_cut_off_is_never_the_end() {
    let world = World::new();
    let profile = profile("[columns]\ntext = \"content\"");
    for kind in KINDS {
        let bytes = kind.bytes(&[sample(), sample()]);
        for length in (0..bytes.len()).step_by(7).chain(bytes.len() - 8..bytes.len()) {
            let path = world.put(kind.name(), &bytes[..length]);
            assert!(records(&path, &profile).is_err(), "{kind:?} of {length} bytes");
        }
    }
}

#[test]
fn what_follows_the_end_is_an_error() {
    let world = World::new();
    let profile = profile("[columns]\ntext = \"content\"");
    for kind in KINDS {
        let mut bytes = kind.bytes(&[sample()]);
        bytes.push(0);
        let path = world.put(kind.name(), &bytes);
        assert!(records(&path, &profile).is_err(), "{kind:?}");
    }
}

#[test]
fn a_failed_shard_stays_failed() {
    let world = World::new();
    let profile = profile("[columns]\ntext = \"content\"");
    let bytes = Kind::Stream(None).bytes(&[sample(), sample()]);
    let path = world.put("shard.arrow", &bytes[..bytes.len() - 8]);
    let mut opened = crate::open(&path, &profile, Limits::default()).unwrap();
    let mut n_chunks = 0;
    while opened.reader.next_chunk().is_ok() {
        n_chunks += 1;
    }
    assert_eq!(n_chunks, 2);
    assert!(opened.reader.next_chunk().is_err());
}
