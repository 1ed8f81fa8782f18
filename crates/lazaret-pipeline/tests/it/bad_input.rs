//! Repositories that are damaged, or made to do harm: whatever cannot be read is unproven and counted, and nothing
//! ends the program.

use std::fs;
use std::path::{Path, PathBuf};

use lazaret_core::{GapKind, Verdict};
use lazaret_pipeline::{BlameRequest, ScanRequest, blame, scan};
use lazaret_testkit::{BuiltHistory, GitRepo, History, ObjectFormat};

use crate::world::{
    CLAUDE, LONG, Rulebook, THREE_COMMITS, file, hold_laws, loose_object, n_warnings, request, scan_head,
    three_commits, verdicts,
};

/// A history with folders, deltas, a merge and a mark, in one pack.
fn packed() -> BuiltHistory {
    let mut history = History::default();
    let lines: Vec<String> =
        (0..200).map(|line| format!("line {line} of a file that changes a little\n")).collect();
    for commit in 0..8_usize {
        let mut changed = lines.clone();
        for line in changed.iter_mut().take(commit * 20 + 1).skip(commit * 10) {
            *line = format!("changed by commit {commit}\n");
        }
        let text = changed.concat();
        let parents: &[usize] = match commit {
            0 => &[],
            5 => &[4, 2],
            other => &[other - 1],
        };
        let message = if commit % 3 == 1 { CLAUDE } else { "a person's" };
        history.push(parents, message, &[("a.txt", &text), ("folder/below/b.txt", &text), ("c.txt", LONG)]);
    }
    let world = history.build();
    world.repo.git(&["repack", "-q", "-a", "-d", "-f", "--depth=50"]);
    world
}

fn pack_file(repo: &GitRepo, extension: &str) -> PathBuf {
    let files = fs::read_dir(repo.git_dir().join("objects/pack")).unwrap().map(|entry| entry.unwrap().path());
    let mut files = files.filter(|path| path.extension().is_some_and(|found| found == extension));
    files.next().unwrap()
}

/// Writes over a file that git made read-only.
fn overwrite(path: &Path, bytes: &[u8]) {
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Scans and blames; returns whether a damage was noticed, by an error, a warning or a worse report.
fn notices(world: &BuiltHistory, whole: &str) -> bool {
    let root = world.repo.path();
    let measure = Rulebook::built_in().measure();
    // Whatever it says of a damaged repository, it comes back.
    drop(blame(&BlameRequest {
        file: &root.join("a.txt"),
        rev: "HEAD",
        measure,
        n_threads: 1,
        cache_dir: None,
    }));
    match scan(&ScanRequest { n_threads: 2, ..request(root) }) {
        Err(_) => true,
        Ok(outcome) => {
            hold_laws(&outcome.report);
            !outcome.report.warnings.is_empty() || crate::world::bytes_of(&outcome) == whole
        }
    }
}

/// Damages a file at many places in several ways, and returns the places at which nobody noticed.
fn silent_damage(world: &BuiltHistory, path: &Path, n_places: usize) -> Vec<(usize, usize)> {
    let whole = crate::world::bytes_of(&scan(&request(world.repo.path())).unwrap());
    let bytes = fs::read(path).unwrap();
    let mut silent = Vec::new();
    for place in (0..bytes.len()).step_by((bytes.len() / n_places).max(1)) {
        let (mut bit, mut byte) = (bytes.clone(), bytes.clone());
        bit[place] ^= 0x80;
        byte[place] = !byte[place];
        for (nth, damaged) in [bit, byte, bytes[..place].to_vec()].into_iter().enumerate() {
            overwrite(path, &damaged);
            if !notices(world, &whole) {
                silent.push((place, nth));
            }
        }
    }
    overwrite(path, &bytes);
    silent
}

#[test]
fn no_damage_of_a_pack_goes_unnoticed() {
    let world = packed();
    assert_eq!(silent_damage(&world, &pack_file(&world.repo, "pack"), 90), []);
}

#[test]
fn no_damage_of_a_pack_s_index_goes_unnoticed() {
    let world = packed();
    assert_eq!(silent_damage(&world, &pack_file(&world.repo, "idx"), 90), []);
}

#[test]
fn a_missing_pack_or_index_is_not_an_empty_repository() {
    for extension in ["pack", "idx"] {
        let world = packed();
        fs::remove_file(pack_file(&world.repo, extension)).unwrap();
        assert!(scan(&request(world.repo.path())).is_err());
    }
}

#[test]
fn each_object_that_is_lost_or_garbled_is_counted() {
    let world = three_commits(ObjectFormat::Sha1);
    let repo = &world.repo;
    let pack = pack_file(repo, "pack");
    let packed = fs::read(&pack).unwrap();
    fs::remove_file(pack.with_extension("idx")).unwrap();
    fs::remove_file(&pack).unwrap();
    repo.git_bytes(&["unpack-objects", "-q"], &packed);
    let objects = repo.git(&["rev-list", "--objects", "--no-object-names", "HEAD"]);
    for hex in objects.lines() {
        let path = loose_object(repo, hex);
        let whole = fs::read(&path).unwrap();
        for damaged in [None, Some(&b""[..]), Some(b"garbage"), Some(&whole[..whole.len() / 2])] {
            fs::remove_file(&path).unwrap();
            if let Some(damaged) = damaged {
                fs::write(&path, damaged).unwrap();
            }
            if let Ok(outcome) = scan(&request(repo.path())) {
                hold_laws(&outcome.report);
                let warned = n_warnings(&outcome.report, GapKind::MissingObject)
                    + n_warnings(&outcome.report, GapKind::CorruptObject);
                assert!(warned > 0, "{hex}: {:?}", outcome.report);
                for file in &outcome.report.files {
                    let pairs = verdicts(file).into_iter().zip(THREE_COMMITS);
                    for (found, known) in pairs {
                        assert!(found == known || found == Verdict::Unproven, "{hex}: {file:?}");
                    }
                }
            }
            fs::remove_file(&path).ok();
            fs::write(&path, &whole).unwrap();
        }
    }
}

#[test]
fn a_lost_folder_hides_itself_alone() {
    let repo = GitRepo::new();
    for path in ["a/a.txt", "b/b.txt", "c.txt"] {
        repo.write(path, LONG.repeat(path.len()));
    }
    repo.commit("begin").create();
    let folder = repo.git(&["rev-parse", "HEAD:a"]);
    fs::remove_file(loose_object(&repo, &folder)).unwrap();
    let report = scan_head(repo.path());
    let paths: Vec<&str> = report.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["b/b.txt", "c.txt"]);
    assert_eq!(n_warnings(&report, GapKind::MissingObject), 1);
}

/// Writes a raw object and returns its name.
fn write_object(repo: &GitRepo, kind: &str, raw: &[u8]) -> String {
    let printed = repo.git_bytes(&["hash-object", "-t", kind, "-w", "--literally", "--stdin"], raw);
    String::from_utf8(printed).unwrap().trim().to_owned()
}

/// Returns a row of a raw tree.
fn tree_row(mode: &str, name: &[u8], hex: &str) -> Vec<u8> {
    let id: lazaret_core::ObjectId = hex.parse().unwrap();
    [format!("{mode} ").as_bytes(), name, b"\0", id.as_bytes()].concat()
}

/// Makes a commit of a raw tree the revision.
fn commit_tree(repo: &GitRepo, tree: &str, message: &str) {
    let commit = repo.git_bytes(&["commit-tree", tree, "-F", "-"], message.as_bytes());
    repo.git(&["update-ref", "HEAD", std::str::from_utf8(&commit).unwrap().trim()]);
}

#[test]
fn names_that_climb_out_of_a_tree_are_names() {
    let repo = GitRepo::new();
    let blob = write_object(&repo, "blob", LONG.as_bytes());
    let names: [&[u8]; 9] =
        [b"..", b".", b".git", b"/etc/passwd", b"../../escape", b"a//b", b"", b"con\\aux", b"a\nb"];
    let rows: Vec<u8> = names.iter().flat_map(|name| tree_row("100644", name, &blob)).collect();
    let folder = write_object(&repo, "tree", &rows);
    let rows = [tree_row("40000", b"..", &folder), rows].concat();
    let tree = write_object(&repo, "tree", &rows);
    commit_tree(&repo, &tree, &format!("escape{CLAUDE}"));
    let report = scan_head(repo.path());
    assert_eq!(report.files.len(), 2 * names.len());
    assert_eq!(file(&report, "../../../escape").verdict, Verdict::Tainted);
}

#[test]
fn trees_that_make_no_sense_are_corrupt_or_read_as_they_stand() {
    let repo = GitRepo::new();
    let blob = write_object(&repo, "blob", LONG.as_bytes());
    let good = tree_row("100644", b"b", &blob);
    let trees: Vec<Vec<u8>> = vec![
        b"garbage".to_vec(),
        good[..good.len() - 3].to_vec(),
        [&good[..], b"100644 "].concat(),
        tree_row("", b"a", &blob),
        tree_row("9999999", b"a", &blob),
        tree_row("99999999999", b"a", &blob),
        // Twice the same name, a wrong order, a file where a folder should be, and the other way round.
        [&good[..], &good].concat(),
        [&tree_row("100644", b"z", &blob)[..], &good].concat(),
        tree_row("40000", b"a", &blob),
        [&tree_row("40000", b"b", &blob)[..], &good].concat(),
    ];
    for raw in trees {
        let tree = write_object(&repo, "tree", &raw);
        commit_tree(&repo, &tree, &format!("odd{CLAUDE}"));
        let report = scan_head(repo.path());
        assert!(!report.files.is_empty() || !report.warnings.is_empty(), "{}", raw.escape_ascii());
    }
}

#[test]
fn a_tree_that_names_itself_many_times_over_is_refused() {
    let repo = GitRepo::new();
    let mut tree = write_object(&repo, "tree", b"");
    for _ in 0..12 {
        let rows: Vec<u8> = (b'a'..b'k').flat_map(|name| tree_row("40000", &[name], &tree)).collect();
        tree = write_object(&repo, "tree", &rows);
    }
    commit_tree(&repo, &tree, &format!("bomb{CLAUDE}"));
    let error = scan(&request(repo.path())).unwrap_err();
    assert!(error.to_string().contains("over-limit"), "{error}");
}

#[test]
fn folders_nest_as_deep_as_they_are_read() {
    for (depth, is_read) in [(250, true), (300, false), (1900, false)] {
        let repo = GitRepo::new();
        let blob = write_object(&repo, "blob", LONG.as_bytes());
        let deep = format!("{}a.txt", "d/".repeat(depth));
        let stream = format!(
            "commit refs/heads/main\ncommitter A <a@harbour.example> 1 +0000\ndata 0\nM 100644 {blob} {deep}\n\
             M 100644 {blob} z.txt\n"
        );
        repo.git_bytes(&["fast-import", "--quiet", "--depth=1"], stream.as_bytes());
        let report = scan_head(repo.path());
        assert_eq!(report.files.iter().any(|file| file.path == deep), is_read);
        assert_eq!(n_warnings(&report, GapKind::OverLimit) == 0, is_read);
        assert!(report.files.iter().any(|file| file.path == "z.txt"));
    }
}

#[test]
fn long_messages_long_lines_and_many_lines_are_read() {
    let repo = GitRepo::new();
    let long_line = vec![b'x'; 50 << 20];
    repo.write("line.txt", &long_line);
    repo.write("empty-lines.txt", "\n".repeat(2_000_000));
    repo.commit("begin").create();
    repo.write("empty-lines.txt", "\n".repeat(2_000_001));
    repo.write("line.txt", [&long_line[..], b"y\n"].concat());
    let message = ["a word and another\n".repeat((10 << 20) / 19), CLAUDE.to_owned()].concat();
    repo.commit(message).create();
    let report = scan_head(repo.path());
    assert_eq!(report.commits.marked, 1);
    assert_eq!(file(&report, "line.txt").lines, 1);
    assert_eq!(verdicts(file(&report, "line.txt")), [Verdict::Tainted]);
    let lines = file(&report, "empty-lines.txt");
    assert_eq!((lines.lines, lines.counts().tainted), (2_000_001, 1));
}

#[test]
fn a_merge_of_very_many_parents_is_read() {
    let repo = GitRepo::new();
    repo.write("a.txt", LONG);
    let begin = repo.commit(format!("begin{CLAUDE}")).create().to_string();
    let tree = repo.git(&["write-tree"]);
    let who = "A <a@harbour.example> 1 +0000";
    let parents = format!("parent {begin}\n").repeat(50_000);
    let raw = format!("tree {tree}\n{parents}author {who}\ncommitter {who}\n\nmany\n");
    let many = write_object(&repo, "commit", raw.as_bytes());
    repo.git(&["update-ref", "HEAD", &many]);
    let report = scan_head(repo.path());
    assert_eq!((report.commits.examined, report.lines.tainted), (2, 1));
}

#[test]
fn a_loose_object_that_promises_more_than_it_holds_is_corrupt() {
    let repo = GitRepo::new();
    repo.write("a.txt", LONG);
    repo.commit("begin").create();
    let blob = repo.git(&["rev-parse", "HEAD:a.txt"]);
    for size in ["18446744073709551615", "9999999999999", "1073741825", "99", "0", "-1", ""] {
        let mut raw = format!("blob {size}\0").into_bytes();
        raw.extend_from_slice(LONG.as_bytes());
        overwrite(&loose_object(&repo, &blob), &stored(&raw));
        let report = scan_head(repo.path());
        let gap = file(&report, "a.txt").gaps[0].kind;
        assert!(matches!(gap, GapKind::CorruptObject | GapKind::OverLimit), "{size}: {gap:?}");
    }
}

/// Returns bytes as a zlib stream of one stored block.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap();
    let (mut a, mut b) = (1_u32, 0_u32);
    for &byte in bytes {
        a = (a + u32::from(byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    let header = [&[0x78, 0x01, 0x01][..], &length.to_le_bytes(), &(!length).to_le_bytes()].concat();
    [&header[..], bytes, &(b << 16 | a).to_be_bytes()].concat()
}

#[test]
fn refs_that_lead_nowhere_are_counted() {
    let world = three_commits(ObjectFormat::Sha1);
    let repo = &world.repo;
    let heads = repo.git_dir().join("refs/heads");
    fs::create_dir_all(&heads).unwrap();
    fs::write(heads.join("lost"), "0123456789abcdef0123456789abcdef01234567\n").unwrap();
    fs::write(heads.join("garbage"), "garbage\n").unwrap();
    let all = scan(&ScanRequest { all_refs: true, ..request(repo.path()) }).unwrap().report;
    hold_laws(&all);
    assert_eq!(n_warnings(&all, GapKind::MissingObject), 1, "{:?}", all.warnings);
    assert_eq!(n_warnings(&all, GapKind::UnreadableFile), 1, "{:?}", all.warnings);
}
