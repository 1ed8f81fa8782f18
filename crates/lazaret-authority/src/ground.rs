//! The ground rules: what no policies may allow, whoever writes them.

use std::fmt;

use lazaret_core::{Action, Affair, Ask, PersonRole, Relation};

use crate::standing::Standing;

/// One thing that nobody may be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroundRule {
    /// Its name.
    pub id: &'static str,
    /// What it says, as a sentence without its stop.
    pub says: &'static str,
    actions: &'static [Action],
    affairs: &'static [Affair],
    never: Never,
}

/// Whom a rule keeps from its actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Never {
    /// Whoever stands to the affair in one of these ways.
    Related(&'static [Relation]),
    /// Whoever holds this role, whatever others they hold.
    Holding(PersonRole),
    /// Whoever holds no role but, at most, these.
    HoldingNoneBut(&'static [PersonRole]),
}

/// All actions but the one that only reads.
const CHANGES: [Action; Action::ALL.len() - 1] = [
    Action::ProposeMotion,
    Action::SecondMotion,
    Action::RevokeRole,
    Action::HoldContent,
    Action::MoveContent,
    Action::ClaimCase,
    Action::ProposeResolution,
    Action::AgreeResolution,
    Action::RejectResolution,
    Action::ReopenCase,
    Action::EnforceDeadline,
    Action::RecordStatement,
    Action::RequestExemption,
    Action::ApproveExemption,
    Action::RevokeExemption,
    Action::RecordUse,
    Action::RecordFindings,
    Action::DeleteFindings,
];

/// All ground rules. Policies may be stricter and never looser.
pub const GROUND_RULES: &[GroundRule] = &[
    GroundRule {
        id: "clearing-by-others",
        says: "who wrote a content or gains by it neither proposes nor agrees that it be cleared",
        actions: &[Action::ProposeResolution, Action::AgreeResolution],
        affairs: &[Affair::Clearing],
        never: Never::Related(&[Relation::Author, Relation::Beneficiary]),
    },
    GroundRule {
        id: "clearing-by-two",
        says: "who proposed that a content be cleared, or agreed already, does not agree to it",
        actions: &[Action::AgreeResolution],
        affairs: &[Affair::Clearing],
        never: Never::Related(&[Relation::Proposer, Relation::Agreed]),
    },
    GroundRule {
        id: "exemption-by-others",
        says: "who asked for an exemption or gains by it does not approve it",
        actions: &[Action::ApproveExemption],
        affairs: &Affair::ALL,
        never: Never::Related(&[Relation::Requester, Relation::Beneficiary]),
    },
    GroundRule {
        id: "motion-by-two",
        says: "who proposed a motion, seconded it already or is its subject does not second it",
        actions: &[Action::SecondMotion],
        affairs: &Affair::ALL,
        never: Never::Related(&[Relation::Proposer, Relation::Subject, Relation::Agreed]),
    },
    GroundRule {
        id: "cases-by-roles",
        says: "who holds no role, or that of an admin alone, decides no case",
        actions: &[
            Action::ClaimCase,
            Action::ProposeResolution,
            Action::AgreeResolution,
            Action::RejectResolution,
        ],
        affairs: &Affair::ALL,
        never: Never::HoldingNoneBut(&[PersonRole::Admin]),
    },
    GroundRule {
        id: "power-by-roles",
        says: "who holds no role takes no part in motions, takes no role away, neither moves nor reads what is \
               sealed and approves no exemption",
        actions: &[
            Action::ProposeMotion,
            Action::SecondMotion,
            Action::RevokeRole,
            Action::MoveContent,
            Action::ReadSealed,
            Action::ApproveExemption,
        ],
        affairs: &Affair::ALL,
        never: Never::HoldingNoneBut(&[]),
    },
    GroundRule {
        id: "auditors-change-nothing",
        says: "who is an auditor changes nothing, whatever other roles they hold",
        actions: &CHANGES,
        affairs: &Affair::ALL,
        never: Never::Holding(PersonRole::Auditor),
    },
];

impl GroundRule {
    /// Whether the rule keeps this person from doing this.
    #[must_use]
    pub fn denies(&self, ask: &Ask) -> bool {
        let standing = Standing::of(ask);
        self.actions.contains(&ask.action)
            && self.affairs.contains(&ask.affair)
            && match self.never {
                Never::Related(relations) => {
                    relations.iter().any(|relation| ask.relations.contains(relation))
                }
                Never::Holding(role) => standing.has(Standing::role(role)),
                Never::HoldingNoneBut(roles) => ask.roles.iter().all(|role| roles.contains(role)),
            }
    }

    /// What must be tried besides what the policies look at. Where roles are missing this is nothing: a role that no
    /// policy looks at is as good as missing.
    fn looks(&self) -> Standing {
        match self.never {
            Never::Related(relations) => {
                relations.iter().map(|&relation| Standing::relation(relation)).collect()
            }
            Never::Holding(role) => Standing::role(role),
            Never::HoldingNoneBut(_) => Standing::NONE,
        }
    }
}

/// Something that policies allow and a ground rule does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// The rule.
    pub rule: &'static GroundRule,
    /// What they allow.
    pub example: Ask,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, example } = self;
        write!(f, "{} (`{}`), but they allow `{}` of ", rule.says, rule.id, example.action)?;
        write!(f, "`{}` to somebody with ", example.affair.as_str())?;
        let roles = example.roles.iter().map(|role| role.as_str());
        let relations = example.relations.iter().map(|relation| relation.as_str());
        list(f, roles, "role")?;
        f.write_str(" and ")?;
        list(f, relations, "relation")
    }
}

fn list<'a>(f: &mut fmt::Formatter<'_>, words: impl Iterator<Item = &'a str>, kind: &str) -> fmt::Result {
    let words: Vec<String> = words.map(|word| format!("`{word}`")).collect();
    match words.as_slice() {
        [] => write!(f, "no {kind}"),
        [word] => write!(f, "the {kind} {word}"),
        words => write!(f, "the {kind}s {}", words.join(", ")),
    }
}

/// Tries all that can make a difference and returns the plainest breach of the first rule that is broken.
///
/// `looked_at` gives what the policies on an action look at; nothing else changes what `allows` answers.
pub(crate) fn breach(
    looked_at: impl Fn(Action) -> Standing,
    allows: impl Fn(Action, Affair, Standing) -> bool,
) -> Option<Breach> {
    GROUND_RULES.iter().find_map(|rule| {
        let questions = rule.actions.iter().flat_map(|&action| {
            let tried = looked_at(action).or(rule.looks());
            rule.affairs.iter().flat_map(move |&affair| tried.parts().map(move |part| (action, affair, part)))
        });
        questions
            .filter(|&(action, affair, part)| rule.denies(&part.asks(action, affair)))
            .filter(|&(action, affair, part)| allows(action, affair, part))
            .min_by_key(|&(.., part)| part.count())
            .map(|(action, affair, part)| Breach { rule, example: part.asks(action, affair) })
    })
}
