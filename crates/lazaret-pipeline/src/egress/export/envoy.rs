//! A filter of Envoy that denies by a fixed list (RBAC), as a file that Envoy reads and watches.

use super::barrier::{Barrier, Name, Standing};
use super::head::Head;
use super::networks::Ranges;

/// By what Envoy tells a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// The host of a request or of a `CONNECT`.
    Host,
    /// The name in the TLS greeting.
    Greeting,
}

/// Returns `None` where nothing that is stopped can be said.
pub(super) fn render(barrier: &Barrier, head: &Head, by: By, is_log_only: bool) -> Option<String> {
    let mut out = head.render("#");
    let filter = match by {
        By::Host => "http",
        By::Greeting => "network",
    };
    let rules = if is_log_only { "shadow_rules" } else { "rules" };
    out.push_str(&format!(
        "resources:\n- \"@type\": type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig\n  name: lazaret\n  typed_config:\n    \"@type\": type.googleapis.com/envoy.extensions.filters.{filter}.rbac.v3.RBAC\n"
    ));
    if by == By::Greeting {
        out.push_str("    stat_prefix: lazaret\n");
    }
    out.push_str(&format!("    {rules}:\n      action: DENY\n      policies:\n"));
    let mut n_policies = 0;
    for (number, region) in (1..).zip(barrier.regions()) {
        let names = region.names.iter().map(|one| one.name);
        out.push_str(&format!("        names-{number:03}:\n          permissions:\n"));
        if region.except.is_empty() {
            out.push_str(&either(names.map(|name| host(by, name)), "          - "));
        } else {
            out.push_str("          - and_rules:\n              rules:\n");
            out.push_str(&either(names.map(|name| host(by, name)), "              - "));
            out.push_str("              - not_rule:\n");
            out.push_str(&either(region.except.iter().map(|name| host(by, name)), "                  "));
        }
        out.push_str(&principals(region.passed));
        n_policies += 1;
    }
    if by == By::Greeting {
        for (number, (range, listed)) in (1..).zip(&barrier.addresses) {
            let Standing::Stopped(passed) = &listed.standing else { continue };
            out.push_str(&format!(
                "        addresses-{number:03}: # {}\n          permissions:\n          - destination_ip: {{ address_prefix: \"{}\", prefix_len: {} }}\n",
                listed.row, range.address, range.prefix
            ));
            out.push_str(&principals(passed));
            n_policies += 1;
        }
    }
    (n_policies > 0).then_some(out)
}

/// Writes that any of several rules holds; `first` stands before the first line, blanks of its length before others.
fn either(rules: impl Iterator<Item = String>, first: &str) -> String {
    let blanks = " ".repeat(first.len());
    let mut out = format!("{first}or_rules:\n{blanks}  rules:\n");
    out.extend(rules.map(|rule| format!("{blanks}  - {rule}\n")));
    out
}

/// Writes a rule about the host. Clients write it with any case, a final dot and a port.
fn host(by: By, name: &Name) -> String {
    let expression = match name {
        Name::Exact(name) => escaped(name),
        Name::Suffix(name) => format!("(?:.*\\.)?{}", escaped(name)),
        Name::Expression(expression) => {
            format!("(?:{})", expression.trim_start_matches('^').trim_end_matches('$'))
        }
    };
    match by {
        By::Host => format!(
            "header: {{ name: \":authority\", string_match: {{ safe_regex: {{ regex: '(?i){expression}\\.?(?::[0-9]*)?' }} }} }}"
        ),
        By::Greeting => {
            format!("requested_server_name: {{ safe_regex: {{ regex: '(?i){expression}\\.?' }} }}")
        }
    }
}

fn escaped(name: &str) -> String {
    name.replace('.', "\\.")
}

/// Writes whom a policy is about: everybody, or everybody but those whose connection comes from networks that pass.
/// Headers by which a client could say where it comes from are not believed.
fn principals(passed: &Ranges) -> String {
    if passed.is_empty() {
        return "          principals: [{ any: true }]\n".to_owned();
    }
    let mut out = "          principals:\n          - not_id:\n              or_ids:\n                ids:\n"
        .to_owned();
    out.extend(passed.iter().map(|range| {
        format!(
            "                - direct_remote_ip: {{ address_prefix: \"{}\", prefix_len: {} }}\n",
            range.address, range.prefix
        )
    }));
    out
}
