//! Reconciliation by laws: what it tells is what a plain comparison of every call with every other tells, whatever the
//! order; and no decision more ever makes a call one past the enforcement points.

use std::io::Cursor;
use std::sync::LazyLock;

use jiff::Timestamp;
use lazaret_evidence::Catalog;
use lazaret_pipeline::egress::{
    Discrepancy, KeptExemptions, Leave, Log, Naming, Opener, ReconcileRequest, ReconciliationReport,
    reconcile,
};
use lazaret_policy::{Policy, Rules};
use lazaret_traffic::Format;
use proptest::prelude::*;

const POLICY: &[u8] = b"version = 1\nname = \"laws\"\n[ban]\nproviders = [\"anthropic\", \"openai\"]\n";
const HOSTS: [&str; 3] = ["api.anthropic.com", "api.openai.com", "www.people.example"];
/// 2026-11-02 09:00 UTC.
const BEGIN: u64 = 1_793_610_000;
const TOLERANCE: u64 = 30;

static CATALOG: LazyLock<Catalog> = LazyLock::new(Catalog::built_in);

/// A call at the proxy: when, for how long, by whom, to what, and whether a decision was asked for.
type AtPoint = (u64, u64, u8, usize, bool);
/// A call that a sensor saw: when, by whom, to what.
type AtSensor = (u64, u8, usize);

fn id(seconds: u64, number: usize) -> String {
    let time = (BEGIN + seconds) * 1000;
    format!("{:08x}-{:04x}-7000-8000-{number:012x}", time >> 16, time & 0xffff)
}

fn point_lines(calls: &[AtPoint]) -> Vec<String> {
    let line = |(number, (time, lasted, client, host, decided)): (usize, &AtPoint)| {
        let tag = if *decided { id(*time, number) } else { "-".to_owned() };
        let end = BEGIN + time + lasted;
        format!(
            "{end}.000 {} 10.0.0.{client} - TCP_MISS/200 10 10 CONNECT {}:443 tag={tag}\n",
            lasted * 1000,
            HOSTS[*host]
        )
    };
    // The log begins long before the calls and goes on long after them, so that it is never quiet.
    let minutes = (0..600).map(|minute| {
        let at = BEGIN + minute * 60 - 18_000;
        format!("{at}.000 0 10.0.0.9 - TCP_MISS/200 10 10 CONNECT www.people.example:443 tag=-\n")
    });
    calls.iter().enumerate().map(line).chain(minutes).collect()
}

fn sensor_lines(calls: &[AtSensor]) -> Vec<String> {
    let line = |(time, client, host): &AtSensor| {
        let time = Timestamp::from_second(i64::try_from(BEGIN + time).unwrap()).unwrap();
        format!(
            "{{\"timestamp\":\"{}\",\"event_type\":\"tls\",\"src_ip\":\"10.0.0.{client}\",\"src_port\":1,\"dest_ip\":\"198.51.100.7\",\"dest_port\":443,\"proto\":\"TCP\",\"tls\":{{\"sni\":\"{}\",\"version\":\"TLS 1.3\"}}}}\n",
            time.strftime("%Y-%m-%dT%H:%M:%S.000000+0000"),
            HOSTS[*host]
        )
    };
    calls.iter().map(line).collect()
}

fn log(name: &str, format: Format, lines: &[String]) -> Log<'static> {
    let text = lines.concat().into_bytes();
    Log { name: name.to_owned(), format: Some(format), open: Opener::Once(Box::new(Cursor::new(text))) }
}

fn run(points: &[String], sensors: &[String]) -> ReconciliationReport {
    let policy = Policy::parse(POLICY).unwrap();
    let rules = Rules::resolve(&policy, CATALOG.roster()).unwrap();
    let exemptions = KeptExemptions::none(policy.terms(), Timestamp::UNIX_EPOCH);
    let leave = Leave::new(rules.egress().clone(), exemptions);
    let squid =
        Format::squid_logformat("%ts.%03tu %tr %>a %un %Ss/%03>Hs %>st %<st %rm %ru tag=%et").unwrap();
    reconcile(ReconcileRequest {
        points: vec![log("access.log", squid, points)],
        sensors: vec![log("eve.json", Format::named("eve").unwrap(), sensors)],
        records: Vec::new(),
        leave: &leave,
        catalog: &CATALOG,
        naming: &Naming::Numbered,
        tolerance_seconds: u32::try_from(TOLERANCE).unwrap(),
        quiet_minutes: 60,
        window: (None, None),
        shared: &[],
        n_threads: 2,
        progress: &mut |_, _| {},
    })
    .unwrap()
}

fn calls(report: &ReconciliationReport, kind: Discrepancy) -> u64 {
    report.discrepancies.iter().filter(|one| one.kind == kind).map(|one| one.calls).sum()
}

/// Says of a call that a sensor saw whether it went past the proxy, by comparing it with each call there.
fn is_bypass((time, client, host): &AtSensor, points: &[AtPoint]) -> bool {
    let accounts = |(begin, lasted, by, to, decided): &AtPoint| {
        *decided
            && (by, to) == (client, host)
            && begin.saturating_sub(TOLERANCE) <= *time
            && *time <= begin + lasted + TOLERANCE
    };
    *host != 2 && !points.iter().any(accounts)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn it_tells_what_a_comparison_of_every_call_with_every_other_tells(
        points in prop::collection::vec((0_u64..3000, 0_u64..900, 1_u8..4, 0_usize..3, any::<bool>()), 0..25),
        sensors in prop::collection::vec((0_u64..4000, 1_u8..4, 0_usize..3), 0..25),
    ) {
        let (at_points, at_sensors) = (point_lines(&points), sensor_lines(&sensors));
        let report = run(&at_points, &at_sensors);
        let past = sensors.iter().filter(|call| is_bypass(call, &points)).count();
        prop_assert_eq!(calls(&report, Discrepancy::Bypass), u64::try_from(past).unwrap());
        let undecided = points.iter().filter(|(_, _, _, host, decided)| !decided && *host != 2).count();
        prop_assert_eq!(calls(&report, Discrepancy::Undecided), u64::try_from(undecided).unwrap());
        prop_assert!(report.unsettled.is_empty());

        let (mut turned_points, mut turned_sensors) = (at_points, at_sensors);
        turned_points.reverse();
        turned_sensors.reverse();
        let turned = run(&turned_points, &turned_sensors);
        let plain = |report: &ReconciliationReport| -> Vec<_> {
            let one = |one: &lazaret_pipeline::egress::DiscrepancyReport| (
                one.kind, one.host.clone(), one.first.clone(), one.last.clone(), one.calls, one.sent, one.outcome,
            );
            let mut all: Vec<_> = report.discrepancies.iter().map(one).collect();
            all.sort();
            all
        };
        prop_assert_eq!(plain(&report), plain(&turned));
    }

    #[test]
    fn a_decision_more_never_makes_a_call_one_past_the_proxy(
        points in prop::collection::vec((0_u64..3000, 0_u64..900, 1_u8..4, 0_usize..3, Just(true)), 1..20),
        sensors in prop::collection::vec((0_u64..4000, 1_u8..4, 0_usize..3), 1..20),
    ) {
        let at_sensors = sensor_lines(&sensors);
        let all = run(&point_lines(&points), &at_sensors);
        let fewer = run(&point_lines(&points[1..]), &at_sensors);
        prop_assert!(calls(&all, Discrepancy::Bypass) <= calls(&fewer, Discrepancy::Bypass));
    }
}
