//! `scan` end to end: small worlds whose verdicts are known, and laws on random histories.

use std::collections::BTreeSet;
use std::path::Path;

use lazaret_core::{ObjectId, Verdict};
use lazaret_pipeline::{BundleRow, ScanError, ScanRequest, Statement, scan};
use lazaret_testkit::strategy::histories;
use lazaret_testkit::{BuiltHistory, GitRepo, History, ObjectFormat, blame};
use proptest::prelude::*;

use crate::world::{
    CLAUDE, LONG, Rulebook, bytes_of, cases, file, hold_laws, hold_three_commits, mark_reached, request,
    scan_head, three_commits, verdicts,
};

#[test]
fn marked_lines_are_tainted_replaced_ones_suspect_and_others_unproven() {
    let world = three_commits(ObjectFormat::Sha1);
    let report = hold_three_commits(world.repo.path());
    let spans = &file(&report, "a.txt").spans;
    let of_span = |nth: usize| (spans[nth].start, spans[nth].end, spans[nth].commit, spans[nth].direct);
    assert_eq!(spans.len(), 2);
    assert_eq!(of_span(0), (3, 3, Some(world.ids[1]), true));
    assert_eq!(of_span(1), (4, 4, Some(world.ids[1]), false));
    assert_eq!(report.evidence.len(), 1);
    assert_eq!(report.evidence[0].commit, Some(world.ids[1]));
    assert_eq!(report.commits.by_tool.get("claude-code"), Some(&1));
    assert_eq!(report.timeline[0].month, "2024-01");
}

#[test]
fn what_there_is_not_is_an_error_and_not_an_empty_report() {
    let repo = GitRepo::new();
    let unborn = scan(&request(repo.path())).unwrap_err();
    assert!(matches!(unborn, ScanError::Resolve { .. }), "{unborn:?}");
    let nowhere = scan(&request(Path::new("/nowhere/at/all"))).unwrap_err();
    assert!(matches!(nowhere, ScanError::NoSuchFolder { .. }), "{nowhere:?}");
    repo.commit("begin").create();
    let tag = scan(&ScanRequest { rev: "v1", ..request(repo.path()) }).unwrap_err();
    assert!(matches!(tag, ScanError::Resolve { .. }), "{tag:?}");
    std::fs::remove_file(repo.git_dir().join("HEAD")).unwrap();
    let broken = scan(&request(repo.path())).unwrap_err();
    assert!(matches!(broken, ScanError::Open { .. }), "{broken:?}");
}

#[test]
fn branches_count_for_a_scan_of_all_refs_only() {
    let mut history = History::default();
    history.push(&[], "begin", &[("a.txt", LONG)]);
    history.push(&[0], &format!("aside{CLAUDE}"), &[("a.txt", LONG), ("b.txt", LONG)]);
    history.push(&[0], "on", &[("a.txt", &LONG.repeat(2))]);
    let world = history.build();
    let head = scan(&request(world.repo.path())).unwrap();
    assert_eq!((head.report.commits.examined, head.report.commits.marked), (2, 0));
    let taints = |rows: &[BundleRow]| {
        rows.iter().filter(|row| matches!(row.statement, Statement::Taint { .. })).count()
    };
    assert_eq!(taints(&head.bundle), 0);
    let all = scan(&ScanRequest { all_refs: true, ..request(world.repo.path()) }).unwrap();
    assert_eq!((all.report.commits.examined, all.report.commits.marked), (3, 1));
    assert_eq!(all.report.files, head.report.files);
    assert_eq!(taints(&all.bundle), 1);
}

#[test]
fn trusted_dates_prove_lines_clean_and_leave_taint_what_it_is() {
    let mut history = History::default();
    history.push(&[], "begin", &[("a.txt", &LONG.repeat(4))]);
    let grown = [LONG, LONG, "one line\n", "two lines\n", LONG, LONG].concat();
    history.push(&[0], &format!("grow{CLAUDE}"), &[("a.txt", &grown)]);
    let changed = ["first\n", LONG, LONG, "one line\n", "two other lines\n", LONG, LONG, "last\n"].concat();
    history.push(&[1], "change", &[("a.txt", &changed)]);
    for (commit, date) in history.commits.iter_mut().zip([1_200_000_000, 1_400_000_000, 1_400_000_060]) {
        commit.date = date;
    }
    let world = history.build();
    let rulebook = Rulebook::with(
        "[[origin]]\nmatch = \"git:*\"\ndates-trusted-until = 2015-01-01\nreason = \"an archive of that day\"\n",
    );
    let outcome = scan(&ScanRequest { measure: rulebook.measure(), ..request(world.repo.path()) }).unwrap();
    hold_laws(&outcome.report);
    let file = file(&outcome.report, "a.txt");
    let (clean, tainted, suspect) = (Verdict::Clean, Verdict::Tainted, Verdict::Suspect);
    assert_eq!(verdicts(file), [clean, clean, clean, tainted, suspect, clean, clean, clean]);
    for span in &file.spans {
        let (commit, direct) = match span.verdict {
            Verdict::Tainted => (1, true),
            Verdict::Suspect => (1, false),
            Verdict::Clean | Verdict::Unproven if span.start == 1 || span.end == 8 => (2, true),
            Verdict::Clean | Verdict::Unproven => (0, true),
        };
        assert_eq!((span.commit, span.direct), (Some(world.ids[commit]), direct), "{file:?}");
    }
}

#[test]
fn a_file_renamed_on_the_side_that_a_merge_takes_in_keeps_its_marks() {
    let mut history = History::default();
    history.push(&[], "begin", &[("old.txt", &LONG.repeat(3)), ("a.txt", LONG)]);
    let grown = [&LONG.repeat(3), "one line\n"].concat();
    history.push(&[0], &format!("grow{CLAUDE}"), &[("old.txt", &grown), ("a.txt", LONG)]);
    history.push(&[0], "elsewhere", &[("a.txt", LONG)]);
    // No commit after the mark but the merge itself says anything of the new name.
    history.push(&[2, 1], "merge", &[("new.txt", &grown), ("a.txt", LONG)]);
    let world = history.build();
    let report = scan_head(world.repo.path());
    assert_eq!(verdicts(file(&report, "new.txt"))[3], Verdict::Tainted, "{report:?}");
}

/// Returns the commits of a built history that are marked.
fn marked_ids(world: &BuiltHistory, marked: &[bool]) -> BTreeSet<ObjectId> {
    world.ids.iter().zip(marked).filter(|(_, marked)| **marked).map(|(id, _)| *id).collect()
}

proptest! {
    #![proptest_config(cases(40))]

    #[test]
    fn tainted_lines_are_those_that_git_blames_on_marked_commits(
        mut history in histories(), pick in any::<u64>(), n_threads in 2_usize..5,
    ) {
        // A mark beside the revision may be carried to a commit that has none of its own.
        let marked = mark_reached(&mut history, pick);
        let world = history.build();
        let marked = marked_ids(&world, &marked);
        let outcome = scan(&request(world.repo.path())).unwrap();
        hold_laws(&outcome.report);
        prop_assert!(outcome.report.warnings.iter().all(|warning| warning.kind == lazaret_core::GapKind::Binary));
        for path in world.repo.paths("HEAD") {
            let file = file(&outcome.report, std::str::from_utf8(&path).unwrap());
            let mut owners = vec![None; file.lines as usize];
            for span in &file.spans {
                owners[span.start as usize - 1..span.end as usize].fill(span.commit.filter(|_| span.direct));
            }
            let oracle = blame(&world.repo, "HEAD", &path);
            prop_assert!(file.lines == 0 || oracle.len() == owners.len());
            for ((blamed, owner), verdict) in oracle.iter().zip(owners).zip(verdicts(file)) {
                prop_assert_eq!(owner == Some(*blamed), marked.contains(blamed), "{:?}", file);
                prop_assert_eq!(verdict == Verdict::Tainted, marked.contains(blamed), "{:?}", file);
            }
        }
        let threads = scan(&ScanRequest { n_threads, ..request(world.repo.path()) }).unwrap();
        prop_assert_eq!(bytes_of(&threads), bytes_of(&outcome), "threads change nothing");
    }
}

#[test]
fn a_scan_of_a_work_tree_and_of_its_bare_copy_agree() {
    let world = three_commits(ObjectFormat::Sha1);
    let bare = world.repo.clone_bare();
    let mut here = scan_head(world.repo.path());
    let there = scan_head(bare.path());
    here.origin.path.clone_from(&there.origin.path);
    assert_eq!(here, there);
}
