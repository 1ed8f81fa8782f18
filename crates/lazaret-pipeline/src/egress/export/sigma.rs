//! Sigma rules: names and addresses over logs of proxies, resolvers and firewalls.

use lazaret_core::AddressRange;

use super::barrier::{Barrier, Name, Region};
use super::head::Head;

/// A kind of log: its category, the field with the name, what is told, and the rule's own id.
const LOGS: [(&str, &str, &str, &str); 2] = [
    ("proxy", "cs-host", "Call to a banned AI service", "5c1d1f3e-6f0e-4d58-9d0a-6a2f6f3b7a01"),
    ("dns", "query", "Look-up of a banned AI service", "5c1d1f3e-6f0e-4d58-9d0a-6a2f6f3b7a02"),
];

/// The id of the rule about addresses.
const ADDRESSES: &str = "5c1d1f3e-6f0e-4d58-9d0a-6a2f6f3b7a03";

pub(super) fn render(barrier: &Barrier, head: &Head) -> String {
    let regions = barrier.regions();
    // Where nothing is stopped by name, a rule without names would say nothing.
    let logs = LOGS.iter().filter(|_| !regions.is_empty());
    let mut rules: Vec<String> =
        logs.map(|(category, field, title, id)| rule(title, id, category, &names(&regions, field))).collect();
    if !barrier.addresses.is_empty() {
        let ranges: Vec<&AddressRange> = barrier.addresses.keys().collect();
        let mut detection = "  addresses:\n    dst_ip|cidr:\n".to_owned();
        detection.extend(ranges.iter().map(|range| format!("      - '{range}'\n")));
        detection.push_str("  condition: addresses\n");
        rules.push(rule("Connection to addresses of a banned AI service", ADDRESSES, "firewall", &detection));
    }
    head.render("#") + &rules.join("---\n")
}

fn rule(title: &str, id: &str, category: &str, detection: &str) -> String {
    format!(
        "title: {title}\nid: {id}\nstatus: experimental\ndescription: A host at which a model of a provider answers that the policy bans; made from catalog and policy.\nauthor: lazaret\nlogsource:\n  category: {category}\ndetection:\n{detection}falsepositives:\n  - Calls under an exemption\nlevel: medium\n"
    )
}

/// Writes the names of all regions, and the condition over them.
fn names(regions: &[Region<'_>], field: &str) -> String {
    let mut out = String::new();
    let mut conditions = Vec::new();
    for (number, region) in (1..).zip(regions) {
        out.push_str(&selection(&format!("names_{number}"), field, region.names.iter().map(|one| one.name)));
        if region.except.is_empty() {
            conditions.push(format!("names_{number}"));
        } else {
            out.push_str(&selection(&format!("except_{number}"), field, region.except.iter().copied()));
            conditions.push(format!("(names_{number} and not except_{number})"));
        }
    }
    out.push_str(&format!("  condition: {}\n", conditions.join(" or ")));
    out
}

fn selection<'a>(id: &str, field: &str, names: impl Iterator<Item = &'a Name>) -> String {
    let mut exact = Vec::new();
    let mut ends = Vec::new();
    let mut expressions = Vec::new();
    for name in names {
        match name {
            Name::Exact(name) => exact.push(name.clone()),
            Name::Suffix(name) => {
                exact.push(name.clone());
                ends.push(format!(".{name}"));
            }
            Name::Expression(expression) => expressions.push(expression.clone()),
        }
    }
    let mut out = format!("  {id}:\n");
    for (modifier, values) in [("", exact), ("|endswith", ends), ("|re|i", expressions)] {
        if !values.is_empty() {
            out.push_str(&format!("    - {field}{modifier}:\n"));
            out.extend(values.iter().map(|value| format!("        - '{value}'\n")));
        }
    }
    out
}
