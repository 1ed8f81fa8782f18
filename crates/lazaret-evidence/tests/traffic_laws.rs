//! Laws of the detectors of traffic: order and partition of the calls do not matter, and what matches nothing leaves
//! nothing behind.

#![expect(clippy::unwrap_used, reason = "a test that cannot build its world has to stop")]

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use jiff::civil::date;
use lazaret_core::{
    Confidence, Endpoint, EndpointId, EndpointPattern, EndpointRole, Exclusivity, Outcome, ProviderId,
    ToolId, TrafficFact, Visibility,
};
use lazaret_evidence::traffic::{
    Call, Calls, Evasions, FindingKey, Grants, LinePlace, Own, Permits, Relays, Shapes, Standing,
    TrafficDetector, Watch, Watched, conclude,
};
use proptest::prelude::*;

/// Hosts, and the number of the row each matches.
const HOSTS: [(&str, Option<u32>); 5] = [
    ("api.rival.example", Some(0)),
    ("login.rival.example", Some(1)),
    ("api.friend.example", Some(2)),
    ("relay.unknown.example", None),
    ("www.unknown.example", None),
];

fn endpoint(id: &str, provider: &str, role: EndpointRole, plan: Option<&str>) -> Endpoint {
    Endpoint {
        id: id.parse::<EndpointId>().unwrap(),
        provider: provider.parse::<ProviderId>().unwrap(),
        product: id.to_owned(),
        tools: vec!["rival-agent".parse::<ToolId>().unwrap()],
        patterns: vec![EndpointPattern::Exact(format!("{id}.example"))],
        paths: Vec::new(),
        role,
        exclusivity: Exclusivity::Exclusive,
        visibility: Visibility::Dns,
        plan: plan.map(str::to_owned),
        confidence: Confidence::Observed,
        source: "a test".to_owned(),
        verified: date(2026, 11, 1),
    }
}

fn watch(scores: bool) -> Watch {
    let rows = [
        endpoint("rival-api", "rival", EndpointRole::Inference, None),
        endpoint("rival-login", "rival", EndpointRole::Auth, None),
        endpoint("friend-api", "friend", EndpointRole::Inference, Some("individual")),
    ];
    let is_banned = |provider: &ProviderId| provider.as_str() == "rival";
    let standing = |row: &Endpoint| {
        if is_banned(&row.provider) { Standing::Banned } else { Standing::Permitted }
    };
    let permits = Permits {
        own: [(
            "friend".parse::<ProviderId>().unwrap(),
            Own { plans: ["business".to_owned()].into(), ..Own::default() },
        )]
        .into(),
        ..Permits::default()
    };
    Watch::new(
        &rows,
        standing,
        is_banned,
        permits,
        Shapes::new(Vec::new()).unwrap(),
        Evasions::default(),
        scores,
    )
}

/// A call in small: who, where to, when, how much.
#[derive(Debug, Clone, Copy)]
struct Line {
    caller: u8,
    host: usize,
    minute: i64,
    stream: bool,
}

fn line() -> impl Strategy<Value = Line> {
    (0..3_u8, 0..HOSTS.len(), 0..3000_i64, any::<bool>()).prop_map(|(caller, host, minute, stream)| Line {
        caller,
        host,
        minute,
        stream,
    })
}

impl Line {
    fn fact(self) -> TrafficFact<'static> {
        let (sent, received, seconds) = if self.stream { (90_000, 9_000, 12) } else { (700, 900, 1) };
        TrafficFact {
            time: Some(self.minute * 60_000_000),
            client: Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, self.caller))),
            duration: Some(seconds * 1_000_000),
            sent: Some(sent),
            received: Some(received),
            outcome: Outcome::Passed,
            ..TrafficFact::unstated(Visibility::Connect)
        }
    }
}

fn note(watch: &Watch, line: Line, place: u64, watched: &mut Watched) {
    let Some((host, row)) = HOSTS.get(line.host) else { return };
    let fact = line.fact();
    let named: Vec<u32> = row.iter().copied().collect();
    let place = LinePlace { input: 0, line: place };
    let call = Call {
        fact: &fact,
        place,
        host: Some(host),
        named: &named,
        greeted_host: None,
        greeted: &[],
        addressed: &[],
        grants: Grants { exemption: &|_| None, evasion: &|_, _| false },
    };
    watch.note(&call, watched);
}

/// All findings of some lines, read in this order in two parts.
fn findings(lines: &[(u64, Line)], split: usize) -> BTreeMap<FindingKey, Calls> {
    let watch = watch(true);
    let (first, second) = lines.split_at(split.min(lines.len()));
    let mut watched = Watched::default();
    let mut other = Watched::default();
    first.iter().for_each(|(place, line)| note(&watch, *line, *place, &mut watched));
    second.iter().for_each(|(place, line)| note(&watch, *line, *place, &mut other));
    other.add(watched);
    let mut relays = Relays::new(&mut other);
    let mut elsewhere = relays.unanswered();
    for (index, (place, line)) in lines.iter().enumerate() {
        let reader = if index < split { &mut relays } else { &mut elsewhere };
        if let Some((host, None)) = HOSTS.get(line.host) {
            reader.note(host, &line.fact(), LinePlace { input: 0, line: *place });
        }
    }
    relays.add(elsewhere);
    conclude(&mut other, relays);
    other.findings.into_iter().collect()
}

proptest! {
    #[test]
    fn order_and_partition_do_not_matter(
        lines in prop::collection::vec(line(), 0..60),
        seed in any::<u64>(),
        split in 0..60_usize,
    ) {
        let placed: Vec<(u64, Line)> = (1..).zip(lines).collect();
        let mut shuffled = placed.clone();
        shuffled.sort_by_key(|(place, _)| place.wrapping_mul(seed | 1).rotate_left(17));
        prop_assert_eq!(findings(&placed, 0), findings(&shuffled, split));
    }

    #[test]
    fn a_call_that_matches_nothing_leaves_nothing(line in line()) {
        let watch = watch(false);
        let mut watched = Watched::default();
        let unknown = Line { host: 4, ..line };
        note(&watch, unknown, 1, &mut watched);
        let relays = Relays::new(&mut watched);
        prop_assert!(relays.is_empty());
        conclude(&mut watched, relays);
        prop_assert!(watched.findings.is_empty());
    }
}

fn told(lines: &[Line]) -> Vec<(TrafficDetector, String)> {
    let placed: Vec<(u64, Line)> = (1..).zip(lines.iter().copied()).collect();
    let found = findings(&placed, 0);
    found.into_keys().map(|key| (key.detector, key.host.into())).collect()
}

#[test]
fn a_tool_that_signs_in_and_streams_elsewhere_is_called_relayed() {
    let sign_in = Line { caller: 1, host: 1, minute: 100, stream: false };
    let stream = Line { caller: 1, host: 3, minute: 105, stream: true };
    assert_eq!(told(&[sign_in, stream]), [(TrafficDetector::RelayedTool, HOSTS[3].0.to_owned())]);
    let late = Line { minute: 130, ..stream };
    assert_eq!(told(&[sign_in, late]), [(TrafficDetector::SilentTool, String::new())]);
    let of_another = Line { caller: 2, ..stream };
    assert_eq!(told(&[sign_in, of_another]), [(TrafficDetector::SilentTool, String::new())]);
}

#[test]
fn a_tool_whose_service_is_used_is_neither_silent_nor_relayed() {
    let sign_in = Line { caller: 1, host: 1, minute: 100, stream: false };
    let used = Line { caller: 1, host: 0, minute: 101, stream: true };
    let stream = Line { caller: 1, host: 3, minute: 105, stream: true };
    assert_eq!(told(&[sign_in, used, stream]), [(TrafficDetector::InferenceHost, HOSTS[0].0.to_owned())]);
}

#[test]
fn tiny_calls_to_the_service_beside_streams_elsewhere_are_a_relay() {
    let tiny = Line { caller: 1, host: 0, minute: 100, stream: false };
    let stream = Line { caller: 1, host: 3, minute: 101, stream: true };
    let expected = [
        (TrafficDetector::InferenceHost, HOSTS[0].0.to_owned()),
        (TrafficDetector::RelayedTool, HOSTS[3].0.to_owned()),
    ];
    assert_eq!(told(&[tiny, stream]), expected);
}

#[test]
fn an_approved_tool_is_told_only_outside_the_plan() {
    let call = Line { caller: 1, host: 2, minute: 100, stream: true };
    assert_eq!(told(&[call]), [(TrafficDetector::PersonalPlan, HOSTS[2].0.to_owned())]);
}

#[test]
fn streams_are_scored_where_few_call_and_often() {
    let stream = |caller, minute| Line { caller, host: 4, minute, stream: true };
    let few: Vec<Line> = (0..9).map(|minute| stream(1, minute)).collect();
    assert_eq!(told(&few), []);
    let often: Vec<Line> = (0..10).map(|minute| stream(1, minute)).collect();
    assert_eq!(told(&often), [(TrafficDetector::RareStream, HOSTS[4].0.to_owned())]);
}
