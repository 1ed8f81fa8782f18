//! Runs the cases of every recorder's format, and reads worlds that hold all of them.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its own cases has to stop")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use lazaret_core::{ObjectId, RecordedTool, Recorder, Recording, RevisionMeaning, Writer};
use lazaret_intake::git::{ObjectReader, Repository};
use lazaret_intake::recorders::{
    self, Checkpoints, RecordingError, agent_trace, agentnote, census, entire, git_ai, read_recordings,
    whogitit,
};
use lazaret_testkit::{GitRepo, ObjectFormat};
use proptest::prelude::*;
use serde::Deserialize;

const RECORD: ObjectId = ObjectId::Sha1([1; 20]);
const COMMIT: ObjectId = ObjectId::Sha1([2; 20]);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    case: Vec<Case>,
}

/// A record as it lies in a repository, and what it says, line by line.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What the case shows, as a sentence.
    name: String,
    format: Format,
    record: String,
    expect: String,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Format {
    GitAi,
    AgentTrace,
    AgentTraceNote,
    Agentdiff,
    Agentnote,
    Whogitit,
    EntireSession,
    EntireMessage,
}

impl Format {
    const ALL: [Self; 8] = [
        Self::GitAi,
        Self::AgentTrace,
        Self::AgentTraceNote,
        Self::Agentdiff,
        Self::Agentnote,
        Self::Whogitit,
        Self::EntireSession,
        Self::EntireMessage,
    ];

    fn parse(self, record: &[u8]) -> Vec<Result<Recording, RecordingError>> {
        match self {
            Self::GitAi => vec![git_ai::parse(RECORD, COMMIT, record)],
            Self::AgentTrace => vec![agent_trace::parse(Recorder::AgentTrace, RECORD, None, record)],
            Self::AgentTraceNote => agent_trace::parse_note(RECORD, COMMIT, record),
            Self::Agentdiff => vec![agent_trace::parse(Recorder::Agentdiff, RECORD, None, record)],
            Self::Agentnote => vec![agentnote::parse(RECORD, COMMIT, record)],
            Self::Whogitit => vec![whogitit::parse(RECORD, COMMIT, record)],
            Self::EntireSession => vec![session(record)],
            Self::EntireMessage => Checkpoints::default().link(COMMIT, record).into_iter().map(Ok).collect(),
        }
    }
}

/// A session's metadata as its checkpoint's commit would have it.
fn session(metadata: &[u8]) -> Result<Recording, RecordingError> {
    let session = entire::parse_session(RECORD, metadata)?;
    let mut recording = Recording::new(Recorder::Entire, RECORD, COMMIT);
    recording.whole.push(Writer::Tool(session.tool));
    recording.tool_lines = session.tool_lines;
    recording.faults = session.faults;
    let spans = Vec::new;
    recording.files =
        session.files.into_iter().map(|path| lazaret_core::RecordedFile { path, spans: spans() }).collect();
    Ok(recording)
}

/// Says what a recording says, a line each.
fn spelled(recording: &Result<Recording, RecordingError>) -> String {
    let recording = match recording {
        Ok(recording) => recording,
        Err(error) => return format!("refused {}\n", error.as_str()),
    };
    let mut out = String::new();
    match recording.revision {
        RevisionMeaning::Commit => {}
        RevisionMeaning::MaybeParent => out.push_str("maybe the parent\n"),
        RevisionMeaning::Mentioned => out.push_str("mentioned\n"),
    }
    if recording.commit != COMMIT {
        writeln!(out, "commit {}", recording.commit).unwrap();
    }
    for file in &recording.files {
        let path = String::from_utf8_lossy(&file.path);
        if file.spans.is_empty() {
            writeln!(out, "{path}").unwrap();
        }
        for span in &file.spans {
            let lines =
                span.lines.map_or("all".to_owned(), |span| format!("{}-{}", span.start(), span.end()));
            write!(out, "{path} {lines} {}", spelled_writer(&span.writer)).unwrap();
            let text = span.text.as_deref().cloned().unwrap_or_default();
            if let Some(digest) = text.line_digests.first() {
                let first: String = digest.to_string().chars().take(15).collect();
                write!(out, " {} digests, {first}", text.line_digests.len()).unwrap();
            }
            if let Some(hash) = &text.content_hash {
                write!(out, " hash {hash}").unwrap();
            }
            out.push('\n');
        }
    }
    for writer in &recording.whole {
        writeln!(out, "whole {}", spelled_writer(writer)).unwrap();
    }
    if let Some(count) = recording.tool_lines {
        writeln!(out, "tool lines {count}").unwrap();
    }
    for (fault, count) in &recording.faults {
        writeln!(out, "fault {} {count}", fault.as_str()).unwrap();
    }
    out
}

fn spelled_writer(writer: &Writer) -> String {
    let tool = |tool: &RecordedTool| {
        let part = |part: &Option<String>| part.clone().unwrap_or_else(|| "-".to_owned());
        format!("{} {} {}", part(&tool.tool), part(&tool.model), part(&tool.session))
    };
    match writer {
        Writer::Tool(recorded) => format!("tool {}", tool(recorded)),
        Writer::Mixed(recorded) => format!("mixed {}", tool(recorded)),
        Writer::Named(name) => format!("named {name}"),
        Writer::KnownHuman => "known human".to_owned(),
        Writer::Unknown => "unknown".to_owned(),
    }
}

#[test]
fn every_case_reads_as_it_must() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/recorders");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut n_cases = 0;
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let cases: CaseFile =
            toml::from_str(&text).map_err(|error| format!("{}: {error}", file.display())).unwrap();
        for case in cases.case {
            let recordings = case.format.parse(case.record.as_bytes());
            let found: String = recordings.iter().map(spelled).collect::<Vec<_>>().join("--\n");
            assert_eq!(found.trim_end(), case.expect.trim(), "{}: `{}`", file.display(), case.name);
            n_cases += 1;
        }
    }
    assert!(n_cases > 40, "only {n_cases} cases were read");
}

/// A log of Git AI's that gives `lines` of `path` to a session.
fn log(path: &str, lines: &str) -> String {
    let metadata = r#"{"schema_version":"authorship/3.0.0","sessions":{"s_1":{"agent_id":{"tool":"codex","id":"x","model":"gpt-5"}}}}"#;
    format!("{path}\n  s_1::t_1 {lines}\n---\n{metadata}\n")
}

fn read(repo: &GitRepo) -> recorders::Recordings {
    let repository = Repository::open(repo.path(), &[]).unwrap();
    let mut reader = ObjectReader::new(repository.objects(), 1 << 20);
    let head = repository.resolve("HEAD").unwrap();
    read_recordings(&repository, &mut reader, Some(head))
}

/// Stores a text as a blob and returns its name.
fn blob(repo: &GitRepo, text: &str) -> String {
    String::from_utf8(repo.git_bytes(&["hash-object", "-w", "--stdin"], text.as_bytes()))
        .unwrap()
        .trim()
        .to_owned()
}

/// Stores a tree of one file per line of `ls-tree`'s form, folders included, and returns its name.
fn tree(repo: &GitRepo, rows: &str) -> String {
    String::from_utf8(repo.git_bytes(&["mktree"], rows.as_bytes())).unwrap().trim().to_owned()
}

#[test]
fn notes_are_found_at_every_fan_out() {
    for format in [ObjectFormat::Sha1, ObjectFormat::Sha256] {
        let repo = GitRepo::create(format, false);
        repo.write("a.rs", "one\ntwo\n");
        let commit = repo.commit("Begin\n").create();
        repo.git(&["notes", "--ref=ai", "add", "-m", &log("a.rs", "1-2"), &commit.to_string()]);
        let note = blob(&repo, &log("a.rs", "2"));
        let hex = commit.to_string();
        let (first, other) = hex.split_at(2);
        let (second, rest) = other.split_at(2);
        let leaf = tree(&repo, &format!("100644 blob {note}\t{second}{rest}\n"));
        let one = tree(&repo, &format!("040000 tree {leaf}\t{first}\n"));
        let leaf = tree(&repo, &format!("100644 blob {note}\t{rest}\n"));
        let middle = tree(&repo, &format!("040000 tree {leaf}\t{second}\n"));
        let two = tree(&repo, &format!("040000 tree {middle}\t{first}\n"));
        for (name, tree) in [("ai-stash", one), ("ai-remote/origin", two)] {
            let notes = repo.git(&["commit-tree", "-m", "Notes", &tree]);
            repo.git(&["update-ref", &format!("refs/notes/{name}"), &notes]);
        }
        // The same note of the same commit under two refs counts once.
        let found = read(&repo);
        assert_eq!((found.n_records, found.recordings.len()), (2, 2), "{format:?}");
        assert!(found.refused.is_empty() && found.unread.is_empty());
        assert!(found.recordings.iter().all(|recording| recording.commit == commit));
    }
}

#[test]
fn notes_that_git_spread_over_folders_itself_are_read() {
    let repo = GitRepo::new();
    repo.write("a.rs", "one\n");
    let commit = repo.commit("Begin\n").create();
    repo.git(&["notes", "--ref=ai", "add", "-m", &log("a.rs", "1"), &commit.to_string()]);
    // git takes notes on any object; so many bring it to spread their tree.
    let noted: Vec<String> = (0..600).map(|at| blob(&repo, &format!("{at}\n"))).collect();
    let copies: String = noted.iter().map(|object| format!("{commit} {object}\n")).collect();
    repo.git_bytes(&["notes", "--ref=ai", "copy", "--stdin"], copies.as_bytes());
    let paths = repo.paths("refs/notes/ai");
    assert!(paths.iter().all(|path| path.contains(&b'/')), "git did not spread the notes");
    let found = read(&repo);
    assert_eq!((found.n_records, found.recordings.len()), (601, 601));
    assert!(found.recordings.iter().any(|recording| recording.commit == commit));
}

#[test]
fn every_place_is_read_and_every_refusal_is_named() {
    let repo = GitRepo::new();
    let trace = |commit: ObjectId| {
        format!(
            r#"{{"version":"0.1.0","vcs":{{"type":"git","revision":"{commit}"}},"files":[{{"path":"a.rs","conversations":[{{"contributor":{{"type":"ai"}},"ranges":[{{"start_line":1,"end_line":2}}]}}]}}]}}"#
        )
    };
    repo.write("a.rs", "one\ntwo\n");
    let first = repo.commit("Begin\n").create();
    repo.write(".agent-trace/traces.jsonl", format!("{}\nnonsense\n\n", trace(first)));
    let commit = repo.commit("Go on\n\nEntire-Checkpoint: a3b2c4d5e6f7\n").create();
    let id = commit.to_string();
    for (name, note) in [
        ("agent-trace", trace(first)),
        ("agentnote", r#"{"v":1,"agent":"codex","files":[{"path":"a.rs","by_ai":true}]}"#.to_owned()),
        ("whogitit", r#"{"version":3,"files":[{"path":"a.rs","lines":[{"line_number":1,"content":"one","source":{"type":"AI"}}]}]}"#.to_owned()),
        ("ai-blame", "nonsense".to_owned()),
        ("commits", "somebody's remark".to_owned()),
    ] {
        repo.git(&["notes", &format!("--ref={name}"), "add", "-m", &note, &id]);
    }
    let early = blob(&repo, r#"{"files":{"a.rs":{"authors":[{"author":"Cursor","lines":[1]}]}}}"#);
    repo.git(&["update-ref", &format!("refs/ai/authorship/{id}"), &early]);
    let traces = blob(&repo, &trace(commit));
    let rows = format!("100644 blob {traces}\ttraces.jsonl\n");
    let meta = repo.git(&["commit-tree", "-m", "Traces", &tree(&repo, &rows)]);
    repo.git(&["update-ref", "refs/agentdiff/meta", &meta]);
    let checkpoint = checkpoint_tree(&repo);
    let kept = repo.git(&["commit-tree", "-m", "Checkpoint", &checkpoint]);
    repo.git(&["update-ref", "refs/entire/checkpoints/f7/a3b2c4d5e6f7", &kept]);
    let shard = tree(&repo, &format!("040000 tree {checkpoint}\tb2c4d5e6f7\n"));
    let branch = tree(&repo, &format!("040000 tree {shard}\ta3\n"));
    let branch = repo.git(&["commit-tree", "-m", "Checkpoints", &branch]);
    repo.git(&["update-ref", "refs/heads/entire/checkpoints/v1", &branch]);
    // A file among notes that is none, beside one that is.
    let stray = format!("100644 blob {early}\tREADME\n100644 blob {early}\t{id}\n");
    let stray = repo.git(&["commit-tree", "-m", "Notes", &tree(&repo, &stray)]);
    repo.git(&["update-ref", "refs/notes/ai", &stray]);

    let found = read(&repo);
    let mut taken: Vec<_> =
        found.recordings.iter().map(|recording| (recording.recorder, recording.revision)).collect();
    taken.sort();
    let expected = [
        (Recorder::AgentTrace, RevisionMeaning::Commit),
        (Recorder::AgentTrace, RevisionMeaning::MaybeParent),
        (Recorder::Agentdiff, RevisionMeaning::Commit),
        (Recorder::Agentnote, RevisionMeaning::Commit),
        (Recorder::GitAi, RevisionMeaning::Commit),
        (Recorder::Whogitit, RevisionMeaning::Commit),
    ];
    assert_eq!(taken, expected);
    let mut refused: Vec<_> = found
        .refused
        .iter()
        .map(|refused| (refused.place.as_str(), refused.line, refused.reason.as_str()))
        .collect();
    refused.sort_unstable();
    let expected = [
        (".agent-trace/traces.jsonl", Some(2), "not-json"),
        ("refs/notes/ai", None, "not-a-note"),
        ("refs/notes/ai-blame", None, "not-json"),
    ];
    assert_eq!(refused, expected);
    assert_eq!(found.n_records, 10, "six taken, three refused, one session of a checkpoint");

    let sessions: Vec<_> = found.checkpoints.iter().collect();
    let [("a3b2c4d5e6f7", [session])] = sessions.as_slice() else { panic!("{sessions:?}") };
    let [transcript] = session.transcripts.as_slice() else { panic!("{session:?}") };
    assert_eq!((transcript.name.as_str(), transcript.agent.as_deref()), ("full.jsonl", Some("Codex")));
    let message = b"Go on\n\nEntire-Checkpoint: a3b2c4d5e6f7\n";
    let linked = found.checkpoints.link(commit, message);
    let paths: Vec<_> = linked.iter().flat_map(|recording| &recording.files).map(|file| &file.path).collect();
    assert_eq!(paths, [b"a.rs"]);
}

/// A checkpoint of one session, with what describes the whole beside it.
fn checkpoint_tree(repo: &GitRepo) -> String {
    let session = blob(repo, r#"{"session_id":"s","agent":"Codex","files_touched":["a.rs"]}"#);
    let log = blob(repo, "{}\n");
    let rows = format!("100644 blob {session}\tmetadata.json\n100644 blob {log}\tfull.jsonl\n");
    let session = tree(repo, &rows);
    let whole = blob(repo, r#"{"checkpoint_id":"a3b2c4d5e6f7","files_touched":["a.rs"],"sessions":[{}]}"#);
    tree(repo, &format!("040000 tree {session}\t0\n100644 blob {whole}\tmetadata.json\n"))
}

#[test]
fn a_place_that_cannot_be_read_is_named() {
    let repo = GitRepo::new();
    repo.write("a.rs", "one\n");
    let commit = repo.commit("Begin\n").create().to_string();
    repo.git(&["notes", "--ref=ai", "add", "-m", &log("a.rs", "1"), &commit]);
    let gone = repo.git(&["rev-parse", "refs/notes/ai^{tree}"]);
    let (folder, name) = gone.split_at(2);
    fs::remove_file(repo.git_dir().join("objects").join(folder).join(name)).unwrap();
    let found = read(&repo);
    assert!(found.recordings.is_empty());
    let places: Vec<_> = found.unread.iter().map(|unread| unread.place.as_str()).collect();
    assert_eq!(places, ["refs/notes/ai"]);
}

#[test]
fn a_census_holds_records_against_their_commits() {
    let repo = GitRepo::new();
    repo.write("a.rs", "one\ntwo");
    let lost = repo.commit("Begin\n").create();
    repo.git(&["notes", "--ref=ai", "add", "-m", &log("a.rs", "1-2"), &lost.to_string()]);
    repo.git(&["checkout", "--quiet", "--orphan", "again"]);
    repo.write("a.rs", "one\n");
    let kept = repo.commit("Begin again\n").create();
    let note = format!("gone.rs\n  s_1::t_1 1\n{}", log("a.rs", "1,1-2,5"));
    repo.git(&["notes", "--ref=ai", "add", "-m", &note, &kept.to_string()]);
    let nowhere = blob(&repo, "no commit\n");
    repo.git(&["notes", "--ref=ai", "add", "-m", "nonsense", &nowhere]);
    let repository = Repository::open(repo.path(), &[]).unwrap();
    let mut reader = ObjectReader::new(repository.objects(), 1 << 20);
    let head = repository.resolve("HEAD").unwrap();
    let census = census(&repository, &mut reader, head);
    assert_eq!((census.n_records, census.n_spans), (3, 5));
    assert_eq!(census.refused.into_iter().collect::<Vec<_>>(), [("no-metadata", 1)]);
    assert_eq!((census.n_unreachable, census.n_absent_commits), (1, 0));
    let faults: Vec<_> = census.faults.iter().map(|(fault, count)| (fault.as_str(), *count)).collect();
    assert_eq!(faults, [("absent-file", 1), ("past-end", 2)]);
}

/// Planted in every text that a record has room for; nothing of it may be kept.
const SECRET: &str = "hunter2-planted";

#[test]
fn nothing_that_was_asked_or_answered_is_kept() {
    let records = [
        (
            Format::GitAi,
            format!(
                "a\n  s_1::t_1 1\n---\n{{\"sessions\":{{\"s_1\":{{\"agent_id\":{{\"tool\":\"codex\"}},\"messages\":[{{\"text\":\"{SECRET}\"}}],\"human_author\":\"{SECRET}\"}}}},\"humans\":{{\"h_1\":{{\"author\":\"{SECRET}\"}}}}}}"
            ),
        ),
        (Format::GitAi, format!("---\n{{\"sessions\":{{\"s_1\":{{\"agent_id\":\"{SECRET}\"}}}}}}")),
        (
            Format::AgentTraceNote,
            format!(
                r#"{{"version":"0.1.0","files":[{{"path":"a","conversations":[{{"url":"{SECRET}","contributor":{{"type":"ai"}}}}]}}],"metadata":{{"prompt_excerpt":"{SECRET}","intent":"{SECRET}"}}}}"#
            ),
        ),
        (Format::AgentTraceNote, format!(r#"{{"version":"{SECRET} or so","files":[]}}"#)),
        (
            Format::Agentnote,
            format!(
                r#"{{"v":1,"agent":"codex","interactions":[{{"prompt":"{SECRET}","response":"{SECRET}"}}],"files":"{SECRET}"}}"#
            ),
        ),
        (
            Format::Whogitit,
            format!(
                r#"{{"version":3,"prompts":[{{"text":"{SECRET}"}}],"files":[{{"path":"a","lines":[{{"line_number":1,"content":"{SECRET}","source":{{"type":"AI"}}}}]}}]}}"#
            ),
        ),
        (Format::EntireSession, format!(r#"{{"session_id":"s","summary":"{SECRET}","prompt":"{SECRET}"}}"#)),
    ];
    for (format, record) in records {
        assert!(record.contains(SECRET));
        for recording in format.parse(record.as_bytes()) {
            let version = matches!(recording, Err(RecordingError::UnknownVersion { .. }));
            let said = match &recording {
                Ok(recording) => format!("{recording:?}"),
                Err(error) => format!("{error} {error:?}"),
            };
            assert!(version || !said.contains(SECRET), "{format:?}: {said}");
        }
    }
}

#[test]
fn nesting_and_sizes_are_bounded() {
    let deep = format!("{{\"v\":1,\"files\":{}", "[".repeat(100_000));
    for format in Format::ALL {
        for recording in format.parse(deep.as_bytes()) {
            assert!(recording.is_err() || matches!(format, Format::EntireMessage), "{format:?}");
        }
    }
    let many = log("a", &vec!["1"; (1 << 20) + 1].join(","));
    assert_eq!(git_ai::parse(RECORD, COMMIT, many.as_bytes()).unwrap_err().as_str(), "over-limit");
    let long = vec![b' '; (64 << 20) + 1];
    for format in Format::ALL {
        let refused = |recording: &Result<Recording, RecordingError>| {
            recording.as_ref().is_err_and(|error| error.as_str() == "over-limit")
        };
        let recordings = format.parse(&long);
        assert!(recordings.iter().all(refused), "{format:?}");
    }
}

/// A path as Git AI writes it: quoted where it holds a blank.
fn written(path: &str) -> String {
    if path.contains(' ') { format!("\"{path}\"") } else { path.to_owned() }
}

proptest! {
    #[test]
    fn a_written_log_reads_back(
        files in prop::collection::btree_map(
            "[a-z]{1,8}( [a-z]{1,8})?\\.rs",
            prop::collection::vec((0_usize..4, 1_u32..10_000, 0_u32..50), 1..6),
            0..5,
        ),
    ) {
        let tools = ["claude", "codex", "cursor", "devin"];
        let mut text = String::new();
        for (path, entries) in &files {
            writeln!(text, "{}", written(path)).unwrap();
            for (session, start, more) in entries {
                writeln!(text, "  s_{session}::t_0 {start}-{}", start + more).unwrap();
            }
        }
        let sessions: Vec<String> = tools.iter().enumerate().map(|(at, tool)| format!(r#""s_{at}":{{"agent_id":{{"tool":"{tool}","id":"{at}"}}}}"#)).collect();
        write!(text, "---\n{{\"schema_version\":\"authorship/3.0.0\",\"sessions\":{{{}}}}}", sessions.join(",")).unwrap();
        let recording = git_ai::parse(RECORD, COMMIT, text.as_bytes()).unwrap();
        prop_assert!(recording.faults.is_empty());
        let read: Vec<_> = recording.files.iter().map(|file| {
            let entries = file.spans.iter().map(|span| {
                let Writer::Tool(tool) = &span.writer else { panic!("{span:?}") };
                let lines = span.lines.unwrap();
                (tool.session.as_ref().unwrap().parse::<usize>().unwrap(), lines.start(), lines.lines() - 1)
            });
            (String::from_utf8(file.path.clone()).unwrap(), entries.collect::<Vec<_>>())
        }).collect();
        prop_assert_eq!(read, files.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn no_bytes_make_a_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), cut in 0_usize..400) {
        let valid = log("a b", "1-9,3");
        let mut mixed = valid.as_bytes().to_vec();
        mixed.truncate(cut);
        mixed.extend_from_slice(&bytes);
        for format in Format::ALL {
            for record in [&bytes, &mixed] {
                for recording in format.parse(record).into_iter().flatten() {
                    prop_assert!(recording.files.iter().all(|file| !file.path.is_empty()));
                }
            }
        }
    }
}
