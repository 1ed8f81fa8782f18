//! Runs the cases of every log format, and holds the laws of reading: nothing panics, repeats or leaks.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot read its own cases has to stop"
)]

use std::fs;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use lazaret_intake::sessions::{
    Certainty, Extent, Limits, LogFormat, SessionError, SessionLog, SessionReader, SessionReport,
    Surroundings, UnreadKind, Writing, WrittenText, find_logs, read_log,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const EXPECTED: &str = "expected.json";

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sessions");
    let mut cases: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    cases
}

/// Returns the logs of a case, by name.
fn logs(case: &Path) -> Vec<(String, Vec<u8>)> {
    let mut paths: Vec<_> = fs::read_dir(case).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.retain(|path| path.file_name().unwrap() != EXPECTED);
    let name = |path: &Path| path.file_stem().unwrap().to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), fs::read(path).unwrap())).collect()
}

/// Reads logs one after the other, each cut into pieces where `cut` says.
fn read_all(
    logs: &[(String, Vec<u8>)],
    cut: impl Fn(&[u8]) -> Vec<Vec<u8>>,
) -> (Vec<Writing>, SessionReport) {
    let mut reader = SessionReader::new(Limits::default());
    let (mut writings, mut total) = (Vec::new(), SessionReport::default());
    let mut sink = |writing| writings.push(writing);
    for (name, bytes) in logs {
        let mut log = SessionLog::new(name, None);
        for piece in cut(bytes) {
            let report = reader.read(&mut log, piece.as_slice(), &mut sink).unwrap();
            total.format = total.format.or(report.format);
            total.merge(&report);
        }
    }
    total.merge(&reader.finish(&mut sink));
    (writings, total)
}

fn whole(log: &[u8]) -> Vec<Vec<u8>> {
    vec![log.to_vec()]
}

fn text(bytes: &[u8]) -> Value {
    json!(String::from_utf8(bytes.to_vec()).unwrap())
}

fn shown_text(written: &WrittenText) -> Value {
    let mut value = json!({
        "extent": match written.extent {
            Extent::WholeFile => "whole-file",
            Extent::Lines => "lines",
            Extent::Fragment => "fragment",
        },
        "text": text(&written.text),
    });
    if let Some(replaced) = &written.replaced {
        value["replaced"] = text(replaced);
    }
    if let Some(line) = written.first_line {
        value["first_line"] = json!(line);
    }
    value
}

fn shown(writing: &Writing) -> Value {
    let mut value = json!({
        "session": writing.session,
        "certainty": match writing.certainty {
            Certainty::Confirmed => "confirmed",
            Certainty::Unconfirmed => "unconfirmed",
            Certainty::Shown => "shown",
        },
        "written": writing.written.iter().map(shown_text).collect::<Vec<_>>(),
    });
    let workspace = &writing.workspace;
    let fields = [
        ("path", &writing.path),
        ("model", &writing.model),
        ("harness", &writing.harness),
        ("harness_version", &writing.harness_version),
        ("folder", &workspace.folder),
        ("repository", &workspace.repository),
        ("commit", &workspace.commit),
        ("branch", &workspace.branch),
        ("at", &writing.at.map(|at| at.to_string())),
        (
            "file_before",
            &writing.file_before.as_ref().map(|before| String::from_utf8(before.clone()).unwrap()),
        ),
    ];
    for (name, field) in fields {
        if let Some(field) = field {
            value[name] = json!(field);
        }
    }
    if writing.edited_by_user {
        value["edited_by_user"] = json!(true);
    }
    value
}

fn shown_report(report: &SessionReport) -> Value {
    let unread = report.unread.iter().map(|(kind, count)| (format!("{kind:?}"), json!(count)));
    json!({
        "format": report.format.map(LogFormat::name),
        "lines": report.lines,
        "records": report.records,
        "refused": report.refused,
        "duplicates": report.duplicates,
        "unread": unread.collect::<serde_json::Map<_, _>>(),
    })
}

#[test]
fn every_case_gives_what_it_says() {
    let mut wrong = Vec::new();
    for case in cases() {
        let (writings, report) = read_all(&logs(&case), whole);
        let seen = json!({
            "report": shown_report(&report),
            "writings": writings.iter().map(shown).collect::<Vec<_>>(),
        });
        let expected = fs::read(case.join(EXPECTED)).unwrap_or_default();
        if serde_json::from_slice(&expected).ok() != Some(seen.clone()) {
            let name = case.file_name().unwrap().to_string_lossy().into_owned();
            let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&name).with_extension("json");
            fs::write(&place, serde_json::to_string_pretty(&seen).unwrap() + "\n").unwrap();
            wrong.push(format!("{name}: see {}", place.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_format_has_a_case_and_is_told_from_its_content() {
    let mut seen = Vec::new();
    for case in cases() {
        let (_, report) = read_all(&logs(&case), whole);
        seen.extend(report.format);
        for (name, log) in logs(&case) {
            assert_eq!(LogFormat::detect(&log), report.format, "{name} of {}", case.display());
        }
    }
    let missing: Vec<_> = LogFormat::ALL.iter().filter(|format| !seen.contains(format)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn what_nobody_wrote_is_not_told() {
    for case in cases() {
        let (writings, _) = read_all(&logs(&case), whole);
        for written in writings.iter().flat_map(|writing| &writing.written) {
            let text = String::from_utf8_lossy(&written.text);
            for strange in ["never written", "never_written", "by_a_person", "only_read", "only_thought"] {
                assert!(!text.contains(strange), "{}: {strange}", case.display());
            }
        }
    }
}

/// What one writing is, without what the order of reading decides.
fn summary(writings: &[Writing]) -> Vec<String> {
    let mut summary: Vec<_> = writings.iter().map(|writing| shown(writing).to_string()).collect();
    summary.sort();
    summary
}

/// Cuts a log after the `nth` of its lines.
fn cut_after(log: &[u8], nth: usize) -> Vec<Vec<u8>> {
    let ends: Vec<_> =
        log.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect();
    match ends.get(nth % (ends.len().max(1))) {
        Some(end) => vec![log[..*end].to_vec(), log[*end..].to_vec()],
        None => whole(log),
    }
}

fn is_json_lines(case: &Path) -> bool {
    logs(case)
        .iter()
        .all(|(_, log)| log.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count() > 1)
        && logs(case).iter().all(|(_, log)| log.starts_with(b"{\"") || log.starts_with(b"\xef\xbb\xbf{\""))
}

#[test]
fn a_log_that_grew_gives_the_same_wherever_it_is_cut() {
    for case in cases().into_iter().filter(|case| is_json_lines(case)) {
        let logs = logs(&case);
        let (expected, report) = read_all(&logs, whole);
        for nth in 0..12 {
            let (writings, cut_report) = read_all(&logs, |log| cut_after(log, nth));
            assert_eq!(summary(&writings), summary(&expected), "{} after line {nth}", case.display());
            assert_eq!(cut_report.unread, report.unread, "{} after line {nth}", case.display());
        }
    }
}

#[test]
fn reading_a_log_twice_tells_nothing_new() {
    for case in cases() {
        let logs = logs(&case);
        let (once, _) = read_all(&logs, whole);
        let mut doubled = logs.clone();
        doubled.extend(logs);
        let (twice, report) = read_all(&doubled, whole);
        assert_eq!(summary(&twice), summary(&once), "{}", case.display());
        assert!(report.duplicates > 0, "{}", case.display());
    }
}

/// Returns the lines of a case's log whose records stand for themselves in Claude Code's format.
fn claude_lines() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sessions/claude-code-edits");
    let log = String::from_utf8(logs(&folder).remove(0).1).unwrap();
    log.lines().map(str::to_owned).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        for format in LogFormat::ALL {
            let report = read_log(&mut SessionLog::new("noise", Some(format)), bytes.as_slice(), Limits::default(), &mut |_| {}).unwrap();
            prop_assert_eq!(report.writings, 0);
        }
    }

    #[test]
    fn damaged_logs_never_panic(nth in 0_usize..25, at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let cases = cases();
        for (name, mut log) in logs(&cases[nth % cases.len()]) {
            let at = at.index(log.len());
            if cut {
                log.truncate(at);
            } else {
                log[at] = byte;
            }
            let result = read_log(&mut SessionLog::new(&name, None), log.as_slice(), Limits::default(), &mut |_| {});
            let is_read = matches!(result, Ok(_) | Err(SessionError::UnknownFormat { .. }));
            prop_assert!(is_read);
        }
    }

    #[test]
    fn the_order_of_lines_and_their_repetition_do_not_matter(
        lines in Just(claude_lines()).prop_shuffle(),
        repeated in proptest::collection::vec(any::<prop::sample::Index>(), 0..10),
    ) {
        let (expected, _) = read_all(&[("log".to_owned(), claude_lines().join("\n").into_bytes())], whole);
        let mut lines = lines;
        for at in repeated {
            let line = lines[at.index(lines.len())].clone();
            lines.push(line);
        }
        let (writings, _) = read_all(&[("log".to_owned(), lines.join("\n").into_bytes())], whole);
        prop_assert_eq!(summary(&writings), summary(&expected));
    }
}

/// Gives `left` times the same byte after `head`, then `tail`, without holding them.
fn long_line(head: &'static [u8], left: u64, tail: &'static [u8]) -> impl Read {
    head.chain(std::io::repeat(b'x').take(left)).chain(tail)
}

#[test]
fn a_line_of_a_gigabyte_is_passed_over_counted_and_not_held() {
    let head = b"{\"type\":\"user\",\"sessionId\":\"s\",\"message\":{\"content\":\"";
    let tail = b"\"}}\n{\"type\":\"assistant\",\"sessionId\":\"s\",\"message\":{\"content\":[{\"type\":\"tool_use\",\"id\":\"t\",\
                 \"name\":\"Write\",\"input\":{\"file_path\":\"a\",\"content\":\"after\"}}]}}\n";
    let mut writings = Vec::new();
    let log = BufReader::with_capacity(1 << 16, long_line(head, 1 << 30, tail));
    let report = read_log(
        &mut SessionLog::new("long", Some(LogFormat::ClaudeCode)),
        log,
        Limits::default(),
        &mut |writing| {
            writings.push(writing);
        },
    )
    .unwrap();
    assert_eq!(report.unread(UnreadKind::OverLimit), 1);
    assert_eq!((report.lines, report.places[0].line), (2, 1));
    assert_eq!(writings[0].written[0].text, b"after");
}

#[test]
fn limits_hold_for_documents_and_blocks_too() {
    let limits = Limits { record_bytes_max: 1000, waiting_bytes_max: 1000 };
    let big = "x".repeat(2000);
    let document =
        format!("{{\n\"sessionId\": \"s\", \"projectHash\": \"h\", \"messages\": [], \"x\": \"{big}\"}}\n");
    let report = read_log(
        &mut SessionLog::new("d", Some(LogFormat::GeminiCli)),
        document.as_bytes(),
        limits,
        &mut |_| {},
    )
    .unwrap();
    assert_eq!(report.unread(UnreadKind::OverLimit), 1);
    let lines = "short\n".repeat(400);
    let markdown = format!("_**Agent (m)**_\n\n```\n{lines}```\n");
    let report = read_log(
        &mut SessionLog::new("m", Some(LogFormat::SpecStory)),
        markdown.as_bytes(),
        limits,
        &mut |_| {},
    )
    .unwrap();
    assert_eq!((report.unread(UnreadKind::OverLimit), report.writings), (1, 0));
}

#[test]
fn calls_that_wait_too_long_are_told_unconfirmed() {
    let mut log = String::new();
    for nth in 0..20 {
        let input = json!({"file_path": format!("f{nth}"), "content": "x".repeat(500)});
        let block = json!({"type": "tool_use", "id": format!("t{nth}"), "name": "Write", "input": input});
        let line = json!({"type": "assistant", "sessionId": "s", "message": {"content": [block]}});
        log.push_str(&format!("{line}\n"));
    }
    let limits = Limits { waiting_bytes_max: 2000, ..Limits::default() };
    let mut reader = SessionReader::new(limits);
    let mut told = Vec::new();
    let report = reader
        .read(&mut SessionLog::new("log", None), log.as_bytes(), &mut |writing| told.push(writing))
        .unwrap();
    assert!((15..20).contains(&report.writings), "{report:?}");
    reader.finish(&mut |writing| told.push(writing));
    assert_eq!(told.len(), 20);
    assert!(told.iter().all(|writing| writing.certainty == Certainty::Unconfirmed));
}

#[test]
fn deep_and_wide_values_are_passed_over_by_name() {
    let deep = format!("{}1{}\n", "{\"message\":".repeat(100_000), "}".repeat(100_000));
    let wide = format!("{{\"type\":\"user\",\"x\":[{}0]}}\n", "0,".repeat(2 << 20));
    let log = format!("{deep}{wide}");
    let report = read_log(
        &mut SessionLog::new("deep", Some(LogFormat::ClaudeCode)),
        log.as_bytes(),
        Limits::default(),
        &mut |_| {},
    )
    .unwrap();
    assert_eq!((report.unread(UnreadKind::TooDeep), report.unread(UnreadKind::OverLimit)), (1, 1));
}

#[test]
fn planted_keys_come_out_nowhere() {
    const KEY: &str = "sk-planted-0123456789";
    let line = |kind: &str, content: Value, more: Value| {
        let mut line = json!({"type": kind, "sessionId": "s", "message": {"content": content}});
        line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        format!("{line}\n")
    };
    let mut log = line("user", json!(KEY), json!({}));
    log += &line(
        "assistant",
        json!([{"type": "text", "text": KEY}, {"type": "thinking", "thinking": KEY}]),
        json!({}),
    );
    log += &line(
        "assistant",
        json!([{"type": "tool_use", "id": "a", "name": "Bash", "input": {"command": format!("curl -H {KEY}")}}]),
        json!({}),
    );
    log += &line(
        "user",
        json!([{"type": "tool_result", "tool_use_id": "a", "content": KEY}]),
        json!({"toolUseResult": {"stdout": KEY}}),
    );
    log += &line(
        "assistant",
        json!([{"type": "tool_use", "id": "b", "name": "Write", "input": {"file_path": "f", "content": format!("key = {KEY}\n")}}]),
        json!({}),
    );
    log += &line(
        "user",
        json!([{"type": "tool_result", "tool_use_id": "b", "content": KEY}]),
        json!({"toolUseResult": {"filePath": "f", "content": "x\n", "originalFile": KEY}}),
    );
    log += &line(KEY, json!(KEY), json!({}));
    log += &line("assistant", json!([{"type": "tool_use", "id": "c", "name": KEY, "input": KEY}]), json!({}));
    log += &format!("{{\"{KEY}\": \n");
    let mut seen = Vec::new();
    let report =
        read_log(&mut SessionLog::new("log", None), log.as_bytes(), Limits::default(), &mut |writing| {
            seen.push(writing);
        })
        .unwrap();
    assert_eq!((seen.len(), report.unread(UnreadKind::Malformed)), (1, 1));
    let unknown = read_log(&mut SessionLog::new("log", None), KEY.as_bytes(), Limits::default(), &mut |_| {})
        .unwrap_err();
    let said = format!("{seen:?} {:?} {report:?} {unknown} {unknown:?}", seen[0].written);
    assert!(!said.contains(KEY), "{said}");
    // What was written, and the file it was written to, go to the sink and nothing beside.
    let workspace =
        format!("{:?} {:?} {:?} {:?}", seen[0].workspace, seen[0].harness, seen[0].model, seen[0].session);
    assert!(!workspace.contains(KEY));
}

#[test]
fn the_places_of_logs_are_known() {
    let home = tempfile::tempdir().unwrap();
    let put = |path: &str| {
        let path = home.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, b"{}").unwrap();
    };
    for path in [
        ".claude/projects/-home-robin/s1.jsonl",
        ".claude/projects/-home-robin/s1/subagents/agent-1.jsonl",
        ".claude/settings.json",
        ".config/claude/projects/p/s2.jsonl",
        ".codex/sessions/2026/03/04/rollout-2026-03-04-s3.jsonl",
        ".codex/archived_sessions/rollout-s4.jsonl",
        ".codex/archived_sessions/rollout-s0.jsonl.zst",
        ".codex/auth.json",
        ".gemini/tmp/ab12/chats/session-1.json",
        ".gemini/tmp/ab12/logs.json",
        ".copilot/session-state/s5/events.jsonl",
        ".local/share/opencode/storage/part/m1/p1.json",
        ".local/share/opencode/storage/message/s6/m1.json",
        ".local/share/opencode/opencode.db",
        ".local/share/amp/threads/T-1.json",
        ".cursor/projects/p/agent-transcripts/s7.jsonl",
        ".cursor/mcp.json",
        ".pi/agent/sessions/p/s8.jsonl",
        ".factory/sessions/s9.jsonl",
        "elsewhere/sessions/rollout-s10.jsonl",
    ] {
        put(path);
    }
    let surroundings = Surroundings { home: home.path().to_owned(), ..Surroundings::default() };
    let found = find_logs(&surroundings);
    let relative = |path: &Path| path.strip_prefix(home.path()).unwrap().to_string_lossy().into_owned();
    let seen: Vec<_> = found.logs.iter().map(|log| (log.format, relative(&log.location))).collect();
    let expected = [
        (LogFormat::ClaudeCode, ".claude/projects/-home-robin/s1.jsonl"),
        (LogFormat::ClaudeCode, ".claude/projects/-home-robin/s1/subagents/agent-1.jsonl"),
        (LogFormat::ClaudeCode, ".config/claude/projects/p/s2.jsonl"),
        (LogFormat::Codex, ".codex/sessions/2026/03/04/rollout-2026-03-04-s3.jsonl"),
        (LogFormat::Codex, ".codex/archived_sessions/rollout-s4.jsonl"),
        (LogFormat::GeminiCli, ".gemini/tmp/ab12/chats/session-1.json"),
        (LogFormat::CopilotCli, ".copilot/session-state/s5/events.jsonl"),
        (LogFormat::OpenCode, ".local/share/opencode/storage/message/s6/m1.json"),
        (LogFormat::OpenCode, ".local/share/opencode/storage/part/m1/p1.json"),
        (LogFormat::Amp, ".local/share/amp/threads/T-1.json"),
        (LogFormat::Pi, ".pi/agent/sessions/p/s8.jsonl"),
        (LogFormat::Droid, ".factory/sessions/s9.jsonl"),
        (LogFormat::Cursor, ".cursor/projects/p/agent-transcripts/s7.jsonl"),
    ];
    assert_eq!(seen, expected.map(|(format, path)| (format, path.to_owned())));
    assert!(found.logs.iter().any(|log| log.format == LogFormat::CopilotCli && log.name == "s5"));
    let unread: Vec<_> = found.unread.iter().map(|path| relative(path)).collect();
    assert_eq!(
        unread,
        [".codex/archived_sessions/rollout-s0.jsonl.zst", ".local/share/opencode/opencode.db"]
    );
    assert!(found.errors.is_empty());
    let elsewhere = home.path().join("elsewhere");
    let found = find_logs(&Surroundings {
        codex_home: Some(elsewhere.clone()),
        claude_config_dir: Some(elsewhere),
        ..surroundings
    });
    let formats: Vec<_> = found.logs.iter().map(|log| log.format).collect();
    assert!(!formats.contains(&LogFormat::ClaudeCode));
    assert_eq!(found.logs[0].name, "rollout-s10");
}
