//! The world that requests are decided in: `world.toml`, with what every row has in common filled in.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::date;
use lazaret_core::{
    Availability, Confidence, Digest, Endpoint, EndpointPattern, EndpointRole, Exclusivity, Model, Provider,
    Purpose, Roster, Tool, ToolId, Visibility,
};
use lazaret_policy::egress::{Beneficiary, EgressExemption, EgressPolicy};
use lazaret_policy::{Policy, Rules};
use serde::Deserialize;

const TEXT: &str = include_str!("world.toml");

/// What requests are held against.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) policy: EgressPolicy,
    pub(crate) endpoints: BTreeMap<String, Endpoint>,
    pub(crate) exemptions: BTreeMap<String, EgressExemption>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    policy: String,
    endpoints: BTreeMap<String, Row>,
    exemptions: BTreeMap<String, Leave>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    provider: String,
    tools: Vec<ToolId>,
    role: Option<EndpointRole>,
    exclusivity: Option<Exclusivity>,
    plan: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Leave {
    #[serde(rename = "for")]
    beneficiaries: Vec<String>,
    tools: Vec<ToolId>,
    purpose: Purpose,
    networks: Vec<String>,
    until: toml::value::Datetime,
}

pub(crate) fn moment(written: &toml::value::Datetime) -> Timestamp {
    written.to_string().parse().unwrap()
}

/// Returns a small catalog of invented names.
pub(crate) fn roster() -> Roster {
    let since = || Availability { date: date(2022, 1, 1), source: "invented".to_owned() };
    let provider = |id: &str| {
        let provider = Provider { id: id.parse().unwrap(), name: id.to_owned(), first_available: since() };
        (provider.id.clone(), provider)
    };
    let tool = |id: &str, provider: &str| {
        let (id, name, provider): (ToolId, _, _) =
            (id.parse().unwrap(), id.to_owned(), provider.parse().unwrap());
        (id.clone(), Tool { id, name, provider, first_available: since() })
    };
    let model = |id: &str, provider: &str| {
        let (id, name, provider): (lazaret_core::ModelId, _, _) =
            (id.parse().unwrap(), id.to_owned(), provider.parse().unwrap());
        (id.clone(), Model { id, name, provider })
    };
    Roster {
        providers: ["acme", "borealis", "tern", "marlin", "windward"].map(provider).into(),
        tools: [
            tool("acme-codegen", "acme"),
            tool("boreal-pen", "borealis"),
            tool("tern-desk", "tern"),
            tool("tern-cli", "tern"),
        ]
        .into(),
        models: [model("marl", "marlin"), model("zephyr", "windward"), model("zonda", "windward")].into(),
        evasions: ["doh-resolver", "dns-over-tls", "public-tunnel"].map(str::to_owned).into(),
        digest: Digest::of(b"roster"),
    }
}

impl World {
    pub(crate) fn load() -> Self {
        let file: File = toml::from_str(TEXT).unwrap();
        let policy = Policy::parse(file.policy.as_bytes()).unwrap();
        let rules = Rules::resolve(&policy, &roster()).unwrap();
        let endpoints = file.endpoints.into_iter().map(|(id, row)| (id.clone(), endpoint(&id, row)));
        let exemptions =
            file.exemptions.into_iter().map(|(name, leave)| (name.clone(), exemption(name, leave)));
        Self {
            policy: rules.egress().clone(),
            endpoints: endpoints.collect(),
            exemptions: exemptions.collect(),
        }
    }
}

fn endpoint(id: &str, row: Row) -> Endpoint {
    Endpoint {
        id: id.parse().unwrap(),
        provider: row.provider.parse().unwrap(),
        product: format!("The service {id}"),
        tools: row.tools,
        patterns: vec![EndpointPattern::Exact(format!("{id}.example"))],
        paths: Vec::new(),
        role: row.role.unwrap_or(EndpointRole::Inference),
        exclusivity: row.exclusivity.unwrap_or(Exclusivity::Exclusive),
        visibility: Visibility::Sni,
        plan: row.plan,
        confidence: Confidence::Documented,
        source: "invented".to_owned(),
        verified: date(2026, 11, 1),
    }
}

fn exemption(name: String, leave: Leave) -> EgressExemption {
    let beneficiary = |written: String| {
        let person = written.strip_prefix("person:").map(|name| Beneficiary::Person(name.to_owned()));
        let group = || written.strip_prefix("group:").map(|name| Beneficiary::Group(name.to_owned()));
        person.or_else(group).unwrap()
    };
    EgressExemption {
        name,
        beneficiaries: leave.beneficiaries.into_iter().map(beneficiary).collect(),
        tools: leave.tools.into_iter().collect(),
        purpose: leave.purpose,
        networks: leave.networks.into_iter().collect(),
        until: moment(&leave.until),
    }
}
