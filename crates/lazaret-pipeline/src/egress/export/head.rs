//! The head of an export: what it is made of, for whom it does not hold and until when, and what it cannot see.

use std::collections::{BTreeMap, BTreeSet};

use lazaret_core::EndpointId;

use super::barrier::{Barrier, Name, Standing};
use super::{ExportFormat, ExportRequest, listed};

/// The lines of a head, without the sign that makes them comments.
#[derive(Debug, Clone)]
pub(super) struct Head {
    lines: Vec<String>,
}

/// Of what kinds the names and addresses are that a format can say.
#[derive(Debug, Clone, Copy)]
struct Says {
    names: bool,
    expressions: bool,
    addresses: bool,
}

impl Head {
    /// Says of an export what a reader must know before relying on it.
    pub(super) fn new(request: &ExportRequest<'_>, barrier: &Barrier) -> Self {
        let mut lines = origin(request);
        lines.push(what(request.format).to_owned());
        lines.push(format!("It does not see: {}.", unseen(request.format)));
        if request.is_log_only && request.format.stops() {
            lines.push("It says what the mode `enforce` would stop. It is meant for equipment that tells and stops nothing.".to_owned());
        }
        if !barrier.unenforced.is_empty() {
            lines.push("The policy does not enforce in some networks: calls from there pass.".to_owned());
        }
        if request.format.stops() && request.policy.has_modes_for_people() {
            lines.push("Where the policy has another mode for groups of people, the mode of everybody else is taken: an address tells nobody's group.".to_owned());
        }
        lines.extend(passing(request, barrier));
        if request.format != ExportFormat::RpzPasses {
            lines.extend(left_out(request.format, barrier));
        }
        Self { lines }
    }

    /// One for an export that stops nothing.
    pub(super) fn of_headers(request: &ExportRequest<'_>) -> Self {
        let mut lines = origin(request);
        lines.push(what(request.format).to_owned());
        lines.push(format!("It does not see: {}.", unseen(request.format)));
        Self { lines }
    }

    /// Writes the lines as comments. What people named may hold what ends a line; a comment must not.
    pub(super) fn render(&self, comment: &str) -> String {
        self.lines.iter().map(|line| format!("{comment} {}\n", line.replace(ends_a_line, " "))).collect()
    }
}

/// Whether a character ends a line, or may be taken for its end, for whoever reads one of the formats: for YAML 1.1 and
/// JavaScript these are more than the control characters.
fn ends_a_line(sign: char) -> bool {
    sign.is_control() || matches!(sign, '\u{2028}' | '\u{2029}')
}

fn origin(request: &ExportRequest<'_>) -> Vec<String> {
    let policy = request.policy;
    vec![
        format!(
            "Made by lazaret {} from the policy `{}` ({}) and the catalog ({}).",
            env!("CARGO_PKG_VERSION"),
            policy.name,
            policy.policy,
            policy.catalog
        ),
        "Change those and make it anew; what is changed here is lost.".to_owned(),
    ]
}

fn what(format: ExportFormat) -> &'static str {
    match format {
        ExportFormat::RpzPasses => {
            "It stops nothing: it lets networks through, and stands before the zone with the names."
        }
        ExportFormat::Rpz => {
            "It stops: names at which a model of a banned provider answers and nobody else is served, and answers with addresses of that kind."
        }
        ExportFormat::Squid | ExportFormat::SquidSni | ExportFormat::Envoy | ExportFormat::EnvoySni => {
            "It stops: calls to hosts at which a model of a banned provider answers and nobody else is served."
        }
        ExportFormat::Nftables => {
            "It stops: packets to addresses at which a model of a banned provider answers, pages and sign-in at the same addresses too."
        }
        ExportFormat::Suricata => {
            "It tells of, and does not stop: calls to hosts and addresses at which a model of a banned provider answers and nobody else is served."
        }
        ExportFormat::Pac => {
            "It leads to the proxy that decides: hosts at which a model of a banned provider answers and nobody else is served."
        }
        ExportFormat::Sigma => {
            "It finds in logs: calls to hosts and addresses at which a model of a banned provider answers and nobody else is served."
        }
        ExportFormat::TenantHeaders => {
            "It keeps allowed tools to our own accounts, as their providers check it; it stops nothing by itself."
        }
    }
}

fn unseen(format: ExportFormat) -> &'static str {
    match format {
        ExportFormat::Rpz | ExportFormat::RpzPasses => {
            "clients that ask another resolver, or connect to an address without asking; paths; people; tools; tunnels that are open already"
        }
        ExportFormat::Squid => {
            "clients that go past the proxy; paths; people; names whose addresses are listed; tunnels that are open already"
        }
        ExportFormat::SquidSni => {
            "clients that go past the proxy; greetings that are encrypted or name another host; paths; people; connections that are open already"
        }
        ExportFormat::Envoy => "clients that go past the proxy; people; tools; tunnels that are open already",
        ExportFormat::EnvoySni => {
            "clients that go past the proxy; greetings that are encrypted or name another host; paths; people; connections that are open already"
        }
        ExportFormat::Nftables => {
            "names, so that every service behind a content network passes; people; tools"
        }
        ExportFormat::Suricata => {
            "traffic that does not pass the sensor; greetings and questions that are encrypted; paths; people; exemptions: `lazaret egress scan` holds what it logs against those"
        }
        ExportFormat::Pac => {
            "programs that do not ask for it, which most command-line tools do not; who may call what: that is for the proxy to decide"
        }
        ExportFormat::Sigma => {
            "what the logs do not hold; paths; exemptions: `lazaret egress scan` holds logs against those"
        }
        ExportFormat::TenantHeaders => {
            "requests that are not decrypted; clients that go past the proxy; hosts that the provider does not check"
        }
    }
}

fn says(format: ExportFormat) -> Says {
    let all = Says { names: true, expressions: true, addresses: true };
    match format {
        ExportFormat::Rpz | ExportFormat::RpzPasses => Says { expressions: false, ..all },
        ExportFormat::Envoy | ExportFormat::SquidSni => Says { addresses: false, ..all },
        ExportFormat::Nftables => Says { names: false, expressions: false, ..all },
        ExportFormat::Squid
        | ExportFormat::EnvoySni
        | ExportFormat::Suricata
        | ExportFormat::Pac
        | ExportFormat::Sigma
        | ExportFormat::TenantHeaders => all,
    }
}

/// Says which exemptions let networks through, and until when.
fn passing(request: &ExportRequest<'_>, barrier: &Barrier) -> Vec<String> {
    let Some(until) = barrier.passing.iter().map(|one| one.until).min() else { return Vec::new() };
    let is_zone = matches!(request.format, ExportFormat::Rpz | ExportFormat::RpzPasses);
    let for_all = if is_zone {
        ", for everybody there and for every name: a zone knows neither people nor tools"
    } else {
        ", for everybody there: an address tells nobody"
    };
    let mut lines: Vec<String> = barrier
        .passing
        .iter()
        .map(|one| {
            format!(
                "Passes until {}: {} from {} ({}){for_all}.",
                one.until,
                listed(&one.tools),
                listed(&one.networks),
                one.name,
            )
        })
        .collect();
    lines.push(format!(
        "Make it anew every {} seconds at most, and before {until}: nothing here ends by itself.",
        request.every.as_secs().max(1),
    ));
    lines
}

/// Says which rows are stopped elsewhere and not here, and the other way round.
fn left_out(format: ExportFormat, barrier: &Barrier) -> Vec<String> {
    let says = says(format);
    let mut missing: BTreeMap<&str, BTreeSet<&EndpointId>> = BTreeMap::new();
    let mut more: BTreeSet<&EndpointId> = BTreeSet::new();
    for (row, why) in &barrier.untold {
        missing.entry(why).or_default().insert(row);
    }
    for (name, listed) in &barrier.names {
        let why = match name {
            Name::Expression(_) if !says.expressions => "a pattern of names, which this format cannot say",
            Name::Exact(_) | Name::Suffix(_) if !says.names => "names, which this format cannot say",
            Name::Exact(_) | Name::Suffix(_) | Name::Expression(_) => continue,
        };
        if listed.standing != Standing::Open {
            missing.entry(why).or_default().insert(&listed.row);
        } else if let Name::Expression(expression) = name
            && says.names
            && barrier.is_below_stopped(expression)
        {
            more.insert(&listed.row);
        }
    }
    if !says.addresses {
        let rows = barrier.addresses.values().map(|listed| &listed.row);
        missing.entry("addresses, which this format cannot say").or_default().extend(rows);
    }
    if format == ExportFormat::Pac {
        let is_6 = |range: &&lazaret_core::AddressRange| range.address.is_ipv6();
        let rows = barrier.addresses.iter().filter(|(range, _)| is_6(range)).map(|(_, listed)| &listed.row);
        missing.entry("addresses of IPv6, which this format cannot say").or_default().extend(rows);
    }
    let missing = missing.into_iter().filter(|(_, rows)| !rows.is_empty());
    let mut lines: Vec<String> =
        missing.map(|(why, rows)| format!("Left out, {why}: {}.", listed(rows))).collect();
    if !more.is_empty() {
        lines.push(format!(
            "Stopped as well, because this format cannot say the pattern of names: {}.",
            listed(more)
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_of_a_head_is_more_than_one_comment() {
        let lines = vec!["lab\nhttp_access allow all".to_owned(), "a\u{2028}b\u{2029}c\u{85}d\re".to_owned()];
        assert_eq!(Head { lines }.render("#"), "# lab http_access allow all\n# a b c d e\n");
    }
}
