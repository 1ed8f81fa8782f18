//! Exports: what leaves is what a scan holds to be admissible, what stays is named, and receipts cover every record.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use lazaret_core::Verdict;
use lazaret_pipeline::export::{
    ExportFormat, ExportReport, ExportRequest, NoRecordReason, RecordsBy, SHARD_BYTES, export,
};
use lazaret_pipeline::gate::{Bundles, Destination, VerifyRequest, verify};
use lazaret_pipeline::{Report, ScanRequest, scan};
use lazaret_seal::{SecretKey, TrustedKeys};
use lazaret_shard::{Limits, Place, Profile};
use lazaret_syntax::{Granularity, Language, Parses, excise};
use lazaret_testkit::{GitRepo, History, ObjectFormat};
use proptest::prelude::*;

use crate::world::{CLAUDE, LONG, Rulebook, cases, file, git_at, request as scan_request, verdicts};

/// Takes repositories of tests for first-party sources, and cuts out what is not admitted.
const FIRST_PARTY: &str = r#"
[[source]]
match = "git:*"
kind = "first-party"
reason = "the tests write these repositories"

[[admission]]
class = "whole"
admit = ["clean"]

[[admission]]
class = "units"
admit = ["clean"]
partial = "excise-units"

[[admission]]
class = "lines"
admit = ["clean"]
partial = "excise-lines"
"#;

/// A function of Python that is not trivial, with a line that tells it from others.
fn function(name: &str, told: &str) -> String {
    format!(
        "def {name}(ship, harbour, pilot):\n    told = \"{told} by the pilot of the harbour\"\n    return ship, harbour, pilot, told\n"
    )
}

/// A record that left.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Admitted {
    id: String,
    path: String,
    text: String,
}

/// An export, and where it was written.
struct Exported {
    out: tempfile::TempDir,
    report: ExportReport,
}

fn request<'a>(root: &'a Path, rulebook: &'a Rulebook, to: Option<Destination<'a>>) -> ExportRequest<'a> {
    ExportRequest {
        root,
        rev: "HEAD",
        all_refs: false,
        measure: rulebook.measure(),
        n_threads: 1,
        cache_dir: None,
        known: None,
        repository: Some("acme/harbour"),
        class: "units",
        by: RecordsBy::File,
        format: ExportFormat::Parquet,
        shard_bytes: SHARD_BYTES,
        counts_retention: false,
        to,
    }
}

fn key() -> SecretKey {
    SecretKey::from_seed([7; 32])
}

fn place(path: &Path) -> Place {
    Place::parse(&path.to_string_lossy(), &BTreeMap::new()).unwrap()
}

/// Exports to a new folder, and holds what must be true of every export.
#[track_caller]
fn export_with(change: impl Fn(&mut ExportRequest<'_>), root: &Path, rulebook: &Rulebook) -> Exported {
    let out = tempfile::tempdir().unwrap();
    let (key, to) = (key(), place(out.path()));
    let to = Destination {
        place: &to,
        key: &key,
        verifier: "urn:example:tests",
        verdict_columns: true,
        attributes: false,
    };
    let mut request = request(root, rulebook, Some(to));
    change(&mut request);
    let report = export(&request).unwrap();
    let exported = Exported { out, report };
    exported.hold_laws();
    exported
}

impl Exported {
    #[track_caller]
    fn hold_laws(&self) {
        let records = &self.report.gate.records;
        assert_eq!(records.read, records.admitted + records.held + records.rejected);
        assert_eq!(records.rejected, 0, "{:?}", self.report);
        if records.read > 0 {
            let place = place(self.out.path());
            let trusted = TrustedKeys::one(key().public());
            let request = VerifyRequest { shards: None, gate: &place, trusted: &trusted, resharded: false };
            let verified = verify(&request).unwrap();
            assert!(verified.faults.is_empty(), "{verified:?}");
            assert_eq!(verified.records, records.admitted);
        }
        let bundle = Bundles::read(&[self.out.path().join("bundle.parquet")]).unwrap();
        assert_eq!(
            bundle.sources()[0].digest,
            self.report.bundle,
            "receipts name the bundle that lies there"
        );
        assert_eq!(bundle.sources()[0].origin, self.report.origin);
    }

    /// Returns the records that left, in the order of the shards.
    fn admitted(&self) -> Vec<Admitted> {
        self.records("admitted")
    }

    fn records(&self, folder: &str) -> Vec<Admitted> {
        let profile = Profile::built_in("lazaret").unwrap();
        let mut records = Vec::new();
        for shard in &self.report.gate.shards {
            let path = self.out.path().join(folder).join(&shard.name);
            if !path.exists() {
                continue;
            }
            let mut opened = lazaret_shard::open(&path, &profile, Limits::default()).unwrap();
            while let Some(chunk) = opened.reader.next_chunk().unwrap() {
                chunk.facts.for_each(|_, record| {
                    assert_eq!(record.fault, None);
                    records.push(Admitted {
                        id: record.id.unwrap().to_owned(),
                        path: record.path.unwrap().to_owned(),
                        text: String::from_utf8(record.text.unwrap().to_vec()).unwrap(),
                    });
                });
            }
        }
        records
    }

    fn ids(&self) -> Vec<String> {
        let rev = self.report.origin.rev.clone().unwrap();
        let short = |id: String| id.replace(&format!("acme/harbour@{rev}:"), "");
        self.admitted().into_iter().map(|record| short(record.id)).collect()
    }
}

/// A clean file, one that a tool wrote, one of which a tool wrote a function, and entries that are no records.
fn mixed(format: ObjectFormat) -> GitRepo {
    let repo = GitRepo::create(format, false);
    let both = [function("first", "moored"), "\n\n".to_owned(), function("second", "anchored")].concat();
    repo.write("clean.py", function("clean", "sailed"));
    repo.write("docs/a name with spaces \u{e9}\u{201c}.md", LONG.repeat(3));
    repo.write("crlf.py", function("crlf", "sank").replace('\n', "\r\n"));
    repo.write("mixed.py", &both);
    repo.write("LICENSE", LONG.repeat(2));
    repo.write("empty.txt", "");
    repo.write("picture.png", b"\x89PNG\0\0".repeat(9));
    repo.write("latin.txt", b"caf\xe9 au lait, said the pilot of the harbour to the ship\n");
    repo.link("link.py", "clean.py");
    repo.commit("begin").create();
    repo.write("mixed.py", format!("{both}\n\n{}", function("third", "drifted")));
    repo.write("tainted.py", function("tainted", "stranded"));
    repo.commit(format!("more{CLAUDE}")).create();
    repo
}

#[test]
fn only_what_is_admissible_leaves_and_the_rest_is_named() {
    for format in [ObjectFormat::Sha1, ObjectFormat::Sha256] {
        let (repo, rulebook) = (mixed(format), Rulebook::with(FIRST_PARTY));
        let exported = export_with(|_| {}, repo.path(), &rulebook);
        let paths: Vec<String> = exported.admitted().into_iter().map(|record| record.path).collect();
        let expected =
            ["LICENSE", "clean.py", "crlf.py", "docs/a name with spaces \u{e9}\u{201c}.md", "mixed.py"];
        assert_eq!(paths, expected);
        let mixed = exported.admitted().pop().unwrap().text;
        assert!(mixed.contains("anchored") && !mixed.contains("drifted"), "{mixed}");
        let counts = &exported.report.gate.records;
        assert_eq!((counts.read, counts.admitted, counts.excised, counts.held), (6, 5, 1, 1), "{counts:?}");
        let no_records: Vec<(&str, NoRecordReason)> =
            exported.report.no_records.iter().map(|entry| (entry.path.as_str(), entry.reason)).collect();
        let expected = [
            ("empty.txt", NoRecordReason::Empty),
            ("latin.txt", NoRecordReason::NotUtf8),
            ("link.py", NoRecordReason::Link),
            ("picture.png", NoRecordReason::Binary),
        ];
        assert_eq!(no_records, expected);
        assert_eq!(exported.report.files, 10);
        assert!(exported.report.is_whole());
    }
}

#[test]
fn without_proof_nothing_leaves() {
    let repo = mixed(ObjectFormat::Sha1);
    for by in [RecordsBy::File, RecordsBy::Unit] {
        let change = |request: &mut ExportRequest<'_>| (request.by, request.class) = (by, "training");
        let exported = export_with(change, repo.path(), Rulebook::built_in());
        assert_eq!(exported.ids(), [""; 0]);
    }
}

#[test]
fn a_part_is_not_trivial_for_being_small() {
    let repo = GitRepo::new();
    repo.write("small.py", "import os\n");
    repo.write("large.py", format!("import sys\n\n{}", function("large", "sailed")));
    repo.commit("begin").create();
    let change =
        |request: &mut ExportRequest<'_>| (request.by, request.class) = (RecordsBy::Unit, "training");
    let exported = export_with(change, repo.path(), Rulebook::built_in());
    assert_eq!(exported.ids(), ["small.py"], "the whole file is trivial, a line of another is not");
}

#[test]
fn units_leave_by_themselves() {
    let (repo, rulebook) = (mixed(ObjectFormat::Sha1), Rulebook::with(FIRST_PARTY));
    let change = |request: &mut ExportRequest<'_>| (request.by, request.class) = (RecordsBy::Unit, "whole");
    let exported = export_with(change, repo.path(), &rulebook);
    let expected = [
        "LICENSE",
        "clean.py",
        "crlf.py",
        "docs/a name with spaces \u{e9}\u{201c}.md",
        "mixed.py#L1-L3",
        "mixed.py#L6-L8",
    ];
    assert_eq!(exported.ids(), expected);
    let held: BTreeSet<String> = exported.records("held").into_iter().map(|record| record.path).collect();
    assert_eq!(held, BTreeSet::from(["mixed.py".to_owned(), "tainted.py".to_owned()]));
}

#[test]
fn both_formats_hold_the_same_records() {
    let (repo, rulebook) = (mixed(ObjectFormat::Sha1), Rulebook::with(FIRST_PARTY));
    for by in [RecordsBy::File, RecordsBy::Unit] {
        let parquet = export_with(|request| request.by = by, repo.path(), &rulebook);
        let change = |request: &mut ExportRequest<'_>| {
            (request.by, request.format) = (by, ExportFormat::JsonLinesZstd);
        };
        let lines = export_with(change, repo.path(), &rulebook);
        assert_eq!(parquet.admitted(), lines.admitted());
        let change = |request: &mut ExportRequest<'_>| (request.by, request.shard_bytes) = (by, 64);
        let split = export_with(change, repo.path(), &rulebook);
        assert_eq!(parquet.admitted(), split.admitted());
        assert!(split.report.gate.shards.len() > 2);
    }
}

#[test]
fn the_same_export_goes_on_and_gives_the_same_bytes() {
    let (repo, rulebook) = (mixed(ObjectFormat::Sha1), Rulebook::with(FIRST_PARTY));
    let first = export_with(|_| {}, repo.path(), &rulebook);
    let second = export_with(|_| {}, repo.path(), &rulebook);
    let shard = "admitted/data/shard-00000.parquet";
    let bytes = |exported: &Exported, name: &str| std::fs::read(exported.out.path().join(name)).unwrap();
    let all = [shard, "bundle.parquet", "receipts/data/shard-00000.parquet.json"];
    all.iter().for_each(|name| assert_eq!(bytes(&first, name), bytes(&second, name), "{name}"));
    std::fs::remove_file(first.out.path().join("receipts/data/shard-00000.parquet.json")).unwrap();
    let (key, to) = (key(), place(first.out.path()));
    let to = Destination {
        place: &to,
        key: &key,
        verifier: "urn:example:tests",
        verdict_columns: true,
        attributes: false,
    };
    export(&request(repo.path(), &rulebook, Some(to))).unwrap();
    all.iter().for_each(|name| assert_eq!(bytes(&first, name), bytes(&second, name), "{name}"));
}

#[test]
fn a_repository_of_no_text_gives_no_records() {
    let repo = GitRepo::new();
    repo.write("picture.png", b"\x89PNG\0\0");
    repo.commit("begin").create();
    let exported = export_with(|_| {}, repo.path(), Rulebook::built_in());
    assert_eq!(exported.report.gate.records.read, 0);
    assert_eq!(exported.report.no_records.len(), 1);
}

#[test]
fn an_unreadable_file_is_named_and_the_export_is_not_whole() {
    let repo = mixed(ObjectFormat::Sha1);
    let blob = git_at(&repo, repo.path(), &["rev-parse", "HEAD:clean.py"]);
    std::fs::remove_file(crate::world::loose_object(&repo, blob.trim())).unwrap();
    let exported = export_with(|_| {}, repo.path(), &Rulebook::with(FIRST_PARTY));
    assert_eq!(exported.report.no_records_by_reason[&NoRecordReason::Unreadable], 1);
    assert!(!exported.report.is_whole());
}

/// Histories of two Python files, whose commits add, change and remove functions; some are marked.
fn code() -> impl Strategy<Value = History> {
    let change = (0..2_usize, 0..5_usize, prop::option::weighted(0.8, 0..40_usize));
    let commit = (any::<bool>(), prop::collection::vec(change, 1..4));
    prop::collection::vec(commit, 1..7).prop_map(|commits| {
        let mut history = History::default();
        let mut files = [BTreeMap::new(), BTreeMap::new()];
        for (commit_ix, (is_marked, changes)) in commits.into_iter().enumerate() {
            for (file, place, told) in changes {
                match told {
                    Some(told) => {
                        files[file].insert(place, function(&format!("f{place}"), &format!("told {told}")))
                    }
                    None => files[file].remove(&place),
                };
            }
            let texts = files.each_ref().map(|file| file.values().cloned().collect::<Vec<_>>().join("\n\n"));
            let parent = commit_ix.checked_sub(1);
            let message = format!("change {commit_ix}{}", if is_marked { CLAUDE } else { "" });
            let content = [("a.py", texts[0].as_str()), ("b/c.py", texts[1].as_str())];
            history.push(parent.as_slice(), &message, &content);
        }
        history
    })
}

/// Returns the lines of a record in its file that the scan holds to be clean.
fn clean_lines(report: &Report, record: &Admitted, source: &str) -> Vec<String> {
    let verdicts = verdicts(file(report, &record.path));
    let range = record.id.rsplit_once("#L").map(|(_, lines)| {
        let (first, last) = lines.split_once("-L").unwrap();
        first.parse::<usize>().unwrap() - 1..last.parse::<usize>().unwrap()
    });
    let lines = source.lines().zip(verdicts).enumerate();
    lines
        .filter(|(line, (_, verdict))| {
            *verdict == Verdict::Clean && range.as_ref().is_none_or(|range| range.contains(line))
        })
        .map(|(_, (text, _))| text.to_owned())
        .collect()
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn every_line_that_leaves_is_one_that_the_scan_holds_clean(
        history in code(),
        by_unit in any::<bool>(),
        class in prop::sample::select(vec!["whole", "units", "lines"]),
    ) {
        let built = history.build();
        let root = built.repo.path();
        let rulebook = Rulebook::with(FIRST_PARTY);
        let change = |request: &mut ExportRequest<'_>| {
            (request.by, request.class) = (if by_unit { RecordsBy::Unit } else { RecordsBy::File }, class);
        };
        let exported = export_with(change, root, &rulebook);
        let report = scan(&ScanRequest { measure: rulebook.measure(), ..scan_request(root) }).unwrap().report;
        let mut left = BTreeSet::new();
        for record in exported.admitted() {
            let source = built.repo.git(&["show", &format!("HEAD:{}", record.path)]);
            let clean = clean_lines(&report, &record, &source);
            let mut clean_left = clean.iter();
            for line in record.text.lines().filter(|line| !line.trim().is_empty()) {
                prop_assert!(clean_left.any(|clean| clean == line), "{line:?} of {record:?} is not clean: {clean:?}");
            }
            let cut = excise(&record.text, Some(Language::Python), &[], Granularity::Line).unwrap();
            prop_assert_eq!(cut.parses, Parses::Both, "{:?}", record);
            left.insert(record.path);
        }
        // Nothing clean is kept back, unless the same bytes were a tool's at some other place or time.
        let has_marks = report.commits.marked > 0;
        for file in report.files.iter().filter(|file| !has_marks && file.lines > 0) {
            prop_assert!(left.contains(&file.path), "{} is clean and stays behind", file.path);
        }
    }
}
