//! Exports as the command writes them, and what the service would decide about the same calls: the two must agree.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;
use std::sync::OnceLock;

use jiff::{SignedDuration, Timestamp};
use lazaret_core::{DecisionId, EndpointPattern, Permission};
use lazaret_evidence::Catalog;
use lazaret_evidence::endpoints::expression_matches;
use lazaret_pipeline::egress::{
    self, AskedCall, Decided, Decider, ExportFormat, ExportRequest, KeptExemptions,
};
use lazaret_policy::{Policy, Rules};

/// The whole catalog with everybody banned, a plan of our own, a network that is only observed, and an invented rival
/// whose names and addresses lie in each other in every way.
pub(crate) const POLICY: &str = include_str!("exports.toml");

/// A client where the policy enforces, and one where it observes.
pub(crate) const ENFORCED: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 1);
pub(crate) const OBSERVED: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);

/// When the exports of these tests are made.
const NOW: &str = "2026-11-29T12:00:00Z";

/// The policy and its catalog, read once.
fn world() -> &'static (Catalog, Rules) {
    static WORLD: OnceLock<(Catalog, Rules)> = OnceLock::new();
    WORLD.get_or_init(|| {
        let policy = Policy::parse(POLICY.as_bytes()).unwrap();
        let catalog = Catalog::built_in().with_additions(policy.text()).unwrap();
        let rules = Rules::resolve(&policy, catalog.roster()).unwrap();
        (catalog, rules)
    })
}

/// Makes an export of the policy.
#[track_caller]
pub(crate) fn export(format: ExportFormat, is_log_only: bool) -> String {
    let now = NOW.parse().unwrap();
    let (catalog, rules) = world();
    let exemptions = KeptExemptions::none(rules.policy().terms(), now);
    egress::export(&ExportRequest {
        format,
        policy: rules.egress(),
        catalog,
        exemptions: &exemptions,
        every: SignedDuration::from_mins(5),
        is_log_only,
        proxy: Some("PROXY proxy.acme.example:3128"),
        otherwise: "DIRECT",
        now,
    })
    .unwrap()
}

/// What the service would decide.
pub(crate) struct Service {
    decider: Decider,
    expressions: Vec<String>,
}

impl Service {
    pub(crate) fn new() -> Self {
        let now: Timestamp = NOW.parse().unwrap();
        let (catalog, rules) = world();
        let rows = catalog.endpoints().rows().to_vec();
        let expressions = rows
            .iter()
            .filter(|row| row.paths.is_empty())
            .flat_map(|row| &row.patterns)
            .filter_map(|pattern| {
                if let EndpointPattern::Expression(expression) = pattern {
                    Some(expression.clone())
                } else {
                    None
                }
            })
            .collect();
        let none = KeptExemptions::none(rules.policy().terms(), now);
        let decider = Decider::new(rules.egress().clone(), rows, none).unwrap();
        Self { decider, expressions }
    }

    /// Whether a call to a host from a client would be denied.
    pub(crate) fn stops(&self, host: &str, client: Ipv4Addr) -> bool {
        let asked = AskedCall {
            host: Some(host.as_bytes()),
            client: Some(IpAddr::V4(client)),
            ..AskedCall::default()
        };
        match self.decider.decide(&asked, || DecisionId::from_bytes([0; 16]), NOW.parse().unwrap()) {
            Decided::Missed { .. } => false,
            Decided::Matched(call) => call.decision.permission == Permission::Deny,
        }
    }

    /// Whether an expression says anything of a host.
    pub(crate) fn has_expression(&self, host: &str) -> bool {
        self.expressions.iter().any(|expression| expression_matches(expression, host))
    }
}

/// Hosts that the catalog names, hosts that lie beside, above and below them, and some that only look like them.
pub(crate) fn hosts() -> Vec<String> {
    let (catalog, _) = world();
    let mut hosts = BTreeSet::new();
    for row in catalog.endpoints().rows() {
        for pattern in &row.patterns {
            let (EndpointPattern::Exact(name) | EndpointPattern::Suffix(name)) = pattern else { continue };
            let above = name.split_once('.').map_or(name.as_str(), |(_, above)| above);
            hosts.extend([
                name.clone(),
                format!("x.{name}"),
                format!("y.x.{name}"),
                format!("not{name}"),
                format!("{name}.evil.example"),
                above.to_owned(),
                format!("beside.{above}"),
            ]);
        }
    }
    let examples =
        catalog.endpoint_rows().flat_map(|(_, row)| row.examples.iter().chain(&row.counter_examples));
    // Requests, addresses and systems are no hosts; other spellings have tests of their own.
    let is_host = |text: &&String| {
        text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'))
            && text.parse::<IpAddr>().is_err()
            && !text.ends_with('.')
    };
    hosts.extend(examples.filter(is_host).cloned());
    hosts.into_iter().filter(|host| host.contains('.')).collect()
}

/// Holds an answer about every host against what the service would decide.
#[track_caller]
pub(crate) fn agrees(
    what: &str,
    hosts: &[String],
    stops: impl Fn(&str) -> bool,
    is_stopped: impl Fn(&str) -> bool,
) {
    let wrong: Vec<String> = hosts
        .iter()
        .filter(|host| stops(host) != is_stopped(host))
        .map(|host| format!("{host}: {what} stops it: {}", is_stopped(host)))
        .collect();
    assert!(wrong.is_empty(), "{} of {} hosts:\n{}", wrong.len(), hosts.len(), wrong.join("\n"));
    let n_stopped = hosts.iter().filter(|host| stops(host)).count();
    assert!(n_stopped > 100 && hosts.len() - n_stopped > 100, "{n_stopped} of {} are stopped", hosts.len());
}

#[test]
fn an_export_says_what_it_is_made_of_and_what_it_leaves_out() {
    for format in ExportFormat::ALL {
        let text = export(format, false);
        assert_eq!(text, export(format, false), "{format:?}: the same world gives the same bytes");
        let comment = if matches!(format, ExportFormat::Rpz | ExportFormat::RpzPasses) {
            ";"
        } else if format == ExportFormat::Pac {
            "//"
        } else {
            "#"
        };
        let head: Vec<&str> = text.lines().take_while(|line| line.starts_with(comment)).collect();
        let head = head.join("\n");
        for part in ["the policy `harbour` (sha256:", "the catalog (sha256:", "It does not see: "] {
            assert!(head.contains(part), "{format:?}: {part} is not in {head}");
        }
        if !matches!(format, ExportFormat::TenantHeaders | ExportFormat::RpzPasses) {
            assert!(
                head.contains("only the path of a request tells them: azure-claude, "),
                "{format:?}: {head}"
            );
        }
    }
    let zone = export(ExportFormat::Rpz, false);
    for part in [
        "which this format cannot say: claude-on-aws, copilot-data-residency, gemini-code-assist, rival-api.\n",
        "cannot say the pattern of names: rival-docs.\n",
    ] {
        assert!(zone.contains(part), "{part} is not in {zone}");
    }
}

#[test]
fn the_command_writes_the_same_bytes_and_refuses_what_would_stop_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let run = |policy: &str, args: &[&str]| {
        let path = folder.path().join("policy.toml");
        fs::write(&path, policy).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_lazaret"));
        command.env_clear().env("NO_COLOR", "1").args(["--now", NOW, "egress", "export"]).args(args);
        let output = command.arg("--policy").arg(path).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned(), said)
    };
    assert_eq!(run(POLICY, &["rpz"]), (Some(0), export(ExportFormat::Rpz, false), String::new()));
    let observes = "version = 1\nname = \"acme\"\nban.rivals = true\n";
    let (code, out, said) = run(observes, &["squid"]);
    assert!(code == Some(1) && out.is_empty() && said.contains("enforces nowhere"), "{code:?} {out} {said}");
    let (code, out, said) = run(observes, &["squid", "--log-only"]);
    assert!(code == Some(0) && out.contains("!all\n") && said.is_empty(), "{code:?} {out} {said}");
    let (code, _, said) = run(observes, &["pac"]);
    assert!(code == Some(2) && said.contains("--proxy"), "{code:?} {said}");
    let (code, _, said) = run(observes, &["pac", "--proxy", "PROXY a\";alert(1);//"]);
    assert!(code == Some(2), "{code:?} {said}");
}
