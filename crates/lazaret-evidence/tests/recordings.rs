//! What recordings amount to, how they narrow a message's marks, and the laws of both.

#![expect(clippy::unwrap_used, reason = "a test that cannot build its recordings has to stop")]

use std::sync::{Arc, LazyLock};

use lazaret_core::{
    CommitFact, Evidence, ObjectId, RecordedFile, RecordedSpan, RecordedTool, Recorder, Recording,
    RecordingFault, RevisionMeaning, Signature, Span, Strength, Writer,
};
use lazaret_evidence::{Catalog, Detectors, Narrowed, PassedOver};
use proptest::prelude::*;

static DETECTORS: LazyLock<Detectors> = LazyLock::new(|| Detectors::new(&Catalog::built_in()));

const COMMIT: ObjectId = ObjectId::Sha1([7; 20]);

const MARK: &str = "Mend the parser\n\nIt was wrong.\n\nCo-authored-by: Claude <noreply@anthropic.com>\n";

fn marks(message: &str) -> Vec<Evidence> {
    let person = Signature { name: b"Robin Example", email: b"robin@people.example", seconds: 1 };
    let message = message.as_bytes();
    DETECTORS.commit(&CommitFact { id: COMMIT, author: person, committer: person, n_parents: 1, message })
}

fn tool(name: &str) -> Writer {
    let tool = Some(name.to_owned());
    Writer::Tool(Arc::new(RecordedTool { tool, model: None, session: None }))
}

fn span(start: u32, end: u32, writer: Writer) -> RecordedSpan {
    RecordedSpan::new(Some(Span::new(start, end).unwrap()), writer)
}

fn recording(recorder: Recorder, files: &[(&str, &[RecordedSpan])]) -> Recording {
    let mut recording = Recording::new(recorder, ObjectId::Sha1([0xab; 20]), COMMIT);
    let file = |(path, spans): &(&str, &[RecordedSpan])| RecordedFile {
        path: path.as_bytes().to_vec(),
        spans: spans.to_vec(),
    };
    recording.files = files.iter().map(file).collect();
    recording
}

/// A note that gives lines 1 to 4 of a file to the marked tool and saw a person type lines 5 to 9.
fn witness() -> Recording {
    recording(Recorder::GitAi, &[("a.rs", &[span(1, 4, tool("claude")), span(5, 9, Writer::KnownHuman)])])
}

fn lines(narrowed: &[Narrowed]) -> Vec<(String, Vec<(u32, u32)>)> {
    let ends = |spans: &[Span]| spans.iter().map(|span| (span.start(), span.end())).collect();
    narrowed
        .iter()
        .map(|narrowed| (String::from_utf8(narrowed.path.clone()).unwrap(), ends(&narrowed.lines)))
        .collect()
}

#[test]
fn typed_lines_beside_lines_of_the_marked_tool_are_left_with_a_hint() {
    let marks = marks(MARK);
    let narrowed = DETECTORS.narrow(&marks, &[witness()]);
    assert_eq!(lines(&narrowed), [("a.rs".to_owned(), vec![(5, 9)])]);
    let [narrowed] = narrowed.as_slice() else { panic!("one mark, one file") };
    assert_eq!(narrowed.mark, marks[0]);
    assert_eq!(narrowed.left.taint().unwrap().strength, Strength::Circumstantial);
    assert_eq!(narrowed.left.taint().unwrap().tool, narrowed.mark.taint().unwrap().tool);
    insta::assert_snapshot!(
        narrowed.left.why,
        @"a trailer `co-authored-by` that names a machine identity (mark claude-code-address), on lines that git-ai saw a person type (record abababababab)"
    );
}

#[test]
fn whatever_is_in_doubt_narrows_nothing() {
    let typed_elsewhere = recording(
        Recorder::GitAi,
        &[("a.rs", &[span(1, 4, tool("claude"))]), ("b.rs", &[span(1, 9, Writer::KnownHuman)])],
    );
    let other_tool =
        recording(Recorder::GitAi, &[("a.rs", &[span(1, 4, tool("codex")), span(5, 9, Writer::KnownHuman)])]);
    let untracked = recording(Recorder::GitAi, &[("a.rs", &[span(1, 4, tool("claude"))])]);
    let other_recorder = Recording { recorder: Recorder::AgentTrace, ..witness() };
    let other_commit = Recording { revision: RevisionMeaning::MaybeParent, ..witness() };
    let mut faulty = witness();
    faulty.fault(RecordingFault::UnresolvedKey);
    for (name, recordings) in [
        ("a file with no line of the tool", vec![typed_elsewhere]),
        ("a record of another tool", vec![other_tool]),
        ("lines that the record does not mention", vec![untracked]),
        ("a recorder that does not see people type", vec![other_recorder]),
        ("a record that may mean another commit", vec![other_commit]),
        ("a record with a fault", vec![faulty]),
        ("another record's whole file", vec![witness(), touched()]),
        ("no record", vec![]),
    ] {
        assert_eq!(DETECTORS.narrow(&marks(MARK), &recordings), [], "{name}");
    }
    for (name, message) in [
        ("a mark without a tool", "Mend\n\nIt was wrong.\n\nAI-assisted: true\n"),
        ("a mention", "Mend\n\n> Co-authored-by: Claude <noreply@anthropic.com>\n"),
        ("a reviewer", "Mend\n\nReviewed-by: Claude <noreply@anthropic.com>\n"),
    ] {
        let marks = marks(message);
        assert!(!marks.is_empty(), "{name} is a mark");
        assert_eq!(DETECTORS.narrow(&marks, &[witness()]), [], "{name}");
    }
    let machine = Signature { name: b"Claude", email: b"noreply@anthropic.com", seconds: 1 };
    let message = b"Mend the parser\n";
    let fact = CommitFact { id: COMMIT, author: machine, committer: machine, n_parents: 1, message };
    let author = DETECTORS.commit(&fact);
    assert!(!author.is_empty());
    assert_eq!(DETECTORS.narrow(&author, &[witness()]), [], "a machine as the author");
}

/// A checkpoint that names the file without lines.
fn touched() -> Recording {
    recording(Recorder::Entire, &[("a.rs", &[RecordedSpan::new(None, tool("Claude Code"))])])
}

#[test]
fn lines_that_another_record_gives_to_anybody_stay_under_the_mark() {
    let other = recording(Recorder::Whogitit, &[("a.rs", &[span(6, 7, Writer::Unknown)])]);
    let narrowed = DETECTORS.narrow(&marks(MARK), &[witness(), other]);
    assert_eq!(lines(&narrowed), [("a.rs".to_owned(), vec![(5, 5), (8, 9)])]);
}

#[test]
fn what_no_claim_follows_from_is_counted() {
    let spans = [
        span(1, 2, Writer::KnownHuman),
        span(3, 4, Writer::Unknown),
        span(5, 6, Writer::Named("Robin Example".into())),
        span(7, 8, tool("mock_ai")),
        span(9, 9, tool("mock_ai")),
    ];
    let mut recording = recording(Recorder::GitAi, &[("a.rs", &spans)]);
    recording.whole.push(tool("codex"));
    let claims = DETECTORS.recording(&recording);
    assert_eq!(claims.claims, []);
    let expected = PassedOver { known_human: 1, unknown: 1, people: 1, test_tools: 2, without_lines: 1 };
    assert_eq!(claims.passed_over, expected);
}

#[test]
fn reasons_name_the_record_and_repeat_no_odd_spelling() {
    let why = |name: &str| {
        let recording = recording(Recorder::GitAi, &[("a.rs", &[span(1, 2, tool(name))])]);
        DETECTORS.recording(&recording).claims[0].evidence.why.clone()
    };
    insta::assert_snapshot!(why("codex"), @"lines recorded as a tool's by git-ai (record abababababab)");
    insta::assert_snapshot!(
        why("quillwright-9"),
        @"lines recorded as a tool's by git-ai, by a tool called `quillwright-9` that the catalog does not know (record abababababab)"
    );
    insta::assert_snapshot!(
        why("Robin Example"),
        @"lines recorded as a tool's by git-ai, by a tool that the catalog does not know (record abababababab)"
    );
}

fn any_writer() -> impl Strategy<Value = Writer> {
    prop_oneof![
        3 => prop::sample::select(vec!["claude", "codex", "Quillwright", "mock_ai"]).prop_map(tool),
        1 => Just(Writer::Mixed(Arc::default())),
        1 => "[A-Za-z ]{0,12}".prop_map(|name| Writer::Named(name.into())),
        3 => Just(Writer::KnownHuman),
        1 => Just(Writer::Unknown),
    ]
}

fn any_span() -> impl Strategy<Value = RecordedSpan> {
    (prop::option::weighted(0.95, (1_u32..40, 0_u32..8)), any_writer()).prop_map(|(lines, writer)| {
        RecordedSpan::new(lines.map(|(start, more)| Span::new(start, start + more).unwrap()), writer)
    })
}

fn any_recording() -> impl Strategy<Value = Recording> {
    let files = prop::collection::vec(("[ab]", prop::collection::vec(any_span(), 0..6)), 0..3);
    let recorder = prop_oneof![
        3 => Just(Recorder::GitAi),
        1 => prop::sample::select(Recorder::ALL.to_vec()),
    ];
    (recorder, files).prop_map(|(recorder, files)| {
        let files: Vec<_> = files.iter().map(|(path, spans)| (path.as_str(), spans.as_slice())).collect();
        recording(recorder, &files)
    })
}

/// Everybody to whom a recording gives a line, or the whole file.
fn writers<'a>(recording: &'a Recording, path: &[u8], line: u32) -> Vec<&'a Writer> {
    let files = recording.files.iter().filter(|file| file.path == path);
    let spans = files.flat_map(|file| &file.spans);
    spans
        .filter(|span| span.lines.is_none_or(|lines| lines.contains(line)))
        .map(|span| &span.writer)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn every_recorded_line_of_a_tool_is_claimed_and_no_other(recording in any_recording()) {
        let claims = DETECTORS.recording(&recording).claims;
        for (path, line) in ["a", "b"].into_iter().flat_map(|path| (1..50).map(move |line| (path, line))) {
            let writers = writers(&recording, path.as_bytes(), line);
            let is_tool = |writer: &&Writer| match writer {
                Writer::Tool(tool) | Writer::Mixed(tool) => tool.tool.as_deref() != Some("mock_ai"),
                Writer::Named(_) | Writer::KnownHuman | Writer::Unknown => false,
            };
            let is_named = |writer: &&Writer| matches!(writer, Writer::Named(_));
            let is_claimed = claims.iter().any(|claim| {
                let covers = |lines: &Vec<Span>| lines.iter().any(|span| span.contains(line));
                claim.path.as_deref() == Some(path.as_bytes()) && claim.lines.as_ref().is_none_or(covers)
            });
            let (some_tool, some_name) = (writers.iter().any(is_tool), writers.iter().any(is_named));
            prop_assert!(is_claimed || !some_tool, "line {line} of {path} is not claimed");
            prop_assert!(!is_claimed || some_tool || some_name, "line {line} of {path} is claimed");
        }
        for claim in &claims {
            let is_disjoint = |lines: &Vec<Span>| lines.is_sorted_by(|a, b| a.end() + 1 < b.start());
            prop_assert!(claim.lines.as_ref().is_none_or(is_disjoint));
            prop_assert!(claim.evidence.taint().is_some_and(|taint| taint.role.writes()));
        }
    }

    #[test]
    fn narrowing_never_frees_a_line_that_a_record_gives_to_a_tool(
        recordings in prop::collection::vec(any_recording(), 0..3),
    ) {
        let marks = marks(MARK);
        for narrowed in DETECTORS.narrow(&marks, &recordings) {
            prop_assert!(narrowed.left.taint().unwrap().strength < narrowed.mark.taint().unwrap().strength);
            let about = recordings.iter().flat_map(|r| &r.files).filter(|file| file.path == narrowed.path);
            for span in about.flat_map(|file| &file.spans) {
                let Some(lines) = span.lines else {
                    prop_assert_eq!(&span.writer, &Writer::KnownHuman);
                    continue;
                };
                let is_freed = narrowed.lines.iter().any(|freed| freed.overlaps(lines));
                prop_assert!(!is_freed || span.writer == Writer::KnownHuman);
            }
        }
    }

    #[test]
    fn more_records_never_free_more_lines(
        recordings in prop::collection::vec(any_recording(), 0..3),
        more in any_recording().prop_filter("no witness itself", |recording| recording.recorder != Recorder::GitAi),
    ) {
        let n_lines = |recordings: &[Recording]| -> u32 {
            let narrowed = DETECTORS.narrow(&marks(MARK), recordings);
            narrowed.iter().flat_map(|narrowed| &narrowed.lines).map(|span| span.lines()).sum()
        };
        let before = n_lines(&recordings);
        let mut recordings = recordings;
        recordings.push(more);
        prop_assert!(n_lines(&recordings) <= before);
    }
}
