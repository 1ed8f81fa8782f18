//! The laws of deciding about requests, as properties over arbitrary policies, endpoints, exemptions and times.

#![expect(clippy::unwrap_used, reason = "a generator that makes an invalid value is a broken test")]

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use jiff::{SignedDuration, Timestamp};
use lazaret_core::{
    Confidence, DecisionId, Digest, Endpoint, EndpointPattern, EndpointRole, Exclusivity, Permission,
    Purpose, Roster, Visibility,
};
use lazaret_policy::egress::{
    Beneficiary, Decision, EgressExemption, EgressPolicy, EgressRequest, LONGEST_VALIDITY_SECONDS, decide,
};
use lazaret_policy::{EgressMode, Policy, Rules};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

const PROVIDERS: [&str; 3] = ["p0", "p1", "p2"];
const TOOLS: [&str; 3] = ["t0", "t1", "t2"];
const NETWORKS: [&str; 2] = ["n0", "n1"];
const GROUPS: [&str; 2] = ["g0", "g1"];

fn roster() -> Roster {
    let json = serde_json::json!({
        "providers": PROVIDERS.map(|id| (id, serde_json::json!({
            "id": id, "name": id, "first_available": { "date": "2022-01-01", "source": "invented" } })))
            .into_iter().collect::<std::collections::BTreeMap<_, _>>(),
        "tools": TOOLS.iter().zip(PROVIDERS).map(|(id, provider)| (*id, serde_json::json!({
            "id": id, "name": id, "provider": provider,
            "first_available": { "date": "2022-01-01", "source": "invented" } })))
            .collect::<std::collections::BTreeMap<_, _>>(),
        "models": {},
        "digest": Digest::of(b"roster"),
    });
    serde_json::from_value(json).unwrap()
}

prop_compose! {
    fn policy()(
        rivals in any::<bool>(),
        banned in subsequence(PROVIDERS.to_vec(), 0..=2),
        banned_tools in subsequence(TOOLS.to_vec(), 0..=2),
        approved in subsequence(TOOLS.to_vec(), 0..=2),
        mode in select(vec!["observe", "warn", "enforce"]),
        scopes in prop::collection::vec((select(vec!["observe", "warn", "enforce"]), select(NETWORKS.to_vec())), 0..3),
        purposes in subsequence(vec!["legal", "benchmark"], 0..=2),
        plans in prop::option::of(select(PROVIDERS.to_vec())),
    ) -> Option<EgressPolicy> {
        let mut text = format!(
            "version = 1\nname = \"a\"\nban = {{ rivals = {rivals}, providers = {banned:?}, tools = {banned_tools:?} }}\n\
             approve.tools = {approved:?}\n[egress]\nmode = {mode:?}\n\
             [[egress.network]]\nname = \"n0\"\nranges = [\"10.0.0.0/8\"]\n\
             [[egress.network]]\nname = \"n1\"\nranges = [\"10.1.0.0/16\"]\npurposes = {purposes:?}\n\
             [[egress.subject]]\nlogins = [\"l0\"]\nperson = \"b0\"\ngroups = [\"g0\"]\n\
             [[egress.subject]]\nlogins = [\"l1\"]\ngroups = [\"g0\", \"g1\"]\n",
        );
        for (mode, network) in &scopes {
            text += &format!("[[egress.scope]]\nmode = {mode:?}\nnetworks = [{network:?}]\n");
        }
        if let Some(provider) = plans {
            text += &format!("[[egress.account]]\nprovider = {provider:?}\nplans = [\"ours\"]\naccounts = [\"a0\"]\nreason = \"a\"\n");
        }
        Some(Rules::resolve(&Policy::parse(text.as_bytes()).ok()?, &roster()).ok()?.egress().clone())
    }
}

fn policies() -> impl Strategy<Value = EgressPolicy> {
    policy().prop_filter_map("not a valid policy", |policy| policy)
}

prop_compose! {
    fn endpoint(number: usize)(
        provider in select(vec!["p0", "p1", "p2", "unlisted"]),
        tools in subsequence(TOOLS.to_vec(), 0..=2),
        role in select(EndpointRole::ALL.to_vec()),
        inference in any::<bool>(),
        exclusive in prop::bool::weighted(0.8),
        plan in prop::option::of(select(vec!["ours", "theirs"])),
    ) -> Endpoint {
        Endpoint {
            id: format!("e{number}").parse().unwrap(),
            provider: provider.parse().unwrap(),
            product: "Service".to_owned(),
            tools: tools.iter().map(|tool| tool.parse().unwrap()).collect(),
            patterns: vec![EndpointPattern::Exact("a.example".to_owned())],
            paths: Vec::new(),
            role: if inference { EndpointRole::Inference } else { role },
            exclusivity: if exclusive { Exclusivity::Exclusive } else { Exclusivity::Shared },
            visibility: Visibility::Sni,
            plan: plan.map(str::to_owned),
            confidence: Confidence::Documented,
            source: "invented".to_owned(),
            verified: "2026-01-01".parse().unwrap(),
        }
    }
}

fn endpoints() -> impl Strategy<Value = Vec<Endpoint>> {
    (endpoint(0), endpoint(1), endpoint(2), 0..=3_usize).prop_map(|(a, b, c, count)| {
        let mut all = vec![a, b, c];
        all.truncate(count);
        all
    })
}

fn moment() -> impl Strategy<Value = Timestamp> {
    (1_700_000_000..1_700_000_200_i64).prop_map(|second| Timestamp::from_second(second).unwrap())
}

prop_compose! {
    fn exemption(number: usize)(
        who in prop::collection::btree_set(select(vec!["b0", "g0", "g1", "l1"]), 0..3),
        tools in subsequence(TOOLS.to_vec(), 1..=3),
        purpose in select(vec![Purpose::Legal, Purpose::Benchmark]),
        networks in subsequence(NETWORKS.to_vec(), 0..=2),
        until in moment(),
    ) -> EgressExemption {
        let who = who.into_iter().map(|name| {
            if GROUPS.contains(&name) { Beneficiary::Group(name.to_owned()) } else { Beneficiary::Person(name.to_owned()) }
        });
        EgressExemption {
            name: format!("E{number}"),
            beneficiaries: who.collect(),
            tools: tools.iter().map(|tool| tool.parse().unwrap()).collect(),
            purpose,
            networks: networks.iter().map(|name| (*name).to_owned()).collect(),
            until,
        }
    }
}

#[derive(Debug, Clone)]
struct Asked {
    client: Option<IpAddr>,
    login: Option<&'static str>,
    purpose: Option<Purpose>,
    account: Option<&'static str>,
    is_readable: bool,
}

impl Asked {
    fn request(&self) -> EgressRequest<'_> {
        let Self { client, login, purpose, account, is_readable } = self;
        EgressRequest {
            id: DecisionId::from_bytes([1; 16]),
            client: *client,
            login: *login,
            purpose: *purpose,
            account: *account,
            is_readable: *is_readable,
        }
    }
}

prop_compose! {
    fn asked()(
        client in prop::option::of(select(vec![[10, 0, 0, 1], [10, 1, 0, 1], [192, 0, 2, 1]])),
        login in prop::option::of(select(vec!["l0", "L1", "nobody", ""])),
        purpose in prop::option::of(select(vec![Purpose::Legal, Purpose::Benchmark])),
        account in prop::option::of(select(vec!["a0", "a1"])),
        is_readable in any::<bool>(),
    ) -> Asked {
        Asked { client: client.map(|bytes| IpAddr::V4(Ipv4Addr::from(bytes))), login, purpose, account, is_readable }
    }
}

fn exemptions() -> impl Strategy<Value = Vec<EgressExemption>> {
    (exemption(0), exemption(1), exemption(2), 0..=3_usize).prop_map(|(a, b, c, count)| {
        let mut all = vec![a, b, c];
        all.truncate(count);
        all
    })
}

fn decided(
    asked: &Asked,
    endpoints: &[&Endpoint],
    policy: &EgressPolicy,
    exemptions: &[&EgressExemption],
    now: Timestamp,
) -> Decision {
    decide(&asked.request(), endpoints, policy, exemptions, now)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn an_exemption_that_is_over_never_helps(
        policy in policies(), asked in asked(), endpoints in endpoints(), exemptions in exemptions(), now in moment(),
    ) {
        let endpoints: Vec<&Endpoint> = endpoints.iter().collect();
        let all: Vec<&EgressExemption> = exemptions.iter().collect();
        let running: Vec<&EgressExemption> = exemptions.iter().filter(|one| now < one.until).collect();
        let decision = decided(&asked, &endpoints, &policy, &all, now);
        prop_assert_eq!(&decision, &decided(&asked, &endpoints, &policy, &running, now));
        // One that is taken away never helps either, and taking one away never opens anything.
        let fewer = decided(&asked, &endpoints, &policy, running.get(1..).unwrap_or_default(), now);
        prop_assert!(fewer.enforced >= decision.enforced);
        prop_assert!(fewer.permission >= decision.permission);
    }

    #[test]
    fn order_does_not_matter(
        policy in policies(), asked in asked(), endpoints in endpoints(), exemptions in exemptions(), now in moment(),
    ) {
        let forward = decided(
            &asked, &endpoints.iter().collect::<Vec<_>>(), &policy, &exemptions.iter().collect::<Vec<_>>(), now,
        );
        let backward = decided(
            &asked, &endpoints.iter().rev().collect::<Vec<_>>(), &policy,
            &exemptions.iter().rev().collect::<Vec<_>>(), now,
        );
        prop_assert_eq!(forward, backward);
    }

    #[test]
    fn no_decision_outlives_its_exemption_or_half_a_minute(
        policy in policies(), asked in asked(), endpoints in endpoints(), exemptions in exemptions(), now in moment(),
    ) {
        let endpoints: Vec<&Endpoint> = endpoints.iter().collect();
        let all: Vec<&EgressExemption> = exemptions.iter().collect();
        let decision = decided(&asked, &endpoints, &policy, &all, now);
        prop_assert!(decision.valid_until > now);
        let longest = now.checked_add(SignedDuration::from_secs(LONGEST_VALIDITY_SECONDS)).unwrap();
        prop_assert!(decision.valid_until <= longest);
        if let Some(name) = &decision.exemption {
            let used = exemptions.iter().find(|one| one.name == *name).unwrap();
            prop_assert!(decision.valid_until <= used.until);
            prop_assert!(now < used.until);
        }
        // The same is decided at any moment until then.
        let last = decision.valid_until.checked_sub(SignedDuration::from_nanos(1)).unwrap();
        let later = decided(&asked, &endpoints, &policy, &all, last);
        prop_assert_eq!(later.permission, decision.permission);
    }

    #[test]
    fn only_exclusive_inference_is_denied_and_only_where_the_mode_says_so(
        policy in policies(), asked in asked(), endpoints in endpoints(), exemptions in exemptions(), now in moment(),
    ) {
        let all: Vec<&EgressExemption> = exemptions.iter().collect();
        let rows: Vec<&Endpoint> = endpoints.iter().collect();
        let decision = decided(&asked, &rows, &policy, &all, now);
        let can_deny = |row: &&Endpoint| {
            row.role == EndpointRole::Inference && row.exclusivity == Exclusivity::Exclusive
        };
        if decision.enforced == Permission::Deny {
            let rule = decision.rule.as_ref().unwrap();
            prop_assert!(rows.iter().any(|row| row.id == rule.endpoint && can_deny(row)));
            prop_assert!(decision.exemption.is_none());
        }
        if decision.permission == Permission::Deny {
            prop_assert_eq!(decision.mode, EgressMode::Enforce);
            prop_assert_eq!(decision.enforced, Permission::Deny);
        }
        prop_assert_eq!(decision.rule.is_none(), rows.is_empty());
        // More that matches never opens anything.
        for row in &rows {
            let alone = decided(&asked, &[row], &policy, &all, now);
            prop_assert!(alone.enforced <= decision.enforced);
        }
        let reasons: BTreeSet<_> = decision.reasons.iter().collect();
        prop_assert!(!reasons.is_empty());
        prop_assert!(decision.reasons.is_sorted());
    }
}
