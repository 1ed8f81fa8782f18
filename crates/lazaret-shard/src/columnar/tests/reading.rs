//! What is read of columnar shards.

use ::parquet::basic::{BrotliLevel, GzipLevel};
use arrow_array::builder::{
    LargeListBuilder, ListBuilder, MapBuilder, StringBuilder, StringDictionaryBuilder, StructBuilder,
};
use arrow_array::types::Int32Type;
use arrow_array::{BinaryArray, Int64Array, LargeListArray, ListArray, StructArray};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_cast::cast;
use arrow_schema::{DataType, Field, Fields};

use super::*;

#[test]
fn every_type_of_text_is_read_in_every_format() {
    let profile = profile("[columns]\ntext = \"content\"\nid = \"id\"");
    let plain = strings(&[Some("first\n"), None, Some(""), Some("fn main() {}\n"), Some("first\n")]);
    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let types = [
        DataType::Utf8,
        DataType::LargeUtf8,
        DataType::Utf8View,
        DataType::Binary,
        DataType::LargeBinary,
        DataType::BinaryView,
        dictionary,
    ];
    let world = World::new();
    for data_type in types {
        let text = cast(&plain, &data_type).unwrap();
        let id: ArrayRef = Arc::new(Int64Array::from(vec![7, 8, 9, 10, 11]));
        let batch = RecordBatch::try_from_iter([("id", id), ("content", text)]).unwrap();
        for kind in KINDS {
            let path = world.put(kind.name(), &kind.bytes(&[batch.slice(0, 2), batch.slice(2, 3)]));
            let found = records(&path, &profile).unwrap();
            let texts: Vec<Option<&[u8]>> = found.iter().map(|found| found.text.as_deref()).collect();
            let expected: [Option<&[u8]>; 5] =
                [Some(b"first\n"), None, Some(b""), Some(b"fn main() {}\n"), Some(b"first\n")];
            assert_eq!(texts, expected, "{data_type} in {kind:?}");
            let rows: Vec<u64> = found.iter().map(|found| found.row).collect();
            assert_eq!(rows, [0, 1, 2, 3, 4], "{kind:?}");
            assert_eq!(found[1].fault, Some(Fault::MissingText), "{kind:?}");
            assert_eq!(found[4].id.as_deref(), Some("11"), "{kind:?}");
        }
    }
}

#[test]
fn every_compression_of_parquet_is_read() {
    let profile = profile("[columns]\ntext = \"content\"");
    let batch =
        RecordBatch::try_from_iter([("content", strings(&[Some("some text, some text, some text")]))])
            .unwrap();
    let world = World::new();
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::BROTLI(BrotliLevel::default()),
        Compression::LZ4,
        Compression::LZ4_RAW,
        zstd(),
    ] {
        let path =
            world.put("shard.parquet", &Kind::Parquet(compression).bytes(std::slice::from_ref(&batch)));
        assert_eq!(texts(&path, &profile), [Some("some text, some text, some text".to_owned())]);
    }
}

#[test]
fn bytes_that_are_no_text_are_a_fault_of_their_record_alone() {
    let values: Vec<&[u8]> = vec![b"fine", b"\xFF\xFE", b"fine too"];
    let text: ArrayRef = Arc::new(BinaryArray::from(values));
    let batch = RecordBatch::try_from_iter([("content", text)]).unwrap();
    let world = World::new();
    for kind in KINDS {
        let path = world.put(kind.name(), &kind.bytes(std::slice::from_ref(&batch)));
        let found = records(&path, &profile("[columns]\ntext = \"content\"")).unwrap();
        let faults: Vec<Option<Fault>> = found.iter().map(|found| found.fault).collect();
        assert_eq!(faults, [None, Some(Fault::NotUtf8), None]);
    }
}

#[test]
fn a_record_with_bytes_that_nobody_can_look_through_has_a_fault() {
    let image = [0xFF; 64];
    let digest = [b'\n'; 32].map(|byte| byte | 0x80);
    let values: Vec<&[u8]> = vec![&image, &digest, b"a note\nof two lines"];
    let image: ArrayRef = Arc::new(BinaryArray::from(values));
    let text = strings(&[Some("a"), Some("b"), Some("c")]);
    let batch = RecordBatch::try_from_iter([("content", text), ("image", image)]).unwrap();
    let world = World::new();
    for kind in KINDS {
        let path = world.put(kind.name(), &kind.bytes(std::slice::from_ref(&batch)));
        let found = records(&path, &profile("[columns]\ntext = \"content\"")).unwrap();
        let faults: Vec<Option<Fault>> = found.iter().map(|found| found.fault).collect();
        assert_eq!(faults, [Some(Fault::NotUtf8), None, None]);
        assert_eq!(found[2].beside.as_deref(), Some("a note\nof two lines"));
    }
}

/// Three rows of a repository each: two files, none, and null; the list has a gap where it is null.
pub(super) fn nested(is_large: bool) -> RecordBatch {
    let fields = Fields::from(vec![
        Field::new("path", DataType::Utf8, true),
        Field::new("content", DataType::Utf8, true),
        Field::new("notes", DataType::Utf8, true),
    ]);
    let long = "n".repeat(64);
    let each: ArrayRef = Arc::new(StructArray::new(
        fields.clone(),
        vec![
            strings(&[Some("a.rs"), Some("b.rs"), Some("gap.rs"), Some("c.rs")]),
            strings(&[Some("a"), Some("b"), Some("gap"), Some("c")]),
            strings(&[Some(&long), Some("short"), Some(&long), None]),
        ],
        None,
    ));
    let field = Arc::new(Field::new("element", DataType::Struct(fields), true));
    let nulls = Some(NullBuffer::from(vec![true, true, false, true]));
    let files: ArrayRef = if is_large {
        let offsets = OffsetBuffer::new(vec![0_i64, 2, 2, 3, 4].into());
        Arc::new(LargeListArray::new(field, offsets, each, nulls))
    } else {
        let offsets = OffsetBuffer::new(vec![0, 2, 2, 3, 4].into());
        Arc::new(ListArray::new(field, offsets, each, nulls))
    };
    let about = "a description of the repository\nin two lines";
    RecordBatch::try_from_iter([
        ("repo_path", strings(&[Some("acme/one"), Some("acme/two"), None, Some("acme/four")])),
        ("files", files),
        ("about", strings(&[Some(about), None, None, None])),
    ])
    .unwrap()
}

pub(super) fn nested_profile() -> Profile {
    profile(
        "records = \"files\"\n[columns]\ntext = \"content\"\npath = \"path\"\nrepository = \"/repo_path\"",
    )
}

#[test]
fn records_in_lists_are_read_with_what_their_row_says() {
    let world = World::new();
    for (kind, is_large) in KINDS.into_iter().flat_map(|kind| [(kind, false), (kind, true)]) {
        let path = world.put(kind.name(), &kind.bytes(&[nested(is_large)]));
        let found = records(&path, &nested_profile()).unwrap();
        let about = "a description of the repository\nin two lines";
        let record = |row, part, text: &str, path: &str, repository: &str, beside: Option<String>| Found {
            row,
            element: Some(part),
            text: Some(text.as_bytes().to_vec()),
            path: Some(path.to_owned()),
            repositories: vec![repository.to_owned()],
            beside,
            ..Found::default()
        };
        let long = "n".repeat(64);
        // A row without files is a record that cannot be admitted.
        let empty = |row, repository: Option<&str>| Found {
            row,
            fault: Some(Fault::MissingText),
            repositories: repository.map(str::to_owned).into_iter().collect(),
            ..Found::default()
        };
        let expected = [
            record(0, 0, "a", "a.rs", "acme/one", Some(format!("{long}\n\n\u{1e}\n\n{about}"))),
            record(0, 1, "b", "b.rs", "acme/one", Some(about.to_owned())),
            empty(1, Some("acme/two")),
            empty(2, None),
            record(3, 0, "c", "c.rs", "acme/four", None),
        ];
        assert_eq!(found, expected, "{kind:?}");
    }
}

#[test]
fn the_turns_of_a_chat_are_one_text() {
    let fields = vec![Field::new("role", DataType::Utf8, true), Field::new("content", DataType::Utf8, true)];
    let mut builder = ListBuilder::new(StructBuilder::from_fields(fields, 4));
    for turns in [vec![("user", Some("why?")), ("assistant", Some("because"))], vec![("user", None)], vec![]]
    {
        for (role, content) in turns {
            let turn = builder.values();
            turn.field_builder::<StringBuilder>(0).unwrap().append_value(role);
            turn.field_builder::<StringBuilder>(1).unwrap().append_option(content);
            turn.append(true);
        }
        builder.append(true);
    }
    let messages: ArrayRef = Arc::new(builder.finish());
    let batch = RecordBatch::try_from_iter([("messages", messages)]).unwrap();
    let world = World::new();
    for kind in KINDS {
        let path = world.put(kind.name(), &kind.bytes(std::slice::from_ref(&batch)));
        let profile = profile("[columns]\ntext = \"messages[].content\"");
        assert_eq!(texts(&path, &profile), [Some("why?\n\nbecause".to_owned()), None, None]);
    }
}

#[test]
fn long_strings_of_any_depth_stand_beside() {
    let long = |word: &str| format!("{word} {}", "x".repeat(64));
    let mut map = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    map.keys().append_value(long("key"));
    map.values().append_value("value\nof a map");
    map.append(true).unwrap();
    let mut list = LargeListBuilder::new(StringBuilder::new());
    list.values().append_value(long("element"));
    list.values().append_value("short");
    list.append(true);
    let mut dictionary = StringDictionaryBuilder::<Int32Type>::new();
    dictionary.append_value(long("entry"));
    let deep: ArrayRef = Arc::new(StringArray::from(vec![long("deep")]));
    let deep = StructArray::from(vec![(Arc::new(Field::new("deep", DataType::Utf8, true)), deep)]);
    let bytes: ArrayRef = Arc::new(BinaryArray::from(vec![long("bytes").as_bytes()]));
    let batch = RecordBatch::try_from_iter([
        ("content", strings(&[Some("text")])),
        ("map", Arc::new(map.finish()) as ArrayRef),
        ("list", Arc::new(list.finish())),
        ("dictionary", Arc::new(dictionary.finish())),
        ("struct", Arc::new(deep)),
        ("bytes", bytes),
    ])
    .unwrap();
    let expected = [
        long("key"),
        "value\nof a map".to_owned(),
        long("element"),
        long("entry"),
        long("deep"),
        long("bytes"),
    ];
    let world = World::new();
    for kind in KINDS {
        let path = world.put(kind.name(), &kind.bytes(std::slice::from_ref(&batch)));
        let found = records(&path, &profile("[columns]\ntext = \"content\"")).unwrap();
        assert_eq!(found[0].beside.as_deref(), Some(expected.join("\n\n\u{1e}\n\n").as_str()), "{kind:?}");
    }
}

#[test]
fn columns_that_are_missing_or_of_another_type_stop_before_the_first_record() {
    let number: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let batch = RecordBatch::try_from_iter([("content", strings(&[Some("a")])), ("stars", number)]).unwrap();
    let world = World::new();
    let path = world.put("shard.parquet", &KINDS[0].bytes(&[batch]));
    let error = |columns: &str| {
        let error = crate::open(&path, &profile(columns), Limits::default()).map(|_| ()).unwrap_err();
        error.to_string()
    };
    assert_eq!(
        error("[columns]\ntext = \"text\""),
        "the profile `test` names `text`, which the shard does not have; it has `content`, `stars`"
    );
    assert_eq!(
        error("[columns]\ntext = \"stars\""),
        "the column `stars` has the type `Int64`, where the profile `test` expects strings or bytes"
    );
    assert_eq!(
        error("[columns]\ntext = \"content.inner\""),
        "the column `content.inner` has the type `Utf8`, where the profile `test` expects a struct on the way"
    );
    assert_eq!(
        error("records = \"content\"\n[columns]\ntext = \"text\""),
        "the column `content` has the type `Utf8`, where the profile `test` expects a list of structs"
    );
    let optional = profile("[columns]\ntext = \"content\"\ncommit = \"sha?\"");
    assert_eq!(records(&path, &optional).unwrap().len(), 1);
}

#[test]
fn two_columns_of_a_mapped_name_are_refused() {
    let batch = RecordBatch::try_from_iter([
        ("content", strings(&[Some("a")])),
        ("content", strings(&[Some("b")])),
        ("other", strings(&[Some("c")])),
    ])
    .unwrap();
    let world = World::new();
    for kind in [Kind::File(None), Kind::Stream(None)] {
        let path = world.put(kind.name(), &kind.bytes(std::slice::from_ref(&batch)));
        let error = records(&path, &profile("[columns]\ntext = \"content\"")).unwrap_err().to_string();
        assert_eq!(error, "the shard has two columns of the name `content`, which is not supported");
        assert_eq!(records(&path, &profile("[columns]\ntext = \"other\"")).unwrap().len(), 1);
    }
}

#[test]
fn a_row_over_the_limit_is_a_record_with_a_fault() {
    let large = "l".repeat(5000);
    let batch =
        RecordBatch::try_from_iter([("content", strings(&[Some("a"), Some(&large), Some("b")]))]).unwrap();
    let limits = Limits { chunk_bytes: 1024, row_bytes_max: 4096 };
    let world = World::new();
    for kind in KINDS {
        let path = world.put(kind.name(), &kind.bytes(std::slice::from_ref(&batch)));
        let mut faults = Vec::new();
        for chunk in chunks(&path, &profile("[columns]\ntext = \"content\""), limits).unwrap() {
            chunk.facts.for_each(|_, record| faults.push(record.fault));
        }
        assert_eq!(faults, [None, Some(Fault::OverLimit), None], "{kind:?}");
    }
}

#[test]
fn chunks_are_bounded_and_hold_all_rows() {
    let text = "0123456789".repeat(100);
    let values: Vec<Option<&str>> = vec![Some(text.as_str()); 2000];
    let batch = RecordBatch::try_from_iter([("content", strings(&values))]).unwrap();
    let limits = Limits { chunk_bytes: 100_000, row_bytes_max: 1 << 20 };
    let world = World::new();
    for kind in [Kind::File(None), Kind::Stream(None), Kind::Parquet(Compression::SNAPPY)] {
        let path = world.put(kind.name(), &kind.bytes(std::slice::from_ref(&batch)));
        let chunks = chunks(&path, &profile("[columns]\ntext = \"content\""), limits).unwrap();
        assert_eq!(chunks.iter().map(|chunk| chunk.facts.len()).sum::<usize>(), 2000);
        // A dictionary page hides in its few bytes how long the rows are; then their number is bounded.
        let most = chunks.iter().map(|chunk| chunk.facts.len()).max().unwrap();
        assert!(most <= if matches!(kind, Kind::Parquet(_)) { 1024 } else { 100 }, "{kind:?}: {most}");
    }
}

#[test]
fn what_a_row_repeats_for_each_record_counts_for_each() {
    let limits = Limits { chunk_bytes: 1 << 20, row_bytes_max: 50 };
    let world = World::new();
    let path = world.put("shard.parquet", &KINDS[0].bytes(&[nested(false)]));
    let mut faults = Vec::new();
    for chunk in chunks(&path, &nested_profile(), limits).unwrap() {
        chunk.facts.for_each(|_, record| faults.push(record.fault));
    }
    // The description has 44 bytes: with the second record of its row they are 88.
    let missing = Some(Fault::MissingText);
    assert_eq!(faults, [Some(Fault::OverLimit), Some(Fault::OverLimit), missing, missing, None]);
}

#[test]
fn another_file_under_the_name_is_refused() {
    let world = World::new();
    let profile = profile("[columns]\ntext = \"content\"");
    for (name, bytes, expected) in [
        ("page.parquet", "<!doctype html>", "the bytes are no parquet"),
        ("page.arrow", "<!doctype html>", "the bytes are no arrow stream"),
        ("empty.parquet", "", "the bytes are no parquet"),
        (
            "old.feather",
            "FEA1....",
            "the shard has the first version of the Feather format; write it again as \
          an Arrow file, which is not supported",
        ),
        ("closed.parquet", "PARE....", "the shard has an encrypted footer, which is not supported"),
        (
            "notes.txt",
            "",
            "the shard has the name `notes.txt`, whose ending tells no format, which is not \
          supported",
        ),
    ] {
        let path = world.put(name, bytes.as_bytes());
        let error = crate::open(&path, &profile, Limits::default()).map(|_| ()).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}
