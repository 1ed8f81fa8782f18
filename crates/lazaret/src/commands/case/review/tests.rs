//! What keys do, without a terminal or a store; and what the screen looks like.

mod keys;
mod looks;

use std::collections::BTreeSet;

use jiff::Timestamp;
use lazaret_core::{Digest, Directness, PersonId, Strength, Verdict};
use lazaret_pipeline::docket::{
    CaseRow, CaseSheet, HeldLine, HeldLines, HeldSheet, NextStep, ProposalSheet, Queue, QueueRow,
    Requirement, ReviewSheet, Standing, TaintSheet,
};
use lazaret_store::{
    Case, CaseEvidence, CaseId, Cause, CauseKind, ContentKind, Custody, Hold, Place, Proposal, Resolution,
    SealedObject,
};
use zeroize::Zeroizing;

use super::document::Document;
use super::keys::Press;
use super::state::{Effect, Event, State};
use super::update::update;

fn time() -> Timestamp {
    "2026-06-01T00:00:00Z".parse().unwrap()
}

fn person(name: &str) -> PersonId {
    PersonId::to(&[7; 32], name.as_bytes())
}

/// A hostile path, as somebody may name a file.
const PATH: &str = "src/\u{1b}[2J\u{202e}lexer.rs";

fn hold(number: u64) -> Hold {
    Hold {
        content: Digest::of(format!("content {number}").as_bytes()),
        blob: None,
        kind: ContentKind::File,
        bytes: 100,
        lines: 4,
        case: CaseId(number),
        custody: Custody::Sealed,
        sealed: Some(SealedObject { object: Digest::of(b"object"), object_bytes: 300 }),
        places: vec![Place { origin: "git:/srv/acme/lab".to_owned(), path: PATH.to_owned(), lines: None }],
        sightings: 1,
        reads: 0,
    }
}

fn evidence() -> CaseEvidence {
    CaseEvidence {
        evidence: Digest::of(b"evidence"),
        detector: "commit-trailer".parse().unwrap(),
        tool: Some("claude-code".parse().unwrap()),
        strength: Strength::Declared,
        directness: Directness::Direct,
    }
}

fn case(number: u64, proposed: Option<&Resolution>) -> Case {
    let proposal = |resolution: &Resolution| Proposal {
        resolution: resolution.clone(),
        proposer: Some(person("cleo")),
        time: time(),
        remark: None,
        agreed: BTreeSet::new(),
    };
    Case {
        case: CaseId(number),
        cause: Cause { kind: CauseKind::Commit, name: "4f21c0".to_owned() },
        opened: time(),
        due: "2026-07-01T00:00:00Z".parse().unwrap(),
        count: 1,
        lines: 4,
        contents: Digest::of(b"contents"),
        evidence: [evidence()].into(),
        catalog: Digest::of(b"catalog"),
        shaped_by: BTreeSet::new(),
        claim: None,
        proposal: proposed.map(proposal),
        decision: None,
        returned: None,
    }
}

fn row(number: u64, status: &str, standing: Standing) -> QueueRow {
    QueueRow {
        case: CaseId(number),
        row: CaseRow {
            case: format!("C{number}"),
            status: status.to_owned(),
            cause: "commit:4f21c0".to_owned(),
            opened: time().to_string(),
            due: "2026-07-01T00:00:00Z".to_owned(),
            overdue: number == 1,
            contents: 1,
            lines: 4,
            tools: vec!["claude-code".to_owned()],
            claimant: None,
        },
        standing,
        soon: number == 1,
        worth: 2,
    }
}

/// A sheet as dov sees it; what is proposed is cleo's.
fn sheet(number: u64, proposed: Option<&Resolution>) -> ReviewSheet {
    let status = if proposed.is_some() { "proposed" } else { "open" };
    let row = row(number, status, Standing::Yours);
    let taint = evidence();
    let proposal = proposed.map(|resolution| ProposalSheet {
        resolution: resolution.as_str().to_owned(),
        justification: None,
        refutations: std::collections::BTreeMap::new(),
        deltas: Vec::new(),
        proposer: Some("cleo".to_owned()),
        time: time().to_string(),
        remark: Some("nobody can say where it is from".to_owned()),
        agreed: Vec::new(),
    });
    let may = |act| Requirement { act, missing: Vec::new() };
    let requirements = if proposed.is_some() {
        vec![may("agree"), may("reject")]
    } else {
        let missing = vec!["a person who did not write the content".to_owned()];
        vec![Requirement { act: "cleared", missing }, may("removed"), may("kept-held")]
    };
    ReviewSheet {
        case: case(number, proposed),
        holds: vec![hold(number)],
        sheet: CaseSheet {
            format: "lazaret.case/1",
            row: row.row.clone(),
            held: Vec::<HeldSheet>::new(),
            held_more: 0,
            taints: vec![TaintSheet {
                evidence: taint.evidence.to_string(),
                detector: taint.detector.to_string(),
                tool: Some("claude-code".to_owned()),
                strength: "declared".to_owned(),
                directness: "direct".to_owned(),
            }],
            proposal,
            decision: None,
            next: vec![NextStep { act: "claim-case".to_owned(), people: vec!["dov".to_owned()] }],
            timeline: Vec::new(),
        },
        row,
        is_second: proposed.is_some(),
        requirements,
    }
}

/// A screen of dov's with three cases.
fn screen() -> State {
    let mut state = State::new("dov".to_owned(), true);
    let queue = Queue {
        store: "acme.example/lazaret".to_owned(),
        undecided: 100_000,
        overdue: 1,
        rows: vec![
            row(1, "open", Standing::Yours),
            row(2, "proposed", Standing::Yours),
            row(3, "claimed", Standing::Others),
        ],
        is_cut: true,
    };
    assert_eq!(update(&mut state, Event::Queue(queue)), []);
    state
}

fn press(state: &mut State, press: Press) -> Vec<Effect> {
    update(state, Event::Press(press))
}

fn key(state: &mut State, key: char) -> Vec<Effect> {
    press(state, Press::Char(key))
}

fn word(state: &mut State, word: &str) {
    for c in word.chars() {
        assert_eq!(key(state, c), []);
    }
}

/// Opens the text of the first case, and says whose its lines are.
fn with_text(state: &mut State, text: &[u8]) {
    assert_eq!(press(state, Press::Enter), [Effect::ReadSheet(CaseId(1))]);
    assert_eq!(update(state, Event::Sheet(Box::new(sheet(1, None)))), []);
    assert_eq!(key(state, '1').len(), 1);
    let content = hold(1).content;
    let document = Document::new(Zeroizing::new(text.to_vec()));
    assert_eq!(update(state, Event::Text(content, Ok(document))).len(), 1);
    let verdicts = [Verdict::Unproven, Verdict::Tainted, Verdict::Suspect, Verdict::Clean];
    let line = |verdict| HeldLine {
        verdict,
        tool: (verdict > Verdict::Unproven).then(|| "claude-code".to_owned()),
        commit: Some("4f21c0a9b8".to_owned()),
        author: "Eve Example".to_owned(),
        date: "2025-03-01".to_owned(),
        is_direct: verdict != Verdict::Suspect,
        evidence: vec![evidence().evidence],
    };
    let lines = HeldLines {
        place: Place { origin: "git:/srv/acme/lab".to_owned(), path: PATH.to_owned(), lines: None },
        rev: "HEAD".to_owned(),
        lines: verdicts.map(line).to_vec(),
        whys: [(evidence().evidence, "the trailer of the commit names the tool".to_owned())].into(),
    };
    assert_eq!(update(state, Event::Lines(content, Ok(lines))), []);
}
