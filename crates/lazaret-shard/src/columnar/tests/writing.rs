//! What is written of columnar shards: the same columns, without what is dropped.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::Mutex;

use ::parquet::file::reader::{FileReader as _, SerializedFileReader};
use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, BooleanArray, Int64Array};
use arrow_schema::Schema;

use super::reading::{nested, nested_profile};
use super::*;
use crate::chunk::{Fate, Rows, Written};

/// A place for bytes that can be looked at after the writer is gone.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes the shard again; the fates are those of the records in order, and repeat.
pub(super) fn rewritten(
    path: &Path,
    profile: &Profile,
    fates: &[Fate<'_>],
    beside: Option<&RecordBatch>,
) -> Result<(Vec<u8>, Written), ShardError> {
    let mut opened = crate::open(path, profile, Limits::default())?;
    let out = Shared::default();
    let mut writer = crate::create(Box::new(out.clone()), &opened.template, profile)?;
    let mut fates = fates.iter().copied().cycle();
    while let Some(chunk) = opened.reader.next_chunk()? {
        let fates: Vec<Fate<'_>> = fates.by_ref().take(chunk.facts.len()).collect();
        writer.write(&chunk.rows, &fates, beside)?;
    }
    let written = writer.finish()?;
    let bytes = out.0.lock().unwrap().clone();
    Ok((bytes, written))
}

fn batches(path: &Path, profile: &Profile) -> Vec<RecordBatch> {
    let batch = |chunk: Chunk| {
        let Rows::Columns(batch) = chunk.rows else { panic!("the rows are no columns") };
        batch
    };
    chunks(path, profile, Limits::default()).unwrap().into_iter().map(batch).collect()
}

fn flat() -> RecordBatch {
    let metadata = HashMap::from([("huggingface".to_owned(), "{\"info\":{}}".to_owned())]);
    let dictionary = arrow_cast::cast(
        &strings(&[Some("rust"), Some("c"), Some("rust"), None]),
        &arrow_schema::DataType::Dictionary(
            Box::new(arrow_schema::DataType::Int32),
            Box::new(arrow_schema::DataType::Utf8),
        ),
    )
    .unwrap();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("stars", Arc::new(Int64Array::from(vec![Some(1), None, Some(3), Some(4)]))),
        ("content", strings(&[Some("one"), Some("two"), Some("three"), None])),
        ("vendored", Arc::new(BooleanArray::from(vec![true, false, true, false]))),
        ("language", dictionary),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let schema = Schema::new_with_metadata(batch.schema().fields().clone(), metadata);
    batch.with_schema(Arc::new(schema)).unwrap()
}

const TEXT: &str = "[columns]\ntext = \"content\"";

#[test]
fn all_that_is_kept_is_what_was_read() {
    let world = World::new();
    for kind in KINDS {
        let path = world.put(kind.name(), &kind.bytes(&[flat(), flat()]));
        let (bytes, written) = rewritten(&path, &profile(TEXT), &[Fate::Keep], None).unwrap();
        assert_eq!(written, Written { records: 8, rows: 8 });
        let again = world.put(&format!("again-{}", kind.name()), &bytes);
        let before = batches(&path, &profile(TEXT));
        let after = batches(&again, &profile(TEXT));
        assert_eq!(before[0].schema(), after[0].schema(), "{kind:?}");
        let whole = |batches: &[RecordBatch]| {
            arrow_select::concat::concat_batches(&batches[0].schema(), batches).unwrap()
        };
        assert_eq!(whole(&before), whole(&after), "{kind:?}");
    }
}

#[test]
fn the_same_records_give_the_same_bytes_and_are_written_again_unchanged() {
    let world = World::new();
    for kind in KINDS {
        let path = world.put(kind.name(), &kind.bytes(&[flat(), flat()]));
        let once = rewritten(&path, &profile(TEXT), &[Fate::Keep, Fate::Drop], None).unwrap();
        let twice = rewritten(&path, &profile(TEXT), &[Fate::Keep, Fate::Drop], None).unwrap();
        assert_eq!(once, twice, "{kind:?}");
        let path = world.put(kind.name(), &once.0);
        let again = rewritten(&path, &profile(TEXT), &[Fate::Keep], None).unwrap();
        assert_eq!(once.1, again.1, "{kind:?}");
    }
}

#[test]
fn records_are_dropped_and_texts_replaced() {
    let world = World::new();
    let fates = [Fate::Replace("ONE"), Fate::Drop, Fate::Keep, Fate::Drop];
    for kind in KINDS {
        let path = world.put(kind.name(), &kind.bytes(&[flat()]));
        let (bytes, written) = rewritten(&path, &profile(TEXT), &fates, None).unwrap();
        assert_eq!(written, Written { records: 2, rows: 2 });
        let path = world.put(kind.name(), &bytes);
        assert_eq!(texts(&path, &profile(TEXT)), [Some("ONE".to_owned()), Some("three".to_owned())]);
        let batch = &batches(&path, &profile(TEXT))[0];
        assert_eq!(batch.column(0).as_primitive::<arrow_array::types::Int64Type>().values(), &[1, 3]);
    }
}

#[test]
fn a_text_of_every_type_can_be_replaced() {
    use arrow_schema::DataType;
    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let plain = strings(&[Some("one"), Some("two"), None]);
    let world = World::new();
    for data_type in [
        DataType::LargeUtf8,
        DataType::Utf8View,
        DataType::Binary,
        DataType::LargeBinary,
        DataType::BinaryView,
        dictionary,
    ] {
        let text = arrow_cast::cast(&plain, &data_type).unwrap();
        let batch = RecordBatch::try_from_iter([("content", text)]).unwrap();
        for kind in KINDS {
            let path = world.put(kind.name(), &kind.bytes(std::slice::from_ref(&batch)));
            let fates = [Fate::Replace("ONE"), Fate::Keep, Fate::Keep];
            let (bytes, _) = rewritten(&path, &profile(TEXT), &fates, None).unwrap();
            let path = world.put(kind.name(), &bytes);
            assert_eq!(texts(&path, &profile(TEXT)), [Some("ONE".to_owned()), Some("two".to_owned()), None]);
            assert_eq!(batches(&path, &profile(TEXT))[0].column(0).data_type(), &data_type);
        }
    }
}

#[test]
fn records_are_dropped_out_of_their_lists() {
    let world = World::new();
    for (kind, is_large) in KINDS.into_iter().flat_map(|kind| [(kind, false), (kind, true)]) {
        let path = world.put(kind.name(), &kind.bytes(&[nested(is_large)]));
        let fates = [Fate::Drop, Fate::Replace("B"), Fate::Drop, Fate::Drop, Fate::Drop];
        let (bytes, written) = rewritten(&path, &nested_profile(), &fates, None).unwrap();
        assert_eq!(written, Written { records: 1, rows: 1 });
        let path = world.put(kind.name(), &bytes);
        let found = records(&path, &nested_profile()).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].text.as_deref(), Some(b"B".as_slice()));
        assert_eq!(found[0].path.as_deref(), Some("b.rs"));
        assert_eq!(found[0].repositories, ["acme/one"]);
        let batch = &batches(&path, &nested_profile())[0];
        assert_eq!(batch.schema().fields(), nested(is_large).schema().fields(), "{kind:?}");
        assert_eq!(batch.column(2).as_string::<i32>().value(0).lines().count(), 2);
    }
}

#[test]
fn rows_without_records_have_a_fate_of_their_own() {
    let world = World::new();
    let path = world.put("shard.parquet", &KINDS[0].bytes(&[nested(false)]));
    let before = records(&path, &nested_profile()).unwrap();
    let (bytes, written) = rewritten(&path, &nested_profile(), &[Fate::Keep], None).unwrap();
    assert_eq!(written, Written { records: 5, rows: 4 });
    assert_eq!(records(&world.put("again.parquet", &bytes), &nested_profile()).unwrap(), before);
    let fates = [Fate::Keep, Fate::Keep, Fate::Drop, Fate::Keep, Fate::Drop];
    let (bytes, written) = rewritten(&path, &nested_profile(), &fates, None).unwrap();
    assert_eq!(written, Written { records: 3, rows: 2 });
    let after = records(&world.put("again.parquet", &bytes), &nested_profile()).unwrap();
    assert_eq!((after.len(), after[2].fault), (3, Some(Fault::MissingText)));
    let error = rewritten(&path, &nested_profile(), &[Fate::Replace("text")], None).unwrap_err().to_string();
    assert!(error.contains("the row has no record to hold it"), "{error}");
}

#[test]
fn further_columns_are_written_at_the_end() {
    let beside =
        RecordBatch::try_from_iter([("lz_verdict", strings(&[Some("clean"), Some("tainted"), None, None]))])
            .unwrap();
    let fates = [Fate::Keep, Fate::Keep, Fate::Drop, Fate::Drop];
    let world = World::new();
    for kind in KINDS {
        let path = world.put(kind.name(), &kind.bytes(&[flat()]));
        let (bytes, _) = rewritten(&path, &profile(TEXT), &fates, Some(&beside)).unwrap();
        let path = world.put(kind.name(), &bytes);
        let batch = &batches(&path, &profile(TEXT))[0];
        assert_eq!(batch.num_columns(), 5);
        let verdicts = batch.column_by_name("lz_verdict").unwrap().as_string::<i32>();
        assert_eq!(verdicts.iter().collect::<Vec<_>>(), [Some("clean"), Some("tainted")]);
        // A shard that was gated with columns is not gated with the same columns again.
        let error = rewritten(&path, &profile(TEXT), &[Fate::Keep], Some(&beside.slice(0, 2))).unwrap_err();
        let expected = "the records cannot be written: the shard already has a column `lz_verdict`; was it gated before?";
        assert_eq!(error.to_string(), expected);
    }
    let path = world.put("shard.parquet", &KINDS[0].bytes(&[nested(false)]));
    let error = rewritten(&path, &nested_profile(), &[Fate::Keep], Some(&beside.slice(0, 3))).unwrap_err();
    assert!(error.to_string().contains("leave the columns out"), "{error}");
}

#[test]
fn parquet_keeps_its_own_schema_its_notes_and_the_compression_of_each_column() {
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_column_compression("content".into(), zstd())
        .set_key_value_metadata(Some(vec![::parquet::file::metadata::KeyValue::new(
            "huggingface".to_owned(),
            "{\"info\":{}}".to_owned(),
        )]))
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), flat().schema(), Some(properties)).unwrap();
    writer.write(&flat()).unwrap();
    let world = World::new();
    let path = world.put("shard.parquet", &writer.into_inner().unwrap());
    let (bytes, _) = rewritten(&path, &profile(TEXT), &[Fate::Keep], None).unwrap();
    let again = world.put("again.parquet", &bytes);
    let footer =
        |path: &Path| SerializedFileReader::new(fs::File::open(path).unwrap()).unwrap().metadata().clone();
    let (before, after) = (footer(&path), footer(&again));
    assert_eq!(before.file_metadata().schema(), after.file_metadata().schema());
    let codecs = |footer: &::parquet::file::metadata::ParquetMetaData| {
        footer.row_group(0).columns().iter().map(|column| column.compression()).collect::<Vec<_>>()
    };
    assert_eq!(codecs(&before), codecs(&after));
    let notes = |footer: &::parquet::file::metadata::ParquetMetaData| {
        let mut notes = footer.file_metadata().key_value_metadata().unwrap().clone();
        notes.sort_by(|one, other| one.key.cmp(&other.key));
        notes
    };
    assert_eq!(notes(&before), notes(&after));
}

#[test]
fn nothing_admitted_is_an_empty_shard_of_the_same_columns() {
    let world = World::new();
    for kind in KINDS {
        let path = world.put(kind.name(), &kind.bytes(&[flat()]));
        let (bytes, written) = rewritten(&path, &profile(TEXT), &[Fate::Drop], None).unwrap();
        assert_eq!(written, Written::default());
        assert_eq!(records(&world.put(kind.name(), &bytes), &profile(TEXT)).unwrap(), []);
    }
}

#[test]
fn fates_for_other_records_are_refused() {
    let world = World::new();
    let path = world.put("shard.parquet", &KINDS[0].bytes(&[flat()]));
    let mut opened = crate::open(&path, &profile(TEXT), Limits::default()).unwrap();
    let mut writer = crate::create(Box::new(io::sink()), &opened.template, &profile(TEXT)).unwrap();
    let chunk = opened.reader.next_chunk().unwrap().unwrap();
    let error = writer.write(&chunk.rows, &[Fate::Keep], None).unwrap_err();
    assert_eq!(error.to_string(), "the records cannot be written: there are 1 fates for 4 records");
}

/// Views and dictionaries of Arrow share their bytes between rows, so that a row that is gone may leave its text behind.
#[test]
fn nothing_of_what_is_dropped_is_carried_along_unseen() {
    use arrow_schema::{DataType, Field};
    let (kept, dropped) = (format!("kept {}", "k".repeat(80)), format!("dropped {}", "d".repeat(80)));
    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let world = World::new();
    for data_type in [DataType::Utf8, DataType::Utf8View, DataType::BinaryView, dictionary.clone()] {
        let plain = strings(&[Some(&kept), Some(&dropped), Some(&kept)]);
        let text = arrow_cast::cast(&plain, &data_type).unwrap();
        let field = Arc::new(Field::new_list_field(data_type.clone(), true));
        let offsets = arrow_buffer::OffsetBuffer::from_lengths([1, 1, 1]);
        let lists = arrow_array::ListArray::new(field, offsets, Arc::clone(&text), None);
        let lists: ArrayRef = Arc::new(lists);
        let deeper: ArrayRef = Arc::new(
            arrow_array::StructArray::try_from(vec![("inner", Arc::clone(&lists)), ("other", text.clone())])
                .unwrap(),
        );
        let columns = [("content", text), ("lists", lists), ("deeper", deeper)];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        for kind in [KINDS[1], Kind::File(None), Kind::Stream(None)] {
            let path = world.put(kind.name(), &kind.bytes(std::slice::from_ref(&batch)));
            let fates = [Fate::Keep, Fate::Drop, Fate::Keep];
            let written = rewritten(&path, &profile(TEXT), &fates, None);
            if kind == Kind::File(None) && data_type == dictionary {
                let why = written.unwrap_err().to_string();
                assert!(why.contains("would carry them along"), "{why}");
                continue;
            }
            let (bytes, _) = written.unwrap();
            let holds = |text: &str| memchr::memmem::find(&bytes, text.as_bytes()).is_some();
            assert!(holds(&kept) && !holds(&dropped), "{kind:?} {data_type}");
            let path = world.put(kind.name(), &bytes);
            assert_eq!(texts(&path, &profile(TEXT)), [Some(kept.clone()), Some(kept.clone())]);
        }
    }
}
