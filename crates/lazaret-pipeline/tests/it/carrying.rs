//! Marks of commits that did not land count on the lines that did, and nowhere else.

use std::fs;

use lazaret_core::{GapKind, Strength, Verdict};
use lazaret_pipeline::{BlameRequest, ElsewhereCounts, Report, ScanRequest, blame as blame_file, scan};
use lazaret_testkit::strategy::{edited_texts, histories};
use lazaret_testkit::{BuiltHistory, FileSpec, GitRepo, History, blame};
use proptest::prelude::*;

use crate::world::{
    CLAUDE, LONG, bytes_of, cases, file, hold_laws, loose_object, n_warnings, request, scan_head, verdicts,
};

const UNPROVEN: Verdict = Verdict::Unproven;
const SUSPECT: Verdict = Verdict::Suspect;
const TAINTED: Verdict = Verdict::Tainted;

/// Lines that nobody else writes.
fn own(whose: &str, numbers: std::ops::Range<u32>) -> String {
    numbers.map(|n| format!("{whose} writes down crate {n} in the list of what the ship carries\n")).collect()
}

fn pull_request(world: &BuiltHistory, number: u32, head: usize) {
    world.repo.git(&["update-ref", &format!("refs/pull/{number}/head"), &world.rev(head)]);
}

/// Scans without an index, writing one and by it: what was scanned before must not show.
#[track_caller]
fn scan_all_ways(world: &BuiltHistory) -> Report {
    let cache = tempfile::tempdir().unwrap();
    let cold = request(world.repo.path());
    let warm = ScanRequest { cache_dir: Some(cache.path()), ..cold };
    let outcome = scan(&cold).unwrap();
    hold_laws(&outcome.report);
    for _ in 0..2 {
        assert_eq!(bytes_of(&scan(&warm).unwrap()), bytes_of(&outcome));
    }
    outcome.report
}

/// Returns the strengths and reasons of the claims that were carried.
fn carried(report: &Report) -> Vec<(Strength, &str)> {
    let carried = report.evidence.iter().filter(|entry| entry.detector == "carried-mark");
    carried.map(|entry| (entry.strength.unwrap(), entry.why.as_str())).collect()
}

/// A branch of a marked commit and a person's, both in `a.txt`, squashed on the main line by `message`.
fn squashed(message: &str) -> BuiltHistory {
    let mut history = History::default();
    history.push(&[], "begin", &[("a.txt", LONG)]);
    let marked = format!("{LONG}{}", own("claude", 0..3));
    history.push(&[0], &format!("help{CLAUDE}"), &[("a.txt", &marked)]);
    let both = format!("{}{marked}", own("ada", 0..2));
    history.push(&[1], "more", &[("a.txt", &both)]);
    history.push(&[0], "meanwhile", &[("a.txt", LONG), ("b.txt", LONG)]);
    let landed = format!("{both}{}", own("bob", 0..1));
    history.push(&[3], message, &[("a.txt", &landed), ("b.txt", LONG)]);
    let world = history.build();
    pull_request(&world, 7, 2);
    world.repo.git(&["update-ref", "-d", "refs/heads/tip-2"]);
    world
}

#[test]
fn a_squash_that_dropped_the_trailer_bears_the_mark_on_the_marked_lines() {
    for (message, why) in [
        ("Load the ship (#7)", "3 of 3 marked lines of pull request 7, by commit "),
        (
            "Load the ship\n\nSee merge request port/ship!7",
            "3 of 3 marked lines of pull request 7, by commit ",
        ),
        ("Load the ship", "3 of 3 marked lines of a branch, by commit "),
    ] {
        let world = squashed(message);
        let report = scan_all_ways(&world);
        let expected = [UNPROVEN, UNPROVEN, UNPROVEN, TAINTED, TAINTED, TAINTED, UNPROVEN];
        // Lines that nothing but themselves ties to the branch must be many.
        let expected = if why.contains("pull") { expected } else { [UNPROVEN; 7] };
        assert_eq!(verdicts(file(&report, "a.txt")), expected, "{message}");
        let carried = carried(&report);
        if !why.contains("pull") {
            assert_eq!(carried, []);
            continue;
        }
        let [(Strength::Declared, reason)] = carried.as_slice() else { panic!("{carried:?}") };
        assert!(reason.starts_with(why) && reason.contains("mark claude-code"), "{reason}");
        assert_eq!(file(&report, "a.txt").spans[0].commit, Some(world.ids[4]));
        assert_eq!(report.commits.elsewhere, ElsewhereCounts { carried: 1, ..ElsewhereCounts::default() });
        assert_eq!((report.commits.examined, report.commits.marked), (3, 1));
    }
}

#[test]
fn a_blame_says_the_same_as_the_scan() {
    let world = squashed("Load the ship (#7)");
    world.repo.git(&["checkout", "--quiet", "-f", "main"]);
    let measure = request(world.repo.path()).measure;
    let asked = world.repo.path().join("a.txt");
    let blame =
        blame_file(&BlameRequest { file: &asked, rev: "HEAD", measure, n_threads: 1, cache_dir: None });
    let blame = blame.unwrap();
    let of_blame: Vec<Verdict> = blame.lines.iter().map(|line| line.verdict).collect();
    assert_eq!(of_blame, verdicts(file(&scan_all_ways(&world), "a.txt")));
    assert_eq!(blame.lines[4].tool.as_deref(), Some("claude-code"));
}

#[test]
fn a_merge_that_rebased_the_branch_names_it_as_well() {
    let mut history = History::default();
    history.push(&[], "begin", &[("a.txt", LONG)]);
    history.push(&[0], &format!("help{CLAUDE}"), &[("a.txt", &(own("claude", 0..2) + LONG))]);
    history.push(&[0], "help", &[("a.txt", &(own("claude", 0..2) + &own("ada", 0..1) + LONG))]);
    history.push(
        &[0, 2],
        "Merge pull request #7 from port/ship",
        &[("a.txt", &(own("claude", 0..2) + &own("ada", 0..1) + LONG))],
    );
    let world = history.build();
    pull_request(&world, 7, 1);
    let report = scan_all_ways(&world);
    assert_eq!(verdicts(file(&report, "a.txt")), [TAINTED, TAINTED, UNPROVEN, UNPROVEN]);
}

#[test]
fn a_rebased_or_picked_commit_is_found_by_its_patch() {
    let mut history = History::default();
    history.push(&[], "begin", &[("a.txt", LONG)]);
    history.push(&[0], "not taken", &[("a.txt", LONG), ("c.txt", &own("ada", 0..9))]);
    let marked = format!("{LONG}{}", own("claude", 0..5));
    history.push(&[1], &format!("help{CLAUDE}"), &[("a.txt", &marked), ("c.txt", &own("ada", 0..9))]);
    history.push(&[0], "meanwhile", &[("a.txt", &(own("bob", 0..2) + LONG))]);
    history.push(&[3], "help", &[("a.txt", &(own("bob", 0..2) + &marked))]);
    let report = scan_all_ways(&history.build());
    let expected = [[UNPROVEN; 3].as_slice(), &[TAINTED; 5]].concat();
    assert_eq!(verdicts(file(&report, "a.txt")), expected);
    let carried = carried(&report);
    let [(Strength::Declared, reason)] = carried.as_slice() else { panic!("{carried:?}") };
    assert!(reason.starts_with("the patch of commit "), "{reason}");
}

#[test]
fn a_short_patch_is_a_hint_unless_the_author_date_was_kept() {
    for (date_kept, verdict) in [(false, SUSPECT), (true, TAINTED)] {
        let mut history = History::default();
        history.push(&[], "begin", &[("a.txt", LONG)]);
        history.push(&[0], &format!("help{CLAUDE}"), &[("a.txt", &(own("claude", 0..1) + LONG))]);
        history.push(&[0], "help", &[("a.txt", &(own("claude", 0..1) + LONG))]);
        if date_kept {
            history.commits[2].date = history.commits[1].date;
        }
        let report = scan_all_ways(&history.build());
        assert_eq!(verdicts(file(&report, "a.txt")), [verdict, UNPROVEN]);
        let became = report.commits.elsewhere;
        assert_eq!((became.carried, became.ambiguous), (u64::from(date_kept), u64::from(!date_kept)));
    }
}

#[test]
fn an_amended_commit_keeps_the_mark_on_what_it_kept() {
    let mut history = History::default();
    history.push(&[], "begin", &[("a.txt", LONG)]);
    history.push(&[0], &format!("help{CLAUDE}"), &[("a.txt", &(own("claude", 0..3) + LONG))]);
    history.push(&[0], "help", &[("a.txt", &(own("ada", 0..1) + &own("claude", 1..3) + LONG))]);
    history.commits[2].date = history.commits[1].date;
    let report = scan_all_ways(&history.build());
    assert_eq!(verdicts(file(&report, "a.txt")), [UNPROVEN, TAINTED, TAINTED, UNPROVEN]);
}

#[test]
fn each_of_two_squashes_of_one_branch_bears_the_lines_that_it_brought() {
    let mut history = History::default();
    history.push(&[], "begin", &[("a.txt", LONG)]);
    let first = own("claude", 0..2) + LONG;
    let second = own("claude", 5..7) + &first;
    history.push(&[0], &format!("help{CLAUDE}"), &[("a.txt", &first)]);
    history.push(&[1], &format!("help again{CLAUDE}"), &[("a.txt", &second)]);
    history.push(&[0], "first (#1)", &[("a.txt", &first)]);
    history.push(&[3], "second (#2)", &[("a.txt", &second)]);
    let world = history.build();
    pull_request(&world, 1, 1);
    pull_request(&world, 2, 2);
    let report = scan_all_ways(&world);
    assert_eq!(verdicts(file(&report, "a.txt")), [TAINTED, TAINTED, TAINTED, TAINTED, UNPROVEN]);
    let commits: Vec<_> = file(&report, "a.txt").spans.iter().map(|span| span.commit.unwrap()).collect();
    assert_eq!(commits, [world.ids[4], world.ids[3]]);
}

#[test]
fn a_part_that_landed_by_itself_is_a_hint_that_states_its_share() {
    let mut history = History::default();
    history.push(&[], "begin", &[("a.txt", LONG)]);
    history.push(&[0], &format!("help{CLAUDE}"), &[("a.txt", &(own("claude", 0..20) + LONG))]);
    history.push(&[0], "on my own", &[("a.txt", &(own("claude", 4..9) + LONG))]);
    let report = scan_all_ways(&history.build());
    assert_eq!(verdicts(file(&report, "a.txt")), [[SUSPECT; 5].as_slice(), &[UNPROVEN]].concat());
    let carried = carried(&report);
    let [(Strength::Circumstantial, reason)] = carried.as_slice() else { panic!("{carried:?}") };
    assert!(reason.starts_with("5 of 20 marked lines of a branch"), "{reason}");
    assert!(reason.contains("too small a share"), "{reason}");
}

#[test]
fn a_record_of_a_lost_commit_counts_for_exactly_its_lines() {
    let mut history = History::default();
    history.push(&[], "begin", &[("a.txt", LONG)]);
    history.push(&[0], "help", &[("a.txt", &(own("claude", 0..6) + LONG))]);
    history.push(&[0], "meanwhile", &[("a.txt", &(own("bob", 0..1) + LONG))]);
    history.push(&[2], "help", &[("a.txt", &(own("claude", 0..6) + &own("bob", 0..1) + LONG))]);
    let world = history.build();
    world.repo.git(&["update-ref", "-d", "refs/heads/tip-1"]);
    let note = "a.txt\n  s_0123456789abcd::t_0123456789abcd 2-4\n---\n".to_owned()
        + r#"{"schema_version":"authorship/3.0.0","base_commit_sha":"","prompts":{},"humans":{},
              "sessions":{"s_0123456789abcd":{"agent_id":{"tool":"claude","id":"1","model":"claude-opus-4-6"}}}}"#;
    for commit in [world.rev(1), "0123456789abcdef0123456789abcdef01234567".to_owned()] {
        let blob = world.repo.git_bytes(&["hash-object", "-w", "--stdin"], note.as_bytes());
        let blob = String::from_utf8(blob).unwrap();
        world.repo.write(&format!("notes/{commit}"), note.as_bytes());
        world.repo.git(&[
            "update-index",
            "--add",
            "--cacheinfo",
            &format!("100644,{},{commit}", blob.trim()),
        ]);
    }
    let tree = world.repo.git(&["write-tree"]);
    let notes = world.repo.git(&["commit-tree", "-m", "notes", tree.trim()]);
    world.repo.git(&["update-ref", "refs/notes/ai", notes.trim()]);
    let report = scan_all_ways(&world);
    let (none, some) = ([UNPROVEN].as_slice(), [TAINTED; 3].as_slice());
    let expected = [none, some, &[UNPROVEN; 4]].concat();
    assert_eq!(verdicts(file(&report, "a.txt")), expected);
    assert_eq!(carried(&report)[0].0, Strength::Recorded);
    let elsewhere = ElsewhereCounts { carried: 1, absent: 1, ..ElsewhereCounts::default() };
    assert_eq!(report.recorders.elsewhere, elsewhere);
}

#[test]
fn the_same_boilerplate_in_an_unrelated_commit_is_nobodys() {
    let header: String =
        (0..8).map(|n| format!("line {n} of the terms under which this may be copied\n")).collect();
    let mut history = History::default();
    let (a, b) = (header.clone() + &own("ada", 0..5), header.clone() + &own("bob", 0..5));
    history.push(&[], "begin", &[("a.txt", &a), ("b.txt", &b)]);
    let marked = header.clone() + &own("claude", 0..5);
    history.push(&[0], &format!("help{CLAUDE}"), &[("a.txt", &a), ("b.txt", &b), ("c.txt", &marked)]);
    let unmarked = header + &own("eve", 0..5);
    history.push(&[0], "my own", &[("a.txt", &a), ("b.txt", &b), ("c.txt", &unmarked)]);
    let report = scan_all_ways(&history.build());
    assert_eq!(carried(&report), []);
    assert_eq!((report.lines.tainted, report.lines.suspect), (0, 0));
    assert_eq!(report.commits.elsewhere.not_landed, 1);
}

#[test]
fn what_was_there_before_the_marked_commit_was_written_is_not_its_copy() {
    let mut history = History::default();
    history.push(&[], "begin", &[("a.txt", LONG)]);
    history.push(&[0], "my own", &[("a.txt", &(own("ada", 0..9) + LONG))]);
    history.push(&[0], &format!("help{CLAUDE}"), &[("a.txt", &(own("ada", 0..9) + LONG))]);
    history.push(&[1], "on", &[("a.txt", &(own("ada", 0..9) + LONG)), ("b.txt", LONG)]);
    let report = scan_all_ways(&history.build());
    assert_eq!((report.lines.tainted, report.lines.suspect), (0, 0));
    // The same commit, made anew later with its author date kept, may be the original of the landed one.
    history.commits[2].date = history.commits[1].date;
    let report = scan_all_ways(&history.build());
    assert_eq!(report.lines.tainted, 9);
}

#[test]
fn a_branch_whose_lines_did_not_survive_it_carries_hints_at_most() {
    let mut history = History::default();
    history.push(&[], "begin", &[("a.txt", LONG)]);
    history.push(&[0], &format!("help{CLAUDE}"), &[("a.txt", &(own("claude", 0..2) + LONG))]);
    history.push(&[1], "rather so", &[("a.txt", &(own("ada", 0..2) + LONG))]);
    history.push(&[0], "rather so (#7)", &[("a.txt", &(own("ada", 0..2) + LONG))]);
    let world = history.build();
    pull_request(&world, 7, 2);
    let report = scan_all_ways(&world);
    assert_eq!(verdicts(file(&report, "a.txt")), [SUSPECT, SUSPECT, UNPROVEN]);
}

/// A person's commit that landed, and on a branch the same commit made anew by a machine, as by a rebase; or the other
/// way round. Returns the repository, the main line checked out.
fn made_anew(machine_lands: bool) -> GitRepo {
    let repo = GitRepo::new();
    repo.write("a.txt", LONG);
    let base = repo.commit("begin").create();
    repo.write("a.txt", own("ada", 0..9) + LONG);
    let first = repo.commit("load").date(1_800_000_000).create();
    repo.git(&["checkout", "--quiet", "--detach", &base.to_string()]);
    repo.write("a.txt", own("ada", 0..9) + LONG);
    let again = repo.commit(format!("load{CLAUDE}")).author_date(1_800_000_000).committer_date(1_800_000_900);
    let again = again.create();
    let (main, branch) = if machine_lands { (again, first) } else { (first, again) };
    repo.git(&["update-ref", "refs/heads/branch", &branch.to_string()]);
    repo.git(&["checkout", "--quiet", "-B", "main", &main.to_string()]);
    repo
}

#[test]
fn a_marked_commit_that_was_made_of_a_landed_one_is_not_its_original() {
    let report = scan_head(made_anew(false).path());
    assert_eq!(carried(&report), []);
    assert_eq!((report.lines.tainted, report.lines.suspect), (0, 0));
    assert_eq!(report.commits.elsewhere.not_landed, 1);
    let report = scan_head(made_anew(true).path());
    assert_eq!((report.lines.tainted, report.commits.elsewhere), (9, ElsewhereCounts::default()));
}

#[test]
fn a_branch_that_cannot_be_read_is_a_gap_and_no_error() {
    let repo = GitRepo::new();
    repo.write("a.txt", LONG);
    let base = repo.commit("begin").create();
    repo.write("a.txt", own("claude", 0..9) + LONG);
    let branch = repo.commit(format!("help{CLAUDE}")).create();
    repo.git(&["update-ref", "refs/pull/7/head", &branch.to_string()]);
    let blob = repo.id(&format!("{branch}:a.txt")).to_string();
    repo.git(&["checkout", "--quiet", "-B", "main", &base.to_string()]);
    repo.write("a.txt", own("claude", 1..9) + LONG);
    repo.commit("help (#7)").create();
    assert_eq!(scan_head(repo.path()).lines.tainted, 8);
    fs::remove_file(loose_object(&repo, &blob)).unwrap();
    let report = scan_head(repo.path());
    assert_eq!((report.lines.tainted, report.commits.elsewhere.not_landed), (0, 1));
    // Neither the patch nor the lines could be looked at.
    assert_eq!(n_warnings(&report, GapKind::MissingObject), 2, "{:?}", report.warnings);
    // The branch's commit itself: what it said is not known any more.
    fs::remove_file(loose_object(&repo, &branch.to_string())).unwrap();
    let report = scan_head(repo.path());
    assert_eq!(n_warnings(&report, GapKind::MissingObject), 1, "{:?}", report.warnings);
}

proptest! {
    #![proptest_config(cases(48))]

    /// A squash of a branch accuses the lines that the branch accuses, as far as the squash put them in place: no
    /// other line, and none is lost.
    #[test]
    fn a_squash_accuses_what_its_branch_accuses(
        (base, marked) in edited_texts(), (_, other) in edited_texts(), is_changed: bool,
    ) {
        let mut history = History::default();
        let head = if is_changed { &other } else { &marked };
        for (parents, content) in [(vec![], &base), (vec![0], &marked), (vec![1], head), (vec![0], head)] {
            history.push(&parents, "load (#7)", &[]);
            let files = &mut history.commits.last_mut().unwrap().files;
            files.insert(b"a.txt".to_vec(), FileSpec::regular(content.clone()));
            files.insert(b"n".to_vec(), FileSpec::regular(parents.len().to_string()));
        }
        history.commits[1].message.extend_from_slice(CLAUDE.as_bytes());
        let world = history.build();
        pull_request(&world, 7, 2);
        let of_squash = scan_all_ways(&world);
        let branch = world.rev(2);
        let of_branch = scan(&ScanRequest { rev: &branch, ..request(world.repo.path()) }).unwrap().report;
        let accused = |report: &Report| -> Vec<bool> {
            verdicts(file(report, "a.txt")).into_iter().map(|verdict| verdict >= SUSPECT).collect()
        };
        let own = blame(&world.repo, "HEAD", b"a.txt").into_iter().map(|commit| commit == world.ids[3]);
        let expected: Vec<bool> = accused(&of_branch).into_iter().zip(own).map(|(a, own)| a && own).collect();
        prop_assert_eq!(accused(&of_squash), expected);
    }

    /// Branches without a mark carry nothing, whatever they hold.
    #[test]
    fn unmarked_branches_carry_nothing(history in histories()) {
        let report = scan_all_ways(&history.build());
        prop_assert_eq!(carried(&report), []);
        prop_assert_eq!(report.commits.elsewhere, ElsewhereCounts::default());
    }
}
