//! What a scan remembers: a report does not depend on what earlier scans left in the index, whole or damaged.

use std::fs;
use std::path::{Path, PathBuf};

use lazaret_core::{Digest, GapKind, Verdict};
use lazaret_intake::index::{Index, Segment, SegmentKind};
use lazaret_pipeline::{ScanOutcome, ScanRequest, scan};
use lazaret_testkit::strategy::histories;
use lazaret_testkit::{GitRepo, ObjectFormat};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::world::{
    CLAUDE, LONG, Rulebook, bytes_of, cases, file, git_at, hold_laws, loose_object, mark, n_warnings,
    request, three_commits, verdicts,
};

/// An additional mark, so that another catalog results.
const OTHER_CATALOG: &str = r#"
[[catalog.provider]]
id = "acme"
name = "Acme"
first-available = { date = 2024-01-01, source = "an announcement" }
"#;

#[track_caller]
fn remembering(root: &Path, cache: &TempDir) -> ScanOutcome {
    scan(&ScanRequest { cache_dir: Some(cache.path()), ..request(root) }).unwrap()
}

#[track_caller]
fn index_file(cache: &TempDir) -> PathBuf {
    let mut files = fs::read_dir(cache.path()).unwrap();
    let file = files.next().unwrap().unwrap().path();
    assert!(files.next().is_none(), "one repository, one index");
    file
}

#[test]
fn the_second_scan_says_the_same_and_writes_nothing() {
    let world = three_commits(ObjectFormat::Sha1);
    let cache = TempDir::new().unwrap();
    let cold = bytes_of(&scan(&request(world.repo.path())).unwrap());
    let first = remembering(world.repo.path(), &cache);
    assert_eq!((bytes_of(&first), first.index_note), (cold.clone(), None));
    let written = fs::read(index_file(&cache)).unwrap();
    let second = remembering(world.repo.path(), &cache);
    assert_eq!((bytes_of(&second), second.index_note), (cold, None));
    assert_eq!(fs::read(index_file(&cache)).unwrap(), written);
}

#[test]
fn a_damaged_index_changes_nothing_and_is_mended() {
    let world = three_commits(ObjectFormat::Sha1);
    let cache = TempDir::new().unwrap();
    let cold = bytes_of(&remembering(world.repo.path(), &cache));
    let path = index_file(&cache);
    let whole = fs::read(&path).unwrap();
    let step = whole.len() / 40 + 1;
    for position in (0..whole.len()).step_by(step) {
        let mut flipped = whole.clone();
        flipped[position] ^= 0x10;
        let damaged = [flipped, whole[..position].to_vec(), [&whole[..], &whole[..position]].concat()];
        for (nth, damaged) in damaged.iter().enumerate() {
            fs::write(&path, damaged).unwrap();
            let mended = remembering(world.repo.path(), &cache);
            assert_eq!(bytes_of(&mended), cold, "damage {nth} at {position}");
            let again = remembering(world.repo.path(), &cache);
            assert_eq!(
                (bytes_of(&again), again.index_note),
                (cold.clone(), None),
                "damage {nth} at {position}"
            );
        }
    }
}

#[test]
fn segments_that_check_and_make_no_sense_are_forgotten_for_good() {
    let world = three_commits(ObjectFormat::Sha1);
    let common_dir = world.repo.git_dir().canonicalize().unwrap();
    let cold = bytes_of(&scan(&request(world.repo.path())).unwrap());
    let whole = {
        let cache = TempDir::new().unwrap();
        remembering(world.repo.path(), &cache);
        Index::open(cache.path(), &common_dir).unwrap().segments
    };
    for (nth, segment) in whole.iter().enumerate() {
        for payload in [&b""[..], b"\x00", b"\xff\xff\xff\xff\x0f", b"{}", &[0x7f; 64]] {
            let cache = TempDir::new().unwrap();
            let mut segments = whole.clone();
            segments[nth] = Segment { payload: payload.to_vec(), ..segment.clone() };
            Index::open(cache.path(), &common_dir).unwrap().index.append(&segments).unwrap();
            let outcome = remembering(world.repo.path(), &cache);
            assert_eq!(bytes_of(&outcome), cold, "{:?} as {payload:?}", segment.kind);
            let size = fs::metadata(index_file(&cache)).unwrap().len();
            let again = remembering(world.repo.path(), &cache);
            assert_eq!((bytes_of(&again), again.index_note), (cold.clone(), None), "{:?}", segment.kind);
            let grown = fs::metadata(index_file(&cache)).unwrap().len();
            assert_eq!(grown, size, "an index that was begun anew is used: {:?}", segment.kind);
        }
    }
}

#[test]
fn an_index_of_another_history_is_begun_anew() {
    let world = three_commits(ObjectFormat::Sha1);
    let cache = TempDir::new().unwrap();
    let common_dir = world.repo.git_dir().canonicalize().unwrap();
    let foreign =
        Segment { kind: SegmentKind::Commits, key: Digest::of(b"another"), payload: vec![0, 0, 20] };
    Index::open(cache.path(), &common_dir).unwrap().index.append(&[foreign]).unwrap();
    let cold = bytes_of(&scan(&request(world.repo.path())).unwrap());
    let first = remembering(world.repo.path(), &cache);
    assert_eq!(bytes_of(&first), cold);
    assert!(first.index_note.unwrap().contains("begun anew"));
    let second = remembering(world.repo.path(), &cache);
    assert_eq!((bytes_of(&second), second.index_note), (cold, None));
}

#[test]
fn another_catalog_looks_at_everything_again() {
    let world = three_commits(ObjectFormat::Sha1);
    let cache = TempDir::new().unwrap();
    let other = Rulebook::with(OTHER_CATALOG);
    for round in 0..3 {
        for measure in [Rulebook::built_in().measure(), other.measure()] {
            let cold = ScanRequest { measure, ..request(world.repo.path()) };
            let warm = ScanRequest { cache_dir: Some(cache.path()), ..cold };
            assert_eq!(bytes_of(&scan(&warm).unwrap()), bytes_of(&scan(&cold).unwrap()), "round {round}");
        }
    }
}

#[test]
fn a_commit_that_another_catalog_cannot_look_at_is_not_taken_for_looked_at() {
    let repo = GitRepo::new();
    repo.write("a.txt", LONG);
    let lost = repo.commit(format!("begin{CLAUDE}")).create();
    repo.write("a.txt", LONG.repeat(2));
    repo.commit("on").create();
    let cache = TempDir::new().unwrap();
    assert_eq!(remembering(repo.path(), &cache).report.commits.marked, 1);
    let object = loose_object(&repo, &lost.to_string());
    fs::rename(&object, repo.scratch().join("lost")).unwrap();
    let other = Rulebook::with(OTHER_CATALOG);
    for _ in 0..2 {
        let warm =
            ScanRequest { measure: other.measure(), cache_dir: Some(cache.path()), ..request(repo.path()) };
        let outcome = scan(&warm).unwrap();
        assert!(n_warnings(&outcome.report, GapKind::MissingObject) > 0, "{:?}", outcome.report);
    }
    fs::rename(repo.scratch().join("lost"), &object).unwrap();
    let warm =
        ScanRequest { measure: other.measure(), cache_dir: Some(cache.path()), ..request(repo.path()) };
    assert_eq!(scan(&warm).unwrap().report.commits.marked, 1);
}

#[test]
fn commits_that_were_pruned_are_no_gap() {
    let world = three_commits(ObjectFormat::Sha1);
    let repo = &world.repo;
    let cache = TempDir::new().unwrap();
    remembering(repo.path(), &cache);
    repo.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    repo.git(&["reflog", "expire", "--expire=now", "--all"]);
    repo.git(&["gc", "--quiet", "--prune=now"]);
    let other = Rulebook::with(OTHER_CATALOG);
    let cold = ScanRequest { measure: other.measure(), ..request(repo.path()) };
    let warm = ScanRequest { cache_dir: Some(cache.path()), ..cold };
    let cold = bytes_of(&scan(&cold).unwrap());
    assert_eq!(bytes_of(&scan(&warm).unwrap()), cold);
    let again = scan(&warm).unwrap();
    assert_eq!((bytes_of(&again), again.index_note), (cold, None));
}

#[test]
fn what_could_not_be_read_is_read_when_it_is_back() {
    let world = three_commits(ObjectFormat::Sha1);
    let repo = &world.repo;
    let whole = bytes_of(&scan(&request(repo.path())).unwrap());
    let pack = fs::read_dir(repo.git_dir().join("objects/pack")).unwrap();
    let pack =
        pack.map(|entry| entry.unwrap().path()).find(|path| path.extension().unwrap() == "pack").unwrap();
    let packed = fs::read(&pack).unwrap();
    fs::rename(&pack, repo.scratch().join("moved.pack")).unwrap();
    fs::remove_file(pack.with_extension("idx")).unwrap();
    repo.git_bytes(&["unpack-objects", "-q"], &packed);
    let all = repo.git(&["rev-list", "--objects", "--all", "--no-object-names"]);
    let cache = TempDir::new().unwrap();
    for hex in all.lines() {
        let object = loose_object(repo, hex);
        fs::rename(&object, repo.scratch().join("lost")).unwrap();
        // Whether the scan goes through or not, the next one must not believe what this one could not see.
        let outcome = scan(&ScanRequest { cache_dir: Some(cache.path()), ..request(repo.path()) });
        if let Ok(outcome) = &outcome {
            hold_laws(&outcome.report);
            assert!(!outcome.report.warnings.is_empty(), "{hex} is missing in silence");
        }
        fs::rename(repo.scratch().join("lost"), &object).unwrap();
        assert_eq!(bytes_of(&remembering(repo.path(), &cache)), whole, "{hex}");
        fs::remove_file(index_file(&cache)).unwrap();
    }
}

#[test]
fn a_shallow_clone_remembers_nothing_and_is_whole_when_it_is_deepened() {
    let world = three_commits(ObjectFormat::Sha1);
    let clone = world.repo.scratch().join("clone");
    let url = format!("file://{}", world.repo.path().display());
    world.repo.git(&["clone", "--quiet", "--depth=1", &url, clone.to_str().unwrap()]);
    let cache = TempDir::new().unwrap();
    for _ in 0..2 {
        let shallow = remembering(&clone, &cache);
        hold_laws(&shallow.report);
        assert_eq!(n_warnings(&shallow.report, GapKind::ShallowBoundary), 1, "{:?}", shallow.report);
        assert!(verdicts(file(&shallow.report, "a.txt")).iter().all(|verdict| *verdict == Verdict::Unproven));
    }
    git_at(&world.repo, &clone, &["fetch", "--quiet", "--unshallow"]);
    let cold = bytes_of(&scan(&request(&clone)).unwrap());
    for _ in 0..2 {
        assert_eq!(bytes_of(&remembering(&clone, &cache)), cold);
    }
}

#[test]
fn two_scans_at_once_do_not_disturb_each_other() {
    let world = three_commits(ObjectFormat::Sha1);
    let cache = TempDir::new().unwrap();
    let common_dir = world.repo.git_dir().canonicalize().unwrap();
    let held = Index::open(cache.path(), &common_dir).unwrap();
    let cold = bytes_of(&scan(&request(world.repo.path())).unwrap());
    let outcome = remembering(world.repo.path(), &cache);
    assert_eq!(bytes_of(&outcome), cold);
    assert!(outcome.index_note.unwrap().contains("another scan"));
    drop(held);
    assert_eq!(remembering(world.repo.path(), &cache).index_note, None);
}

#[test]
fn an_index_that_cannot_be_written_is_said_and_does_no_harm() {
    let world = three_commits(ObjectFormat::Sha1);
    let no_folder = world.repo.scratch().join("file");
    fs::write(&no_folder, "").unwrap();
    let cold = bytes_of(&scan(&request(world.repo.path())).unwrap());
    let outcome = scan(&ScanRequest { cache_dir: Some(&no_folder), ..request(world.repo.path()) }).unwrap();
    assert_eq!(bytes_of(&outcome), cold);
    assert!(outcome.index_note.unwrap().contains("index"));
}

proptest! {
    #![proptest_config(cases(40))]

    /// Scans at revisions in any order, with one index and two catalogs between them, each held against a scan
    /// without an index.
    #[test]
    fn what_was_scanned_before_changes_nothing(
        mut history in histories(), pick in any::<u64>(),
        scans in prop::collection::vec((any::<u8>(), any::<bool>(), prop::bool::weighted(0.2)), 2..7),
    ) {
        mark(&mut history, pick);
        let world = history.build();
        let cache = TempDir::new().unwrap();
        let other = Rulebook::with(OTHER_CATALOG);
        for (nth, all_refs, other_catalog) in scans {
            let rev = world.rev(usize::from(nth) % world.ids.len());
            let measure = if other_catalog { other.measure() } else { Rulebook::built_in().measure() };
            let cold = ScanRequest { rev: &rev, all_refs, measure, ..request(world.repo.path()) };
            let warm = ScanRequest { cache_dir: Some(cache.path()), n_threads: 2, ..cold };
            let outcome = scan(&warm).unwrap();
            hold_laws(&outcome.report);
            prop_assert_eq!(outcome.index_note.as_deref(), None);
            prop_assert_eq!(bytes_of(&outcome), bytes_of(&scan(&cold).unwrap()));
        }
    }
}
