//! Tries policies of somebody's own: misspelt, unclear, failing, breaking a ground rule, and good ones.

use lazaret_authority::{DUTIES_BYTES_MAX, Duties, DutiesError, GROUND_RULES};
use lazaret_core::{Action, Affair, Ask, Authority as _, PersonRole, Relation, Ruling};

fn refusal(text: &str) -> String {
    Duties::parse(text).map_or_else(|error| error.to_string(), |_| "taken".to_owned())
}

/// A policy that lets a reviewer claim cases, and one more.
fn with(policy: &str) -> String {
    format!(
        "@id(\"claiming\")\n@needs(\"a reviewer\")\n\
         permit (principal, action == Action::\"claim-case\", resource)\nwhen {{ principal.reviewer }};\n\
         @id(\"more\")\n@needs(\"something\")\n{policy}\n"
    )
}

#[test]
fn the_built_in_policies_keep_the_ground_rules() {
    let built_in = Duties::built_in();
    let again = Duties::parse(built_in.text()).unwrap();
    assert_eq!(built_in.digest(), again.digest());
}

#[test]
fn a_misspelt_word_is_refused_with_its_place() {
    for (policy, place) in [
        ("permit (principal, action, resource) when { principal.reviwer };", "7:45: "),
        ("permit (principal, action, resource) when { principal[\"policy_owner\"] };", "7:45: "),
        ("forbid (principal, action, resource) when { context.auther };", "7:45: "),
        (
            "permit (principal, action == Action::\"claim-cases\", resource) when { principal.reviewer };",
            "7:",
        ),
        ("forbid (principal, action in Action::\"decides\", resource);", "7:"),
        ("forbid (principal, action, resource == Affair::\"clearng\");", "7:"),
        ("forbid (principal, action, resource) when { resource == Affair::\"clearng\" };", "7:"),
        ("forbid (principal, action, resource) when { [Affair::\"hold\"].contains(resource) };", "7:"),
        ("forbid (principal, action, resource == Affairs::\"clearing\");", "7:"),
        ("forbid (principal is Persons, action, resource);", "7:"),
        ("forbid (principal, action, resource) when { context.author == \"yes\" };", "7:"),
        ("forbid (principal, action, resource) when { principal.contains(\"admin\") };", "7:"),
    ] {
        let error = Duties::parse(&with(policy)).unwrap_err();
        assert!(matches!(error, DutiesError::Invalid { .. }), "{policy}: {error:?}");
        let error = error.to_string();
        assert!(error.contains(place), "{policy}: {error}");
        assert!(error.contains("`more`"), "{policy}: {error}");
    }
}

#[test]
fn what_is_no_cedar_is_refused_with_its_place() {
    let refused = refusal(&with("permit (principal, action, resource) when { principal.reviewer && };"));
    assert!(refused.starts_with("the policies are not in Cedar: 7:"), "{refused}");
    assert!(refusal(&with("permit;")).contains("7:"));
}

#[test]
fn a_policy_that_can_never_apply_is_refused() {
    let refused = refusal(&with("forbid (principal, action, resource) when { context.author && false };"));
    assert!(refused.contains("5:1: ") && refused.contains("`more`"), "{refused}");
}

#[test]
fn a_policy_says_its_name_and_what_it_takes() {
    let policy =
        "permit (principal, action == Action::\"claim-case\", resource) when { principal.reviewer };";
    let refused = |annotations: &str| Duties::parse(&format!("{annotations}{policy}")).unwrap_err();
    assert!(matches!(refused(""), DutiesError::Unnamed { number: 1 }));
    assert!(matches!(refused("@id(\" \")"), DutiesError::Unnamed { number: 1 }));
    assert!(matches!(refused("@id(\"one\")"), DutiesError::WithoutNeeds { id } if id == "one"));
    assert!(matches!(refused("@id(\"one\") @needs(\"\")"), DutiesError::WithoutNeeds { .. }));
    assert!(matches!(refused("@id(\"one\") @needs(\"a\\u{1b}[2J\")"), DutiesError::WithoutNeeds { .. }));
    let twice = format!("@id(\"one\") @needs(\"a\") {policy} @id(\"one\") @needs(\"b\") {policy}");
    assert!(matches!(Duties::parse(&twice), Err(DutiesError::NamedTwice { id }) if id == "one"));
}

#[test]
fn slots_emptiness_and_length_are_refused() {
    let slot = "permit (principal == ?principal, action, resource);";
    assert!(matches!(Duties::parse(&with(slot)), Err(DutiesError::Template)));
    for nothing in ["", "// nobody may do anything\n"] {
        assert!(matches!(Duties::parse(nothing), Err(DutiesError::Empty)));
    }
    let long = " ".repeat(DUTIES_BYTES_MAX + 1);
    assert!(matches!(Duties::parse(&long), Err(DutiesError::TooLong { .. })));
}

#[test]
fn what_could_fail_or_names_somebody_is_refused() {
    for policy in [
        "forbid (principal, action, resource) when { 9223372036854775807 + 1 == 0 };",
        "forbid (principal, action, resource) when { context.author && 1 < 2 };",
        "forbid (principal == Person::\"ada\", action, resource);",
        "forbid (principal, action, resource) when { principal == Person::\"ada\" };",
    ] {
        let error = Duties::parse(&with(policy)).unwrap_err();
        assert!(matches!(&error, DutiesError::CouldFail { id } if id == "more"), "{policy}: {error:?}");
    }
}

#[test]
fn policies_that_look_at_everything_are_refused() {
    let words = ["author", "beneficiary", "subject", "proposer", "requester", "agreed", "claimant"];
    let relations = words.map(|word| format!("context.{word}")).join(" || ");
    let roles = "principal.steward || principal.manager || principal.admin";
    let refused =
        refusal(&with(&format!("forbid (principal, action, resource) when {{ {relations} || {roles} }};")));
    assert!(refused.contains("`claim-case` look at 11 roles and relations"), "{refused}");
}

/// For each ground rule: policies that break it, and the plainest example of it.
const LOOSE: &[(&str, &str, &str)] = &[
    (
        "clearing-by-others",
        "permit (principal, action == Action::\"agree-resolution\", resource)
            when { principal.reviewer && !context.proposer && !context.agreed };",
        "`agree-resolution` of `clearing` to somebody with the role `reviewer` and the relation `author`",
    ),
    (
        "clearing-by-others",
        "permit (principal, action == Action::\"propose-resolution\", resource)
            when { principal.reviewer && !context.author };",
        "`propose-resolution` of `clearing` to somebody with the role `reviewer` and the relation `beneficiary`",
    ),
    (
        "clearing-by-two",
        "permit (principal, action == Action::\"agree-resolution\", resource)
            when { principal.reviewer && !context.author && !context.beneficiary && !context.proposer };",
        "`agree-resolution` of `clearing` to somebody with the role `reviewer` and the relation `agreed`",
    ),
    (
        "exemption-by-others",
        "permit (principal, action == Action::\"approve-exemption\", resource)
            when { principal.manager && !context.requester };",
        "`approve-exemption` of `clearing` to somebody with the role `manager` and the relation `beneficiary`",
    ),
    (
        "motion-by-two",
        "permit (principal, action == Action::\"second-motion\", resource == Affair::\"people\")
            when { principal.admin && !context.proposer && !context.agreed };",
        "`second-motion` of `people` to somebody with the role `admin` and the relation `subject`",
    ),
    (
        "cases-by-roles",
        "permit (principal, action == Action::\"reject-resolution\", resource)
            when { principal.reviewer || principal.admin };",
        "`reject-resolution` of `clearing` to somebody with the role `admin` and no relation",
    ),
    (
        "cases-by-roles",
        "permit (principal, action == Action::\"reject-resolution\", resource) when { context.claimant };",
        "`reject-resolution` of `clearing` to somebody with no role and the relation `claimant`",
    ),
    (
        "power-by-roles",
        "permit (principal, action == Action::\"read-sealed\", resource) unless { context.author };",
        "`read-sealed` of `clearing` to somebody with no role and no relation",
    ),
    (
        "auditors-change-nothing",
        "permit (principal, action == Action::\"hold-content\", resource == Affair::\"held\");",
        "`hold-content` of `held` to somebody with the role `auditor` and no relation",
    ),
];

#[test]
fn policies_that_break_a_ground_rule_are_refused_with_an_example() {
    for (rule, policy, example) in LOOSE {
        // Auditors are kept out, so that nothing but the rule at hand is broken.
        let kept_out = "@id(\"auditors\") @needs(\"a person who is not an auditor\")
            forbid (principal, action in Action::\"change\", resource) when { principal.auditor };";
        let kept_out = if *rule == "auditors-change-nothing" { "" } else { kept_out };
        let text = format!("{kept_out}@id(\"loose\") @needs(\"something\") {policy}");
        match Duties::parse(&text) {
            Err(DutiesError::BreaksGroundRule { breach }) => {
                assert_eq!(breach.rule.id, *rule, "{breach}");
                assert!(breach.to_string().contains(example), "{breach}");
            }
            other => panic!("{rule}: {other:?}"),
        }
    }
}

#[test]
fn every_ground_rule_is_tried() {
    for rule in GROUND_RULES {
        assert!(LOOSE.iter().any(|(id, ..)| *id == rule.id), "no policies break `{}`", rule.id);
    }
}

#[test]
fn allowing_everything_breaks_the_first_rule() {
    let refused = refusal("@id(\"all\") @needs(\"nothing\") permit (principal, action, resource);");
    assert!(refused.contains("`clearing-by-others`"), "{refused}");
}

#[test]
fn taking_a_forbid_away_is_noticed() {
    let text = Duties::built_in().text().to_owned();
    let marker = "@id(\"no-deciding-by-the-author\")";
    let (before, rest) = text.split_once(marker).unwrap();
    let (_, after) = rest.split_once("};").unwrap();
    let refused = refusal(&format!("{before}{after}"));
    assert!(refused.contains("`clearing-by-others`"), "{refused}");
}

#[test]
fn stricter_policies_are_taken() {
    let stricter = format!(
        "{}\n@id(\"no-holding-of-ones-own\") @needs(\"a person who did not write the content\")\n\
         forbid (principal, action == Action::\"hold-content\", resource) when {{ context.author }};",
        Duties::built_in().text()
    );
    let duties = Duties::parse(&stricter).unwrap();
    assert_ne!(duties.digest(), Duties::built_in().digest());
    let ask = Ask {
        action: Action::HoldContent,
        affair: Affair::Held,
        roles: [PersonRole::Steward].into(),
        relations: [Relation::Author].into(),
    };
    let unmet = vec!["a person who did not write the content".to_owned()];
    assert_eq!(duties.rule(&ask), Ruling::Denied { unmet, failed: false });
    assert_eq!(Duties::built_in().rule(&ask), Ruling::Allowed);
}
