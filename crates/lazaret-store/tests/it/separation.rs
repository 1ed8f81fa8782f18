//! Separation of duties over random histories: whatever people try, in whatever order and roles, nothing is cleared,
//! given back, exempted or adopted without the people that the policy demands.

use std::collections::{BTreeMap, BTreeSet};

use lazaret_core::{Digest, PersonId, PersonRole, UnknownAuthors};
use lazaret_store::{
    Act, Aggregate, Case, CaseId, Custody, ExemptionId, Justification, Key, MotionId, NewPerson, Person,
    Question, Refutation, Refuted, Resolution, SealedObject,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

use crate::play::{Play, basis, identity, newcomer, opened, person, request, taint, terms};

const NAMES: [&str; 7] = ["ada", "ben", "cleo", "dov", "eve", "finn", "gita"];
/// Who writes: everybody, and somebody whom the store does not know.
const AUTHORS: [&str; 8] = ["ada", "ben", "cleo", "dov", "eve", "finn", "gita", "stranger"];
const TEXTS: [&str; 4] = ["one", "two", "three", "four"];

/// What somebody tries: who, what, and three choices that the act makes use of.
type Attempt = (u8, u8, u8, u8, u8);

fn pick<'a, T: ?Sized>(from: &[&'a T], choice: u8) -> &'a T {
    from[usize::from(choice) % from.len()]
}

fn of_kind<T>(play: &Play, choice: u8, id: impl Fn(&Aggregate) -> Option<T>) -> Option<T> {
    let mut ids: Vec<T> = play.world.rows().filter_map(|(_, row)| id(row)).collect();
    let at = usize::from(choice).checked_rem(ids.len())?;
    Some(ids.swap_remove(at))
}

fn a_case(play: &Play, choice: u8) -> CaseId {
    let case = of_kind(play, choice, |row| match row {
        Aggregate::Case(case) => Some(case.case),
        _ => None,
    });
    case.unwrap_or(CaseId(0))
}

fn an_exemption(play: &Play, choice: u8) -> ExemptionId {
    let exemption = of_kind(play, choice, |row| match row {
        Aggregate::Exemption(exemption) => Some(exemption.exemption),
        _ => None,
    });
    exemption.unwrap_or(ExemptionId(0))
}

fn a_motion(play: &Play, choice: u8) -> MotionId {
    let motion = of_kind(play, choice, |row| match row {
        Aggregate::Motion(motion) => Some(motion.motion),
        _ => None,
    });
    motion.unwrap_or(MotionId(0))
}

fn a_resolution(play: &Play, (b, c): (u8, u8)) -> Resolution {
    match b % 5 {
        0 => Resolution::Removed,
        1 => Resolution::KeptHeld,
        2 => Resolution::ExemptLabelled { exemption: an_exemption(play, c) },
        _ => Resolution::Cleared {
            justification: Justification::DetectorFalsePositive,
            refutations: BTreeSet::from([Refutation {
                evidence: taint("trailer").evidence,
                refuted: Refuted::Forged,
            }]),
            statements: BTreeSet::new(),
            deltas: BTreeSet::new(),
        },
    }
}

fn a_question((a, b, c): (u8, u8, u8)) -> Question {
    let who = person(pick(&NAMES, b));
    let role = PersonRole::ALL[usize::from(c) % PersonRole::ALL.len()];
    match a % 7 {
        0 | 1 => Question::GrantRole { person: who, role },
        2 => Question::WithdrawRole { person: who, role },
        3 => Question::LinkIdentity { person: who, identity: identity(pick(&NAMES, c)) },
        4 => Question::Forget { person: who },
        5 => Question::DestroyContent { content: Digest::of(pick(&TEXTS, b).as_bytes()) },
        _ => {
            let mut terms = terms();
            terms.people = 2 + u32::from(c % 2);
            Question::AdoptPolicy(basis(&format!("policy {}", b % 3), terms))
        }
    }
}

/// Claims, proposals and agreements are tried more often than the rest, or histories would rarely decide anything.
fn an_act(play: &Play, (what, a, b, c): (u8, u8, u8, u8)) -> Act {
    let content = Digest::of(pick(&TEXTS, a).as_bytes());
    match what % 24 {
        0 | 1 => opened(pick(&AUTHORS, b), &[pick(&TEXTS, a)]),
        2..=4 => Act::ClaimCase { case: a_case(play, a) },
        5..=8 => Act::ProposeResolution {
            case: a_case(play, a),
            resolution: a_resolution(play, (b, c)),
            remark: None,
        },
        9..=12 => Act::AgreeResolution { case: a_case(play, a), resolution: None },
        13 => Act::RejectResolution { case: a_case(play, a), remark: None },
        14 => Act::ReopenCase { case: a_case(play, a), remark: None },
        15 => Act::EnforceDeadline { case: a_case(play, a) },
        16 => Act::Seal { content, sealed: SealedObject { object: content, object_bytes: 1 } },
        17 => Act::Restore { content },
        18 => Act::RequestExemption(request(play, pick(&NAMES, a), i64::from(b % 40))),
        19 => Act::ApproveExemption { exemption: an_exemption(play, a) },
        20 => Act::RevokeRole {
            person: person(pick(&NAMES, a)),
            role: PersonRole::ALL[usize::from(b) % PersonRole::ALL.len()],
        },
        21 => Act::ProposeMotion { question: a_question((a, b, c)), remark: None },
        22 => Act::SecondMotion { motion: a_motion(play, a) },
        _ => Act::Detach { content },
    }
}

fn people(play: &Play) -> BTreeMap<PersonId, Person> {
    let people = play.world.rows().filter_map(|(_, row)| match row {
        Aggregate::Person(person) => Some((person.person, person.clone())),
        _ => None,
    });
    people.collect()
}

/// Who may stand behind a clearing, said without the policies and the state machine.
fn may_clear(person: &Person, case: &Case) -> bool {
    person.roles.contains(&PersonRole::Reviewer)
        && !person.roles.contains(&PersonRole::Admin)
        && !person.roles.contains(&PersonRole::Auditor)
        && !person.forgotten
        && person.identities.is_disjoint(&case.shaped_by)
}

/// Holds every change that an act has made against the people before it.
fn check(before: &Play, after: &Play, by: PersonId) {
    let people = people(before);
    let demanded = before.charter().basis.terms.people;
    for (key, row) in after.world.rows() {
        let old = before.world.get(*key);
        match (row, old) {
            (Aggregate::Case(case), Some(Aggregate::Case(old))) if case.decision != old.decision => {
                let decision = case.decision.as_ref().unwrap();
                assert!(decision.people.contains(&by), "decided by nobody who acted");
                if decision.resolution.frees() {
                    assert!(decision.people.len() >= demanded as usize, "{case:?}");
                    assert!(decision.people.iter().all(|id| may_clear(&people[id], case)), "{case:?}");
                    let is_known = |author| people.values().any(|person| person.identities.contains(author));
                    let refused = before.charter().basis.terms.unknown_authors == UnknownAuthors::Refuse;
                    assert!(!refused || case.shaped_by.iter().all(is_known), "{case:?}");
                }
                if let Resolution::ExemptLabelled { exemption } = decision.resolution {
                    let exemption = after.exemption(exemption.0);
                    assert!(exemption.approved.is_some());
                    assert!(decision.people.is_disjoint(&exemption.request.beneficiaries));
                    assert!(!decision.people.contains(&exemption.requester));
                }
            }
            (Aggregate::Case(case), None) => assert!(case.decision.is_none()),
            (Aggregate::Hold(hold), Some(Aggregate::Hold(old))) if hold.custody != old.custody => {
                let case = before.case(hold.case.0);
                let standing = case.standing(before.policy());
                if hold.custody == Custody::Restored {
                    assert!(standing.unwrap().resolution.frees());
                }
                if hold.custody == Custody::Destroyed {
                    assert_eq!(standing.unwrap().resolution, Resolution::Removed);
                }
            }
            (Aggregate::Exemption(exemption), Some(Aggregate::Exemption(old)))
                if exemption.approved != old.approved =>
            {
                let (approver, _) = exemption.approved.unwrap();
                assert_eq!(approver, by);
                assert!(people[&approver].roles.contains(&PersonRole::Manager));
                assert_ne!(approver, exemption.requester);
                assert!(!exemption.request.beneficiaries.contains(&approver));
                assert!(exemption.request.against(&before.charter().basis.terms).is_empty());
            }
            (Aggregate::Exemption(exemption), None) => assert!(exemption.approved.is_none()),
            (Aggregate::Motion(motion), Some(Aggregate::Motion(old))) if motion.seconded != old.seconded => {
                assert_ne!(motion.proposer, by);
                assert_ne!(motion.question.subject(), Some(by));
            }
            (Aggregate::Charter(charter), Some(Aggregate::Charter(old))) if charter.basis != old.basis => {
                let owners = carried(before, after, by);
                assert!(owners.iter().all(|id| people[id].roles.contains(&PersonRole::PolicyOwner)));
            }
            (Aggregate::Person(person), Some(Aggregate::Person(old)))
                if !person.roles.is_subset(&old.roles) =>
            {
                let admins = carried(before, after, by);
                assert!(admins.iter().all(|id| people[id].roles.contains(&PersonRole::Admin)));
                assert!(!admins.contains(&person.person) || admins[0] == person.person);
            }
            _ => {}
        }
    }
    assert!(after.charter().admins.len() >= 2);
}

/// Returns who proposed and who seconded the motion that the act carried: two people.
fn carried(before: &Play, after: &Play, by: PersonId) -> [PersonId; 2] {
    let motion = after.world.rows().find_map(|(key, row)| match (row, before.world.get(*key)) {
        (Aggregate::Motion(motion), Some(Aggregate::Motion(old))) if motion.seconded != old.seconded => {
            Some(motion)
        }
        _ => None,
    });
    let Some(motion) = motion else { panic!("only a motion changes the policy and grants roles") };
    assert_eq!(motion.seconded.map(|(person, _)| person), Some(by));
    assert_ne!(motion.proposer, by);
    [motion.proposer, by]
}

fn roles(bits: u8) -> Vec<PersonRole> {
    PersonRole::ALL
        .into_iter()
        .enumerate()
        .filter(|(at, _)| bits & (1 << at) != 0)
        .map(|(_, role)| role)
        .collect()
}

/// The first two are admins; everybody has whatever other roles chance gives.
fn some_people(bits: [u8; 7]) -> Vec<NewPerson> {
    let person = |(at, name): (usize, &&str)| {
        let mut roles = roles(bits[at]);
        roles.retain(|role| *role != PersonRole::Admin || at < 3);
        if at < 2 {
            roles.push(PersonRole::Admin);
        }
        newcomer(name, &roles)
    };
    NAMES.iter().enumerate().map(person).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn nothing_is_freed_without_the_people_that_the_policy_demands(
        bits in any::<[u8; 7]>(),
        people_demanded in 2_u32..4,
        refuses_unknown in any::<bool>(),
        attempts in prop::collection::vec(any::<Attempt>(), 1..60),
    ) {
        let mut terms = terms();
        terms.people = people_demanded;
        if refuses_unknown {
            terms.unknown_authors = UnknownAuthors::Refuse;
        }
        let mut play = Play::with(some_people(bits), terms);
        for (who, what, a, b, c) in attempts {
            let by = person(pick(&NAMES, who));
            let act = an_act(&play, (what, a, b, c));
            if c % 16 == 0 {
                play.days_pass(i64::from(b % 40));
            }
            let before = play.clone();
            if play.act_as(by, &act).is_ok() {
                check(&before, &play, by);
            }
        }
    }
}

/// The property means something only if histories get somewhere.
#[test]
fn such_histories_decide_and_approve() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = prop::collection::vec(any::<Attempt>(), 60);
    let mut counts = BTreeMap::new();
    for _ in 0..2_000 {
        let attempts = strategy.new_tree(&mut runner).unwrap().current();
        let mut play = Play::new();
        for (who, what, a, b, c) in attempts {
            let act = an_act(&play, (what, a, b, c));
            // A refusal is part of most histories.
            play.act_as(person(pick(&NAMES, who)), &act).ok();
        }
        for (key, row) in play.world.rows() {
            let what = match row {
                Aggregate::Case(case) => case.decision.as_ref().map(|decision| decision.resolution.as_str()),
                Aggregate::Hold(hold) => Some(hold.custody.as_str()),
                Aggregate::Exemption(exemption) => exemption.approved.map(|_| "approved"),
                Aggregate::Motion(motion) => motion.seconded.map(|_| "carried"),
                _ => None,
            };
            let _: &Key = key;
            *counts.entry(what).or_insert(0) += 1;
        }
    }
    for what in ["cleared", "removed", "restored", "sealed", "approved", "carried"] {
        assert!(counts.contains_key(&Some(what)), "no history got as far as `{what}`: {counts:?}");
    }
}
