//! Known text is found wherever it was pasted, and nothing else is.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use lazaret_core::Verdict;
use lazaret_intake::sessions::SessionLog;
use lazaret_pipeline::known::{
    Class, Collector, KnownText, KnownTextError, SegmentBuilder, add_files, add_repository, merge_segments,
    merge_small_segments, write_segment,
};
use lazaret_pipeline::{Report, ScanRequest, scan};
use lazaret_testkit::{BuiltHistory, GitRepo, History};
use serde_json::json;

use crate::world::{CLAUDE, LONG, file, hold_laws, request, verdicts};

/// Code that nobody else has: the words of every line depend on the seed.
fn code(seed: u32, n_lines: u32) -> String {
    const WORDS: [&str; 24] = [
        "anchor", "ballast", "capstan", "davit", "ensign", "fathom", "galley", "halyard", "isthmus", "jetty",
        "keel", "lanyard", "mizzen", "nautilus", "oarlock", "porthole", "quay", "rudder", "sextant",
        "tiller", "upwind", "voyage", "windlass", "yardarm",
    ];
    let word = |n: u32| WORDS[(n % 24) as usize];
    let line = |nth: u32| {
        let n = seed.wrapping_mul(31) + nth * 7;
        format!(
            "    let {}_{n} = {}.{}({}, {nth}) + {};\n",
            word(n),
            word(n / 2),
            word(n + 5),
            word(n + 11),
            word(n * 3)
        )
    };
    (0..n_lines).map(line).collect()
}

fn repository(commits: &[(&str, &str, &str)]) -> BuiltHistory {
    let mut history = History::default();
    for (nth, (message, path, text)) in commits.iter().enumerate() {
        let parents: Vec<usize> = nth.checked_sub(1).into_iter().collect();
        history.push(&parents, message, &[(path, text)]);
    }
    history.build()
}

fn index_of(world: &BuiltHistory) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut builder = SegmentBuilder::new();
    add_repository(&mut builder, &request(world.repo.path())).unwrap();
    write_segment(folder.path(), builder).unwrap().unwrap();
    folder
}

fn scan_with(root: &Path, folder: &Path) -> Report {
    let known = KnownText::open(&[folder.to_owned()]).unwrap();
    let outcome = scan(&ScanRequest { known: Some(&known), ..request(root) }).unwrap();
    hold_laws(&outcome.report);
    outcome.report
}

#[test]
fn a_copy_in_another_repository_is_tainted_line_by_line() {
    let known = repository(&[("begin", "a.rs", LONG), (&format!("help{CLAUDE}"), "b.rs", &code(1, 20))]);
    let folder = index_of(&known);
    let pasted = format!("{}{}{}", code(2, 10), code(1, 20).replace("    ", "\t"), code(3, 10));
    let other = repository(&[("mine", "src/c.rs", &pasted)]);
    let report = scan_with(other.repo.path(), folder.path());
    let verdicts = verdicts(file(&report, "src/c.rs"));
    assert_eq!(verdicts[..10], [Verdict::Unproven; 10]);
    assert_eq!(verdicts[10..30], [Verdict::Tainted; 20]);
    assert_eq!(verdicts[30..], [Verdict::Unproven; 10]);
    let [copy] = report.copies.as_slice() else { panic!("{:?}", report.copies) };
    assert_eq!((copy.start, copy.end, copy.origin_start, copy.origin_end), (11, 30, 1, 20));
    assert!(copy.origin.ends_with(&format!("@{}:b.rs", known.ids[1])), "{}", copy.origin);
    let evidence = report.evidence.iter().find(|entry| entry.detector == "known-text").unwrap();
    assert_eq!(evidence.tool.as_ref().unwrap().as_str(), "claude-code");
    assert!(!evidence.why.contains("ballast"), "{}", evidence.why);
}

#[test]
fn text_that_is_older_than_the_tools_is_no_evidence() {
    let moved = format!("{}{}", code(1, 20), code(2, 20));
    let known = repository(&[("begin", "a.rs", &code(1, 20)), (&format!("move{CLAUDE}"), "b.rs", &moved)]);
    let folder = index_of(&known);
    let other = repository(&[("mine", "old.rs", &code(1, 20))]);
    let report = scan_with(other.repo.path(), folder.path());
    assert_eq!((report.lines.tainted, report.copies.len()), (0, 0));
    let other = repository(&[("mine", "new.rs", &code(2, 20))]);
    assert!(scan_with(other.repo.path(), folder.path()).lines.tainted >= 18);
}

#[test]
fn licences_and_lock_files_are_everybodys() {
    let licence = include_str!("../../../../LICENSE-APACHE");
    let message = format!("set up{CLAUDE}");
    // The notice of a file that is no licence by its name holds the same text.
    let known = repository(&[
        (&message, "LICENSE", licence),
        (&message, "Cargo.lock", &code(4, 40)),
        (&message, "about.rs", &format!("{}{licence}", code(8, 20))),
    ]);
    let folder = index_of(&known);
    let other = repository(&[("mine", "LICENSE", licence), ("lock", "Cargo.lock", &code(4, 40))]);
    let report = scan_with(other.repo.path(), folder.path());
    assert_eq!((report.lines.tainted, report.copies.len()), (0, 0), "{:?}", report.copies);
    assert_eq!(report.segments.len(), 2, "the folder's, and the licences");
}

#[test]
fn text_that_was_deleted_long_ago_is_older_too() {
    let mut history = History::default();
    history.push(&[], "begin", &[("old.rs", &code(1, 20)), ("keep.rs", LONG)]);
    history.push(&[0], "away with it", &[("keep.rs", LONG)]);
    history.push(
        &[1],
        &format!("back again{CLAUDE}"),
        &[("keep.rs", LONG), ("new.rs", &(code(1, 20) + &code(2, 20)))],
    );
    let folder = index_of(&history.build());
    let other = repository(&[("mine", "old.rs", &code(1, 20))]);
    assert_eq!(scan_with(other.repo.path(), folder.path()).lines.tainted, 0);
}

#[test]
fn clones_of_one_repository_bear_one_name() {
    let known = repository(&[(&format!("help{CLAUDE}"), "b.rs", &code(1, 20))]);
    let mut builder = SegmentBuilder::new();
    let scratch = tempfile::tempdir().unwrap();
    for number in 0..18 {
        let clone = scratch.path().join(format!("clone-{number}"));
        known.repo.git(&["clone", "--quiet", "--bare", ".", clone.to_str().unwrap()]);
        add_repository(&mut builder, &request(&clone)).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    write_segment(folder.path(), builder).unwrap().unwrap();
    let other = repository(&[("mine", "c.rs", &(code(3, 5) + &code(1, 20)))]);
    assert_eq!(scan_with(other.repo.path(), folder.path()).lines.tainted, 20);
}

#[test]
fn protected_text_is_named_and_taints_nothing() {
    let theirs = tempfile::tempdir().unwrap();
    std::fs::write(theirs.path().join("their.rs"), code(5, 20)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut builder = SegmentBuilder::new();
    let added = add_files(&mut builder, theirs.path(), Class::Protected, "their product", 0).unwrap();
    assert_eq!((added.n_added, added.unread.len()), (1, 0));
    write_segment(folder.path(), builder).unwrap().unwrap();
    // A folder without history is held against known text as well.
    let ours = tempfile::tempdir().unwrap();
    std::fs::write(ours.path().join("ours.rs"), format!("{}{}", code(6, 5), code(5, 20))).unwrap();
    let report = scan_with(ours.path(), folder.path());
    let [copy] = report.copies.as_slice() else { panic!("{:?}", report.copies) };
    assert_eq!((copy.class.as_str(), copy.name.as_str()), ("protected", "their product"));
    assert_eq!((copy.start, copy.end, report.lines.tainted), (6, 25, 0));
}

#[test]
fn an_index_that_is_damaged_changed_or_absent_is_an_error() {
    let known = repository(&[(&format!("help{CLAUDE}"), "b.rs", &code(1, 20))]);
    let folder = index_of(&known);
    let path = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    let whole = std::fs::read(&path).unwrap();
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    std::fs::write(&path, &changed).unwrap();
    let open = |folder: &Path| KnownText::open(&[folder.to_owned()]).unwrap_err();
    assert!(matches!(open(folder.path()), KnownTextError::Renamed { .. }));
    let cut = &whole[..whole.len() - 9];
    std::fs::remove_file(&path).unwrap();
    let hex = lazaret_core::Digest::of(cut).to_string();
    let name = format!("{}.lzseg", hex.rsplit(':').next().unwrap());
    std::fs::write(folder.path().join(name), cut).unwrap();
    assert!(matches!(open(folder.path()), KnownTextError::Segment { .. }));
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(open(empty.path()), KnownTextError::Empty { .. }));
    assert!(matches!(open(&PathBuf::from("/nowhere/at/all")), KnownTextError::List { .. }));
}

#[test]
fn merging_keeps_what_the_segments_knew() {
    let folder = tempfile::tempdir().unwrap();
    for seed in [1, 2] {
        let world = repository(&[(&format!("help{CLAUDE}"), "b.rs", &code(seed, 20))]);
        let mut builder = SegmentBuilder::new();
        add_repository(&mut builder, &request(world.repo.path())).unwrap();
        write_segment(folder.path(), builder).unwrap().unwrap();
    }
    let other = repository(&[("mine", "c.rs", &(code(1, 20) + &code(2, 20)))]);
    let apart = scan_with(other.repo.path(), folder.path());
    assert!(merge_segments(folder.path()).unwrap().merged.is_some());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let together = scan_with(other.repo.path(), folder.path());
    assert_eq!((apart.lines, apart.copies), (together.lines, together.copies));
    assert_eq!(apart.lines.tainted, 40);
    assert!(merge_segments(folder.path()).unwrap().merged.is_none());
}

#[test]
fn small_segments_are_merged_when_they_are_many_and_what_is_signed_or_large_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let texts = tempfile::tempdir().unwrap();
    let add = |seed: u32, n_lines: u32| {
        let path = texts.path().join(format!("{seed}.rs"));
        std::fs::write(&path, code(seed, n_lines)).unwrap();
        let mut builder = SegmentBuilder::new();
        add_files(&mut builder, &path, Class::Protected, "ours", 0).unwrap();
        write_segment(folder.path(), builder).unwrap().unwrap()
    };
    let names = || {
        let entries = std::fs::read_dir(folder.path()).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect::<Vec<_>>()
    };
    let large = add(0, 8_000);
    let signed = add(1, 20);
    let signature = signed.path.with_extension("lzseg.sig");
    std::fs::write(&signature, "a signature").unwrap();
    for seed in 2..17 {
        add(seed, 20);
    }
    assert_eq!(merge_small_segments(folder.path()).unwrap(), None, "sixteen are not too many");
    add(17, 20);
    let merged = merge_small_segments(folder.path()).unwrap().unwrap();
    let mut expected = [large.path, signed.path, signature, merged.path];
    let mut left = names();
    expected.sort();
    left.sort();
    assert_eq!(left, expected);
    let known = KnownText::open(&[folder.path().to_owned()]).unwrap();
    for seed in 0..18 {
        assert!(!known.matches(code(seed, 20).as_bytes()).unwrap().is_empty(), "{seed}");
    }
    assert_eq!(merge_small_segments(folder.path()).unwrap(), None);
}

/// A Claude Code log in which a file is written; secrets stand in the prompt, in a tool's output and in an answer.
fn session_log(text: &str) -> String {
    let assistant = |id: &str, name: &str, input: serde_json::Value| {
        let content = [json!({"type": "tool_use", "id": id, "name": name, "input": input})];
        json!({"type": "assistant", "uuid": id, "sessionId": "s-1", "version": "2.1.37", "cwd": "/home/ada/quay",
            "timestamp": "2026-02-09T19:29:12.955Z",
            "message": {"model": "claude-opus-4-6", "role": "assistant", "content": content}})
    };
    let user = |id: &str, result: serde_json::Value, output: &str| {
        json!({"type": "user", "uuid": format!("{id}-r"), "sessionId": "s-1", "toolUseResult": result,
            "timestamp": "2026-02-09T19:29:13.955Z",
            "message": {"role": "user", "content": [{"type": "tool_result", "tool_use_id": id, "content": output}]}})
    };
    let prompt = json!({"type": "user", "uuid": "u-0", "sessionId": "s-1",
        "message": {"role": "user", "content": "use the key sk-planted-in-prompt-0123456789"}});
    let path = "/home/ada/quay/src/gate.rs";
    let lines = [
        prompt,
        assistant("t-1", "Bash", json!({"command": "printenv"})),
        user(
            "t-1",
            json!({"stdout": "TOKEN=sk-planted-in-output-0123456789"}),
            "TOKEN=sk-planted-in-output-0123456789",
        ),
        assistant("t-2", "Write", json!({"file_path": path, "content": text})),
        user(
            "t-2",
            json!({"type": "create", "filePath": path, "content": text, "structuredPatch": [], "originalFile": null}),
            "written",
        ),
    ];
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[test]
fn what_a_session_wrote_is_found_and_nothing_secret_is_kept() {
    let secret = "    let key = \"sk-planted-in-file-0123456789\";\n";
    let log = session_log(&(code(7, 20) + secret));
    let mut collector = Collector::new();
    let report = collector.read(&mut SessionLog::new("log", None), Cursor::new(log)).unwrap();
    let (builder, collected) = collector.finish().unwrap();
    assert_eq!((collected.n_sessions, collected.n_lines), (1, 21));
    let folder = tempfile::tempdir().unwrap();
    let segment = write_segment(folder.path(), builder).unwrap().unwrap();
    let bytes = String::from_utf8_lossy(&std::fs::read(&segment.path).unwrap()).into_owned();
    let said = format!("{report:?}{collected:?}{bytes}");
    for planted in ["planted", "printenv", "halyard", "0123456789"] {
        assert!(!said.contains(planted), "{planted}");
    }
    let repo = GitRepo::new();
    repo.write("copied.rs", code(7, 20));
    repo.commit("mine").create();
    let report = scan_with(repo.path(), folder.path());
    assert_eq!(report.lines.tainted, 20);
    let copy = &report.copies[0];
    assert_eq!(
        (copy.origin.as_str(), copy.tool.as_deref()),
        ("session s-1 /home/ada/quay/src/gate.rs", Some("claude-code"))
    );
}

#[test]
fn a_session_whose_log_is_lost_is_named() {
    let repo = GitRepo::new();
    repo.commit("begin").create();
    let log = session_log(&code(7, 20));
    let metadata =
        r#"{"checkpoint_id":"a3b2c4d5e6f7","session_id":"s-1","agent":"Claude Code","files_touched":[]}"#;
    let object = |bytes: &[u8]| {
        let id = repo.git_bytes(&["hash-object", "-w", "--stdin"], bytes);
        String::from_utf8(id).unwrap().trim().to_owned()
    };
    let tree = |rows: &str| {
        let id = repo.git_bytes(&["mktree"], rows.as_bytes());
        String::from_utf8(id).unwrap().trim().to_owned()
    };
    let blob = object(log.as_bytes());
    let (metadata, about) = (object(metadata.as_bytes()), object(br#"{"checkpoint_id":"a3b2c4d5e6f7"}"#));
    let session = tree(&format!("100644 blob {blob}\tfull.jsonl\n100644 blob {metadata}\tmetadata.json\n"));
    let checkpoint = tree(&format!("040000 tree {session}\t0\n100644 blob {about}\tmetadata.json\n"));
    let kept = repo.git(&["commit-tree", "-m", "Checkpoint", &checkpoint]);
    repo.git(&["update-ref", "refs/entire/checkpoints/f7/a3b2c4d5e6f7", kept.trim()]);
    let read = || {
        let (mut collector, mut logs) = (Collector::new(), 0);
        let unread = collector
            .read_checkpoints(repo.path(), &mut |_, report| logs += u32::from(report.is_ok()))
            .unwrap();
        (logs, unread, collector.finish().unwrap().1.n_lines)
    };
    assert_eq!(read(), (1, Vec::new(), 20));
    let (folder, name) = blob.split_at(2);
    std::fs::remove_file(repo.git_dir().join("objects").join(folder).join(name)).unwrap();
    let (logs, unread, n_lines) = read();
    assert_eq!((logs, n_lines, unread.len()), (0, 0, 1), "{unread:?}");
    assert!(
        unread[0].starts_with("checkpoint a3b2c4d5e6f7/0: ") && unread[0].contains("missing"),
        "{unread:?}"
    );
}
