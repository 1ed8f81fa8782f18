//! `check`: what a change brings is found, and what was there before is not held against it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use lazaret_core::{GapKind, ObjectId, Verdict};
use lazaret_pipeline::{ChangeUnderCheck, CheckError, CheckReport, CheckRequest, RefUpdate, check};
use lazaret_testkit::strategy::histories;
use lazaret_testkit::{GitRepo, History, ObjectFormat};
use proptest::prelude::*;

use crate::world::{CLAUDE, LONG, Rulebook, cases, git_at, three_commits};

/// A file that marks what it stands in: a session of Claude Code wrote it.
const MARKED_TEXT: &str = "a text\n\nGenerated with [Claude Code](https://claude.com/claude-code)\n";

#[track_caller]
fn check_with(root: &Path, object_dirs: &[PathBuf], change: &ChangeUnderCheck) -> CheckReport {
    let measure = Rulebook::built_in().measure();
    let report = check(&CheckRequest { repository: root, object_dirs, change, measure }).unwrap();
    let worst = report.findings.iter().map(|finding| finding.verdict).max();
    assert_eq!(report.verdict, worst.unwrap_or(Verdict::Unproven), "no mark is no proof");
    assert!(report.findings.iter().all(|finding| !finding.claims.is_empty()));
    report
}

fn range(from: &str, to: &str) -> ChangeUnderCheck {
    ChangeUnderCheck::Range { from: from.to_owned(), to: to.to_owned() }
}

fn push(updates: &[(Option<ObjectId>, Option<ObjectId>, &str)]) -> ChangeUnderCheck {
    let update = |(old, new, name): &(Option<ObjectId>, Option<ObjectId>, &str)| RefUpdate {
        old: *old,
        new: *new,
        name: name.as_bytes().to_vec(),
    };
    ChangeUnderCheck::Push { updates: updates.iter().map(update).collect() }
}

fn staged(message: Option<&str>) -> ChangeUnderCheck {
    ChangeUnderCheck::Staged { message: message.map(|text| text.as_bytes().to_vec()), index_file: None }
}

#[test]
fn a_range_brings_the_marks_of_its_own_commits() {
    let world = three_commits(ObjectFormat::Sha1);
    let whole = check_with(world.repo.path(), &[], &range("HEAD~2", "HEAD"));
    assert_eq!((whole.commits, whole.files, whole.verdict), (2, 2, Verdict::Tainted));
    assert_eq!(whole.findings[0].commit, Some(world.ids[1]));
    let after = check_with(world.repo.path(), &[], &range("HEAD~1", "HEAD"));
    assert_eq!((after.commits, after.verdict), (1, Verdict::Unproven));
    let nothing = check_with(world.repo.path(), &[], &range("HEAD", "HEAD"));
    assert_eq!((nothing.commits, nothing.files), (0, 0));
    let measure = Rulebook::built_in().measure();
    let change = range("nowhere", "HEAD");
    let request = CheckRequest { repository: world.repo.path(), object_dirs: &[], change: &change, measure };
    assert!(matches!(check(&request), Err(CheckError::Resolve(_))));
}

#[test]
fn what_is_staged_is_checked_with_its_message() {
    let repo = GitRepo::new();
    repo.write("a.txt", LONG);
    repo.git(&["add", "a.txt"]);
    // Before the first commit there is nothing that was there before.
    let report = check_with(repo.path(), &[], &staged(None));
    assert_eq!((report.files, report.commits, report.verdict), (1, 0, Verdict::Unproven));
    repo.commit("begin").staged_only().create();
    assert_eq!(check_with(repo.path(), &[], &staged(None)).files, 0);
    let marked = check_with(repo.path(), &[], &staged(Some(&format!("change{CLAUDE}"))));
    assert_eq!((marked.files, marked.verdict), (0, Verdict::Tainted));
    let comment = check_with(repo.path(), &[], &staged(Some(&format!("change\n#{}", CLAUDE.trim_start()))));
    assert_eq!(comment.verdict, Verdict::Unproven);
    repo.write("a.txt", LONG.repeat(2));
    assert_eq!(check_with(repo.path(), &[], &staged(None)).files, 0, "what is not staged is no change");
    repo.git(&["add", "a.txt"]);
    assert_eq!(check_with(&repo.path().join("."), &[], &staged(None)).files, 1);
}

#[test]
fn marks_in_files_count_once_and_not_when_they_were_there() {
    let mut history = History::default();
    history.push(&[], "begin", &[("a.txt", LONG)]);
    history.push(&[0], "mark", &[("a.txt", LONG), ("CLAUDE.md", LONG), ("notes.md", MARKED_TEXT)]);
    history.push(&[1], "edit", &[("a.txt", LONG), ("CLAUDE.md", &LONG.repeat(2)), ("notes.md", MARKED_TEXT)]);
    history.push(&[0], "aside", &[("a.txt", &LONG.repeat(2))]);
    let merged = [("a.txt", &*LONG.repeat(2)), ("CLAUDE.md", &LONG.repeat(2)), ("notes.md", MARKED_TEXT)];
    history.push(&[3, 2], "merge", &merged);
    let world = history.build();
    let root = world.repo.path();
    let begin = check_with(root, &[], &range(&world.rev(0), &world.rev(1)));
    assert!(!begin.findings.is_empty(), "{begin:?}");
    let edit = check_with(root, &[], &range(&world.rev(1), &world.rev(2)));
    assert_eq!(edit.findings, []);
    // The merge takes over what the other side had; it brings nothing of its own.
    let merge = check_with(root, &[], &range(&world.rev(2), &world.rev(4)));
    assert_eq!((merge.commits, merge.findings.len()), (2, 0), "{merge:?}");
}

#[test]
fn a_push_brings_what_no_ref_had() {
    let mut history = History::default();
    history.push(&[], "begin", &[("a.txt", LONG)]);
    history.push(&[0], &format!("one{CLAUDE}"), &[("a.txt", &LONG.repeat(2))]);
    history.push(&[1], "two", &[("a.txt", &LONG.repeat(3))]);
    let world = history.build();
    let repo = &world.repo;
    let tip = Some(world.ids[2]);
    repo.git(&["update-ref", "refs/heads/main", &world.rev(0)]);
    let moved = check_with(repo.path(), &[], &push(&[(Some(world.ids[0]), tip, "refs/heads/main")]));
    assert_eq!((moved.commits, moved.verdict), (2, Verdict::Tainted));
    let new = check_with(repo.path(), &[], &push(&[(None, tip, "refs/heads/topic")]));
    assert_eq!((new.commits, &new.findings), (2, &moved.findings));
    let both = [(None, tip, "refs/heads/topic"), (Some(world.ids[0]), tip, "refs/heads/main")];
    let both = check_with(repo.path(), &[], &push(&both));
    assert_eq!((both.commits, &both.findings), (2, &moved.findings), "each commit counts once");
    let gone = check_with(repo.path(), &[], &push(&[(Some(world.ids[0]), None, "refs/heads/main")]));
    assert_eq!((gone.commits, gone.files, gone.warnings.len()), (0, 0, 0));
    let hinted =
        check_with(repo.path(), &[], &push(&[(None, Some(world.ids[2]), "refs/heads/claude/topic")]));
    assert!(hinted.findings.iter().any(|finding| finding.verdict == Verdict::Suspect), "{hinted:?}");
    repo.git(&["tag", "-a", "-m", "one", "v1", &world.rev(2)]);
    let tag = repo.id("refs/tags/v1");
    repo.git(&["tag", "-d", "v1"]);
    let tagged = check_with(repo.path(), &[], &push(&[(None, Some(tag), "refs/tags/v1")]));
    assert_eq!((tagged.commits, &tagged.findings), (2, &moved.findings));
    let lost: ObjectId = "0123456789abcdef0123456789abcdef01234567".parse().unwrap();
    let lost = check_with(repo.path(), &[], &push(&[(None, Some(lost), "refs/heads/lost")]));
    assert_eq!(lost.warnings[0].kind, GapKind::MissingObject);
}

/// A hook that writes down what git tells it and refuses, so that what was pushed stays apart.
const HOOK: &str = "#!/bin/sh\ncat > \"$GIT_DIR/told\"\n\
    printf '%s\\n%s\\n' \"$GIT_OBJECT_DIRECTORY\" \"$GIT_ALTERNATE_OBJECT_DIRECTORIES\" > \"$GIT_DIR/dirs\"\n\
    cp -r \"$GIT_OBJECT_DIRECTORY\" \"$GIT_DIR/kept\"\nexit 1\n";

#[test]
fn the_objects_of_a_push_are_found_where_git_keeps_them_for_the_hook() {
    let world = three_commits(ObjectFormat::Sha1);
    let server = GitRepo::bare();
    let hook = server.path().join("hooks/pre-receive");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    let url = server.path().to_str().unwrap();
    git_at(&world.repo, world.repo.path(), &["push", "--quiet", url, "HEAD~2:refs/heads/main"]);
    fs::write(&hook, HOOK).unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    for (old, name) in [(Some(world.ids[0]), "refs/heads/main"), (None, "refs/heads/topic")] {
        let mut command = world.repo.command();
        command.args(["push", "--quiet", url, &format!("HEAD:{name}")]);
        assert!(!command.output().unwrap().status.success(), "the hook refuses");
        let told = fs::read_to_string(server.path().join("told")).unwrap();
        let words: Vec<&str> = told.split_whitespace().collect();
        let known =
            |hex: &str| hex.parse::<ObjectId>().ok().filter(|_| hex.bytes().any(|digit| digit != b'0'));
        assert_eq!((known(words[0]), words[2]), (old, name));
        let update = push(&[(known(words[0]), known(words[1]), words[2])]);
        // git names the folder of the push first, then the server's own. The former is gone with the hook.
        let dirs = fs::read_to_string(server.path().join("dirs")).unwrap();
        let dirs: Vec<&str> = dirs.lines().collect();
        assert!(dirs[0].contains("objects/") && dirs[1].ends_with("objects"), "{dirs:?}");
        let object_dirs = [server.path().join("kept"), PathBuf::from(dirs[1])];
        let report = check_with(server.path(), &object_dirs, &update);
        assert_eq!((report.commits, report.verdict), (2, Verdict::Tainted));
        assert!(report.warnings.is_empty(), "{report:?}");
        let blind = check_with(server.path(), &[], &update);
        assert_eq!((blind.commits, blind.warnings[0].kind), (0, GapKind::MissingObject));
        fs::remove_dir_all(server.path().join("kept")).unwrap();
    }
}

#[test]
fn what_cannot_be_read_of_a_change_is_counted() {
    let world = three_commits(ObjectFormat::Sha1);
    let repo = GitRepo::bare();
    let objects = world.repo.git(&["rev-list", "--objects", "--no-object-names", "HEAD"]);
    for lost in objects.lines() {
        let rest: Vec<&str> = objects.lines().filter(|hex| *hex != lost).collect();
        let base = repo.path().join("objects/pack/pack");
        let base = base.to_str().unwrap();
        let pack = world
            .repo
            .git_bytes(&["pack-objects", "-q", "--no-reuse-delta", base], rest.join("\n").as_bytes());
        let change = push(&[(None, Some(world.ids[2]), "refs/heads/main")]);
        let report = check_with(repo.path(), &[], &change);
        assert!(!report.warnings.is_empty(), "{lost}: {report:?}");
        let name = String::from_utf8(pack).unwrap();
        for extension in ["pack", "idx", "rev"] {
            fs::remove_file(format!("{base}-{}.{extension}", name.trim())).ok();
        }
    }
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn new_commits_are_those_that_git_lists(history in histories(), from in any::<u8>(), to in any::<u8>()) {
        let world = history.build();
        let rev = |nth: u8| world.rev(usize::from(nth) % world.ids.len());
        let (from, to) = (rev(from), rev(to));
        let expected = world.repo.git(&["rev-list", "--count", &to, &format!("^{from}")]);
        let report = check_with(world.repo.path(), &[], &range(&from, &to));
        prop_assert_eq!(report.commits.to_string(), expected);
        prop_assert_eq!(report.findings, []);
    }
}
