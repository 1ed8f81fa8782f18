//! Rules of Suricata: names in TLS and QUIC greetings, in requests and in questions to resolvers, and addresses.

use std::collections::BTreeSet;

use lazaret_core::Digest;

use super::barrier::{Barrier, Name, RegionName};
use super::head::Head;

/// The numbers that are left to everybody's own rules: the first of ours, and how many there are.
const NUMBERS: (u64, u64) = (1_900_000, 100_000);

/// Where names are looked for: the protocol, the buffer, and whether case counts there.
const BUFFERS: [(&str, &str, &str); 4] = [
    ("tls", "tls.sni", " nocase;"),
    ("quic", "quic.sni", " nocase;"),
    ("dns", "dns.query", " nocase;"),
    // Suricata writes hosts in lower case by itself.
    ("http", "http.host", ""),
];

pub(super) fn render(barrier: &Barrier, head: &Head) -> String {
    let mut out = head.render("#");
    let mut taken = BTreeSet::new();
    for region in barrier.regions() {
        for RegionName { name, row, except } in &region.names {
            for (protocol, buffer, nocase) in BUFFERS {
                let mut matches = content(name, "", nocase);
                for other in except {
                    matches.push_str(&content(other, "!", nocase));
                }
                let number = number(&mut taken, &format!("{buffer} {matches}"));
                out.push_str(&format!(
                    "alert {protocol} any any -> any any (msg:\"lazaret {row}\"; {buffer}; dotprefix;{matches} classtype:policy-violation; sid:{number}; rev:1;)\n"
                ));
            }
        }
    }
    for (range, listed) in &barrier.addresses {
        let number = number(&mut taken, &range.to_string());
        out.push_str(&format!(
            "alert ip any any -> [{range}] any (msg:\"lazaret {}\"; threshold:type limit, track by_src, count 1, seconds 60; classtype:policy-violation; sid:{number}; rev:1;)\n",
            listed.row
        ));
    }
    out
}

/// Writes that a name, which has a dot before it, is the one, or with `not` is not.
fn content(name: &Name, not: &str, nocase: &str) -> String {
    match name {
        Name::Exact(name) => format!(" content:{not}\".{name}\"; startswith; endswith;{nocase}"),
        Name::Suffix(name) => format!(" content:{not}\".{name}\"; endswith;{nocase}"),
        Name::Expression(expression) => {
            let body = expression.trim_start_matches('^').trim_end_matches('$');
            format!(" pcre:{not}\"/^\\.(?:{})$/i\";", body.replace('/', "\\/"))
        }
    }
}

/// A rule's number: the same for the same rule in every export, unless two fall together.
fn number(taken: &mut BTreeSet<u64>, rule: &str) -> u64 {
    let (first, count) = NUMBERS;
    let digest = Digest::of(rule.as_bytes());
    let hash = digest.as_bytes().iter().take(7).fold(0_u64, |hash, byte| hash << 8 | u64::from(*byte));
    let mut number = hash % count;
    while !taken.insert(number) {
        number = (number + 1) % count;
    }
    first + number
}
