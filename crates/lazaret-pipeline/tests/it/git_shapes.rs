//! The same history in every shape git can give a repository, and what only some repositories have in them.

use std::fs;
use std::path::{Path, PathBuf};

use lazaret_core::{GapKind, ObjectId, Verdict};
use lazaret_pipeline::{ScanRequest, scan};
use lazaret_testkit::{GitRepo, History, ObjectFormat};

use crate::world::{
    CLAUDE, LONG, THREE_COMMITS, file, git_at, hold_laws, hold_three_commits, n_warnings, request, scan_head,
    three_commits, verdicts,
};

/// Clones a world into a folder beside it.
fn clone(repo: &GitRepo, options: &[&str]) -> PathBuf {
    let folder = repo.scratch().join("clone");
    // git borrows objects by path alone, and filters and cuts off by address alone.
    let scheme = if options == ["--shared"] { "" } else { "file://" };
    let from = format!("{scheme}{}", repo.path().display());
    repo.git(&[&["clone", "--quiet"], options, &[&from, folder.to_str().unwrap()]].concat());
    folder
}

#[test]
fn a_work_tree_its_git_folder_and_a_bare_repository_are_one() {
    let world = three_commits(ObjectFormat::Sha1);
    hold_three_commits(world.repo.path());
    let by_git_dir = hold_three_commits(world.repo.git_dir());
    assert!(!by_git_dir.origin.path.ends_with(".git"));
    hold_three_commits(world.repo.clone_bare().path());
}

#[test]
fn objects_named_by_sha_256_are_read_alike() {
    let world = three_commits(ObjectFormat::Sha256);
    let report = hold_three_commits(world.repo.path());
    assert!(matches!(file(&report, "a.txt").blob, Some(ObjectId::Sha256(_))));
    // A name of the other format names nothing here, and is no reason to stumble.
    let sha1 = "0123456789abcdef0123456789abcdef01234567";
    assert!(scan(&ScanRequest { rev: sha1, ..request(world.repo.path()) }).is_err());
}

#[test]
fn a_linked_work_tree_is_its_repository() {
    let world = three_commits(ObjectFormat::Sha1);
    let linked = world.repo.scratch().join("linked");
    world.repo.git(&["worktree", "add", "--quiet", "--detach", linked.to_str().unwrap(), "HEAD~1"]);
    let report = scan_head(&linked);
    assert_eq!(report.commits.examined, 2);
    let cache = tempfile::tempdir().unwrap();
    for root in [world.repo.path(), &linked] {
        scan(&ScanRequest { cache_dir: Some(cache.path()), ..request(root) }).unwrap();
    }
    assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 1, "both share one index");
}

#[test]
fn detached_heads_tags_and_tags_of_tags_lead_to_commits() {
    let world = three_commits(ObjectFormat::Sha1);
    let repo = &world.repo;
    repo.git(&["tag", "light", "HEAD~1"]);
    repo.git(&["tag", "-a", "-m", "one", "heavy", "light"]);
    repo.git(&["tag", "-a", "-m", "two", "heavier", "heavy"]);
    repo.git(&["tag", "blob", "HEAD:a.txt"]);
    for rev in ["light", "heavy", "heavier", "refs/tags/heavier", "heavier^{}", "HEAD~1", "main^"] {
        let outcome = scan(&ScanRequest { rev, ..request(repo.path()) }).unwrap();
        assert_eq!(outcome.report.origin.rev, Some(world.rev(1)), "{rev}");
    }
    assert!(scan(&ScanRequest { rev: "blob", ..request(repo.path()) }).is_err());
    let all = scan(&ScanRequest { all_refs: true, ..request(repo.path()) }).unwrap();
    assert!(all.report.warnings.is_empty());
    repo.git(&["checkout", "--quiet", "--detach", "HEAD"]);
    hold_three_commits(repo.path());
}

#[test]
fn loose_objects_and_packs_of_every_kind_hold_the_same() {
    let world = three_commits(ObjectFormat::Sha1);
    let repo = &world.repo;
    let check = |what: &str| {
        assert_eq!(repo.git(&["fsck", "--strict", "--no-dangling"]), "", "{what}");
        hold_three_commits(repo.path());
    };
    check("as fast-import wrote it");
    repo.git(&["-c", "repack.useDeltaBaseOffset=true", "repack", "-q", "-a", "-d", "-f", "--depth=50"]);
    check("deltas against offsets");
    repo.git(&["-c", "repack.useDeltaBaseOffset=false", "repack", "-q", "-a", "-d", "-f", "--depth=50"]);
    check("deltas against names");
    repo.git(&["-c", "pack.indexVersion=1", "repack", "-q", "-a", "-d", "-f"]);
    check("an index of the first version");
    repo.git(&["repack", "-q", "-a", "-d", "--write-midx", "--write-bitmap-index"]);
    repo.git(&["pack-refs", "--all"]);
    repo.git(&["commit-graph", "write", "--reachable", "--changed-paths"]);
    check("a multi-pack index, a commit graph and packed refs");
    unpack(repo);
    check("loose alone");
    for commit in 0..3 {
        let objects = repo.git(&["rev-list", "--objects", "--no-object-names", &world.rev(commit)]);
        let base = repo.git_dir().join("objects/pack/pack");
        repo.git_bytes(&["pack-objects", "-q", base.to_str().unwrap()], objects.as_bytes());
    }
    repo.git(&["prune-packed", "-q"]);
    repo.git(&["multi-pack-index", "write"]);
    check("three packs that overlap");
}

fn unpack(repo: &GitRepo) {
    let packs: Vec<PathBuf> = fs::read_dir(repo.git_dir().join("objects/pack"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    let packed: Vec<Vec<u8>> = packs
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "pack"))
        .map(|path| fs::read(path).unwrap())
        .collect();
    for path in packs.into_iter().filter(|path| path.is_file()) {
        fs::remove_file(path).unwrap();
    }
    for pack in packed {
        repo.git_bytes(&["unpack-objects", "-q"], &pack);
    }
}

#[test]
fn large_files_that_differ_little_are_read_through_long_chains_of_deltas() {
    let mut history = History::default();
    let mut lines: Vec<String> =
        (0..400).map(|line| format!("line {line} of a file that changes a little\n")).collect();
    for commit in 0..60 {
        let parents: Vec<usize> = (commit > 0).then(|| commit - 1).into_iter().collect();
        lines[commit * 6] = format!("changed by commit {commit}\n");
        let message = if commit % 3 == 1 { CLAUDE } else { "a person's" };
        history.push(&parents, message, &[("a.txt", &lines.concat())]);
    }
    let world = history.build();
    for options in [&["--depth=250", "--window=50"][..], &["--depth=1"]] {
        world.repo.git(&[&["repack", "-q", "-a", "-d", "-f"], options].concat());
        let report = scan_head(world.repo.path());
        let tainted =
            verdicts(file(&report, "a.txt")).iter().filter(|verdict| **verdict == Verdict::Tainted).count();
        assert_eq!(tainted, 20);
    }
}

#[test]
fn alternates_lend_their_objects() {
    let world = three_commits(ObjectFormat::Sha1);
    let borrower = clone(&world.repo, &["--shared"]);
    assert!(borrower.join(".git/objects/info/alternates").is_file());
    hold_three_commits(&borrower);
    // What is borrowed twice is borrowed through a chain of folders.
    let second = world.repo.scratch().join("second");
    world.repo.git(&["clone", "--quiet", "--shared", borrower.to_str().unwrap(), second.to_str().unwrap()]);
    hold_three_commits(&second);
}

#[test]
fn a_shallow_clone_is_unproven_and_says_why() {
    let world = three_commits(ObjectFormat::Sha1);
    let shallow = clone(&world.repo, &["--depth=1"]);
    let report = scan_head(&shallow);
    assert_eq!(verdicts(file(&report, "a.txt")), [Verdict::Unproven; 6]);
    assert_eq!(n_warnings(&report, GapKind::ShallowBoundary), 1);
    // One deeper, the marked commit is the cut: what it added cannot be told from what was there.
    git_at(&world.repo, &shallow, &["fetch", "--quiet", "--deepen=1"]);
    let report = scan_head(&shallow);
    assert!(n_warnings(&report, GapKind::ShallowBoundary) >= 1);
    assert!(verdicts(file(&report, "a.txt")).iter().all(|verdict| *verdict >= Verdict::Unproven));
}

#[test]
fn a_partial_clone_counts_what_it_lacks() {
    let world = three_commits(ObjectFormat::Sha1);
    world.repo.git(&["config", "uploadpack.allowFilter", "true"]);
    let partial = clone(&world.repo, &["--filter=blob:none", "--no-checkout"]);
    let report = scan_head(&partial);
    assert_eq!((report.commits.examined, report.commits.marked), (3, 1));
    assert!(n_warnings(&report, GapKind::MissingObject) >= 1, "{report:?}");
    assert_eq!(file(&report, "a.txt").verdict, Verdict::Unproven);
    // With the blobs of the revision alone, older versions are what is missing.
    git_at(&world.repo, &partial, &["checkout", "--quiet"]);
    let report = scan_head(&partial);
    let file = file(&report, "a.txt");
    assert_eq!((file.lines, file.verdict), (6, Verdict::Unproven), "{report:?}");
    assert!(file.gaps.iter().any(|gap| gap.kind == GapKind::MissingObject));
}

#[test]
fn a_clone_without_trees_does_not_pass_for_an_empty_one() {
    let world = three_commits(ObjectFormat::Sha1);
    world.repo.git(&["config", "uploadpack.allowFilter", "true"]);
    let treeless = clone(&world.repo, &["--filter=tree:0", "--no-checkout"]);
    let report = scan_head(&treeless);
    assert!(n_warnings(&report, GapKind::MissingObject) >= 1, "{report:?}");
    assert_eq!(report.commits.marked, 1);
}

#[test]
fn replaced_objects_and_grafts_hide_nothing() {
    let world = three_commits(ObjectFormat::Sha1);
    let repo = &world.repo;
    let innocent = repo.commit("innocent").staged_only().parents(&[world.ids[0]]).create();
    repo.git(&["update-ref", "HEAD", &world.rev(2)]);
    repo.git(&["replace", "-f", &world.rev(1), &innocent.to_string()]);
    hold_three_commits(repo.path());
    repo.git(&["replace", "-d", &world.rev(1)]);
    let graft = format!("{}\n{} {}\n", world.rev(0), world.rev(2), world.rev(0));
    fs::create_dir_all(repo.git_dir().join("info")).unwrap();
    fs::write(repo.git_dir().join("info/grafts"), graft).unwrap();
    hold_three_commits(repo.path());
}

#[test]
fn submodules_links_and_executables_are_told_apart() {
    let repo = GitRepo::new();
    repo.write("run.sh", LONG);
    repo.link("link", "a target of some length that is more than a dozen tokens in all, I do think");
    let commit = "0123456789abcdef0123456789abcdef01234567";
    repo.git(&["add", "--all"]);
    repo.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{commit},library")]);
    repo.commit("begin").staged_only().create();
    repo.git(&["update-index", "--chmod=+x", "run.sh"]);
    let mode = repo.commit(format!("mode{CLAUDE}")).staged_only().create();
    let report = scan_head(repo.path());
    assert_eq!((report.commits.marked, report.lines.tainted), (1, 0), "a mode holds no lines: {mode}");
    let library = file(&report, "library");
    assert_eq!((library.lines, library.verdict), (0, Verdict::Unproven));
    assert_eq!(library.gaps[0].kind, GapKind::Submodule);
    assert_eq!(n_warnings(&report, GapKind::Submodule), 1);
    let link = file(&report, "link");
    assert_eq!((link.lines, link.verdict), (1, Verdict::Unproven));
    repo.remove("link");
    repo.link("link", "another target of some length that is more than a dozen tokens in all, I do think");
    repo.git(&["add", "link"]);
    repo.commit(format!("link{CLAUDE}")).staged_only().create();
    assert_eq!(file(&scan_head(repo.path()), "link").verdict, Verdict::Tainted);
}

#[test]
fn paths_and_messages_need_not_be_utf_8() {
    let mut history = History::default();
    history.push(&[], "begin", &[("a.txt", LONG)]);
    let commit = &mut history.commits[0];
    let text = commit.files[&b"a.txt"[..]].clone();
    let names: [&[u8]; 4] = [b"caf\xe9/\xff.txt", b"back\\slash", "h\u{e4}fen".as_bytes(), b"tab\there"];
    for name in names {
        commit.files.insert(name.to_vec(), text.clone());
    }
    commit.message = b"caf\xe9 \xff\xfe\n\nCo-Authored-By: Cl\xe4ude <noreply@anthropic.com>\n".to_vec();
    commit.author.name = "Ada".to_owned();
    let world = history.build();
    let report = scan_head(world.repo.path());
    assert_eq!(report.commits.marked, 1, "a mark in bytes that are not UTF-8 is a mark");
    let names: Vec<&str> = report.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(names, ["a.txt", "back\\slash", "caf\\xE9/\\xFF.txt", "h\u{e4}fen", "tab\there"]);
    assert_eq!(report.lines.tainted, 5);
}

#[test]
fn commits_in_other_encodings_and_of_odd_form_are_read() {
    let repo = GitRepo::new();
    repo.write("a.txt", LONG);
    repo.git(&["add", "--all"]);
    let tree = repo.git(&["write-tree"]);
    let odd: [&[u8]; 4] = [
        b"author A <a@harbour.example> 1 +0000\ncommitter A <a@harbour.example> 1 +0000\nencoding ISO-8859-1\n\nx\xe9\n",
        b"author A <a@harbour.example> 99999999999999999999 +0000\ncommitter <> x\n\nno dates\n",
        b"author A\n\n",
        b"author A <a@harbour.example> -1 +9999\ncommitter A <a@harbour.example> -1 -0000\ngpgsig -----\n x\n\n\n",
    ];
    for (nth, fields) in odd.iter().enumerate() {
        let trailer: &[u8] = b"\nCo-Authored-By: Claude <noreply@anthropic.com>\n";
        let raw = [format!("tree {tree}\n").as_bytes(), fields, trailer].concat();
        let id = repo.git_bytes(&["hash-object", "-t", "commit", "-w", "--literally", "--stdin"], &raw);
        let id = std::str::from_utf8(&id).unwrap().trim();
        repo.git(&["update-ref", "HEAD", id]);
        let report = scan_head(repo.path());
        assert_eq!((report.commits.marked, report.lines.tainted), (1, 1), "{nth}");
    }
}

#[test]
fn an_octopus_and_a_criss_cross_keep_every_mark() {
    let mut history = History::default();
    let text = |lines: [&str; 4]| lines.map(|line| format!("{line}\n{LONG}{LONG}{LONG}")).concat();
    history.push(&[], "begin", &[("a.txt", &text(["a", "b", "c", "d"]))]);
    history.push(&[0], &format!("one{CLAUDE}"), &[("a.txt", &text(["A of one", "b", "c", "d"]))]);
    history.push(&[0], "two", &[("a.txt", &text(["a", "B of two", "c", "d"]))]);
    history.push(&[0], &format!("three{CLAUDE}"), &[("a.txt", &text(["a", "b", "C of three", "d"]))]);
    history.push(&[1, 2], "cross", &[("a.txt", &text(["A of one", "B of two", "c", "d"]))]);
    history.push(&[2, 1], "criss", &[("a.txt", &text(["A of one", "B of two", "c", "D of criss"]))]);
    history.push(
        &[4, 5, 3],
        "octopus",
        &[("a.txt", &text(["A of one", "B of two", "C of three", "D of criss"]))],
    );
    let world = history.build();
    let report = scan_head(world.repo.path());
    let tainted: Vec<(u32, Option<ObjectId>)> = file(&report, "a.txt")
        .spans
        .iter()
        .filter(|span| span.verdict == Verdict::Tainted)
        .map(|span| (span.start, span.commit))
        .collect();
    assert_eq!(tainted, [(1, Some(world.ids[1])), (9, Some(world.ids[3]))]);
}

#[test]
fn configuration_and_environment_of_others_change_nothing() {
    let world = three_commits(ObjectFormat::Sha1);
    let repo = &world.repo;
    for (key, value) in [
        ("diff.algorithm", "patience"),
        ("diff.renames", "false"),
        ("core.ignoreCase", "true"),
        ("core.quotePath", "false"),
        ("log.showSignature", "true"),
        ("blame.ignoreRevsFile", "ignored"),
        ("i18n.commitEncoding", "latin1"),
    ] {
        repo.git(&["config", key, value]);
    }
    fs::write(repo.path().join("ignored"), world.rev(1)).unwrap();
    hold_three_commits(repo.path());
}

#[test]
fn an_alternate_that_is_gone_is_said() {
    let world = three_commits(ObjectFormat::Sha1);
    let borrower = clone(&world.repo, &["--shared"]);
    fs::rename(world.repo.git_dir(), world.repo.path().join("moved")).unwrap();
    // Either nothing can be scanned, or what is missing is counted; both are said.
    if let Ok(outcome) = scan(&request(&borrower)) {
        hold_laws(&outcome.report);
        assert!(!outcome.report.warnings.is_empty());
    }
}

#[test]
fn a_folder_below_a_work_tree_is_a_folder() {
    let world = three_commits(ObjectFormat::Sha1);
    let below: &Path = &world.repo.path().join("below");
    fs::create_dir(below).unwrap();
    fs::write(below.join("a.txt"), LONG).unwrap();
    let report = scan_head(below);
    assert_eq!(report.commits.examined, 0);
    assert_ne!(verdicts(file(&report, "a.txt")), THREE_COMMITS);
}
