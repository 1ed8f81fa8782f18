//! The bundle: what it says of the revision is what the report says, and it says it of every version of history.

use std::collections::BTreeSet;

use arrow_array::Array as _;
use arrow_array::cast::AsArray as _;
use arrow_array::types::UInt32Type;
use lazaret_core::{ObjectId, Verdict};
use lazaret_pipeline::{BUNDLE_FORMAT, BundleRow, ScanRequest, scan, write_bundle};
use lazaret_testkit::strategy::histories;
use lazaret_testkit::{BuiltHistory, ObjectFormat, blame};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use proptest::prelude::*;

use crate::world::{cases, mark, request, three_commits};

/// The columns of a row, as text.
type Columns = (String, String, u32, u32, Option<String>, bool, [Option<String>; 5]);

fn columns_of(row: &BundleRow) -> Columns {
    let rest = [
        Some(row.detector.clone()),
        row.tool.clone(),
        row.model.clone(),
        Some(row.role.to_string()),
        Some(row.strength.to_string()),
    ];
    let commit = row.commit.map(|commit| commit.to_string());
    (row.blob.to_string(), row.path.clone(), row.start, row.end, commit, row.direct, rest)
}

fn read_back(path: &std::path::Path) -> Vec<Columns> {
    let file = std::fs::File::open(path).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    let mut rows = Vec::new();
    for batch in reader {
        let batch = batch.unwrap();
        let column = |name: &str| batch.column_by_name(name).unwrap();
        let text = |name: &str, row: usize| {
            let values = column(name).as_string::<i32>();
            values.is_valid(row).then(|| values.value(row).to_owned())
        };
        let number = |name: &str, row: usize| column(name).as_primitive::<UInt32Type>().value(row);
        for row in 0..batch.num_rows() {
            rows.push((
                text("blob", row).unwrap(),
                text("path", row).unwrap(),
                number("start", row),
                number("end", row),
                text("commit", row),
                column("direct").as_boolean().value(row),
                ["detector", "tool", "model", "role", "strength"].map(|name| text(name, row)),
            ));
        }
    }
    rows
}

#[test]
fn what_is_written_reads_back_with_its_metadata() {
    let world = three_commits(ObjectFormat::Sha1);
    let outcome = scan(&request(world.repo.path())).unwrap();
    let path = world.repo.scratch().join("bundle.parquet");
    let metadata = [("origin", "here".to_owned()), ("policy", outcome.report.policy.to_string())];
    write_bundle(std::fs::File::create(&path).unwrap(), &outcome.bundle, &metadata).unwrap();
    assert_eq!(read_back(&path), outcome.bundle.iter().map(columns_of).collect::<Vec<_>>());
    let reader = SerializedFileReader::new(std::fs::File::open(&path).unwrap()).unwrap();
    let pairs = reader.metadata().file_metadata().key_value_metadata().unwrap();
    let value = |key: &str| pairs.iter().find(|pair| pair.key == key).and_then(|pair| pair.value.clone());
    assert_eq!(value("format").as_deref(), Some(BUNDLE_FORMAT));
    assert_eq!(value("origin").as_deref(), Some("here"));
    assert_eq!(value("policy"), Some(outcome.report.policy.to_string()));
}

#[test]
fn a_bundle_without_rows_is_a_file_all_the_same() {
    let path = tempfile::NamedTempFile::new().unwrap();
    write_bundle(path.as_file(), &[], &[]).unwrap();
    assert_eq!(read_back(path.path()), []);
}

#[test]
fn no_bundle_is_made_unless_it_is_asked_for() {
    let world = three_commits(ObjectFormat::Sha1);
    let outcome = scan(&ScanRequest { bundle: false, ..request(world.repo.path()) }).unwrap();
    assert!(outcome.bundle.is_empty());
}

/// A line of a version: blob, path, line and the marked commit it comes from.
type TaintedLine = (ObjectId, String, u32, ObjectId);

/// Returns the lines that `git blame` finds of marked commits in every version of every path.
fn blamed_everywhere(world: &BuiltHistory, marked: &[bool]) -> BTreeSet<TaintedLine> {
    let mut lines = BTreeSet::new();
    for (nth, id) in world.ids.iter().enumerate() {
        let rev = world.rev(nth);
        for path in world.repo.paths(&rev) {
            let name = String::from_utf8(path.clone()).unwrap();
            let blob = world.repo.id(&format!("{id}:{name}"));
            for (line, commit) in (1..).zip(blame(&world.repo, &rev, &path)) {
                if world.ids.iter().zip(marked).any(|(id, marked)| *id == commit && *marked) {
                    lines.insert((blob, name.clone(), line, commit));
                }
            }
        }
    }
    lines
}

proptest! {
    #![proptest_config(cases(10))]

    #[test]
    fn every_tainted_line_of_every_version_is_there(mut history in histories(), pick in any::<u64>()) {
        let marked = mark(&mut history, pick);
        let world = history.build();
        let outcome = scan(&ScanRequest { all_refs: true, ..request(world.repo.path()) }).unwrap();
        prop_assert!(outcome.bundle.is_sorted());
        let direct = |row: &&BundleRow| row.direct && row.commit.is_some();
        let lines = |row: &BundleRow| {
            let (blob, path, commit) = (row.blob, row.path.clone(), row.commit);
            (row.start..=row.end).map(move |line| (blob, path.clone(), line, commit.unwrap()))
        };
        let found: BTreeSet<TaintedLine> = outcome.bundle.iter().filter(direct).flat_map(lines).collect();
        prop_assert_eq!(found, blamed_everywhere(&world, &marked));
    }

    #[test]
    fn of_the_revision_it_says_what_the_report_says(mut history in histories(), pick in any::<u64>()) {
        mark(&mut history, pick);
        let world = history.build();
        let outcome = scan(&request(world.repo.path())).unwrap();
        for file in &outcome.report.files {
            let accused = file.spans.iter().filter(|span| span.verdict >= Verdict::Suspect);
            for span in accused {
                let says_so = |row: &BundleRow| {
                    Some(row.blob) == file.blob
                        && row.path == file.path
                        && row.commit == span.commit
                        && row.direct == span.direct
                        && row.start <= span.start
                        && span.end <= row.end
                };
                prop_assert!(outcome.bundle.iter().any(says_so), "{:?}: {:?}", file.path, span);
            }
        }
    }
}
