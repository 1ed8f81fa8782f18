//! Holds the page on who may do what against the built-in policies and the ground rules.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use lazaret_authority::{Duties, GROUND_RULES};
use lazaret_core::{Action, Affair, Ask, Authority as _, PersonRole, Relation, Ruling};

const FROM: &str = "<!-- who may do what: written by a test -->\n";
const TO: &str = "<!-- end of who may do what -->\n";

/// Who may do something, as the page tells it: whoever holds one of the roles or stands in one of the relations,
/// unless they hold or stand in one that keeps them from it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Row {
    anybody: bool,
    roles: Vec<PersonRole>,
    relations: Vec<Relation>,
    never_roles: Vec<PersonRole>,
    never_relations: Vec<Relation>,
}

fn allows(action: Action, affair: Affair, roles: &[PersonRole], relations: &[Relation]) -> bool {
    let (roles, relations) = (roles.iter().copied().collect(), relations.iter().copied().collect());
    Duties::built_in().rule(&Ask { action, affair, roles, relations }) == Ruling::Allowed
}

impl Row {
    /// Asks for each role and each relation alone, then for each beside one that may.
    fn of(action: Action, affair: Affair) -> Self {
        let anybody = allows(action, affair, &[], &[]);
        let role_may = |role: &PersonRole| !anybody && allows(action, affair, &[*role], &[]);
        let relation_may = |relation: &Relation| !anybody && allows(action, affair, &[], &[*relation]);
        let roles: Vec<PersonRole> = PersonRole::ALL.into_iter().filter(role_may).collect();
        let relations: Vec<Relation> = Relation::ALL.into_iter().filter(relation_may).collect();
        if !anybody && roles.is_empty() && relations.is_empty() {
            return Self::default();
        }
        let one = roles.first().copied();
        let beside = |role: &PersonRole| {
            !allows(action, affair, &[*role].into_iter().chain(one).collect::<Vec<_>>(), &[])
        };
        let held = one.as_slice();
        let keeps = |relation: &Relation| !allows(action, affair, held, &[*relation]);
        Self {
            anybody,
            never_roles: PersonRole::ALL.into_iter().filter(beside).collect(),
            never_relations: Relation::ALL.into_iter().filter(keeps).collect(),
            roles,
            relations,
        }
    }

    /// What the row says of a question.
    fn says(&self, roles: &BTreeSet<PersonRole>, relations: &BTreeSet<Relation>) -> bool {
        let may = self.anybody
            || self.roles.iter().any(|role| roles.contains(role))
            || self.relations.iter().any(|relation| relations.contains(relation));
        may && !self.never_roles.iter().any(|role| roles.contains(role))
            && !self.never_relations.iter().any(|relation| relations.contains(relation))
    }

    fn is_nobody(&self) -> bool {
        *self == Self::default()
    }

    fn columns(&self) -> String {
        let may = if self.anybody { "anybody".to_owned() } else { words(&self.roles, &self.relations) };
        format!("{may} | {}", words(&self.never_roles, &self.never_relations))
    }
}

fn words(roles: &[PersonRole], relations: &[Relation]) -> String {
    let roles = roles.iter().map(|role| role.as_str());
    let relations = relations.iter().map(|relation| relation.as_str());
    let words: Vec<String> = roles.chain(relations).map(|word| format!("`{word}`")).collect();
    words.join(", ")
}

/// Rows of one action that say the same of several affairs are one row; affairs that nobody may are left out.
fn table() -> String {
    let mut table = "| action | of | who may | who never may |\n|---|---|---|---|\n".to_owned();
    for action in Action::ALL {
        let rows: Vec<(Affair, Row)> =
            Affair::ALL.into_iter().map(|affair| (affair, Row::of(action, affair))).collect();
        let mut told: Vec<&Row> = Vec::new();
        for (_, row) in rows.iter().filter(|(_, row)| !row.is_nobody()) {
            if told.contains(&row) {
                continue;
            }
            told.push(row);
            let same = rows.iter().filter(|(_, other)| other == row);
            let affairs: Vec<String> = same.map(|(affair, _)| format!("`{}`", affair.as_str())).collect();
            let affairs =
                if affairs.len() == Affair::ALL.len() { "anything".to_owned() } else { affairs.join(", ") };
            table.push_str(&format!("| `{action}` | {affairs} | {} |\n", row.columns()));
        }
    }
    table
}

fn page_path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/authority.md")
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a person asks for the page to be written anew")]
fn the_page_shows_who_may_do_what() {
    let page = fs::read_to_string(page_path()).unwrap();
    let (before, rest) = page.split_once(FROM).unwrap();
    let (shown, after) = rest.split_once(TO).unwrap();
    let expected = format!("\n{}\n", table());
    if std::env::var_os("UPDATE_PAGES").is_some() {
        fs::write(page_path(), format!("{before}{FROM}{expected}{TO}{after}")).unwrap();
    } else {
        assert!(
            shown == expected,
            "docs/reference/authority.md is out of date: run \
             `UPDATE_PAGES=1 cargo test -p lazaret-authority --test page` and review the change"
        );
    }
}

/// Sets of at most two.
fn few<T: Copy + Ord>(words: &[T]) -> BTreeSet<BTreeSet<T>> {
    let pairs = words.iter().flat_map(|one| words.iter().map(move |other| BTreeSet::from([*one, *other])));
    pairs.chain([BTreeSet::new()]).collect()
}

#[test]
fn the_table_tells_all_that_the_policies_allow() {
    let (roles, relations) = (few(&PersonRole::ALL), few(&Relation::ALL));
    let duties = Duties::built_in();
    for action in Action::ALL {
        for affair in Affair::ALL {
            let row = Row::of(action, affair);
            for (roles, relations) in
                roles.iter().flat_map(|roles| relations.iter().map(move |relations| (roles, relations)))
            {
                let ask = Ask { action, affair, roles: roles.clone(), relations: relations.clone() };
                let said = row.says(roles, relations);
                assert_eq!(duties.rule(&ask) == Ruling::Allowed, said, "{ask:?}");
            }
        }
    }
}

#[test]
fn the_page_names_every_word_and_every_ground_rule() {
    let page = fs::read_to_string(page_path()).unwrap();
    let schema = include_str!("../src/duties.cedarschema");
    let actions = Action::ALL.map(Action::as_str).into_iter();
    let affairs = Affair::ALL.map(Affair::as_str).into_iter();
    let roles = PersonRole::ALL.map(PersonRole::as_str).into_iter();
    let relations = Relation::ALL.map(Relation::as_str).into_iter();
    for word in actions.chain(affairs).chain(roles).chain(relations) {
        assert!(page.contains(&format!("`{word}`")), "docs/reference/authority.md does not name `{word}`");
        assert!(schema.contains(word), "the schema does not name `{word}`");
    }
    for rule in GROUND_RULES {
        let row = format!("| `{}` | {} |", rule.id, rule.says);
        assert!(page.contains(&row), "docs/reference/authority.md lacks the row\n{row}");
    }
}

#[test]
fn the_example_on_the_page_is_taken() {
    let page = fs::read_to_string(page_path()).unwrap();
    let (_, rest) = page.split_once("```cedar\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let text = format!("{}\n{example}", Duties::built_in().text());
    Duties::parse(&text).unwrap();
}
