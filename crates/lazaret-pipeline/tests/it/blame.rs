//! `blame`: every line's commit as git has it, and every line's verdict as a scan has it.

use std::path::Path;

use lazaret_core::Verdict;
use lazaret_pipeline::{Blame, BlameError, BlameRequest, blame, scan};
use lazaret_testkit::strategy::histories;
use lazaret_testkit::{GitRepo, ObjectFormat, blame_lines};
use proptest::prelude::*;

use crate::world::{
    CLAUDE, LONG, Rulebook, THREE_COMMITS, cases, file, git_at, loose_object, mark, request, three_commits,
    verdicts,
};

fn blame_at(file: &Path, rev: &str) -> Result<Blame, BlameError> {
    let measure = Rulebook::built_in().measure();
    blame(&BlameRequest { file, rev, measure, n_threads: 2, cache_dir: None })
}

#[test]
fn lines_have_commit_verdict_tool_and_text() {
    let world = three_commits(ObjectFormat::Sha1);
    let blamed = blame_at(&world.repo.path().join("a.txt"), "HEAD").unwrap();
    let verdicts: Vec<Verdict> = blamed.lines.iter().map(|line| line.verdict).collect();
    assert_eq!(verdicts, THREE_COMMITS);
    let commits: Vec<_> = blamed.lines.iter().map(|line| line.commit.unwrap()).collect();
    let [person, tool, change] = world.ids[..] else { panic!("three commits") };
    assert_eq!(commits, [person, person, tool, change, person, person]);
    let third = &blamed.lines[2];
    assert_eq!(
        (third.text.as_str(), third.tool.as_deref(), third.direct),
        ("one line", Some("claude-code"), true)
    );
    assert_eq!((third.author.as_str(), third.date.as_str()), ("Ada Meridian", "2024-01-01"));
    assert!(!blamed.lines[3].direct);
}

#[test]
fn a_file_is_found_from_any_kind_of_repository() {
    let repo = GitRepo::new();
    repo.write("src/deep/a.txt", LONG);
    repo.commit(format!("begin{CLAUDE}")).create();
    let bare = repo.clone_bare();
    let linked = repo.scratch().join("linked");
    repo.git(&["worktree", "add", "--quiet", "--detach", linked.to_str().unwrap()]);
    for root in [repo.path(), bare.path(), &linked] {
        let blamed = blame_at(&root.join("src/deep/a.txt"), "HEAD").unwrap();
        assert_eq!(blamed.lines[0].verdict, Verdict::Tainted, "{}", root.display());
    }
    // The revision decides, not what lies in the work tree.
    git_at(&repo, repo.path(), &["rm", "--quiet", "src/deep/a.txt"]);
    assert!(blame_at(&repo.path().join("src/deep/a.txt"), "HEAD").is_ok());
    repo.commit("gone").create();
    let gone = blame_at(&repo.path().join("src/deep/a.txt"), "HEAD").unwrap_err();
    assert!(matches!(gone, BlameError::NoSuchFile { .. }), "{gone:?}");
    assert!(blame_at(&repo.path().join("src/deep/a.txt"), "HEAD~1").is_ok());
    let nowhere = tempfile::tempdir().unwrap();
    let nowhere = blame_at(&nowhere.path().join("a.txt"), "HEAD").unwrap_err();
    assert!(matches!(nowhere, BlameError::NoRepository { .. }), "{nowhere:?}");
}

#[test]
fn a_file_that_cannot_be_read_has_no_lines_and_says_why() {
    let repo = GitRepo::new();
    repo.write("a.txt", LONG);
    repo.write("binary", b"\x00\n\x00\n");
    repo.write("empty", b"");
    repo.commit("begin").create();
    for name in ["binary", "empty"] {
        let blamed = blame_at(&repo.path().join(name), "HEAD").unwrap();
        assert!(blamed.lines.is_empty(), "{blamed:?}");
    }
    let id = repo.git(&["rev-parse", "HEAD:a.txt"]);
    std::fs::remove_file(loose_object(&repo, &id)).unwrap();
    let blamed = blame_at(&repo.path().join("a.txt"), "HEAD").unwrap();
    assert!(blamed.lines.is_empty() && !blamed.file.gaps.is_empty(), "{blamed:?}");
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn commits_are_git_s_and_verdicts_are_the_scan_s(mut history in histories(), pick in any::<u64>()) {
        mark(&mut history, pick);
        let world = history.build();
        let report = scan(&request(world.repo.path())).unwrap().report;
        for path in world.repo.paths("HEAD") {
            let name = std::str::from_utf8(&path).unwrap();
            let blamed = blame_at(&world.repo.path().join(name), "HEAD").unwrap();
            let scanned = file(&report, name);
            let of_lines: Vec<Verdict> = blamed.lines.iter().map(|line| line.verdict).collect();
            prop_assert_eq!(&of_lines, &verdicts(scanned));
            prop_assert_eq!(blamed.file.spans.len(), scanned.spans.len());
            let oracle = blame_lines(&world.repo, "HEAD", &path);
            for (line, oracle) in blamed.lines.iter().zip(&oracle) {
                prop_assert_eq!(line.commit, Some(oracle.commit));
                prop_assert_eq!(line.origin_line, oracle.line);
                prop_assert_eq!(line.path.as_bytes(), &oracle.path[..]);
            }
        }
    }
}
