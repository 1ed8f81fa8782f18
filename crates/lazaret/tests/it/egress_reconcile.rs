//! `lazaret egress reconcile`, as people run it: logs of a proxy and of a sensor beside the decisions of one morning.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::environment::Run;
use crate::review::Harbour;

const POLICY: &str = r#"
version = 1
name = "harbour"
[ban]
providers = ["anthropic", "openai"]
[exemption]
max-days = 30
purposes = ["benchmark"]
[egress]
mode = "enforce"
[[egress.network]]
name = "lab"
ranges = ["10.20.0.0/16"]
[[egress.subject]]
logins = ["robin"]
person = "dov"
"#;

/// What squid.conf says after `logformat lazaret`.
const LOGFORMAT: &str = "%ts.%03tu %6tr %>a %un %Ss/%03>Hs %>st %<st %rm %ru tag=%et";

/// 2026-11-02 09:00 UTC.
const BEGIN: u64 = 1_793_610_000;
/// Hours later, when everything is looked at.
const LATER: &str = "2026-11-02T18:00:00Z";

/// The name of the decision that was made so many seconds after nine; the number tells two of one second apart.
fn id(seconds: u64, number: u64) -> String {
    let time = (BEGIN + seconds) * 1000;
    format!("{:08x}-{:04x}-7000-8000-{number:012x}", time >> 16, time & 0xffff)
}

/// A line of a proxy: when the call began in seconds after nine, how long it lasted, client, person, status, host, tag.
fn point(seconds: u64, lasted: u64, client: u8, person: &str, status: &str, host: &str, tag: &str) -> String {
    let end = BEGIN + seconds + lasted;
    format!(
        "{end}.000 {:6} 10.20.0.{client} {person} {status} 12000 48000 CONNECT {host}:443 tag={tag}\n",
        lasted * 1000
    )
}

/// A decision as the service records it.
fn record(seconds: u64, number: u64, permission: &str, exemption: Option<&str>) -> String {
    let time = |seconds: u64| {
        let time = jiff::Timestamp::from_second(i64::try_from(BEGIN + seconds).unwrap()).unwrap();
        time.to_string()
    };
    let line = json!({
        "format": "lazaret.egress-decision/1", "time": time(seconds), "id": id(seconds, number), "point": "squid",
        "permission": permission, "enforced": permission, "mode": "enforce",
        "rule": {"endpoint": "anthropic-api", "catalog": format!("sha256:{}", "0".repeat(64))},
        "policy": format!("sha256:{}", "0".repeat(64)), "exemption": exemption, "valid-until": time(seconds + 30),
        "reasons": [],
    });
    format!("{line}\n")
}

/// A greeting that a sensor saw.
fn greeting(seconds: u64, client: u8, name: &str) -> String {
    let time = jiff::Timestamp::from_second(i64::try_from(BEGIN + seconds).unwrap()).unwrap();
    let time = time.strftime("%Y-%m-%dT%H:%M:%S.000000+0000");
    format!(
        "{{\"timestamp\":\"{time}\",\"event_type\":\"tls\",\"src_ip\":\"10.20.0.{client}\",\"src_port\":40001,\
         \"dest_ip\":\"198.51.100.7\",\"dest_port\":443,\"proto\":\"TCP\",\"tls\":{{\"sni\":\"{name}\",\"version\":\"TLS 1.3\"}}}}\n"
    )
}

/// A morning from nine to one at the proxy, of which most is nobody's business.
fn at_the_proxy() -> String {
    let mut log = String::new();
    for nth in 0..240 {
        log += &point(nth * 60, 2, 10, "-", "TCP_TUNNEL/200", "www.people.example", "-");
    }
    // Under the exemption, which ends at ten; the second tunnel stays open for half an hour after that.
    log += &point(600, 60, 21, "robin", "TCP_TUNNEL/200", "api.anthropic.com", &id(600, 1));
    log += &point(3300, 2100, 21, "robin", "TCP_TUNNEL/200", "api.anthropic.com", &id(3300, 2));
    // Denied, as it should be.
    log += &point(700, 0, 22, "kim", "TCP_DENIED/403", "api.anthropic.com", &id(700, 3));
    // Denied, and let pass all the same.
    log += &point(800, 20, 23, "ada", "TCP_TUNNEL/200", "api.anthropic.com", &id(800, 4));
    // Let pass without asking, once with another program's tag.
    log += &point(900, 20, 24, "eve", "TCP_TUNNEL/200", "api.openai.com", "-");
    log += &point(910, 20, 24, "eve", "TCP_TUNNEL/200", "API.OpenAI.com.", "blocklist");
    // By an answer that was given an hour before.
    log += &point(5400, 20, 21, "robin", "TCP_TUNNEL/200", "api.anthropic.com", &id(600, 1));
    log + "this is no line of a log\n"
}

fn records() -> String {
    let allowed = Some("E1");
    record(600, 1, "allow", allowed)
        + &record(3300, 2, "allow", allowed)
        + &record(700, 3, "deny", None)
        + &record(800, 4, "deny", None)
        // Nobody has written of this one.
        + &record(4000, 5, "deny", None)
        + &record(14_000, 6, "deny", None)
}

fn at_the_sensor() -> String {
    let mut log = String::new();
    for nth in (0..60).chain(180..240) {
        log += &greeting(nth * 60, 10, "www.people.example");
    }
    log += &greeting(601, 21, "api.anthropic.com");
    log += &greeting(701, 22, "api.anthropic.com");
    // Never at the proxy: the second at a time when it was decided about somebody's call.
    log += &greeting(2000, 25, "api.anthropic.com");
    log += &greeting(4010, 25, "api.anthropic.com");
    log += &greeting(2100, 25, "api.anthropic.com.evil.example");
    // At the proxy, and a minute and more later past it.
    log += &greeting(2600, 21, "api.anthropic.com");
    log
}

fn world() -> Harbour {
    let harbour = Harbour::under(POLICY);
    let request = [
        "exempt",
        "request",
        "--tool",
        "claude-code",
        "--purpose",
        "benchmark",
        "--for",
        "dov",
        "--network",
        "lab",
        "--until",
        "2026-11-02T10:00:00Z",
        "--reason",
        "to measure",
        "--quiet",
    ];
    let asked = harbour.at("2026-11-01T00:00:00Z", "cleo", &request);
    assert_eq!(asked.code, 0, "{}", asked.stderr);
    let approved = harbour.at("2026-11-01T01:00:00Z", "gil", &["exempt", "approve", "E1", "--quiet"]);
    assert_eq!(approved.code, 0, "{}", approved.stderr);
    harbour.0.file("access.log", &at_the_proxy());
    harbour.0.file("decisions.jsonl", &records());
    harbour.0.file("eve.json", &at_the_sensor());
    harbour
}

fn reconcile(harbour: &Harbour, args: &[&str]) -> Run {
    let mut command = harbour.command(LATER, "ada");
    command.current_dir(harbour.0.scratch("")).args(["egress", "reconcile"]).args(args);
    harbour.0.ended(command.output().unwrap())
}

const ALL: [&str; 7] =
    ["--point", "access.log", "--squid-logformat", LOGFORMAT, "--record", "decisions.jsonl", "eve.json"];

fn report(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap()
}

/// Returns kind, host, calls and seconds beyond of all that is told.
fn told(report: &Value) -> Vec<(String, String, u64, Option<u64>)> {
    let all = report["discrepancies"].as_array().unwrap().iter().map(|one| {
        let text = |field: &str| one[field].as_str().unwrap().to_owned();
        (text("kind"), text("host"), one["calls"].as_u64().unwrap(), one["beyond_seconds"].as_u64())
    });
    all.collect()
}

#[test]
fn a_person_reads_what_went_past_the_decisions_and_when_nobody_looked() {
    let run = reconcile(&world(), &ALL);
    assert_eq!(run.code, 12, "{}", run.stderr);
    assert_snapshot!(run.stdout);
    assert!(run.stderr.contains("1 of 248 lines were not understood"), "{}", run.stderr);
}

#[test]
fn programs_read_each_discrepancy_once() {
    let run = reconcile(&world(), &[&ALL[..], &["--format", "json"]].concat());
    let report = report(&run);
    assert_eq!(report["format"], "lazaret.egress-reconciliation/1");
    let host = |name: &str| name.to_owned();
    let expected = [
        (host("bypass"), host("api.anthropic.com"), 1, None),
        (host("bypass"), host("api.anthropic.com"), 1, None),
        (host("undecided"), host("api.openai.com"), 2, None),
        (host("despite-denial"), host("api.anthropic.com"), 1, None),
        (host("outlived-exemption"), host("api.anthropic.com"), 1, Some(1800)),
        (host("kept-too-long"), host("api.anthropic.com"), 1, Some(4770)),
        (host("outlived-exemption"), host("api.anthropic.com"), 1, Some(1820)),
    ];
    assert_eq!(told(&report), expected);
    let unsettled: Vec<_> = report["unsettled"].as_array().unwrap().iter().map(|one| &one["why"]).collect();
    assert_eq!(unsettled, ["decision-without-line"]);
    assert_eq!(report["held"]["without_line"], 2);
    let quiet = &report["sources"][1]["quiet"][0];
    assert_eq!((&quiet["from"], &quiet["minutes"]), (&json!("2026-11-02T10:07:00Z"), &json!(113)));
    assert_eq!(quiet["others_wrote"], true);
}

#[test]
fn nobody_is_named() {
    let world = world();
    for format in ["human", "json"] {
        let run = reconcile(&world, &[&ALL[..], &["--format", format]].concat());
        let said = format!("{}{}", run.stdout, run.stderr);
        for secret in ["robin", "kim", "eve@", "10.20.0.2", "www.people.example", "evil.example"] {
            assert!(!said.contains(secret), "{format} tells `{secret}`");
        }
    }
}

#[test]
fn neither_the_order_of_lines_nor_how_logs_are_cut_matters() {
    let world = world();
    let args = [&ALL[..], &["--format", "json"]].concat();
    let plain = |run: &Run| {
        let mut report = report(run);
        for one in report["discrepancies"].as_array_mut().unwrap() {
            // The lines stand elsewhere in a file that is turned around, and callers are numbered by them.
            one.as_object_mut().unwrap().retain(|field, _| !field.ends_with("_line"));
        }
        let sources = report["sources"].as_array_mut().unwrap();
        sources.iter_mut().for_each(|source| drop(source.as_object_mut().unwrap().remove("logs")));
        let unsettled = report["unsettled"].as_array_mut().unwrap();
        unsettled.iter_mut().for_each(|one| drop(one.as_object_mut().unwrap().remove("first_line")));
        report
    };
    let first = reconcile(&world, &args);
    let whole = plain(&first);
    for threads in ["1", "3"] {
        let run = reconcile(&world, &[&args[..], &["--threads", threads]].concat());
        assert_eq!(run.stdout, first.stdout, "{threads} threads");
    }
    let turned = |text: &str| text.lines().rev().map(|line| format!("{line}\n")).collect::<String>();
    world.0.file("decisions.jsonl", &turned(&records()));
    world.0.file("access.log", &turned(&at_the_proxy()));
    world.0.file("eve.json", &turned(&at_the_sensor()));
    assert_eq!(plain(&reconcile(&world, &args)), whole);
    // The proxy's log in two pieces, as it is when it is rotated.
    let log = at_the_proxy();
    let lines: Vec<&str> = log.split_inclusive('\n').collect();
    let (old, new) = lines.split_at(100);
    world.0.file("access.log.1", &old.concat());
    world.0.file("access.log", &new.concat());
    let mut cut = vec!["--point", "access.log.1"];
    cut.extend(&args);
    assert_eq!(plain(&reconcile(&world, &cut)), whole);
}

#[test]
fn without_a_line_or_a_record_that_could_account_for_a_call_nothing_is_claimed() {
    let world = world();
    let quick = |text: &str| {
        world.0.file("quick.log", text);
        let run = reconcile(
            &world,
            &["--point", "quick.log", "--squid-logformat", LOGFORMAT, "late.json", "--format", "json"],
        );
        let report = report(&run);
        let unsettled = report["unsettled"].as_array().unwrap();
        let why: Vec<_> = unsettled.iter().map(|one| one["why"].as_str().unwrap().to_owned()).collect();
        (told(&report).into_iter().map(|one| one.0).collect::<Vec<_>>(), why)
    };
    world.0.file("late.json", &greeting(5000, 25, "api.anthropic.com"));
    let minutes = |from: u64, until: u64| -> String {
        let line = |nth| point(nth * 60, 2, 10, "-", "TCP_TUNNEL/200", "www.people.example", "-");
        (from..until).map(line).collect()
    };
    // The log ends before the call, or so soon after it that a tunnel may be open still; or it is quiet around it.
    assert_eq!(quick(&minutes(0, 60)), (vec![], vec!["point-quiet".to_owned()]));
    assert_eq!(quick(&minutes(0, 100)), (vec![], vec!["may-be-open".to_owned()]));
    let gap = minutes(0, 40) + &minutes(120, 240);
    assert_eq!(quick(&gap), (vec![], vec!["point-quiet".to_owned()]));
    assert_eq!(quick(&minutes(0, 240)), (vec!["bypass".to_owned()], vec![]));
    // A name that was asked for is no call.
    world.0.file(
        "late.json",
        "{\"timestamp\":\"2026-11-02T10:23:20.000000+0000\",\"event_type\":\"dns\",\"src_ip\":\"10.20.0.25\",\"src_port\":4,\"dest_ip\":\"10.20.0.1\",\"dest_port\":53,\"proto\":\"UDP\",\"dns\":{\"type\":\"query\",\"id\":1,\"rrname\":\"api.anthropic.com\",\"rrtype\":\"A\",\"tx_id\":0}}\n",
    );
    assert_eq!(quick(&minutes(0, 240)), (vec![], vec!["looked-up".to_owned()]));
    // A log without a line is one of a source that was quiet all the time.
    world.0.file("late.json", "");
    world.0.file("quick.log", &minutes(0, 240));
    let args = ["--point", "quick.log", "--squid-logformat", LOGFORMAT, "late.json", "--format", "json"];
    let report = report(&reconcile(&world, &args));
    let quiet = &report["sources"][1]["quiet"];
    assert_eq!((quiet.as_array().unwrap().len(), &quiet[0]["minutes"]), (1, &json!(240)));
}

#[test]
fn callers_that_stand_behind_one_address_account_for_each_other() {
    let world = world();
    world.0.file("behind.json", &greeting(620, 250, "api.anthropic.com"));
    let args = ["--point", "access.log", "--squid-logformat", LOGFORMAT, "behind.json", "--format", "json"];
    let kinds = |run: &Run| told(&report(run)).into_iter().filter(|one| one.0 == "bypass").count();
    assert_eq!(kinds(&reconcile(&world, &args)), 1);
    let run = reconcile(&world, &[&args[..], &["--shared", "10.20.0.250/32"]].concat());
    assert_eq!(kinds(&run), 0, "{}", run.stdout);
}

#[test]
fn exit_codes_say_what_was_found() {
    let world = world();
    let clean: String = (0..240)
        .map(|nth| point(nth * 60, 2, 10, "-", "TCP_TUNNEL/200", "www.people.example", "-"))
        .collect();
    world.0.file("clean.log", &clean);
    let clean = ["--point", "clean.log", "--squid-logformat", LOGFORMAT];
    assert_eq!(reconcile(&world, &clean).code, 0);
    let strict = [&clean[..], &["--fail-on", "unproven"]].concat();
    assert_eq!(reconcile(&world, &strict).code, 0);
    let day = [&strict[..], &["--from", "2026-11-02T00:00:00Z", "--until", "2026-11-03T00:00:00Z"]].concat();
    assert_eq!(reconcile(&world, &day).code, 11, "the night was quiet");
    assert_eq!(reconcile(&world, &[&ALL[..], &["--fail-on", "never"]].concat()).code, 0);
    world.0.file("noise.jsonl", "no decision\n");
    let noisy = [&clean[..], &["--record", "noise.jsonl"]].concat();
    let run = reconcile(&world, &noisy);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("`noise.jsonl`: 1 of 1 lines were not understood"), "{}", run.stderr);
    for usage in [&["eve.json"][..], &["--record", "decisions.jsonl"], &["--point", "eve.json", "eve.json"]] {
        assert_eq!(reconcile(&world, usage).code, 2, "{usage:?}");
    }
}
