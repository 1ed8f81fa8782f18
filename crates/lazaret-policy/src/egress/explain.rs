//! Says in plain words why a request was decided as it was, and what its maker can do.

use lazaret_core::{Endpoint, Permission};

use super::{Decision, EgressPolicy, EgressReason};

/// Says why a request was decided as it was: for those who look after enforcement. Returns lines without their ends.
#[must_use]
pub fn explain(policy: &EgressPolicy, endpoint: Option<&Endpoint>, decision: &Decision) -> Vec<String> {
    let mode = decision.mode.as_str();
    let mut lines = vec![format!("decision {}: {} in the mode `{mode}`", decision.id, decision.permission)];
    if decision.enforced != decision.permission {
        lines.push(format!("  in the mode `enforce` it would be: {}", decision.enforced));
    }
    if let Some(rule) = &decision.rule {
        let product = endpoint.map_or(String::new(), |endpoint| format!(", {}", endpoint.product));
        lines.push(format!("  rule {rule}{product}"));
    }
    lines.push(format!("  policy `{}`, {}", policy.name, decision.policy));
    if let Some(exemption) = &decision.exemption {
        lines.push(format!("  under the exemption {exemption}"));
    }
    lines.extend(decision.reasons.iter().map(|reason| format!("  because {} ({reason})", reason.meaning())));
    lines.push(format!("  valid until {}", decision.valid_until));
    lines
}

/// Says to the maker of a request what stands against it: the rule, what to use instead, how to ask for an exemption.
/// Nothing where nothing does. Returns lines without their ends.
#[must_use]
pub fn refusal(policy: &EgressPolicy, endpoint: Option<&Endpoint>, decision: &Decision) -> Vec<String> {
    if decision.permission == Permission::Allow && !decision.warns() {
        return Vec::new();
    }
    let what = endpoint.map_or("this service", |endpoint| endpoint.product.as_str());
    let does = if decision.warns() { "warns of" } else { "denies" };
    let mut lines = vec![format!("The policy `{}` {does} calls to {what}.", policy.name)];
    lines.extend(decision.rule.iter().map(|rule| format!("Rule: {rule}.")));
    let told = decision.reasons.iter().filter(|reason| **reason != EgressReason::Warning);
    lines.extend(told.map(|reason| format!("Because {}.", reason.meaning())));
    lines.extend(policy.alternative.iter().map(|alternative| format!("Use instead: {alternative}")));
    let ask = "For an exemption: `lazaret exempt request`";
    lines.push(match &policy.contact {
        Some(contact) => format!("{ask}, or ask {contact}"),
        None => format!("{ask}."),
    });
    lines.push(format!("Decision: {}", decision.id));
    lines
}
