//! Clearings of changes: they rest on what was cleared, and fall with it.

use std::collections::BTreeSet;

use lazaret_core::Digest;
use lazaret_store::{Act, CaseId, Custody, Delta, Justification, Question, Refutation, Refuted, Resolution};

use crate::play::{Play, basis, opened, refused, taint, terms};

fn delta(content: &str, base: &str) -> Delta {
    Delta { content: Digest::of(content.as_bytes()), base: Digest::of(base.as_bytes()), lines: 3 }
}

fn cleared(deltas: &[Delta]) -> Resolution {
    Resolution::Cleared {
        justification: Justification::ObservedAuthoring,
        refutations: BTreeSet::from([Refutation {
            evidence: taint("trailer").evidence,
            refuted: Refuted::Forged,
        }]),
        statements: BTreeSet::new(),
        deltas: deltas.iter().copied().collect(),
    }
}

/// Three contents, each of a case of its own.
fn three() -> (Play, [u64; 3]) {
    let mut play = Play::new();
    let cases = ["one", "two", "three"].map(|text| play.act("finn", &opened("zoe", &[text])).unwrap());
    (play, cases)
}

fn clear(play: &mut Play, case: u64, deltas: &[Delta]) -> Result<u64, lazaret_store::Refusal> {
    let case = CaseId(case);
    play.act("cleo", &Act::ClaimCase { case })?;
    play.act("cleo", &Act::ProposeResolution { case, resolution: cleared(deltas), remark: None })?;
    play.act("dov", &Act::AgreeResolution { case, resolution: None })
}

fn reopen(play: &mut Play, case: u64) {
    play.act("finn", &Act::ReopenCase { case: CaseId(case), remark: None }).unwrap();
}

fn restore(play: &mut Play, text: &str) -> Result<u64, lazaret_store::Refusal> {
    play.act("finn", &Act::Restore { content: Digest::of(text.as_bytes()) })
}

#[test]
fn a_change_of_what_was_cleared_is_cleared_and_given_back() {
    let (mut play, [one, two, three]) = three();
    clear(&mut play, one, &[]).unwrap();
    clear(&mut play, two, &[delta("two", "one")]).unwrap();
    clear(&mut play, three, &[delta("three", "two")]).unwrap();
    restore(&mut play, "three").unwrap();
    assert_eq!(play.hold("three").custody, Custody::Restored);
}

#[test]
fn a_change_rests_on_what_is_cleared_and_on_nothing_else() {
    let (mut play, [one, two, three]) = three();
    let rests = |play: &mut Play, on: &[Delta]| refused(clear(&mut play.clone(), two, on));
    assert!(rests(&mut play, &[delta("two", "one")]).contains("clear the version first"));
    assert!(rests(&mut play, &[delta("two", "four")]).contains("there is no held content"));
    assert!(rests(&mut play, &[delta("two", "two")]).contains("another of the same case"));
    clear(&mut play, one, &[]).unwrap();
    assert!(rests(&mut play, &[delta("three", "one")]).contains("of another case"));
    assert!(rests(&mut play, &[delta("two", "one"), delta("three", "one")]).contains("each of its contents"));
    reopen(&mut play, one);
    let removed = Act::ProposeResolution { case: CaseId(one), resolution: Resolution::Removed, remark: None };
    play.act("cleo", &Act::ClaimCase { case: CaseId(one) }).unwrap();
    play.act("cleo", &removed).unwrap();
    play.act("dov", &Act::AgreeResolution { case: CaseId(one), resolution: None }).unwrap();
    assert!(rests(&mut play, &[delta("two", "one")]).contains("clear the version first"));
    assert!(refused(clear(&mut play, three, &[delta("three", "one")])).contains("clear the version first"));
}

#[test]
fn each_content_of_a_case_is_a_change_or_none() {
    let mut play = Play::new();
    let one = play.act("finn", &opened("zoe", &["one"])).unwrap();
    let both = play.act("finn", &opened("zoe", &["two", "three"])).unwrap();
    clear(&mut play, one, &[]).unwrap();
    let half = refused(clear(&mut play.clone(), both, &[delta("two", "one")]));
    assert!(half.contains("each of its contents"), "{half}");
    clear(&mut play, both, &[delta("two", "one"), delta("three", "one")]).unwrap();
}

#[test]
fn a_clearing_falls_with_what_it_rests_on_by_however_many_steps() {
    let (mut play, [one, two, three]) = three();
    clear(&mut play, one, &[]).unwrap();
    clear(&mut play, two, &[delta("two", "one")]).unwrap();
    clear(&mut play, three, &[delta("three", "two")]).unwrap();
    reopen(&mut play, one);
    for text in ["two", "three"] {
        let fallen = refused(restore(&mut play.clone(), text));
        assert!(fallen.contains("has to be cleared again first"), "{fallen}");
    }
    clear(&mut play, one, &[]).unwrap();
    restore(&mut play, "three").unwrap();
}

/// Two that rest on each other would hold each other up for ever.
#[test]
fn nothing_rests_on_itself() {
    let (mut play, [one, two, _]) = three();
    clear(&mut play, one, &[]).unwrap();
    clear(&mut play, two, &[delta("two", "one")]).unwrap();
    reopen(&mut play, one);
    let circle = refused(clear(&mut play, one, &[delta("one", "two")]));
    assert!(circle.contains("has to be cleared again first"), "{circle}");
}

#[test]
fn another_policy_overturns_both() {
    let (mut play, [one, two, _]) = three();
    clear(&mut play, one, &[]).unwrap();
    clear(&mut play, two, &[delta("two", "one")]).unwrap();
    let question = Question::AdoptPolicy(basis("second policy", terms()));
    let motion = play.act("ada", &Act::ProposeMotion { question, remark: None }).unwrap();
    play.act("ben", &Act::SecondMotion { motion: lazaret_store::MotionId(motion) }).unwrap();
    assert!(refused(restore(&mut play, "two")).contains("given back when"));
}
