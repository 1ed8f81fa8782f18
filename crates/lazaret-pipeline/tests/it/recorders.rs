//! What recorders left counts for exactly the lines it names, wherever they go.

use lazaret_core::Verdict;
use lazaret_pipeline::{ScanRequest, scan};
use lazaret_testkit::{BuiltHistory, History};

use crate::world::{CLAUDE, LONG, Rulebook, file, hold_laws, request, scan_head, verdicts};

/// A policy that trusts the dates of every repository.
const TRUSTING: &str =
    "[[origin]]\nmatch = \"git:*\"\ndates-trusted-until = 2015-01-01\nreason = \"an archive of that day\"\n";

/// Puts a note on the commit of that number, under the ref that Git AI writes to.
fn note(world: &BuiltHistory, commit: usize, text: &str) {
    let commit = world.ids[commit].to_string();
    world.repo.git_bytes(&["notes", "--ref=ai", "add", "-f", "-F", "-", &commit], text.as_bytes());
}

/// A Git AI note on `a.txt`: lines by a session of Claude Code, lines that a person typed.
fn git_ai(tool: &str, human: Option<&str>) -> String {
    let human = human.map(|lines| format!("  h_0123456789abcd {lines}\n")).unwrap_or_default();
    format!(
        "a.txt\n  s_0123456789abcd::t_0123456789abcd {tool}\n{human}---\n{}",
        r#"{"schema_version":"authorship/3.0.0","base_commit_sha":"","prompts":{},
            "humans":{"h_0123456789abcd":{"author":"Ada Example <ada@person.example>"}},
            "sessions":{"s_0123456789abcd":{"agent_id":{"tool":"claude","id":"1","model":"claude-opus-4-6"}}}}"#
    )
}

fn lines(numbers: std::ops::Range<u32>) -> String {
    numbers.map(|number| format!("{number}: {LONG}")).collect()
}

/// A commit of four lines, on top of it one that puts two lines before them.
fn shifted(message: &str) -> BuiltHistory {
    let mut history = History::default();
    history.push(&[], "begin", &[("b.txt", LONG)]);
    history.push(&[0], message, &[("a.txt", &lines(0..4))]);
    history.push(&[1], "more", &[("a.txt", &(lines(10..12) + &lines(0..4)))]);
    history.build()
}

#[test]
fn recorded_lines_are_tainted_and_no_others() {
    let world = shifted("plain");
    note(&world, 1, &git_ai("2-3", Some("4")));
    let report = scan_head(world.repo.path());
    let (unproven, tainted) = (Verdict::Unproven, Verdict::Tainted);
    assert_eq!(verdicts(file(&report, "a.txt")), [unproven, unproven, unproven, tainted, tainted, unproven]);
    let span = &file(&report, "a.txt").spans[0];
    assert_eq!((span.start, span.end, span.commit), (4, 5, Some(world.ids[1])));
    let evidence = &report.evidence[0];
    assert_eq!(evidence.detector, "authorship-note");
    assert_eq!(evidence.tool.as_ref().unwrap().as_str(), "claude-code");
    assert_eq!((report.commits.marked, report.recorders.records, report.recorders.known_human), (1, 1, 1));
}

#[test]
fn a_record_narrows_a_trailer_where_a_person_was_seen_to_type() {
    let world = shifted(&format!("with help{CLAUDE}"));
    note(&world, 1, &git_ai("1", Some("2-3")));
    let report = scan_head(world.repo.path());
    let (unproven, suspect, tainted) = (Verdict::Unproven, Verdict::Suspect, Verdict::Tainted);
    // The last line is nobody's by the record: the trailer goes on speaking of it.
    assert_eq!(verdicts(file(&report, "a.txt")), [unproven, unproven, tainted, suspect, suspect, tainted]);
    let why = &report.evidence.iter().find(|entry| entry.why.contains("saw a person type")).unwrap().why;
    assert!(why.contains("git-ai"), "{why}");
}

#[test]
fn a_note_that_comes_later_counts_although_the_history_is_known() {
    let world = shifted("plain");
    let cache = tempfile::tempdir().unwrap();
    let with_index = ScanRequest { cache_dir: Some(cache.path()), ..request(world.repo.path()) };
    let before = scan(&with_index).unwrap();
    assert_eq!((before.report.lines.tainted, before.report.recorders.records), (0, 0));
    note(&world, 1, &git_ai("1-2", None));
    let after = scan(&with_index).unwrap();
    hold_laws(&after.report);
    assert_eq!(after.report.lines.tainted, 2);
    note(&world, 1, &git_ai("2", None));
    for _ in 0..2 {
        assert_eq!(scan(&with_index).unwrap().report.lines.tainted, 1);
    }
}

#[test]
fn what_cannot_be_read_and_what_lies_elsewhere_is_counted() {
    let mut history = History::default();
    history.push(&[], "begin", &[("a.txt", LONG)]);
    history.push(&[0], "aside", &[("a.txt", &LONG.repeat(2))]);
    history.push(&[0], "on", &[("b.txt", LONG)]);
    let world = history.build();
    note(&world, 0, "neither lines nor braces");
    note(&world, 1, &git_ai("1-2", None));
    let report = scan_head(world.repo.path());
    assert_eq!(
        (report.recorders.records, report.recorders.elsewhere.not_landed, report.lines.tainted),
        (2, 1, 0)
    );
    assert_eq!(report.recorders.refused.values().sum::<u64>(), 1, "{:?}", report.recorders);
}

#[test]
fn a_ref_that_cannot_be_read_lets_no_date_prove_anything_clean() {
    let trusting = Rulebook::with(TRUSTING);
    let mut history = History::default();
    history.push(&[], "begin", &[("a.txt", &lines(0..2))]);
    history.commits[0].date = 1_200_000_000;
    let world = history.build();
    let verdicts_of = || {
        let request = ScanRequest { measure: trusting.measure(), ..request(world.repo.path()) };
        let outcome = scan(&request).unwrap();
        hold_laws(&outcome.report);
        let warnings = outcome.report.warnings.iter();
        let examples: Vec<String> = warnings.map(|warning| warning.example.clone()).collect();
        (verdicts(file(&outcome.report, "a.txt")), examples)
    };
    assert_eq!(verdicts_of(), (vec![Verdict::Clean; 2], vec![]));
    let notes = world.repo.git_dir().join("refs/notes");
    std::fs::create_dir_all(&notes).unwrap();
    for (name, expected) in [("ai", "1 ref could"), ("other", "2 refs could")] {
        std::fs::write(notes.join(name), "no object's name\n").unwrap();
        let (verdicts, warnings) = verdicts_of();
        assert_eq!(verdicts, [Verdict::Unproven; 2]);
        assert!(warnings.iter().any(|warning| warning.starts_with(expected)), "{warnings:?}");
    }
}

#[test]
fn a_record_that_cannot_be_read_lets_no_date_prove_its_commit_clean() {
    let trusting = Rulebook::with(TRUSTING);
    let verdicts_of = |world: &BuiltHistory| {
        let request = ScanRequest { measure: trusting.measure(), ..request(world.repo.path()) };
        let outcome = scan(&request).unwrap();
        hold_laws(&outcome.report);
        verdicts(file(&outcome.report, "a.txt"))
    };
    let build = || {
        let mut history = History::default();
        history.push(&[], "begin", &[("a.txt", &lines(0..2))]);
        history.push(&[0], "more", &[("a.txt", &lines(0..4))]);
        for (commit, date) in history.commits.iter_mut().zip([1_200_000_000, 1_300_000_000]) {
            commit.date = date;
        }
        history.build()
    };
    let (clean, unproven) = (Verdict::Clean, Verdict::Unproven);
    let world = build();
    assert_eq!(verdicts_of(&world), [clean; 4]);
    note(&world, 1, "neither lines nor braces");
    assert_eq!(verdicts_of(&world), [clean, clean, unproven, unproven]);
    // A note that is lost says no more than one that makes no sense.
    let world = build();
    note(&world, 1, &git_ai("3", None));
    let lost = world.repo.git(&["notes", "--ref=ai", "list", &world.ids[1].to_string()]);
    let (folder, name) = lost.trim().split_at(2);
    std::fs::remove_file(world.repo.git_dir().join("objects").join(folder).join(name)).unwrap();
    assert_eq!(verdicts_of(&world), [clean, clean, unproven, unproven]);
}
