//! Holds the table against Cedar itself, and tries policies that fail.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::read::schema;

static BUILT_IN: LazyLock<(Rulings, Table)> = LazyLock::new(|| {
    let schema = schema().unwrap();
    let policies = crate::read::read(include_str!("../duties.cedar"), &schema).unwrap();
    let everything = unchecked(policies.clone());
    (Rulings::new(schema, &policies).unwrap(), everything)
});

/// Policies as they are, whatever they say and whichever action they are on.
fn unchecked(policies: PolicySet) -> Table {
    let permits = policies.policies().filter(|policy| policy.effect() == Effect::Permit);
    let permits = set(permits).unwrap();
    Table { policies, permits, looked_at: Standing::NONE, slots: Box::default() }
}

fn rule_unchecked(text: &str, ask: &Ask) -> Ruling {
    BUILT_IN.0.evaluate(&unchecked(text.parse().unwrap()), ask)
}

fn asks() -> impl Strategy<Value = Ask> {
    let roles = prop::collection::btree_set(prop::sample::select(PersonRole::ALL.to_vec()), 0..=6);
    let relations = prop::collection::btree_set(prop::sample::select(Relation::ALL.to_vec()), 0..=7);
    (prop::sample::select(Action::ALL.to_vec()), prop::sample::select(Affair::ALL.to_vec()), roles, relations)
        .prop_map(|(action, affair, roles, relations)| Ask { action, affair, roles, relations })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_table_answers_as_cedar_does_when_it_sees_everything(asks in prop::collection::vec(asks(), 16)) {
        let (rulings, everything) = &*BUILT_IN;
        for ask in asks {
            let first = rulings.rule(ask.action, ask.affair, Standing::of(&ask));
            let again = rulings.rule(ask.action, ask.affair, Standing::of(&ask));
            prop_assert_eq!(&first, &again);
            // Which permits could cover a question is told by their action, so that only yes and no compare.
            let seen = rulings.evaluate(everything, &ask);
            prop_assert_eq!(first == Ruling::Allowed, seen == Ruling::Allowed);
        }
    }
}

#[test]
fn a_forbid_that_fails_denies_what_a_permit_allows() {
    let overflow = "permit (principal, action, resource);
        forbid (principal, action, resource) when { 9223372036854775807 + 1 == 0 };";
    let ask = Standing::NONE.asks(Action::ClaimCase, Affair::Held);
    let unmet = vec![FAILED.to_owned()];
    assert_eq!(rule_unchecked(overflow, &ask), Ruling::Denied { unmet, failed: true });
    assert_eq!(rule_unchecked("permit (principal, action, resource);", &ask), Ruling::Allowed);
}

#[test]
fn a_permit_that_fails_denies_as_well() {
    let overflow = "permit (principal, action, resource);
        permit (principal, action, resource) when { 9223372036854775807 + 1 == 0 };";
    let ask = Standing::role(PersonRole::Reviewer).asks(Action::ClaimCase, Affair::Held);
    assert!(matches!(rule_unchecked(overflow, &ask), Ruling::Denied { failed: true, .. }));
}

#[test]
fn few_questions_differ() {
    let slots: usize = BUILT_IN.0.tables.iter().map(|table| table.slots.len()).sum();
    assert!(slots < 10_000, "{slots} slots: the built-in policies look at too much");
}
