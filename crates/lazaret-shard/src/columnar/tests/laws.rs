//! What holds for any rows and any fates: nothing that is kept is lost or changed, and nothing that is dropped is left.

use arrow_array::builder::{ListBuilder, StringBuilder, StructBuilder};
use arrow_schema::{DataType, Field};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::writing::rewritten;
use super::*;
use crate::chunk::{Fate, Written};

/// The files of a row, each by its text; `None` for a row without a list.
type Row = Option<Vec<Option<String>>>;

#[derive(Debug, Clone)]
enum Doom {
    Keep,
    Replace(String),
    Drop,
}

impl Doom {
    fn fate(&self) -> Fate<'_> {
        match self {
            Self::Keep => Fate::Keep,
            Self::Replace(text) => Fate::Replace(text),
            Self::Drop => Fate::Drop,
        }
    }
}

fn dooms() -> impl Strategy<Value = Vec<Doom>> {
    let doom = prop_oneof![3 => Just(Doom::Keep), 1 => "[a-zä\n]{0,5}".prop_map(Doom::Replace), 3 => Just(Doom::Drop)];
    vec(doom, 1..12)
}

fn kinds() -> impl Strategy<Value = Kind> {
    prop_oneof![Just(Kind::Parquet(Compression::SNAPPY)), Just(Kind::File(None)), Just(Kind::Stream(None))]
}

fn nested(rows: &[Row]) -> RecordBatch {
    let fields = vec![Field::new("content", DataType::Utf8, true)];
    let mut lists = ListBuilder::new(StructBuilder::from_fields(fields, 0));
    for row in rows {
        for text in row.iter().flatten() {
            lists.values().field_builder::<StringBuilder>(0).unwrap().append_option(text.as_deref());
            lists.values().append(true);
        }
        lists.append(row.is_some());
    }
    RecordBatch::try_from_iter([("files", Arc::new(lists.finish()) as ArrayRef)]).unwrap()
}

/// What must be left of the texts.
fn expected(texts: &[Option<String>], dooms: &[Doom]) -> Vec<Option<String>> {
    let left = |(text, doom): (&Option<String>, &Doom)| match doom {
        Doom::Keep => Some(text.clone()),
        Doom::Replace(text) => Some(Some(text.clone())),
        Doom::Drop => None,
    };
    texts.iter().zip(dooms.iter().cycle()).filter_map(left).collect()
}

fn check(
    kind: Kind,
    batch: &RecordBatch,
    profile: &Profile,
    texts: &[Option<String>],
    dooms: &[Doom],
) -> Written {
    let world = World::new();
    let path = world.put(kind.name(), &kind.bytes(std::slice::from_ref(batch)));
    assert_eq!(super::texts(&path, profile), texts);
    let fates: Vec<Fate<'_>> = dooms.iter().map(Doom::fate).collect();
    let (bytes, written) = rewritten(&path, profile, &fates, None).unwrap();
    let left = expected(texts, dooms);
    assert_eq!(written.records, left.len() as u64);
    assert_eq!(super::texts(&world.put(kind.name(), &bytes), profile), left);
    written
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn rows_are_conserved(kind in kinds(), texts in vec(option::of("[a-zä\n]{0,9}"), 0..20), dooms in dooms()) {
        let column: ArrayRef = Arc::new(StringArray::from_iter(texts.iter()));
        let batch = RecordBatch::try_from_iter([("content", column)]).unwrap();
        let written = check(kind, &batch, &profile("[columns]\ntext = \"content\""), &texts, &dooms);
        prop_assert_eq!(written.rows, written.records);
    }

    #[test]
    fn records_of_lists_are_conserved(
        kind in kinds(),
        rows in vec(option::of(vec(option::of("[a-zä\n]{0,9}"), 0..4)), 0..8),
        dooms in dooms(),
    ) {
        // A row without elements is a record without a text.
        let of_row = |row: &Row| match row {
            Some(texts) if !texts.is_empty() => texts.clone(),
            _ => vec![None],
        };
        let texts: Vec<Option<String>> = rows.iter().flat_map(of_row).collect();
        let nested_profile = profile("records = \"files\"\n[columns]\ntext = \"content\"");
        // A row without elements has no place for another text.
        let is_alone = rows.iter().flat_map(|row| {
            let n_elements = row.as_ref().map_or(0, Vec::len);
            std::iter::repeat_n(n_elements == 0, n_elements.max(1))
        });
        let dooms: Vec<Doom> = dooms.into_iter().cycle().zip(is_alone).map(|(doom, is_alone)| match doom {
            Doom::Replace(_) if is_alone => Doom::Drop,
            Doom::Keep | Doom::Replace(_) | Doom::Drop => doom,
        }).collect();
        prop_assume!(!dooms.is_empty());
        let written = check(kind, &nested(&rows), &nested_profile, &texts, &dooms);
        prop_assert!(written.rows <= written.records);
    }
}
