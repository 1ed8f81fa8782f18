//! Removals, with git as the judge of what was written: objects, branches, patches, and whose lines are left.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;

use lazaret_core::{Digest, ObjectId, Span, Verdict};
use lazaret_intake::git::{BranchError, Person};
use lazaret_pipeline::removal::{
    Granularity, LeftReason, RemainingReason, Removal, RemovalError, RemovalOutcome, RemovalRequest,
    RemovalTo, SelectedFile, Selection, Take, remove,
};
use lazaret_pipeline::{ScanRequest, scan, write_json};
use lazaret_testkit::strategy::histories;
use lazaret_testkit::{BuiltHistory, FileMode, FileSpec, GitRepo, History, ObjectFormat, blame};
use proptest::prelude::*;

use crate::world::{CLAUDE, cases, mark_reached, scan_head};

const BRANCH: &str = "cleaned";

fn person() -> Person {
    Person::new("Ada Grey", "ada@harbour.example").unwrap()
}

fn request<'a>(root: &'a Path, person: &'a Person, to: RemovalTo<'a>) -> RemovalRequest<'a> {
    RemovalRequest {
        scan: crate::world::request(root),
        keeps_same_text: false,
        take: Take::Verdict(Verdict::Tainted),
        by: Granularity::Unit,
        to,
        person,
    }
}

/// Removes what is tainted at `HEAD` to the branch, and to a patch, and holds what is true of every removal.
#[track_caller]
fn remove_both(repo: &GitRepo) -> Removal {
    let person = person();
    let before = state(repo);
    let patched = remove(&request(repo.path(), &person, RemovalTo::Patch)).unwrap();
    assert_eq!(state(repo), before, "a patch writes nothing");
    let removed = remove(&request(repo.path(), &person, RemovalTo::Branch(Some(BRANCH)))).unwrap();
    let mut without = removed.report.clone();
    without.branch = None;
    // The branch that was made in between is no holder of the old files.
    assert_eq!(patched.report, without, "both do the same");
    let Some(after) = &removed.report.after else {
        assert_eq!(state(repo), before, "nothing to take out, nothing written");
        assert_eq!(patched.patch, None);
        return removed;
    };
    repo.git(&["fsck", "--strict", "--no-dangling"]);
    assert_eq!(repo.id(BRANCH), after.commit);
    assert_eq!(repo.id(&format!("{BRANCH}^")), removed.report.before.commit);
    let scanned = scan(&ScanRequest { rev: BRANCH, ..crate::world::request(repo.path()) }).unwrap().report;
    let mut bytes = Vec::new();
    write_json(&scanned, &mut bytes).unwrap();
    assert_eq!(
        (after.lines, after.report),
        (scanned.lines, Digest::of(&bytes)),
        "whoever scans it again sees the same"
    );
    let mut now = state(repo);
    assert_eq!(now.refs.remove(&format!("refs/heads/{BRANCH}")), Some(after.commit.to_string()));
    assert_eq!((now.refs, now.head, now.index), (before.refs, before.head, before.index));
    assert_eq!(
        patched_tree(repo, patched.patch.as_deref().unwrap()),
        repo.git(&["rev-parse", &format!("{BRANCH}^{{tree}}")])
    );
    removed
}

/// What a removal must not change.
#[derive(Debug, Clone, PartialEq, Eq)]
struct State {
    refs: BTreeMap<String, String>,
    head: String,
    index: Option<Vec<u8>>,
    objects: String,
    status: String,
}

fn state(repo: &GitRepo) -> State {
    let refs = repo.git(&["for-each-ref", "--format=%(refname) %(objectname)"]);
    let refs = refs.lines().filter_map(|line| line.split_once(' '));
    let is_bare = repo.git(&["rev-parse", "--is-bare-repository"]) == "true";
    State {
        refs: refs.map(|(name, id)| (name.to_owned(), id.to_owned())).collect(),
        head: fs::read_to_string(repo.git_dir().join("HEAD")).unwrap(),
        index: fs::read(repo.git_dir().join("index")).ok(),
        objects: repo.git(&["count-objects", "-v"]),
        status: if is_bare { String::new() } else { repo.git(&["status", "--porcelain=v2", "-uall"]) },
    }
}

/// The tree that git makes of `HEAD` and a patch, in an index of its own.
#[track_caller]
fn patched_tree(repo: &GitRepo, patch: &[u8]) -> String {
    let index = repo.scratch().join("patched-index");
    let git = |args: &[&str], stdin: &[u8]| -> String {
        let file = repo.scratch().join("stdin");
        fs::write(&file, stdin).unwrap();
        let mut command = repo.command();
        command.env("GIT_INDEX_FILE", &index).args(args).stdin(fs::File::open(file).unwrap());
        let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
        let text = String::from_utf8_lossy(patch);
        assert!(output.status.success(), "{args:?}: {}\n{text}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    git(&["read-tree", "HEAD"], b"");
    git(&["apply", "--check", "--cached", "-"], patch);
    git(&["apply", "--cached", "--whitespace=nowarn", "-"], patch);
    git(&["write-tree"], b"")
}

const PERSONS: &str = "use std::fmt;\n\nfn first() -> u32 {\n    1\n}\n\nfn last() -> u32 {\n    9\n}\n";
const BOTH: &str = "use std::fmt;\n\nfn first() -> u32 {\n    1\n}\n\n/// Counts ships.\nfn ships() -> u32 {\n    3\n}\n\nfn last() -> u32 {\n    9\n}\n";

/// A person's file, to which a tool adds a function, and a file of its own.
fn world(format: ObjectFormat) -> BuiltHistory {
    let mut history = History::default();
    let used =
        "mod ships;\n\nfn main() {\n    // ships() are counted\n    println!(\"ships\", ships());\n}\n";
    let first = &[("src/lib.rs", PERSONS), ("src/main.rs", used), ("README.md", "# Parser\n")];
    history.push(&[], "begin", first);
    let second = &[
        ("src/lib.rs", BOTH),
        ("src/main.rs", used),
        ("README.md", "# Parser\n"),
        ("src/ships.rs", "pub fn fleet() {}\n"),
    ];
    history.push(&[0], &format!("count{CLAUDE}"), second);
    let built = history.build_as(format);
    built.repo.git(&["reset", "--quiet", "--hard", "main"]);
    built
}

#[test]
fn what_a_tool_added_is_gone_and_what_a_person_wrote_is_as_it_was() {
    for format in [ObjectFormat::Sha1, ObjectFormat::Sha256] {
        let built = world(format);
        let removal = remove_both(&built.repo);
        let report = removal.report;
        assert_eq!((report.outcome, report.passes), (RemovalOutcome::Removed, 1));
        assert_eq!(built.repo.git(&["show", "cleaned:src/lib.rs"]), PERSONS.trim_end());
        assert_eq!(
            built.repo.git(&["diff", "--stat", &built.rev(0), BRANCH]),
            "",
            "all of the tool's is gone"
        );
        let after = report.after.unwrap();
        assert_eq!((report.before.lines.tainted, after.lines.tainted), (6, 0));
        assert_eq!(
            built.repo.git(&["log", "-1", "--format=%an <%ae> %at %cn", BRANCH]),
            "Ada Grey <ada@harbour.example> 1780272000 Ada Grey"
        );
        assert!(!built.repo.git(&["log", "-1", "--format=%B", BRANCH]).to_lowercase().contains("claude"));
        let gone: Vec<(&str, bool)> =
            report.files.iter().map(|file| (file.path.as_str(), file.new_blob.is_none())).collect();
        assert_eq!(gone, [("src/lib.rs", false), ("src/ships.rs", true)]);
        assert_eq!(report.evidence.len(), 1);
    }
}

#[test]
fn whoever_merges_it_is_told_what_else_refers_to_it() {
    let built = world(ObjectFormat::Sha1);
    built.repo.git(&["tag", "-a", "-m", "v1", "v1"]);
    built.repo.git(&["branch", "older", &built.rev(0)]);
    built.repo.git(&["worktree", "add", "--quiet", "--detach", "../beside", "main"]);
    let references = remove_both(&built.repo).report.references;
    let [name] = references.names.as_slice() else { panic!("{references:?}") };
    assert_eq!(
        (name.name.as_str(), name.path.as_str(), name.line, name.total),
        ("ships", "src/lib.rs", 8, 4)
    );
    let places: Vec<(&str, u32, &str)> =
        name.places.iter().map(|place| (place.path.as_str(), place.line, place.within)).collect();
    let main = "src/main.rs";
    assert_eq!(places, [(main, 1, "code"), (main, 4, "comment"), (main, 5, "literal"), (main, 5, "code")]);
    let imports: Vec<(&str, &str, u32)> = references
        .imports
        .iter()
        .map(|import| (import.gone.as_str(), import.path.as_str(), import.line))
        .collect();
    assert_eq!(imports, [("src/ships.rs", main, 1)]);
    let holders: Vec<(&str, u64)> =
        references.holders.iter().map(|holder| (holder.name.as_str(), holder.files)).collect();
    assert_eq!(holders, [("refs/heads/main", 2), ("refs/tags/v1", 2), ("worktree beside", 2)]);
}

#[test]
fn modes_links_line_ends_and_odd_names_survive() {
    let mut history = History::default();
    let file = |content: &str| FileSpec::regular(content.as_bytes().to_vec());
    let mut files: BTreeMap<Vec<u8>, FileSpec> = BTreeMap::new();
    files.insert(
        b"run.sh".to_vec(),
        FileSpec { mode: FileMode::Executable, content: b"#!/bin/sh\necho one\n".to_vec() },
    );
    files.insert(b"dos.txt".to_vec(), file("one\r\nthree"));
    files.insert(b"name \xff\t\"q\".txt".to_vec(), file("one\n"));
    files.insert(b"Case.txt".to_vec(), file("one\n"));
    files.insert(b"case.txt".to_vec(), file("one\n"));
    files.insert(b"a/deep/one.txt".to_vec(), file("one\n"));
    files.insert(b"untouched/x.txt".to_vec(), file("x\n"));
    history.push(&[], "begin", &[]);
    history.commits[0].files = files.clone();
    let persons = files.clone();
    let mut set = |path: &[u8], mode, content: &[u8]| {
        files.insert(path.to_vec(), FileSpec { mode, content: content.to_vec() });
    };
    set(b"run.sh", FileMode::Executable, b"#!/bin/sh\necho one\necho two\n");
    set(b"dos.txt", FileMode::Regular, b"one\r\ntwo\r\nthree");
    set(b"name \xff\t\"q\".txt", FileMode::Regular, b"one\ntwo\n");
    set(b"case.txt", FileMode::Regular, b"one\ntwo\n");
    set(b"with space.txt", FileMode::Regular, b"all\n");
    set(b"link", FileMode::Link, b"run.sh");
    set(b"a/deep/er/two.txt", FileMode::Executable, b"two");
    set(b"latin.txt", FileMode::Regular, b"caf\xe9\n");
    history.push(&[0], &format!("add{CLAUDE}"), &[]);
    history.commits[1].files = files;
    let built = history.build();
    built.repo.git(&["update-index", "--refresh", "-q"]);
    let report = remove_both(&built.repo).report;
    assert_eq!(report.outcome, RemovalOutcome::Removed, "{report:#?}");
    assert_eq!(built.repo.git(&["diff", "--stat", &built.rev(0), BRANCH]), "");
    assert_eq!(built.repo.paths(BRANCH), persons.keys().cloned().collect::<Vec<_>>());
}

#[test]
fn what_cannot_be_cut_is_named_and_is_no_success() {
    let repo = GitRepo::new();
    repo.write("a.txt", "one\n");
    repo.commit("begin").create();
    repo.write("big.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n");
    repo.write("a.txt", "one\ntwo\n");
    repo.write("drawn.png", b"\x89PNG\0\0\none\n");
    repo.commit(format!("add{CLAUDE}")).create();
    repo.write("logo.png", b"\x89PNG\0\0\n");
    repo.commit("a person's logo").create();
    let report = remove_both(&repo).report;
    assert_eq!(report.outcome, RemovalOutcome::Incomplete);
    let left: Vec<_> = report.left.iter().map(|left| (left.path.as_str(), left.lines, left.reason)).collect();
    assert_eq!(left, [("big.bin", 3, LeftReason::LargeFilePointer), ("drawn.png", 2, LeftReason::Binary)]);
    assert_eq!(repo.git(&["show", "cleaned:a.txt"]), "one");
    assert_eq!(report.after.unwrap().lines.tainted, 3);
}

#[test]
fn a_repository_without_taint_stays_as_it_is() {
    let repo = GitRepo::new();
    repo.write("a.txt", "one\n");
    repo.commit("begin").create();
    let report = remove_both(&repo).report;
    assert_eq!((report.outcome, report.after), (RemovalOutcome::Nothing, None));
}

#[test]
fn everything_may_go() {
    let repo = GitRepo::new();
    repo.write("src/a.txt", "one\n");
    repo.commit(format!("begin{CLAUDE}")).create();
    let report = remove_both(&repo).report;
    assert_eq!(report.outcome, RemovalOutcome::Removed);
    assert_eq!(repo.paths(BRANCH), Vec::<Vec<u8>>::new());
}

#[test]
fn lines_that_are_named_go_whatever_is_held_of_them() {
    let built = world(ObjectFormat::Sha1);
    let person = person();
    let blob = built.repo.id("main:src/lib.rs");
    let file = |path: &str, blob, start, end| SelectedFile {
        path: path.as_bytes().to_vec(),
        blob,
        spans: vec![Span::new(start, end).unwrap()],
        evidence: Vec::new(),
    };
    let files =
        vec![file("src/lib.rs", blob, 4, 4), file("no.rs", blob, 1, 2), file("src/main.rs", blob, 3, 3)];
    let selection = Selection { files };
    let request = RemovalRequest {
        take: Take::These(&selection),
        by: Granularity::Statement,
        ..request(built.repo.path(), &person, RemovalTo::Branch(None))
    };
    let report = remove(&request).unwrap().report;
    assert_eq!(report.outcome, RemovalOutcome::Incomplete);
    let left: Vec<_> = report.left.iter().map(|left| (left.path.as_str(), left.reason)).collect();
    assert_eq!(left, [("no.rs", LeftReason::NotThere), ("src/main.rs", LeftReason::AnotherVersion)]);
    let branch = report.branch.unwrap();
    assert_eq!(branch, format!("lazaret/remove-{}", built.rev(1).chars().take(12).collect::<String>()));
    assert_eq!(built.repo.git(&["diff", "--numstat", "HEAD", &branch]), "0\t1\tsrc/lib.rs");
}

#[test]
fn a_branch_that_is_there_or_in_the_way_is_left_alone() {
    let built = world(ObjectFormat::Sha1);
    let repo = &built.repo;
    let person = person();
    for packed in [false, true] {
        for (there, name) in [("taken", "taken"), ("a", "a/b"), ("c/d", "c")] {
            if !packed {
                repo.git(&["branch", there]);
            }
            let before = state(repo);
            let error = remove(&request(repo.path(), &person, RemovalTo::Branch(Some(name)))).unwrap_err();
            assert!(
                matches!(&error, RemovalError::Branch(BranchError::Exists { other, .. }) if other == there),
                "{error:?}"
            );
            assert_eq!(state(repo), before);
        }
        repo.git(&["pack-refs", "--all"]);
    }
    for name in ["", "-f", "a..b", "a b", "HEAD", "a.lock", "/a"] {
        let error = remove(&request(repo.path(), &person, RemovalTo::Branch(Some(name)))).unwrap_err();
        assert!(matches!(error, RemovalError::Branch(BranchError::Name { .. })), "{name:?}: {error:?}");
    }
    let lock = repo.git_dir().join("refs/heads/locked.lock");
    fs::write(&lock, "").unwrap();
    let error = remove(&request(repo.path(), &person, RemovalTo::Branch(Some("locked")))).unwrap_err();
    assert!(matches!(error, RemovalError::Branch(BranchError::Write { .. })), "{error:?}");
    fs::remove_file(lock).unwrap();
    remove(&request(repo.path(), &person, RemovalTo::Branch(Some("locked")))).unwrap();
}

#[test]
fn bare_repositories_packed_refs_and_detached_heads_are_as_good() {
    let built = world(ObjectFormat::Sha1);
    let bare = built.repo.clone_bare();
    bare.git(&["pack-refs", "--all"]);
    let packed = fs::read(bare.git_dir().join("packed-refs")).unwrap();
    assert_eq!(remove_both(&bare).report.outcome, RemovalOutcome::Removed);
    assert_eq!(fs::read(bare.git_dir().join("packed-refs")).unwrap(), packed);
    built.repo.git(&["checkout", "--quiet", "--detach"]);
    assert_eq!(remove_both(&built.repo).report.outcome, RemovalOutcome::Removed);
    assert!(!built.repo.git_dir().join("logs/refs/heads").join(BRANCH).exists());
    let object = built.repo.id(BRANCH).to_string();
    let loose = crate::world::loose_object(&built.repo, &object);
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(loose).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o444);
}

#[test]
fn submodules_and_attributes_are_passed_by() {
    let repo = GitRepo::new();
    repo.write(".gitattributes", "*.txt text eol=crlf filter=upper\n");
    repo.write("a.txt", "one\n");
    repo.git(&["add", "--all"]);
    let id = "1".repeat(40);
    repo.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{id},lib")]);
    repo.commit("begin").staged_only().create();
    repo.write("a.txt", "one\ntwo\n");
    repo.git(&["add", "a.txt"]);
    repo.commit(format!("add{CLAUDE}")).staged_only().create();
    let report = remove_both(&repo).report;
    assert_eq!(report.outcome, RemovalOutcome::Removed);
    assert_eq!(
        repo.git(&["diff", "--stat", "HEAD^", BRANCH]),
        "",
        "the submodule is there, line ends are as stored"
    );
}

#[test]
fn lines_that_git_takes_for_those_that_went_go_or_are_named() {
    let mut history = History::default();
    history.push(&[], "begin", &[("a.txt", "first\nold\nsame\nlast\n")]);
    let text = "first\nsame\none\ntwo\nsame\nlast\n";
    history.push(&[0], &format!("write anew{CLAUDE}"), &[("a.txt", text)]);
    let built = history.build();
    let person = person();
    let removed = |keeps_same_text| {
        let to = RemovalTo::Patch;
        let request = RemovalRequest { keeps_same_text, ..request(built.repo.path(), &person, to) };
        remove(&request).unwrap().report
    };
    let kept = removed(true);
    assert_eq!((kept.outcome, kept.passes), (RemovalOutcome::Incomplete, 1));
    let [same] = kept.remaining.as_slice() else { panic!("{:?}", kept.remaining) };
    assert_eq!(
        (same.path.as_str(), same.start, same.end, same.why),
        ("a.txt", 2, 2, RemainingReason::SameText)
    );
    assert_eq!(kept.after.unwrap().lines.tainted, 1);
    let cut = removed(false);
    assert_eq!((cut.outcome, cut.passes), (RemovalOutcome::Removed, 2));
    assert_eq!((cut.files[0].selected, cut.files[0].added, cut.files[0].removed_lines), (3, 1, 4));
    assert_eq!(cut.after.unwrap().lines.tainted, 0);
}

/// Whose lines `git blame` finds at the branch, where they are no more than the report names.
#[track_caller]
fn hold_against_blame(built: &BuiltHistory, marked: &[bool], removal: &Removal) {
    let report = &removal.report;
    if report.after.is_none() {
        return;
    }
    let marked: Vec<ObjectId> =
        built.ids.iter().zip(marked).filter(|(_, marked)| **marked).map(|(id, _)| *id).collect();
    let named = |path: &str, line: u32| {
        let remaining = |one: &lazaret_pipeline::removal::Remaining| {
            one.path == path && (one.start..=one.end).contains(&line)
        };
        report.remaining.iter().any(remaining) || report.left.iter().any(|left| left.path == path)
    };
    for path in built.repo.paths(BRANCH) {
        let text = String::from_utf8_lossy(&path).into_owned();
        for (commit, line) in blame(&built.repo, BRANCH, &path).into_iter().zip(1..) {
            assert!(
                !marked.contains(&commit) || named(&text, line),
                "{text}:{line} is of {commit}: {report:#?}"
            );
        }
    }
    let after = report.after.as_ref().unwrap();
    assert!(after.lines.tainted == 0 || report.outcome == RemovalOutcome::Incomplete, "{report:#?}");
}

proptest! {
    #![proptest_config(cases(32))]

    #[test]
    fn after_a_removal_git_blame_finds_no_line_of_a_tool_but_those_named(
        mut history in histories(),
        pick in any::<u64>(),
    ) {
        let marked = mark_reached(&mut history, pick & pick.rotate_left(7));
        let built = history.build();
        let removal = remove_both(&built.repo);
        hold_against_blame(&built, &marked, &removal);
        let counts = scan_head(built.repo.path()).lines;
        prop_assert_eq!(counts, removal.report.before.lines);
    }
}
