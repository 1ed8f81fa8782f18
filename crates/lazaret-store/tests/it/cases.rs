//! Cases: held by one, decided by two, opened again by what changes.

use std::collections::BTreeSet;

use lazaret_core::{Digest, OnDeadline, UnknownAuthors};
use lazaret_store::{
    Act, CaseId, CaseStatus, Custody, Justification, Question, Refutation, Refuted, Resolution, Returned,
    SealedObject,
};

use crate::play::{PEOPLE, Play, basis, content, newcomer, opened, person, place, refused, taint, terms};

fn cleared() -> Resolution {
    Resolution::Cleared {
        justification: Justification::DetectorFalsePositive,
        refutations: BTreeSet::from([Refutation {
            evidence: taint("trailer").evidence,
            refuted: Refuted::MarkQuoted,
        }]),
        statements: BTreeSet::new(),
        deltas: BTreeSet::new(),
    }
}

fn propose(case: u64, resolution: Resolution) -> Act {
    Act::ProposeResolution { case: CaseId(case), resolution, remark: None }
}

fn agree(case: u64) -> Act {
    Act::AgreeResolution { case: CaseId(case), resolution: None }
}

fn claim(case: u64) -> Act {
    Act::ClaimCase { case: CaseId(case) }
}

/// A case that cleo proposed to end in this way.
fn proposed(resolution: Resolution) -> (Play, u64) {
    let mut play = Play::new();
    let case = play.act("finn", &opened("zoe", &["text"])).unwrap();
    play.act("cleo", &claim(case)).unwrap();
    play.act("cleo", &propose(case, resolution)).unwrap();
    (play, case)
}

fn decided(resolution: Resolution) -> (Play, u64) {
    let (mut play, case) = proposed(resolution);
    play.act("dov", &agree(case)).unwrap();
    assert_eq!(play.case(case).status(play.policy()), CaseStatus::Decided);
    (play, case)
}

#[test]
fn two_people_clear_a_content_and_it_is_given_back() {
    let (mut play, case) = proposed(cleared());
    let restore = Act::Restore { content: Digest::of(b"text") };
    assert!(refused(play.act("finn", &restore)).contains("is proposed; its contents are given back when"));
    assert!(refused(play.act("cleo", &agree(case))).contains("a person who did not propose the resolution"));
    play.act("dov", &agree(case)).unwrap();
    assert_eq!(play.case(case).decision.as_ref().unwrap().people.len(), 2);
    play.act("finn", &restore).unwrap();
    assert_eq!(play.hold("text").custody, Custody::Restored);
}

#[test]
fn who_wrote_it_clears_nothing_of_it() {
    let mut play = Play::new();
    let case = play.act("finn", &opened("dov", &["text"])).unwrap();
    assert!(refused(play.act("dov", &claim(case))).contains("a person who did not write the content"));
    play.act("cleo", &claim(case)).unwrap();
    play.act("cleo", &propose(case, cleared())).unwrap();
    assert!(refused(play.act("dov", &agree(case))).contains("a person who did not write the content"));
    play.act("eve", &agree(case)).unwrap();
}

#[test]
fn each_taint_is_named_or_nothing_is_cleared() {
    let mut play = Play::new();
    let case = play.act("finn", &opened("zoe", &["text"])).unwrap();
    play.act("cleo", &claim(case)).unwrap();
    let unnamed = Resolution::Cleared {
        justification: Justification::DetectorFalsePositive,
        refutations: BTreeSet::new(),
        statements: BTreeSet::new(),
        deltas: BTreeSet::new(),
    };
    assert_eq!(
        refused(play.act("cleo", &propose(case, unnamed))),
        "case C1: 1 of the taints are not refuted; name each and say why it does not stand"
    );
    let unsupported = Resolution::Cleared {
        justification: Justification::AuthorAttested,
        refutations: BTreeSet::from([Refutation {
            evidence: taint("trailer").evidence,
            refuted: Refuted::Forged,
        }]),
        statements: BTreeSet::new(),
        deltas: BTreeSet::new(),
    };
    assert!(refused(play.act("cleo", &propose(case, unsupported))).contains("rests on a statement"));
}

fn statement(kind: &str, document: &[u8], contents: &[&str]) -> Act {
    let contents = contents.iter().map(|text| Digest::of(text.as_bytes())).collect();
    Act::RecordStatement { document: Digest::of(document), kind: kind.to_owned(), contents }
}

#[test]
fn a_statement_supports_what_it_speaks_of_and_a_fingerprint_nothing() {
    let mut play = Play::new();
    let case = play.act("finn", &opened("zoe", &["text"])).unwrap();
    play.act("finn", &opened("zoe", &["another"])).unwrap();
    play.act("finn", &statement("fingerprint", b"kept", &["text"])).unwrap();
    play.act("gita", &statement("attested", b"of another", &["another"])).unwrap();
    play.act("gita", &statement("attested", b"of text", &["text"])).unwrap();
    play.act("gita", &statement("attested", b"of many", &[])).unwrap();
    play.act("cleo", &claim(case)).unwrap();
    for (document, expected) in [
        ("kept", Some("a fingerprint says what a content is like")),
        ("of another", Some("speaks of contents of no such case")),
        ("of text", None),
        ("of many", None),
    ] {
        let mut play = play.clone();
        let resolution = Resolution::Cleared {
            justification: Justification::AuthorAttested,
            refutations: BTreeSet::from([Refutation {
                evidence: taint("trailer").evidence,
                refuted: Refuted::Forged,
            }]),
            statements: BTreeSet::from([Digest::of(document.as_bytes())]),
            deltas: BTreeSet::new(),
        };
        let outcome = play.act("cleo", &propose(case, resolution));
        match expected {
            Some(why) => assert!(refused(outcome).contains(why), "{document}"),
            None => drop(outcome.unwrap()),
        }
    }
}

/// Whoever could record one could have any text taken for a copy of what was removed, or switch that off.
#[test]
fn fingerprints_are_recorded_by_who_may_hold_content() {
    let mut play = Play::new();
    play.act("finn", &opened("zoe", &["text"])).unwrap();
    let kept = |contents: &[&str]| statement("fingerprint", b"kept", contents);
    assert!(refused(play.act("gita", &kept(&["text"]))).contains("a steward or a reviewer"));
    assert!(refused(play.act("finn", &kept(&[]))).contains("that of one held content"));
    assert!(refused(play.act("finn", &kept(&["text", "more"]))).contains("that of one held content"));
    assert!(play.act("finn", &kept(&["nobody holds it"])).is_err());
    play.act("finn", &kept(&["text"])).unwrap();
}

#[test]
fn who_agrees_agrees_with_what_was_read() {
    let (mut play, case) = proposed(cleared());
    let read = Some(cleared().digest());
    let mut another = cleared();
    if let Resolution::Cleared { justification, .. } = &mut another {
        *justification = Justification::ObservedAuthoring;
    }
    play.act("cleo", &Act::RejectResolution { case: CaseId(case), remark: None }).unwrap();
    play.act("cleo", &propose(case, another.clone())).unwrap();
    let agreed = |resolution| Act::AgreeResolution { case: CaseId(case), resolution };
    assert!(refused(play.act("dov", &agreed(read))).contains("something else was proposed meanwhile"));
    play.act("dov", &agreed(Some(another.digest()))).unwrap();
}

#[test]
fn what_a_reviewer_agreed_to_does_not_count_when_the_role_is_gone() {
    let mut strict = terms();
    strict.people = 3;
    let people = PEOPLE.iter().map(|(name, roles)| newcomer(name, roles));
    let mut play = Play::with(people.collect(), strict);
    let case = play.act("finn", &opened("zoe", &["text"])).unwrap();
    play.act("cleo", &claim(case)).unwrap();
    play.act("cleo", &propose(case, cleared())).unwrap();
    play.act("dov", &agree(case)).unwrap();
    let revoke = Act::RevokeRole { person: person("dov"), role: lazaret_core::PersonRole::Reviewer };
    play.act("ada", &revoke).unwrap();
    play.act("eve", &agree(case)).unwrap();
    assert_eq!(play.case(case).status(play.policy()), CaseStatus::Proposed);
}

#[test]
fn a_decision_stands_until_something_changes() {
    let (play, case) = decided(cleared());
    let later = |act: &Act, by: &str| {
        let mut play = play.clone();
        play.act(by, act).unwrap();
        (play.case(case).status(play.policy()), play.case(case).returned)
    };
    let evidence = BTreeSet::from([taint("trailer"), taint("note")]);
    let catalog = play.case(case).catalog;
    let reassess = Act::Reassess { case: CaseId(case), evidence, catalog };
    assert_eq!(later(&reassess, "finn"), (CaseStatus::Reopened, Some(Returned::EvidenceChanged)));
    let evidence = play.case(case).evidence.clone();
    let reassess = Act::Reassess { case: CaseId(case), evidence, catalog: Digest::of(b"another") };
    assert_eq!(later(&reassess, "finn"), (CaseStatus::Reopened, Some(Returned::CatalogChanged)));
    let extend =
        Act::ExtendCase { case: CaseId(case), contents: vec![content("more")], shaped_by: BTreeSet::new() };
    assert_eq!(later(&extend, "finn"), (CaseStatus::Reopened, Some(Returned::ContentChanged)));
    let sight = Act::Sight { content: Digest::of(b"text"), place: place("moved/elsewhere.rs") };
    assert_eq!(later(&sight, "finn"), (CaseStatus::Decided, None));
    let reopen = Act::ReopenCase { case: CaseId(case), remark: None };
    assert_eq!(later(&reopen, "eve"), (CaseStatus::Reopened, Some(Returned::OnRequest)));
}

#[test]
fn a_clearing_does_not_outlive_its_policy_and_a_removal_does() {
    for (resolution, status) in
        [(cleared(), CaseStatus::Reopened), (Resolution::Removed, CaseStatus::Decided)]
    {
        let (mut play, case) = decided(resolution);
        let question = Question::AdoptPolicy(basis("second policy", terms()));
        let motion = play.act("ada", &Act::ProposeMotion { question, remark: None }).unwrap();
        let second = Act::SecondMotion { motion: lazaret_store::MotionId(motion) };
        play.act("ben", &second).unwrap();
        assert_eq!(play.case(case).status(play.policy()), status);
    }
}

#[test]
fn what_was_removed_and_comes_back_opens_its_case() {
    let (mut play, case) = decided(Resolution::Removed);
    play.act("finn", &Act::Sight { content: Digest::of(b"text"), place: place("again.rs") }).unwrap();
    assert_eq!(play.case(case).returned, Some(Returned::CameBack));
}

#[test]
fn the_deadline_proposes_removal_and_one_person_carries_it() {
    let mut play = Play::new();
    let case = play.act("finn", &opened("zoe", &["text"])).unwrap();
    let enforce = Act::EnforceDeadline { case: CaseId(case) };
    assert!(refused(play.act("finn", &enforce)).contains("is not overdue; it is due at 2026-03-31"));
    play.days_pass(30);
    play.act("finn", &enforce).unwrap();
    play.act("cleo", &agree(case)).unwrap();
    assert_eq!(play.case(case).decision.as_ref().unwrap().resolution, Resolution::Removed);

    let mut kept = terms();
    kept.on_deadline = OnDeadline::KeepHeld;
    let people = PEOPLE.iter().map(|(name, roles)| newcomer(name, roles));
    let mut play = Play::with(people.collect(), kept);
    let case = play.act("finn", &opened("zoe", &["text"])).unwrap();
    play.days_pass(31);
    let outcome = play.act("finn", &Act::EnforceDeadline { case: CaseId(case) });
    assert!(refused(outcome).contains("keeps overdue cases held"));
}

#[test]
fn only_what_was_decided_to_be_removed_is_destroyed_and_two_stewards_do_it() {
    let (mut play, _) = decided(Resolution::Removed);
    let sealed = SealedObject { object: Digest::of(b"cipher"), object_bytes: 99 };
    play.act("finn", &Act::Seal { content: Digest::of(b"text"), sealed }).unwrap();
    play.act("finn", &Act::Detach { content: Digest::of(b"text") }).unwrap();
    let question = Question::DestroyContent { content: Digest::of(b"text") };
    let motion = play.act("finn", &Act::ProposeMotion { question, remark: None }).unwrap();
    let second = Act::SecondMotion { motion: lazaret_store::MotionId(motion) };
    assert!(refused(play.act("finn", &second)).contains("a person who did not propose the motion"));
    assert!(refused(play.act("cleo", &second)).contains("a steward"));
}

#[test]
fn a_claim_keeps_others_away_for_a_week() {
    let mut play = Play::new();
    let case = play.act("finn", &opened("zoe", &["text"])).unwrap();
    play.act("cleo", &claim(case)).unwrap();
    assert!(refused(play.act("dov", &claim(case))).contains("claimed by another"));
    assert!(refused(play.act("dov", &propose(case, Resolution::KeptHeld))).contains("claim it before"));
    play.days_pass(7);
    play.act("dov", &claim(case)).unwrap();
    play.act("dov", &propose(case, Resolution::KeptHeld)).unwrap();
    assert_eq!(play.case(case).status(play.policy()), CaseStatus::Decided);
}

#[test]
fn a_content_is_held_once() {
    let mut play = Play::new();
    play.act("finn", &opened("zoe", &["text"])).unwrap();
    assert!(
        refused(play.act("finn", &opened("zoe", &["other", "text"]))).contains("held by case C1 already")
    );
    play.act("finn", &opened("zoe", &["other"])).unwrap();
}

#[test]
fn what_an_unknown_author_wrote_is_freed_where_the_policy_says_so_and_nowhere_else() {
    let strict = || {
        let mut terms = terms();
        terms.unknown_authors = UnknownAuthors::Refuse;
        let people = PEOPLE.iter().map(|(name, roles)| newcomer(name, roles)).collect();
        Play::with(people, terms)
    };
    let try_to = |play: &mut Play, resolution: Resolution| {
        let case = play.act("finn", &opened("zoe", &["text"])).unwrap();
        play.act("cleo", &claim(case)).unwrap();
        let proposed = play.act("cleo", &propose(case, resolution));
        (case, proposed)
    };
    let mut play = strict();
    let (case, proposed) = try_to(&mut play, cleared());
    let why = refused(proposed);
    assert!(why.contains("its author to be known: the address is nobody's in this store"), "{why}");
    // Whose it is is said by two admins; then everybody but this person decides.
    let question = Question::LinkIdentity { person: person("dov"), identity: crate::play::identity("zoe") };
    let motion = play.act("ada", &Act::ProposeMotion { question, remark: None }).unwrap();
    play.act("ben", &Act::SecondMotion { motion: lazaret_store::MotionId(motion) }).unwrap();
    play.act("cleo", &propose(case, cleared())).unwrap();
    assert!(refused(play.act("dov", &agree(case))).contains("did not write the content"));
    play.act("eve", &agree(case)).unwrap();
    assert_eq!(play.case(case).status(play.policy()), CaseStatus::Decided);
    // To keep content out is the safe direction.
    for resolution in [Resolution::Removed, Resolution::KeptHeld] {
        try_to(&mut strict(), resolution).1.unwrap();
    }
    let mut nameless = opened("zoe", &["text"]);
    if let Act::OpenCase { shaped_by, .. } = &mut nameless {
        shaped_by.clear();
    }
    let mut play = strict();
    let case = play.act("finn", &nameless).unwrap();
    play.act("cleo", &claim(case)).unwrap();
    assert!(refused(play.act("cleo", &propose(case, cleared()))).contains("named as the author"));
}
