//! The notice to people whose calls are looked at, written from the configuration that runs: what is seen, decided, told
//! and kept, and what is not.

use std::fmt::Write as _;

use jiff::Timestamp;
use lazaret_core::{EndpointRole, Exclusivity, Response, Visibility};
use lazaret_evidence::Catalog;
use lazaret_evidence::traffic::{Precision, TrafficDetector};
use lazaret_policy::{EgressMode, EgressRules, RetentionRules, Rules};

use super::callers::PSEUDONYM_PERIOD_DAYS;

/// Writes the notice, as Markdown.
///
/// Whatever the policy does not say stands in square brackets, for the house to fill in.
#[must_use]
pub fn notice(rules: &Rules, catalog: &Catalog, now: Timestamp) -> String {
    let policy = rules.policy();
    let egress = &policy.sections().egress;
    let mut text = String::new();
    let day = now.strftime("%Y-%m-%d");
    // Nothing that is written to a string can fail.
    let _written = write!(
        text,
        "# Notice: calls to AI services, and what is looked at\n\n\
         Written on {day} from the policy `{}` ({}) and the catalog {} by lazaret {}.\n\
         What stands in square brackets is for the house to fill in.\n\n\
         Who is responsible: [name and address]. Data protection officer: [contact].\n\
         Legal basis: [for example legitimate interest, and the works agreement of …].\n\n\
         ## What it is for\n\n\
         To keep the output of services that the policy bans out of training data.\n\
         It is not for judging anybody's work, conduct or attendance, and has no function that would.\n",
        policy.sections().name,
        policy.digest(),
        catalog.digest(),
        crate::report::VERSION,
    );
    seen(rules, catalog, &mut text);
    decided(egress, &mut text);
    told(&mut text);
    kept(egress, &mut text);
    in_order(egress, &mut text);
    rights(egress, &mut text);
    text
}

fn seen(rules: &Rules, catalog: &Catalog, text: &mut String) {
    let egress = rules.egress();
    let rows = catalog.endpoints().rows();
    let banned = rows.iter().filter(|row| egress.bans(row));
    let stops =
        banned.filter(|row| row.role == EndpointRole::Inference && row.exclusivity == Exclusivity::Exclusive);
    let mut products: Vec<&str> = stops.map(|row| row.product.as_str()).collect();
    products.sort_unstable();
    products.dedup();
    let kinds = Visibility::ALL.map(|kind| match kind {
        Visibility::Dns => "names that were asked for",
        Visibility::Flow => "addresses, bytes and times of connections",
        Visibility::Sni => "the name in a connection's greeting",
        Visibility::Connect => "the name that a proxy was asked to connect to",
        Visibility::Http => "host, path and kind of a request, where a proxy sees it",
    });
    let _written = write!(
        text,
        "\n## What is looked at\n\n\
         Logs that the network's equipment writes anyway: {}.\n\
         Each line is held against a catalog of {} rows. A line that matches none is counted and forgotten; \
         where somebody asks for `--score`, streams to hosts that few call are looked at as well.\n\
         What is looked for are calls to: {}.\n\
         Nothing is decrypted. Query strings, bodies, values of headers and credentials are never read out of a line.\n",
        kinds.join("; "),
        rows.len(),
        if products.is_empty() {
            "nothing; the policy bans nobody whose services are known".to_owned()
        } else {
            products.join(", ")
        },
    );
}

fn decided(egress: &EgressRules, text: &mut String) {
    *text += "\n## What happens to such a call\n\n";
    for scope in &egress.scope {
        let names = |list: &[toml::Spanned<String>]| {
            list.iter().map(|name| format!("`{}`", name.get_ref())).collect::<Vec<_>>().join(", ")
        };
        let networks = (!scope.networks.is_empty()).then(|| format!("from {}", names(&scope.networks)));
        let groups = (!scope.groups.is_empty()).then(|| format!("for {}", names(&scope.groups)));
        let whom = [networks, groups].into_iter().flatten().collect::<Vec<_>>().join(" and ");
        let _written = writeln!(text, "{}", mode(*scope.mode.get_ref(), &format!("Calls {whom}")));
    }
    let others = if egress.scope.is_empty() { "All calls" } else { "Everywhere else" };
    let _written = writeln!(text, "{}", mode(egress.mode, others));
    for network in &egress.network {
        let ranges: Vec<String> = network.ranges.iter().map(ToString::to_string).collect();
        let _written = writeln!(text, "The network `{}` is {}.", network.name.get_ref(), ranges.join(", "));
    }
    let logins: usize = egress.subject.iter().map(|subject| subject.logins.len()).sum();
    let identities: usize = egress.subject.iter().map(|subject| subject.identities.len()).sum();
    let _written = write!(
        text,
        "An exemption opens what is closed, for the people, the tools, the purpose, the networks and the time that it \
         names.\nLogins that the policy lists, so that exemptions help them: {logins}. \
         Addresses of authors that it lists, so that calls may be laid beside commits: {identities}.\n",
    );
}

fn mode(mode: EgressMode, whom: &str) -> String {
    match mode {
        EgressMode::Observe => format!("{whom}: nothing is stopped; what would be decided is recorded."),
        EgressMode::Warn => format!("{whom}: nothing is stopped; who calls is warned."),
        EgressMode::Enforce => {
            format!("{whom}: what no exemption covers is stopped, and who called is told why.")
        }
    }
}

fn told(text: &mut String) {
    *text += "\n## What is told, and how far it can be believed\n\n| what | how far | what it leads to |\n|---|---|---|\n";
    for detector in TrafficDetector::ALL {
        let precision = match detector.precision() {
            Precision::Exact => "it is what the log states",
            Precision::Likely => "more likely than not",
            Precision::Weak => "a hint",
        };
        let response = match detector.response() {
            Response::Block => "the call is to be stopped",
            Response::Alert => "a person looks at it",
            Response::Score => "it orders what people look at first",
        };
        let _written = writeln!(text, "| {} | {precision} | {response} |", detector.title());
    }
    *text += "\nNo decision about a person follows from any of this by itself: people decide, two at a time.\n\
              A call taints no line of code. It may change the order in which commits are looked at, and nothing more.\n";
}

fn kept(egress: &EgressRules, text: &mut String) {
    let RetentionRules { block_days, alert_days, score_days } = egress.retention;
    let _written = write!(
        text,
        "\n## What is kept, and for how long\n\n\
         | what | what of it names you | for how long |\n|---|---|---|\n\
         | the logs themselves | what your equipment writes into them | [by whom, and how long] |\n\
         | the record of decisions | nothing: time, rule, policy, exemption and reasons; no caller, host or path | [how long] |\n\
         | reports of findings | a number within one report, or a pseudonym that changes every {PSEUDONYM_PERIOD_DAYS} days where a key is used | [how long] |\n\
         | findings that are recorded | a pseudonym that changes every {PSEUDONYM_PERIOD_DAYS} days; which service, which hour, how many calls and bytes | after the day of the call: {block_days} days where the call was to be stopped, {alert_days} where a person was to look, {score_days} where it only orders what people look at |\n\
         | exemptions | their beneficiaries, as pseudonyms in the ledger with the names beside it, until they are erased | [how long] |\n\
         | calls that match nothing | nothing: they are counted | not at all |\n\n\
         Findings whose time is over are deleted; the ledger keeps how many of which class and day there were, and shows that they are gone. Backups: [how long].\n\
         Reports and findings name hosts, hours, numbers of calls and bytes. They rank nobody, and count nobody's calls over time.\n\
         Who is behind a pseudonym is told to two people who agreed to it, with a reason, and the ledger keeps both; \
         they have seven days.\nWho holds the pseudonym key: [role]. When it is destroyed: [day].\n"
    );
}

fn in_order(egress: &EgressRules, text: &mut String) {
    if egress.account.is_empty() && egress.permit.is_empty() && egress.own_hosts.is_empty() {
        return;
    }
    *text += "\n## What is in order\n\n";
    for rule in &egress.account {
        let own: Vec<&str> = rule.plans.iter().chain(&rule.accounts).map(String::as_str).collect();
        let _written = writeln!(
            text,
            "- Accounts and plans of `{}`: {}. {}",
            rule.provider.get_ref(),
            own.join(", "),
            rule.reason
        );
    }
    for rule in &egress.permit {
        let ways: Vec<&str> = rule.evasions.iter().map(|id| id.get_ref().as_str()).collect();
        let _written = writeln!(text, "- Ways out of sight: {}. {}", ways.join(", "), rule.reason);
    }
    if !egress.own_hosts.is_empty() {
        let _written = writeln!(text, "- Our own services: {}.", egress.own_hosts.join(", "));
    }
}

fn rights(egress: &EgressRules, text: &mut String) {
    let alternative = egress.alternative.as_deref().unwrap_or("[what may be used instead]");
    let contact = egress.contact.as_deref().unwrap_or("[whom to ask for an exemption]");
    let _written = write!(
        text,
        "\n## What you can do\n\n\
         - Use instead: {alternative}.\n\
         - Ask for an exemption: {contact}, or `lazaret exempt request`.\n\
         - See what would be decided about a call: `lazaret egress decide HOST`.\n\
         - Ask what is kept about you, have it corrected or erased, or object: [contact].\n\
         - Complain: [works council], [supervisory authority].\n"
    );
}
