//! Answers by Cedar, each worked out once.
//!
//! What policies look at is known (`looks.rs`), so that few questions differ: those that agree in the action, the
//! affair and all that the policies on the action look at have one answer, and one place in a table.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::OnceLock;

use cedar_policy::{
    ActionConstraint, Authorizer, Context, Decision, Effect, Entities, Entity, EntityId, EntityTypeName,
    EntityUid, ParseErrors, Policy, PolicySet, Request, ResourceConstraint, Response, RestrictedExpression,
    Schema,
};
use lazaret_core::{Action, Affair, Ask, PersonRole, Relation, Ruling};

use crate::looks::looks;
use crate::read::DutiesError;
use crate::standing::Standing;

/// At how many of the thirteen roles and relations the policies on one action may look. The time to try everything
/// doubles with each: a thousand questions for each of eight affairs, a tenth of a second for an action.
const LOOKED_AT_MAX: u32 = 10;

/// What a person who is denied gets to read where a policy failed: nothing that they could change.
const FAILED: &str = "policies that can be evaluated: tell whoever keeps them";

/// What Cedar is told of who asks: that it is somebody.
const WHO_ASKS: &str = "who-asks";

/// Policies, and what they answered so far.
#[derive(Debug)]
pub(crate) struct Rulings {
    schema: Schema,
    /// Whoever may ask, by the roles they hold, beside the groups of actions.
    people: HashMap<BTreeSet<PersonRole>, Entities>,
    /// One for each action, in the order of [`Action::ALL`].
    tables: Vec<Table>,
}

/// The policies on one action, and the answers.
#[derive(Debug)]
struct Table {
    policies: PolicySet,
    /// The same without those that forbid: what is missing even where nothing forbids.
    permits: PolicySet,
    looked_at: Standing,
    /// For each affair, for each part of what is looked at.
    slots: Box<[OnceLock<Ruling>]>,
}

impl Table {
    fn new(action: Action, policies: &PolicySet, groups: &Entities) -> Result<Self, DutiesError> {
        let on_it: Vec<&Policy> =
            policies.policies().filter(|policy| is_on(policy, action, groups)).collect();
        let mut looked_at = Standing::NONE;
        for policy in &on_it {
            let could_fail = || DutiesError::CouldFail { id: policy.id().to_string() };
            looked_at = looked_at.or(looks(policy).ok_or_else(could_fail)?);
        }
        if looked_at.count() > LOOKED_AT_MAX {
            let looked_at = looked_at.count();
            return Err(DutiesError::LooksAtTooMuch { action, looked_at, max: LOOKED_AT_MAX });
        }
        let permits = on_it.iter().filter(|policy| policy.effect() == Effect::Permit);
        let slots = Affair::ALL.len() << looked_at.count();
        Ok(Self {
            policies: set(on_it.iter().copied())?,
            permits: set(permits.copied())?,
            looked_at,
            slots: std::iter::repeat_with(OnceLock::new).take(slots).collect(),
        })
    }

    fn slot(&self, affair: Affair, standing: Standing) -> Option<&OnceLock<Ruling>> {
        let row = (affair as usize) << self.looked_at.count();
        self.slots.get(row + standing.place_in(self.looked_at))
    }

    /// What would have to be otherwise: what the policies that forbid it need, and where none permits it, what those
    /// need that could.
    fn unmet(&self, ask: &Ask, forbidding: &Response, permitted: bool) -> Vec<String> {
        let needs = |policy: &Policy| policy.annotation("needs").map(str::to_owned);
        let forbids = forbidding.diagnostics().reason().filter_map(|id| self.policies.policy(id));
        let mut unmet: BTreeSet<String> = forbids.filter_map(needs).collect();
        if !permitted {
            let covering = self.permits.policies().filter(|policy| covers(policy, ask.affair));
            let mut covering = covering.filter_map(needs).peekable();
            if covering.peek().is_none() {
                let (action, affair) = (ask.action, ask.affair.as_str());
                unmet.insert(format!("a policy that lets anybody `{action}` of `{affair}`"));
            }
            unmet.extend(covering);
        }
        unmet.into_iter().collect()
    }
}

impl Rulings {
    /// Prepares to answer by policies that were read.
    ///
    /// # Errors
    /// [`DutiesError`] where a policy could fail or names somebody, or where the policies on an action look at too
    /// much.
    pub(crate) fn new(schema: Schema, policies: &PolicySet) -> Result<Self, DutiesError> {
        let groups = schema.action_entities().map_err(|error| unusable(&error))?;
        let tables = Action::ALL.into_iter().map(|action| Table::new(action, policies, &groups));
        let tables = tables.collect::<Result<_, _>>()?;
        let all = PersonRole::ALL.into_iter().map(Standing::role).collect::<Standing>();
        let mut people = HashMap::new();
        for roles in all.parts().map(Standing::roles) {
            let person = person(&roles, &groups, &schema)?;
            people.insert(roles, person);
        }
        Ok(Self { schema, people, tables })
    }

    /// What the policies on an action look at.
    pub(crate) fn looked_at(&self, action: Action) -> Standing {
        self.tables.get(action as usize).map_or(Standing::NONE, |table| table.looked_at)
    }

    /// Whether somebody who stands like this may do it.
    pub(crate) fn allows(&self, action: Action, affair: Affair, standing: Standing) -> bool {
        self.rule(action, affair, standing) == Ruling::Allowed
    }

    /// Answers, and remembers the answer.
    pub(crate) fn rule(&self, action: Action, affair: Affair, standing: Standing) -> Ruling {
        let answer = self.tables.get(action as usize).and_then(|table| {
            let slot = table.slot(affair, standing)?;
            Some(slot.get_or_init(|| self.evaluate(table, &standing.asks(action, affair))).clone())
        });
        answer.unwrap_or_else(failed)
    }

    /// Answers by Cedar. An error anywhere is a denial: Cedar itself would pass over a `forbid` that failed.
    fn evaluate(&self, table: &Table, ask: &Ask) -> Ruling {
        let (Some(request), Some(people)) = (self.request(ask), self.people.get(&ask.roles)) else {
            return failed();
        };
        let answer = Authorizer::new().is_authorized(&request, &table.policies, people);
        if answer.diagnostics().errors().next().is_some() {
            return failed();
        }
        match answer.decision() {
            Decision::Allow => Ruling::Allowed,
            Decision::Deny => {
                let without_forbids = Authorizer::new().is_authorized(&request, &table.permits, people);
                let permitted = without_forbids.decision() == Decision::Allow;
                Ruling::Denied { unmet: table.unmet(ask, &answer, permitted), failed: false }
            }
        }
    }

    /// Puts a question into Cedar's words.
    fn request(&self, ask: &Ask) -> Option<Request> {
        let relations = Relation::ALL.map(|relation| {
            let holds = RestrictedExpression::new_bool(ask.relations.contains(&relation));
            (relation.as_str().to_owned(), holds)
        });
        let request = Request::new(
            entity("Person", WHO_ASKS)?,
            entity("Action", ask.action.as_str())?,
            entity("Affair", ask.affair.as_str())?,
            Context::from_pairs(relations).ok()?,
            Some(&self.schema),
        );
        request.ok()
    }
}

/// The answer where none can be worked out.
fn failed() -> Ruling {
    Ruling::Denied { unmet: vec![FAILED.to_owned()], failed: true }
}

fn person(roles: &BTreeSet<PersonRole>, groups: &Entities, schema: &Schema) -> Result<Entities, DutiesError> {
    let held = PersonRole::ALL
        .map(|role| (role.as_str().to_owned(), RestrictedExpression::new_bool(roles.contains(&role))));
    let kind: EntityTypeName = "Person".parse().map_err(|error: ParseErrors| unusable(&error))?;
    let name = EntityUid::from_type_name_and_id(kind, EntityId::new(WHO_ASKS));
    let person = Entity::new(name, held.into(), HashSet::new()).map_err(|error| unusable(&error))?;
    groups.clone().add_entities([person], Some(schema)).map_err(|error| unusable(&error))
}

fn unusable(error: &dyn std::error::Error) -> DutiesError {
    DutiesError::Schema { problem: error.to_string() }
}

fn set<'a>(policies: impl Iterator<Item = &'a Policy>) -> Result<PolicySet, DutiesError> {
    PolicySet::from_policies(policies.cloned()).map_err(|error| unusable(&error))
}

fn entity(kind: &str, id: &str) -> Option<EntityUid> {
    let kind: EntityTypeName = kind.parse().ok()?;
    Some(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
}

/// Whether a policy is on an action, by itself or by a group that the action is in.
fn is_on(policy: &Policy, action: Action, groups: &Entities) -> bool {
    let Some(action) = entity("Action", action.as_str()) else {
        return true;
    };
    let covers = |named: &EntityUid| *named == action || groups.is_ancestor_of(named, &action);
    match policy.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(named) => covers(&named),
        ActionConstraint::In(named) => named.iter().any(covers),
    }
}

/// Whether a policy is on an affair, as far as its head says.
fn covers(policy: &Policy, affair: Affair) -> bool {
    match policy.resource_constraint() {
        ResourceConstraint::Eq(named) | ResourceConstraint::In(named) => {
            named.id().unescaped() == affair.as_str()
        }
        ResourceConstraint::Any | ResourceConstraint::Is(_) | ResourceConstraint::IsIn(..) => true,
    }
}

#[cfg(test)]
mod tests;
