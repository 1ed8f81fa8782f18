//! The bundle: what it says of the revision is what the report says, and it says it of every version of history.

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::Array as _;
use arrow_array::cast::AsArray as _;
use arrow_array::types::UInt32Type;
use lazaret_core::{Directness, ObjectId, Verdict};
use lazaret_pipeline::{BUNDLE_FORMAT, BundleRow, ScanRequest, Statement, scan, write_bundle};
use lazaret_testkit::strategy::histories;
use lazaret_testkit::{BuiltHistory, ObjectFormat, blame};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use proptest::prelude::*;

use crate::world::{cases, mark, request, three_commits};

/// The columns of a row, as text.
type Columns = Vec<Option<String>>;

const NAMES: [&str; 18] = [
    "blob",
    "path",
    "start",
    "end",
    "commit",
    "statement",
    "detector",
    "tool",
    "provider",
    "model",
    "model_provider",
    "role",
    "strength",
    "direct",
    "on",
    "gap",
    "lines_sha256",
    "proof",
];

fn columns_of(row: &BundleRow) -> Columns {
    let mut columns = vec![
        Some(row.blob.to_string()),
        Some(row.path.clone()),
        row.lines.map(|lines| lines.start().to_string()),
        row.lines.map(|lines| lines.end().to_string()),
        row.commit.map(|commit| commit.to_string()),
    ];
    let text = |value: Option<&dyn ToString>| value.map(ToString::to_string);
    columns.extend(match &row.statement {
        Statement::Taint { detector, taint } => vec![
            Some("taint".to_owned()),
            Some(detector.to_string()),
            text(taint.tool.as_ref().map(|id| id as _)),
            text(taint.provider.as_ref().map(|id| id as _)),
            text(taint.model.as_ref().map(|id| id as _)),
            text(taint.model_provider.as_ref().map(|id| id as _)),
            Some(taint.role.to_string()),
            Some(taint.strength.to_string()),
            Some((taint.directness == Directness::Direct).to_string()),
            None,
            None,
        ],
        Statement::Predates { on } => {
            let mut columns = vec![None; 11];
            columns[0] = Some("predates".to_owned());
            columns[1] = Some("commit-date".to_owned());
            columns[9] = Some(on.to_string());
            columns
        }
        Statement::Gap { kind } => {
            let mut columns = vec![None; 11];
            columns[0] = Some("gap".to_owned());
            columns[10] = Some(kind.as_str().to_owned());
            columns
        }
        Statement::Attested { .. } => {
            let mut columns = vec![None; 11];
            columns[0] = Some("attested".to_owned());
            columns[1] = Some("signed-commit".to_owned());
            columns
        }
    });
    columns.push(row.lines_sha256.map(|name| name.to_string()));
    columns.push(match &row.statement {
        Statement::Attested { proof } => Some(serde_json::to_string(proof).unwrap()),
        Statement::Taint { .. } | Statement::Predates { .. } | Statement::Gap { .. } => None,
    });
    columns
}

fn read_back(path: &std::path::Path) -> Vec<Columns> {
    let file = std::fs::File::open(path).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    let mut rows = Vec::new();
    for batch in reader {
        let batch = batch.unwrap();
        let value = |name: &str, row: usize| -> Option<String> {
            let column = batch.column_by_name(name).unwrap();
            if column.is_null(row) {
                return None;
            }
            let number = column.as_primitive_opt::<UInt32Type>().map(|column| column.value(row).to_string());
            let truth = column.as_boolean_opt().map(|column| column.value(row).to_string());
            number.or(truth).or_else(|| Some(column.as_string::<i32>().value(row).to_owned()))
        };
        for row in 0..batch.num_rows() {
            rows.push(NAMES.iter().map(|name| value(name, row)).collect());
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
    assert_eq!(read_back(path.path()), Vec::<Columns>::new());
}

#[test]
fn no_bundle_is_made_unless_it_is_asked_for() {
    let world = three_commits(ObjectFormat::Sha1);
    let outcome = scan(&ScanRequest { bundle: false, ..request(world.repo.path()) }).unwrap();
    assert!(outcome.bundle.is_empty());
}

/// Whether a taint's lines stand as the tool left them; `None` for other statements.
fn is_direct(row: &BundleRow) -> Option<bool> {
    match &row.statement {
        Statement::Taint { taint, .. } => Some(taint.directness == Directness::Direct),
        Statement::Predates { .. } | Statement::Attested { .. } | Statement::Gap { .. } => None,
    }
}

/// Every version of a file is as old as the first commit that has it, and a bundle says so.
#[test]
fn every_blob_of_history_has_the_day_of_its_first_commit() {
    let world = three_commits(ObjectFormat::Sha1);
    let outcome = scan(&request(world.repo.path())).unwrap();
    let mut days: BTreeMap<ObjectId, String> = BTreeMap::new();
    for row in &outcome.bundle {
        if let (Statement::Predates { on }, None) = (&row.statement, row.lines) {
            assert_eq!(days.insert(row.blob, on.to_string()), None);
        }
    }
    let mut blobs = BTreeSet::new();
    for id in &world.ids {
        for path in world.repo.paths(&id.to_string()) {
            blobs.insert(world.repo.id(&format!("{id}:{}", String::from_utf8(path).unwrap())));
        }
    }
    assert_eq!(days.keys().copied().collect::<BTreeSet<_>>(), blobs);
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
        let direct = |row: &&BundleRow| is_direct(row) == Some(true) && row.commit.is_some();
        let lines = |row: &BundleRow| {
            let (blob, path, commit) = (row.blob, row.path.clone(), row.commit);
            let lines = row.lines.unwrap();
            (lines.start()..=lines.end()).map(move |line| (blob, path.clone(), line, commit.unwrap()))
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
                        && is_direct(row) == Some(span.direct)
                        && row.lines.is_some_and(|lines| lines.start() <= span.start && span.end <= lines.end())
                };
                prop_assert!(outcome.bundle.iter().any(says_so), "{:?}: {:?}", file.path, span);
            }
        }
    }
}
