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
use lazaret_evidence::catalog::Day;
use lazaret_evidence::traffic::{
    Call, Calls, EvasionData, EvasionKind, Evasions, FindingKey, Grants, LinePlace, Own, Permits, Relays,
    ShapeData, Shapes, Standing, TrafficDetector, Watch, Watched, conclude,
};
use proptest::prelude::*;
use toml::Spanned;

/// Hosts, and the number of the row each matches.
const HOSTS: [(&str, Option<u32>); 5] = [
    ("api.rival.example", Some(0)),
    ("login.rival.example", Some(1)),
    ("api.friend.example", Some(2)),
    ("relay.unknown.example", None),
    ("www.unknown.example", None),
];

/// Paths of requests: none, one by which the rival's models are called, one of another provider's, one of anybody's.
const PATHS: [Option<&str>; 4] = [None, Some("/rival/ask"), Some("/other/ask"), Some("/v1/ask")];

fn shape(id: &str, provider: Option<&str>, path: &str) -> ShapeData {
    ShapeData {
        id: Spanned::new(0..0, id.to_owned()),
        provider: provider.map(|provider| provider.parse().unwrap()),
        method: "POST".to_owned(),
        paths: vec![path.to_owned()],
        needs: Vec::new(),
        headers: Vec::new(),
        agents: Vec::new(),
        source: "a test".to_owned(),
        verified: Day(date(2026, 11, 1)),
    }
}

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
    let is_banned = |provider: &ProviderId| provider.as_str() != "friend";
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
        // Of the other provider no row shows a tool.
        Shapes::new(vec![
            shape("rivals", Some("rival"), "/rival/ask"),
            shape("others", Some("other"), "/other/ask"),
            shape("anybodys", None, "/v1/ask"),
        ])
        .unwrap(),
        Evasions::default(),
        scores,
    )
}

/// A call in small: who, where to, when, how much.
#[derive(Debug, Clone, Copy)]
struct Line {
    caller: u8,
    host: usize,
    path: usize,
    minute: i64,
    stream: bool,
}

fn line() -> impl Strategy<Value = Line> {
    let parts = (0..3_u8, 0..HOSTS.len(), 0..PATHS.len(), 0..3000_i64, any::<bool>());
    parts.prop_map(|(caller, host, path, minute, stream)| Line { caller, host, path, minute, stream })
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
            method: Some(b"POST"),
            path: PATHS.get(self.path).copied().flatten().map(str::as_bytes),
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
        let unknown = Line { host: 4, path: 0, ..line };
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

/// A call without a path.
const PLAIN: Line = Line { caller: 1, host: 0, path: 0, minute: 100, stream: false };
const TINY: Line = PLAIN;
const USED: Line = Line { stream: true, minute: 101, ..PLAIN };
const SIGN_IN: Line = Line { host: 1, ..PLAIN };
const STREAM: Line = Line { host: 3, minute: 105, stream: true, ..PLAIN };
const SHAPED: Line = Line { host: 4, path: 1, minute: 110, ..PLAIN };

/// What is called how, and what is told: detector and host.
type Case<'a> = (&'a str, &'a [Line], &'a [(TrafficDetector, &'a str)]);

#[test]
fn what_is_told_of_calls_taken_together() {
    use TrafficDetector::{ApiShape, InferenceHost, PersonalPlan, RelayedTool, SilentTool};
    let api = (InferenceHost, HOSTS[0].0);
    let (relay, silent) = ((RelayedTool, HOSTS[3].0), (SilentTool, ""));
    let shaped = (ApiShape, HOSTS[4].0);
    let next_day = 100 + 24 * 60;
    let cases: &[Case<'_>] = &[
        ("a tool that shows itself, and nothing else", &[SIGN_IN], &[silent]),
        ("and streams elsewhere", &[SIGN_IN, STREAM], &[relay]),
        ("and streams elsewhere, much later", &[SIGN_IN, Line { minute: 130, ..STREAM }], &[silent]),
        ("and another one's streams", &[SIGN_IN, Line { caller: 2, ..STREAM }], &[silent]),
        ("and its service used", &[SIGN_IN, USED, STREAM], &[api]),
        ("tiny calls to the service say that it is called", &[TINY], &[api]),
        ("whatever else the tool does", &[SIGN_IN, TINY], &[api]),
        ("and are a relay beside streams elsewhere", &[TINY, STREAM], &[api, relay]),
        (
            "on another day they say nothing of this one",
            &[SIGN_IN, Line { minute: next_day, ..TINY }],
            &[api, silent],
        ),
        ("another one's say nothing", &[SIGN_IN, Line { caller: 2, ..TINY }], &[api, silent]),
        ("calls of the provider's shape are its use", &[SIGN_IN, SHAPED], &[shaped]),
        ("calls of anybody's shape may be", &[SIGN_IN, Line { path: 3, ..SHAPED }], &[shaped]),
        ("those of another provider's are not", &[SIGN_IN, Line { path: 2, ..SHAPED }], &[shaped, silent]),
        ("nor are those of another day", &[SIGN_IN, Line { minute: next_day, ..SHAPED }], &[shaped, silent]),
        ("nor those of another caller", &[SIGN_IN, Line { caller: 2, ..SHAPED }], &[shaped, silent]),
        ("an approved tool outside the plan", &[Line { host: 2, ..USED }], &[(PersonalPlan, HOSTS[2].0)]),
    ];
    for (what, lines, expected) in cases {
        let mut expected: Vec<_> =
            expected.iter().map(|(detector, host)| (*detector, (*host).to_owned())).collect();
        let mut found = told(lines);
        expected.sort();
        found.sort();
        assert_eq!(found, expected, "{what}");
    }
}

#[test]
fn streams_are_scored_where_few_call_and_often() {
    let stream = |caller, minute| Line { caller, host: 4, minute, stream: true, ..PLAIN };
    let few: Vec<Line> = (0..9).map(|minute| stream(1, minute)).collect();
    assert_eq!(told(&few), []);
    let often: Vec<Line> = (0..10).map(|minute| stream(1, minute)).collect();
    assert_eq!(told(&often), [(TrafficDetector::RareStream, HOSTS[4].0.to_owned())]);
}

#[test]
fn a_greeting_that_hides_its_name_is_told_whatever_was_asked_for() {
    let row = EvasionData {
        id: Spanned::new(0..0, "hidden".to_owned()),
        kind: EvasionKind::Greeting,
        exact: vec!["outer.example".to_owned()],
        suffix: Vec::new(),
        source: "a test".to_owned(),
        verified: Day(date(2026, 11, 1)),
    };
    let shapes = Shapes::new(Vec::new()).unwrap();
    let standing = |_: &Endpoint| Standing::Banned;
    let evasions = Evasions::new(vec![row]);
    let watch = Watch::new(&[], standing, |_| true, Permits::default(), shapes, evasions, false);
    for (asked, greeted, permits, expected) in [
        ("outer.example", None, false, Some("outer.example")),
        ("www.unknown.example", Some("outer.example"), false, Some("outer.example")),
        ("203.0.113.7", Some("outer.example"), false, Some("outer.example")),
        ("203.0.113.7", Some("outer.example"), true, None),
        ("www.unknown.example", Some("www.unknown.example"), false, None),
    ] {
        let fact = PLAIN.fact();
        let mut watched = Watched::default();
        let call = Call {
            fact: &fact,
            place: LinePlace { input: 0, line: 1 },
            host: Some(asked),
            named: &[],
            greeted_host: greeted,
            greeted: &[],
            addressed: &[],
            grants: Grants {
                exemption: &|_| None,
                evasion: &|_, host| permits && host == Some("outer.example"),
            },
        };
        watch.note(&call, &mut watched);
        let told: Vec<_> = watched.findings.into_keys().map(|key| (key.detector, key.host)).collect();
        let expected: Vec<_> =
            expected.map(|host| (TrafficDetector::ControlEvasion, host.into())).into_iter().collect();
        assert_eq!(told, expected, "{asked} {greeted:?} {permits}");
    }
}
