//! Holds the built-in policies against the same rules written out in Rust, over every question there is.

use std::collections::BTreeSet;

use lazaret_authority::{Duties, GROUND_RULES};
use lazaret_core::{Action, Affair, Ask, Authority as _, PersonRole, Relation, Ruling};

/// Every subset of a few words.
fn subsets<T: Copy + Ord>(words: &[T]) -> Vec<BTreeSet<T>> {
    let subset = |bits: usize| {
        let chosen = words.iter().enumerate().filter(|(index, _)| bits >> index & 1 == 1);
        chosen.map(|(_, word)| *word).collect()
    };
    (0..1 << words.len()).map(subset).collect()
}

/// Who may do what, the long way round.
fn may(ask: &Ask) -> bool {
    use Action as A;
    let role = |role| ask.roles.contains(&role);
    let is = |relation| ask.relations.contains(&relation);
    let (steward, reviewer, manager) =
        (role(PersonRole::Steward), role(PersonRole::Reviewer), role(PersonRole::Manager));
    let (owner, auditor, admin) =
        (role(PersonRole::PolicyOwner), role(PersonRole::Auditor), role(PersonRole::Admin));
    let keeper = match ask.affair {
        Affair::People | Affair::Forgetting => admin,
        Affair::Revealing => manager || admin,
        Affair::Policy => owner,
        Affair::Destruction => steward,
        Affair::Clearing | Affair::KeepingOut | Affair::Held | Affair::Exemption | Affair::Traffic => false,
    };
    let judge = reviewer && !admin && !is(Relation::Author) && !is(Relation::Beneficiary);
    let may = match ask.action {
        A::ReadSealed => return reviewer || steward || auditor,
        A::ProposeMotion => keeper,
        A::SecondMotion => {
            keeper && !is(Relation::Proposer) && !is(Relation::Subject) && !is(Relation::Agreed)
        }
        A::RevokeRole => admin && ask.affair == Affair::People,
        A::HoldContent | A::ReopenCase => steward || reviewer,
        A::MoveContent | A::EnforceDeadline => steward,
        A::ClaimCase | A::ProposeResolution | A::RejectResolution => judge,
        A::AgreeResolution => judge && !is(Relation::Proposer) && !is(Relation::Agreed),
        A::RecordStatement | A::RequestExemption | A::RecordUse => true,
        A::ApproveExemption => {
            manager && !is(Relation::Requester) && !is(Relation::Beneficiary) && !is(Relation::Agreed)
        }
        A::RevokeExemption => manager || steward || is(Relation::Requester),
        A::RecordFindings | A::DeleteFindings => steward && ask.affair == Affair::Traffic,
    };
    may && !auditor
}

#[test]
fn every_question_is_answered_as_the_rules_say() {
    let duties = Duties::built_in();
    let mut asked = 0_u32;
    for roles in subsets(&PersonRole::ALL) {
        for relations in subsets(&Relation::ALL) {
            let (action, affair) = (Action::ReadSealed, Affair::Held);
            let mut ask = Ask { action, affair, roles: roles.clone(), relations };
            for action in Action::ALL {
                for affair in Affair::ALL {
                    (ask.action, ask.affair) = (action, affair);
                    check(&duties, &ask);
                    asked += 1;
                }
            }
        }
    }
    assert_eq!(asked, 19 * 10 * 64 * 128);
}

#[track_caller]
fn check(duties: &Duties, ask: &Ask) {
    match duties.rule(ask) {
        Ruling::Allowed => {
            assert!(may(ask), "allowed: {ask:?}");
            for rule in GROUND_RULES {
                assert!(!rule.denies(ask), "against `{}`: {ask:?}", rule.id);
            }
        }
        Ruling::Denied { unmet, failed } => {
            assert!(!may(ask), "denied: {ask:?}");
            assert!(!failed, "failed: {ask:?}");
            assert!(!unmet.is_empty(), "denied without a word: {ask:?}");
            assert!(unmet.is_sorted_by(|one, next| one < next), "{unmet:?}");
        }
    }
}

#[track_caller]
fn check_unmet(
    action: Action,
    affair: Affair,
    roles: &[PersonRole],
    relations: &[Relation],
    expected: &[&str],
) {
    let ask = Ask {
        action,
        affair,
        roles: roles.iter().copied().collect(),
        relations: relations.iter().copied().collect(),
    };
    let unmet = expected.iter().map(|&needed| needed.to_owned()).collect();
    assert_eq!(Duties::built_in().rule(&ask), Ruling::Denied { unmet, failed: false });
}

#[test]
fn a_denial_lists_all_that_is_unmet() {
    check_unmet(
        Action::AgreeResolution,
        Affair::Clearing,
        &[PersonRole::Manager],
        &[Relation::Author, Relation::Proposer],
        &[
            "a person who did not propose the resolution",
            "a person who did not write the content",
            "a reviewer",
        ],
    );
    check_unmet(
        Action::AgreeResolution,
        Affair::Clearing,
        &[PersonRole::Reviewer],
        &[Relation::Agreed],
        &["a person who has not agreed already"],
    );
    check_unmet(Action::SecondMotion, Affair::Policy, &[PersonRole::Admin], &[], &["a policy owner"]);
    check_unmet(
        Action::RecordStatement,
        Affair::Held,
        &[PersonRole::Auditor],
        &[],
        &["a person who is not an auditor"],
    );
    check_unmet(
        Action::SecondMotion,
        Affair::Clearing,
        &[PersonRole::Reviewer],
        &[],
        &["a policy that lets anybody `second-motion` of `clearing`"],
    );
}
