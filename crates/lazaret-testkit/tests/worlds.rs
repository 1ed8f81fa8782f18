//! The worlds are what they claim to be: built histories read back, and the oracle reads git's own words.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that meets the unexpected must fail, in its own functions as well"
)]

use lazaret_testkit::{
    BlamedLine, CommitSpec, FileMode, FileSpec, GitRepo, History, ObjectFormat, blame, blame_lines,
    read_porcelain, strategy,
};
use proptest::prelude::*;

#[test]
fn same_script_gives_the_same_ids() {
    let script = || {
        let repo = GitRepo::new();
        repo.write("a.txt", "one\ntwo\n");
        repo.commit("begin").create();
        repo.write("a.txt", "one\n2\n");
        repo.commit("change").author("Bo Keel", "bo@harbour.example").create()
    };
    assert_eq!(script(), script());
    assert_eq!(script().to_string(), "6f4dd46bd1e2fd518ef258023676014221a7479a");
}

#[test]
fn blame_names_the_commit_the_line_and_the_path() {
    let repo = GitRepo::new();
    repo.write("old name", "one\ntwo\nthree\n");
    let first = repo.commit("begin").create();
    repo.rename("old name", "new");
    repo.write("new", "zero\none\ntwo\nthree\n");
    let second = repo.commit("rename and add").create();
    assert_eq!(blame(&repo, "HEAD", b"new"), [second, first, first, first]);
    let expected = BlamedLine { commit: first, line: 3, path: b"old name".to_vec() };
    assert_eq!(blame_lines(&repo, "HEAD", b"new").last(), Some(&expected));
}

#[test]
fn staged_and_given_parents_are_honoured() {
    let repo = GitRepo::new();
    repo.write("a", "a\n");
    let root = repo.commit("root").create();
    repo.write("b", "b\n");
    repo.git(&["add", "b"]);
    repo.write("c", "c\n");
    let side = repo.commit("only b").staged_only().create();
    let merge = repo.commit("merge").parents(&[root, side]).date(1_000_000_000).create();
    assert_eq!(repo.paths(&side.to_string()), [b"a", b"b"]);
    assert_eq!(
        repo.git(&["log", "-1", "--format=%P %at %ct"]),
        format!("{root} {side} 1000000000 1000000000")
    );
    assert_eq!(repo.id("HEAD"), merge);
    assert_eq!(repo.clone_bare().id("main"), merge);
}

#[test]
fn histories_hold_octopus_merges_links_and_unrelated_roots() {
    let mut history = History::default();
    let root = history.push(&[], "root", &[("a", "1\n")]);
    let other = history.push(&[], "other root", &[("b", "2\n")]);
    let child = history.push(&[root], "child", &[("a", "1\n3\n")]);
    let octopus = history.push(&[child, root, other], "octopus", &[("a", "1\n3\n"), ("b", "2\n")]);
    history.commits[octopus]
        .files
        .insert(b"l".to_vec(), FileSpec { mode: FileMode::Link, content: b"a".to_vec() });
    for format in [ObjectFormat::Sha1, ObjectFormat::Sha256] {
        let built = history.build_as(format);
        assert_eq!(read_back(&built.repo, &built.rev(octopus)), history.commits[octopus].files);
        assert_eq!(blame(&built.repo, "main", b"b"), [built.ids[other]]);
        assert_eq!(built.repo.git(&["rev-list", "--count", "--all"]), "4");
    }
}

#[test]
fn tips_without_a_child_stay_reachable() {
    let mut history = History::default();
    let root = history.push(&[], "root", &[("a", "1\n")]);
    history.push(&[root], "left behind", &[("a", "2\n")]);
    history.push(&[root], "last", &[("a", "3\n")]);
    let built = history.build();
    assert_eq!(built.repo.id("tip-1"), built.ids[1]);
    assert_eq!(built.repo.id("main"), built.ids[2]);
}

fn read_back(repo: &GitRepo, rev: &str) -> std::collections::BTreeMap<Vec<u8>, FileSpec> {
    let listed = repo.git_bytes(&["ls-tree", "-r", "-z", rev], &[]);
    listed
        .split(|&byte| byte == 0)
        .filter(|row| !row.is_empty())
        .map(|row| {
            let tab = row.iter().position(|&byte| byte == b'\t').unwrap();
            let head = std::str::from_utf8(&row[..tab]).unwrap();
            let mode = match &head[..6] {
                "100644" => FileMode::Regular,
                "100755" => FileMode::Executable,
                "120000" => FileMode::Link,
                other => panic!("mode {other}"),
            };
            let id = head.rsplit(' ').next().unwrap();
            (
                row[tab + 1..].to_vec(),
                FileSpec { mode, content: repo.git_bytes(&["cat-file", "blob", id], &[]) },
            )
        })
        .collect()
}

fn has_n_parents(history: &History, test: impl Fn(usize) -> bool) -> bool {
    history.commits.iter().any(|commit| test(commit.parents.len()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn random_histories_are_sound_and_read_back(history in strategy::histories()) {
        let built = history.build();
        built.repo.git(&["fsck", "--strict", "--no-dangling"]);
        let last = history.commits.len() - 1;
        prop_assert_eq!(read_back(&built.repo, &built.rev(last)), history.commits[last].files.clone());
        let parents = built.repo.git(&["log", "-1", "--format=%P", &built.rev(last)]);
        let expected: Vec<String> =
            history.commits[last].parents.iter().map(|&parent| built.rev(parent)).collect();
        prop_assert_eq!(parents, expected.join(" "));
    }

    #[test]
    fn random_histories_can_be_blamed(history in strategy::histories_of(8)) {
        let built = history.build();
        let CommitSpec { files, .. } = history.commits.last().unwrap();
        for (path, file) in files {
            let lines = file.content.split_inclusive(|&byte| byte == b'\n').count();
            let blamed = blame_lines(&built.repo, "main", path);
            prop_assert_eq!(blamed.len(), lines);
            prop_assert!(blamed.iter().all(|line| built.ids.contains(&line.commit)));
            // The long form repeats the path at every line, so nothing of ours is between git's answer and this one.
            let path = std::str::from_utf8(path).unwrap();
            let long = built.repo.git_bytes(&["blame", "--line-porcelain", "main", "--", path], &[]);
            prop_assert_eq!(read_porcelain(&long), blamed);
        }
    }
}

type Promise<'a> = &'a dyn Fn(&History) -> bool;

/// A strategy that never draws what it promises would make every test over it weaker without a word.
#[test]
fn every_promised_shape_is_drawn() {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let drawn: Vec<History> =
        (0..300).map(|_| strategy::histories().new_tree(&mut runner).unwrap().current()).collect();
    let share = |test: &dyn Fn(&History) -> bool| drawn.iter().filter(|history| test(history)).count();
    let any_file = |history: &History, test: &dyn Fn(&FileSpec) -> bool| {
        history.commits.iter().any(|commit| commit.files.values().any(test))
    };
    let roots = |history: &History| history.commits.iter().filter(|commit| commit.parents.is_empty()).count();
    let promises: [(&str, Promise<'_>); 9] = [
        ("merge", &|history| has_n_parents(history, |n| n == 2)),
        ("octopus", &|history| has_n_parents(history, |n| n > 2)),
        ("second root", &|history| roots(history) > 1),
        ("link", &|history| any_file(history, &|file| file.mode == FileMode::Link)),
        ("executable", &|history| any_file(history, &|file| file.mode == FileMode::Executable)),
        ("empty file", &|history| any_file(history, &|file| file.content.is_empty())),
        ("long file", &|history| any_file(history, &|file| file.content.len() > 20_000)),
        ("carriage returns", &|history| any_file(history, &|file| file.content.ends_with(b"\r\n"))),
        ("folder instead of file", &|history| {
            history.commits.iter().any(|commit| commit.files.keys().any(|path| path.starts_with(b"sub/")))
        }),
    ];
    for (name, test) in promises {
        assert!(share(test) >= 15, "{name}: {} of 300", share(test));
    }
}
