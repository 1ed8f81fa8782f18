//! Decides the requests under `tests/decisions`, one file for each question, in every order of what they match.

#![expect(clippy::unwrap_used, reason = "a case that cannot be read fails")]

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use lazaret_core::{DecisionId, Endpoint, Permission, Purpose};
use lazaret_policy::egress::{
    Beneficiary, Decision, EgressExemption, EgressPolicy, EgressRequest, EvasionCall, decide, explain,
    refusal,
};
use lazaret_policy::{Policy, Rules};
use serde::Deserialize;

#[path = "decisions/world.rs"]
mod world;

use world::{World, moment};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    case: Vec<Case>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    matched: Vec<String>,
    client: Option<String>,
    login: Option<String>,
    purpose: Option<Purpose>,
    account: Option<String>,
    #[serde(default = "yes")]
    readable: bool,
    now: Option<toml::value::Datetime>,
    active: Option<Vec<String>>,
    expect: Expect,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
struct Expect {
    permission: Permission,
    enforced: Permission,
    mode: Option<String>,
    rule: Option<String>,
    exemption: Option<String>,
    seconds: Option<u64>,
    reasons: Vec<String>,
}

impl Case {
    fn now(&self) -> Timestamp {
        self.now.as_ref().map_or_else(|| "2026-11-29T12:00:00Z".parse().unwrap(), moment)
    }

    fn decide(&self, world: &World, turn: bool) -> Decision {
        let mut matched: Vec<&Endpoint> =
            self.matched.iter().map(|id| world.endpoints.get(id).unwrap()).collect();
        let mut exemptions: Vec<&EgressExemption> = match &self.active {
            Some(names) => names.iter().map(|name| world.exemptions.get(name).unwrap()).collect(),
            None => world.exemptions.values().collect(),
        };
        if turn {
            matched.reverse();
            exemptions.reverse();
        }
        let request = EgressRequest {
            id: DecisionId::from_bytes([7; 16]),
            client: self.client.as_ref().map(|client| client.parse().unwrap()),
            login: self.login.as_deref(),
            purpose: self.purpose,
            account: self.account.as_deref(),
            is_readable: self.readable,
        };
        decide(&request, &matched, &world.policy, &exemptions, self.now())
    }
}

fn files() -> BTreeMap<String, CaseFile> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/decisions");
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name != "world.toml" && name.ends_with(".toml") {
            files.insert(name, toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap());
        }
    }
    files
}

#[test]
fn every_request_is_decided_as_its_case_says() {
    let world = World::load();
    let files = files();
    assert!(files.len() >= 3, "the cases are gone");
    for (file, CaseFile { case: cases }) in &files {
        for case in cases {
            let decision = case.decide(&world, false);
            assert_eq!(decision, case.decide(&world, true), "{file}: {}: order matters", case.name);
            let expect = &case.expect;
            let found = Expect {
                permission: decision.permission,
                enforced: decision.enforced,
                mode: expect.mode.as_ref().map(|_| decision.mode.as_str().to_owned()),
                rule: decision.rule.as_ref().map(|rule| rule.endpoint.to_string()),
                exemption: decision.exemption.clone(),
                seconds: expect.seconds.map(|_| decision.seconds_left(case.now())),
                reasons: decision.reasons.iter().map(ToString::to_string).collect(),
            };
            assert_eq!(&found, expect, "{file}: {}", case.name);
            assert_eq!(decision.policy, world.policy.policy);
            assert!(decision.rule.is_none_or(|rule| rule.catalog == world.policy.catalog));
        }
    }
}

#[test]
fn a_denial_tells_the_rule_what_to_use_instead_and_how_to_ask() {
    let world = World::load();
    let denied = files()["standing.toml"].case[2].decide(&world, false);
    let endpoint = &world.endpoints["borealis-api"];
    insta::assert_snapshot!("denied", refusal(&world.policy, Some(endpoint), &denied).join("\n"));
    insta::assert_snapshot!("denied-explained", explain(&world.policy, Some(endpoint), &denied).join("\n"));
    let warned = files()["modes.toml"].case[1].decide(&world, false);
    insta::assert_snapshot!("warned", refusal(&world.policy, Some(endpoint), &warned).join("\n"));
    let allowed = files()["exemptions.toml"].case[0].decide(&world, false);
    insta::assert_snapshot!("exempted-explained", explain(&world.policy, None, &allowed).join("\n"));
    assert!(refusal(&world.policy, None, &allowed).is_empty());
}

#[test]
fn a_policy_that_is_written_down_and_read_again_decides_alike() {
    let world = World::load();
    let text = serde_json::to_string(&world.policy).unwrap();
    let again: EgressPolicy = serde_json::from_str(&text).unwrap();
    assert_eq!(again, world.policy);
    let beneficiary: Beneficiary = serde_json::from_str(r#"{"person":"Ada Example"}"#).unwrap();
    assert_eq!(beneficiary, Beneficiary::Person("Ada Example".to_owned()));
}

/// Ways out of sight, and whether they are in order.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WayFile {
    call: Vec<Way>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Way {
    name: String,
    evasion: String,
    host: Option<String>,
    server: Option<std::net::IpAddr>,
    client: Option<std::net::IpAddr>,
    login: Option<String>,
    permitted: bool,
}

#[test]
fn ways_out_of_sight_are_in_order_where_and_for_whom_the_policy_says() {
    let world = World::load();
    let file: WayFile = toml::from_str(include_str!("permits/calls.toml")).unwrap();
    let bare = Policy::parse(b"version = 1\nname = \"bare\"\nban.rivals = true\n").unwrap();
    let bare = Rules::resolve(&bare, &world::roster()).unwrap();
    for way in &file.call {
        let Way { evasion, server, client, .. } = way;
        let (server, client) = (*server, *client);
        let call =
            EvasionCall { evasion, host: way.host.as_deref(), server, client, login: way.login.as_deref() };
        assert_eq!(world.policy.permits(&call), way.permitted, "{}", way.name);
        assert!(!bare.egress().permits(&call), "without a word of the policy: {}", way.name);
    }
}

#[test]
fn an_address_is_of_those_subjects_that_it_is_listed_for() {
    let text = "version = 1\nname = \"a\"\nban.rivals = true\n[[egress.subject]]\nlogins = [\"ada\"]\n\
                identities = [\"Ada@Acme.example\"]\naddresses = [\"10.20.0.7/32\"]\n";
    let policy = Policy::parse(text.as_bytes()).unwrap();
    let rules = Rules::resolve(&policy, &world::roster()).unwrap();
    let identities = |address: &str| -> Vec<String> {
        let subjects = rules.egress().subjects_at(address.parse().unwrap());
        subjects.flat_map(|subject| subject.identities.iter().cloned()).collect()
    };
    assert_eq!(identities("10.20.0.7"), ["ada@acme.example"]);
    assert_eq!(identities("::ffff:10.20.0.7"), ["ada@acme.example"]);
    assert!(identities("10.20.0.8").is_empty());
}
