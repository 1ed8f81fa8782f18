//! Damaged columnar files: an error or the records that the changed bytes say, and never a panic.

use std::error::Error as _;

use ::parquet::file::metadata::{
    ParquetMetaData, ParquetMetaDataReader, ParquetMetaDataWriter, RowGroupMetaData,
};
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

#[test]
fn a_promise_of_more_memory_than_there_is_is_refused_unread() {
    let world = World::new();
    let text = "much the same text, ".repeat(100);
    let batch = RecordBatch::try_from_iter([("content", strings(&[Some(&text)]))]).unwrap();
    for (kind, magic) in [
        (Kind::File(Some(CompressionType::LZ4_FRAME)), 0x184D_2204_u32),
        (Kind::File(Some(CompressionType::ZSTD)), 0xFD2F_B528),
        (Kind::Stream(Some(CompressionType::ZSTD)), 0xFD2F_B528),
    ] {
        let mut bytes = kind.bytes(std::slice::from_ref(&batch));
        // The length stands before the compressed bytes, which begin with the mark of their format.
        let promise = [&(text.len() as u64).to_le_bytes()[..], &magic.to_le_bytes()].concat();
        let at = bytes.windows(12).position(|window| window == promise).unwrap();
        bytes[at..at + 8].copy_from_slice(&(1_u64 << 45).to_le_bytes());
        let path = world.put(kind.name(), &bytes);
        let error = records(&path, &profile("[columns]\ntext = \"content\"")).unwrap_err();
        let why = error.source().unwrap().to_string();
        assert_eq!(why, "Ipc error: a compressed buffer promises more than 4294967296 bytes");
    }
}

/// Returns what a file says when its first row group claims another number of rows.
fn recounted(world: &World, bytes: &[u8], n_rows: i64) -> Result<usize, ShardError> {
    let path = world.put("whole.parquet", bytes);
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&fs::File::open(path).unwrap()).unwrap();
    let n_footer = u32::from_le_bytes(*bytes[..bytes.len() - 4].last_chunk().unwrap());
    let n_pages = bytes.len() - 8 - usize::try_from(n_footer).unwrap();
    let groups = metadata.row_groups().to_vec();
    let [first, second] = <[RowGroupMetaData; 2]>::try_from(groups).unwrap();
    let first = first.into_builder().set_num_rows(n_rows).build().unwrap();
    let changed = ParquetMetaData::new(metadata.file_metadata().clone(), vec![first, second]);
    let mut bytes = bytes[..n_pages].to_vec();
    // The writer counts the rows of the file itself.
    ParquetMetaDataWriter::new(&mut bytes, &changed).finish().unwrap();
    let path = world.put("shard.parquet", &bytes);
    records(&path, &profile("[columns]\ntext = \"content\"")).map(|found| found.len())
}

#[test]
fn a_row_group_that_miscounts_its_rows_is_an_error() {
    let world = World::new();
    let bytes = KINDS[0].bytes(&[sample(), sample()]);
    assert_eq!(recounted(&world, &bytes, 3).unwrap(), 6);
    for n_rows in [0, 2, 4] {
        let error = recounted(&world, &bytes, n_rows).unwrap_err().to_string();
        assert!(
            error.starts_with("the columnar file is damaged: a column of its row group 0 has 3"),
            "{error}"
        );
    }
}

#[test]
fn a_footer_that_miscounts_rows_is_an_error() {
    let world = World::new();
    let profile = profile("[columns]\ntext = \"content\"");
    let bytes = KINDS[0].bytes(&[sample(), sample()]);
    // The number of rows is the only 6 of the footer whose change to 7 gives this error.
    let as_varint = |n_rows: u8| n_rows << 1;
    let errors = (0..bytes.len()).filter(|&at| bytes[at] == as_varint(6)).filter_map(|at| {
        let mut bytes = bytes.clone();
        bytes[at] = as_varint(7);
        Some(records(&world.put("shard.parquet", &bytes), &profile).err()?.to_string())
    });
    let expected = "the columnar file is damaged: the row groups have 6 rows, where the footer says 7";
    assert_eq!(errors.filter(|error| error == expected).count(), 1);
}
