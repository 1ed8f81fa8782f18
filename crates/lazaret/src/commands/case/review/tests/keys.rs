//! What keys lead to.

use lazaret_pipeline::docket::{Choice, Decided, QueueFilter, Refuting, Undo};
use lazaret_store::{CaseStatus, Justification, ReadPurpose, Refuted};

use super::super::prompt::Prompt;
use super::super::state::{Kind, Outcome, Text, View};
use super::*;

fn took(case: u64, status: CaseStatus, standing: Standing, undo: Vec<Undo>) -> Event {
    let row = Box::new(row(case, status.as_str(), standing));
    Event::Outcomes(
        "taken in",
        vec![Outcome { case: CaseId(case), result: Ok((Decided { status, undo }, row)) }],
    )
}

#[test]
fn one_key_removes_and_the_next_case_is_there_with_its_text() {
    let mut state = screen();
    with_text(&mut state, b"a\nb\nc\nd\n");
    assert_eq!(key(&mut state, 'x'), [Effect::Decide(vec![CaseId(1)], Choice::Remove, None)]);
    let undo = vec![Undo::Reject, Undo::Yield];
    let next = update(&mut state, took(1, CaseStatus::Proposed, Standing::Others, undo.clone()));
    assert_eq!(next, [Effect::ReadSheet(CaseId(2))]);
    // The purpose was stated, so the text of the next one is opened: a reading of its own.
    let opened = update(&mut state, Event::Sheet(Box::new(sheet(2, Some(&Resolution::Removed)))));
    assert_eq!(opened, [Effect::Open(Box::new(hold(2)), Some(ReadPurpose::Review))]);
    assert_eq!(key(&mut state, 'u'), [Effect::Undo(CaseId(1), undo)]);
    assert_eq!(key(&mut state, 'u'), []);
    assert!(state.message.unwrap().is_refusal);
}

#[test]
fn the_purpose_is_asked_once_and_passing_by_reads_nothing() {
    let mut state = screen();
    assert_eq!(key(&mut state, 'o'), [Effect::ReadSheet(CaseId(1))]);
    assert_eq!(update(&mut state, Event::Sheet(Box::new(sheet(1, None)))), []);
    assert_eq!(state.prompt, Some(Prompt::Purpose { cursor: 0 }));
    assert_eq!(press(&mut state, Press::Esc), []);
    assert!(matches!(state.text, Text::Closed));
    assert_eq!(key(&mut state, 'o'), []);
    assert_eq!(key(&mut state, '3'), [Effect::Open(Box::new(hold(1)), Some(ReadPurpose::Audit))]);
    assert_eq!(key(&mut state, 'j'), [Effect::ReadSheet(CaseId(2))]);
    assert_eq!(update(&mut state, Event::Sheet(Box::new(sheet(2, None)))), []);
    assert_eq!(key(&mut state, 'o'), [Effect::Open(Box::new(hold(2)), Some(ReadPurpose::Audit))]);
}

#[test]
fn nothing_sealed_is_opened_without_a_key() {
    let mut state = screen();
    state.has_identity = false;
    assert_eq!(key(&mut state, 'o'), [Effect::ReadSheet(CaseId(1))]);
    assert_eq!(update(&mut state, Event::Sheet(Box::new(sheet(1, None)))), []);
    assert!(matches!(&state.text, Text::Failed(why) if why.contains("--identity")));
}

#[test]
fn a_clearing_names_each_taint_and_is_signed_by_name() {
    let mut state = screen();
    // From the queue the same key asks for the sheet first.
    assert_eq!(key(&mut state, 'c'), [Effect::ReadSheet(CaseId(1))]);
    assert_eq!(update(&mut state, Event::Sheet(Box::new(sheet(1, None)))), []);
    assert_eq!(key(&mut state, '9'), []);
    assert_eq!(press(&mut state, Press::Enter), []);
    word(&mut state, "dot");
    assert_eq!(press(&mut state, Press::Enter), []);
    assert!(matches!(&state.prompt, Some(Prompt::Clearing(clearing)) if clearing.wrong.is_some()));
    assert_eq!(press(&mut state, Press::Backspace), []);
    assert_eq!(update(&mut state, Event::Paste("v".to_owned())), [], "a name is typed");
    word(&mut state, "v");
    let choice = Choice::Clear {
        justification: Justification::DetectorFalsePositive,
        refuting: Refuting::Each([(evidence().evidence, Refuted::MarkQuoted)].into()),
        statements: BTreeSet::new(),
    };
    assert_eq!(press(&mut state, Press::Enter), [Effect::Decide(vec![CaseId(1)], choice, None)]);
}

#[test]
fn what_rests_on_a_statement_asks_for_it() {
    let mut state = screen();
    assert_eq!(key(&mut state, 'c'), [Effect::ReadSheet(CaseId(1))]);
    assert_eq!(update(&mut state, Event::Sheet(Box::new(sheet(1, None)))), []);
    assert_eq!(key(&mut state, '5'), []);
    assert_eq!(key(&mut state, 'a'), []);
    let statement = Digest::of(b"statement");
    assert_eq!(update(&mut state, Event::Paste(statement.to_string())), []);
    assert_eq!(press(&mut state, Press::Enter), []);
    word(&mut state, "dov");
    let effects = press(&mut state, Press::Enter);
    let [Effect::Decide(_, Choice::Clear { statements, .. }, _)] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    assert_eq!(statements, &[statement].into());
}

#[test]
fn the_second_person_gives_a_verdict_before_the_proposal_is_shown() {
    let mut state = screen();
    state.selected = 1;
    assert_eq!(key(&mut state, 'o'), [Effect::ReadSheet(CaseId(2))]);
    let proposed = sheet(2, Some(&Resolution::Removed));
    assert_eq!(update(&mut state, Event::Sheet(Box::new(proposed))), []);
    assert_eq!(press(&mut state, Press::Esc), []);
    assert!(state.is_blind());
    for early in ['y', 't'] {
        assert_eq!(key(&mut state, early), []);
        assert!(state.message.as_ref().unwrap().is_refusal);
    }
    assert_eq!(key(&mut state, 'x'), []);
    assert_eq!((state.prompt.clone(), state.is_blind()), (Some(Prompt::Compare), false));
    assert_eq!(state.verdicts.get(&CaseId(2)), Some(&Kind::Remove));
    assert_eq!(key(&mut state, 'y'), [Effect::Agree(CaseId(2), Resolution::Removed.digest())]);
}

#[test]
fn what_frees_content_is_agreed_on_by_name_and_turned_down_with_a_reason() {
    let cleared = Resolution::Cleared {
        justification: Justification::BelowThreshold,
        refutations: BTreeSet::new(),
        statements: BTreeSet::new(),
        deltas: BTreeSet::new(),
    };
    let mut state = screen();
    state.selected = 1;
    assert_eq!(key(&mut state, 'c'), [Effect::ReadSheet(CaseId(2))]);
    assert_eq!(update(&mut state, Event::Sheet(Box::new(sheet(2, Some(&cleared))))), []);
    assert_eq!(key(&mut state, 'y'), []);
    assert_eq!(press(&mut state, Press::Enter), [], "no name, no agreement");
    word(&mut state, "dov");
    assert_eq!(press(&mut state, Press::Enter), [Effect::Agree(CaseId(2), cleared.digest())]);
    assert_eq!(key(&mut state, 'r'), []);
    word(&mut state, "too long");
    let remark = Some("too long".to_owned());
    assert_eq!(press(&mut state, Press::Enter), [Effect::Reject(CaseId(2), remark)]);
}

#[test]
fn a_selection_is_decided_at_once_and_refusals_are_listed() {
    let mut state = screen();
    assert_eq!(key(&mut state, ' '), []);
    assert_eq!(key(&mut state, ' '), []);
    word(&mut state, "wtogether");
    assert_eq!(press(&mut state, Press::Enter), []);
    assert_eq!(key(&mut state, 'x'), []);
    let cases = vec![CaseId(1), CaseId(2)];
    let remark = Some("together".to_owned());
    assert_eq!(key(&mut state, 'y'), [Effect::Decide(cases, Choice::Remove, remark)]);
    let decided = Decided { status: CaseStatus::Proposed, undo: vec![Undo::Reject] };
    let done = Box::new(row(1, "proposed", Standing::Others));
    let outcomes = vec![
        Outcome { case: CaseId(1), result: Ok((decided, done)) },
        Outcome { case: CaseId(2), result: Err(vec!["hint: it needs another person".to_owned()]) },
    ];
    assert_eq!(update(&mut state, Event::Outcomes("taken in", outcomes)), []);
    let Some(Prompt::Notes { title, lines, .. }) = &state.prompt else { panic!("{:?}", state.prompt) };
    assert_eq!(title, "1 of 2 refused");
    assert_eq!(lines, &["C2 was passed over", "  hint: it needs another person"]);
    assert_eq!(state.marked, [CaseId(2)].into(), "what was refused stays selected");
}

#[test]
fn a_selection_is_cleared_for_one_reason_even_if_it_is_of_one_case() {
    let mut state = screen();
    assert_eq!(key(&mut state, ' '), []);
    assert_eq!(key(&mut state, 'c'), []);
    word(&mut state, "92dov");
    let choice = Choice::Clear {
        justification: Justification::DetectorFalsePositive,
        refuting: Refuting::All(Refuted::NotAuthoring),
        statements: BTreeSet::new(),
    };
    assert_eq!(press(&mut state, Press::Enter), [Effect::Decide(vec![CaseId(1)], choice, None)]);
}

#[test]
fn pasted_text_presses_no_keys() {
    let mut state = screen();
    assert_eq!(update(&mut state, Event::Paste("xxhhq".to_owned())), []);
    assert_eq!(state.rows().len(), 3);
}

#[test]
fn lists_end_and_the_screen_is_left() {
    let mut state = screen();
    for _ in 0..5 {
        assert_eq!(key(&mut state, 'j'), []);
    }
    assert_eq!(state.selected, 2);
    assert_eq!(key(&mut state, 'f'), [Effect::ReadQueue(QueueFilter::Yours)]);
    assert_eq!(key(&mut state, 'q'), [Effect::Quit]);
    with_text(&mut screen(), b"");
    assert_eq!(press(&mut state, Press::Interrupt), [Effect::Quit]);
}

#[test]
fn the_last_case_leads_back_to_the_queue() {
    let mut state = screen();
    with_text(&mut state, b"a\n");
    if let Some(queue) = &mut state.queue {
        queue.rows.truncate(1);
    }
    assert_eq!(update(&mut state, took(1, CaseStatus::Decided, Standing::Done, vec![Undo::Reopen])), []);
    assert_eq!(state.view, View::Queue);
}

#[test]
fn marked_lines_are_found_and_scrolling_ends_with_the_text() {
    let mut state = screen();
    with_text(&mut state, b"a\nb\nc\nd\n");
    assert_eq!(key(&mut state, ']'), []);
    assert_eq!(state.top, 1);
    assert_eq!(key(&mut state, ']'), []);
    assert!(state.message.as_ref().unwrap().is_refusal);
    assert_eq!(press(&mut state, Press::End), []);
    assert_eq!(state.top, 0, "four lines fit");
}

#[test]
fn an_empty_queue_takes_every_key() {
    let mut state = State::new("dov".to_owned(), false);
    for pressed in "jk oxhclyrumtfgRwe[]{}?".chars() {
        drop(key(&mut state, pressed));
        state.prompt = None;
    }
}
