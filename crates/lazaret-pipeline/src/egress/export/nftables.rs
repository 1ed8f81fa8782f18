//! A table of nftables: addresses that are stopped, and networks that pass.

use std::collections::BTreeMap;

use lazaret_core::AddressRange;

use super::barrier::{Barrier, Standing};
use super::head::Head;
use super::networks::Ranges;

/// Returns `None` where no address is stopped.
pub(super) fn render(barrier: &Barrier, head: &Head, is_log_only: bool) -> Option<String> {
    let mut groups: BTreeMap<&Ranges, Vec<&AddressRange>> = BTreeMap::new();
    for (range, listed) in &barrier.addresses {
        if let Standing::Stopped(passed) = &listed.standing {
            groups.entry(passed).or_default().push(range);
        }
    }
    if groups.is_empty() {
        return None;
    }
    let mut out = head.render("#");
    // A table that is named before it is deleted can always be deleted: the file replaces it at once, or not at all.
    out.push_str("table inet lazaret\ndelete table inet lazaret\ntable inet lazaret {\n");
    let act = if is_log_only { "counter log prefix \"lazaret would stop: \"" } else { "counter reject" };
    let mut rules = String::new();
    for (number, (passed, stopped)) in (1..).zip(&groups) {
        for (family, kind, is_v4) in [("ip", "ipv4_addr", true), ("ip6", "ipv6_addr", false)] {
            let of_family = |range: &&AddressRange| range.address.is_ipv4() == is_v4;
            let stopped: Vec<&AddressRange> = stopped.iter().copied().filter(of_family).collect();
            if stopped.is_empty() {
                continue;
            }
            let set = format!("stopped_{number}_{family}");
            write_set(&mut out, &set, kind, &stopped);
            let passed: Vec<&AddressRange> = passed.iter().filter(of_family).collect();
            let mut from = String::new();
            if !passed.is_empty() {
                let set = format!("passed_{number}_{family}");
                write_set(&mut out, &set, kind, &passed);
                from = format!("{family} saddr != @{set} ");
            }
            rules.push_str(&format!("        {from}{family} daddr @{set} {act}\n"));
        }
    }
    for hook in ["forward", "output"] {
        out.push_str(&format!(
            "    chain {hook} {{\n        type filter hook {hook} priority filter; policy accept;\n{rules}    }}\n"
        ));
    }
    out.push_str("}\n");
    Some(out)
}

fn write_set(out: &mut String, name: &str, kind: &str, ranges: &[&AddressRange]) {
    let elements: Vec<String> = ranges.iter().map(ToString::to_string).collect();
    out.push_str(&format!(
        "    set {name} {{\n        type {kind}\n        flags interval\n        elements = {{ {} }}\n    }}\n",
        elements.join(", ")
    ));
}
