//! `lazaret egress scan`, as people run it: logs that are built here, and what is told about them.

use std::fmt::Write as _;

use insta::assert_snapshot;
use serde_json::Value;

use crate::environment::{Run, TestEnvironment};

const POLICY: &str = r#"
version = 1
name = "harbour"
[ban]
providers = ["anthropic", "openai"]
"#;

/// 2026-11-02 09:00 UTC.
const BEGIN: u64 = 1_793_610_000;

/// A line of Squid's own format: seconds after nine, client, person, host, bytes to the client, milliseconds.
fn squid(seconds: u64, client: u8, person: &str, host: &str, bytes: u64, millis: u64) -> String {
    format!(
        "{}.000 {millis:6} 192.0.2.{client} TCP_TUNNEL/200 {bytes} CONNECT {host}:443 {person} HIER_DIRECT/198.51.100.7 -\n",
        BEGIN + seconds
    )
}

/// A morning at the proxy: most calls are nobody's business.
fn morning() -> String {
    let mut log = String::new();
    for nth in 0..200 {
        log.push_str(&squid(nth * 7, 10, "-", "www.people.example", 5_000, 90));
    }
    log.push_str(&squid(60, 21, "robin", "api.anthropic.com", 48_000, 9_000));
    log.push_str(&squid(90, 21, "robin", "API.Anthropic.COM.", 61_000, 12_000));
    log.push_str(&squid(4_000, 22, "kim", "api.openai.com", 9_000, 2_000));
    log.push_str(&squid(120, 23, "ada", "api.anthropic.com.evil.example", 9_000, 2_000));
    log.push_str(&squid(130, 23, "ada", "notclaude.example", 9_000, 2_000));
    log.push_str("this is no line of a log\n");
    log
}

fn scan(world: &TestEnvironment, args: &[&str]) -> Run {
    world.run(&[&["egress", "scan", "--policy", "policy.toml"], args].concat())
}

fn world() -> TestEnvironment {
    let world = TestEnvironment::new();
    world.repo.write("policy.toml", POLICY);
    world.repo.write("access.log", morning());
    world
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap()
}

#[test]
fn a_person_reads_what_was_told_and_what_was_not_looked_for() {
    let run = scan(&world(), &["access.log"]);
    assert_eq!(run.code, 12, "{}", run.stderr);
    assert_snapshot!(run.stdout);
    assert!(run.stderr.contains("1 of 206 lines were not understood"), "{}", run.stderr);
}

#[test]
fn every_call_is_told_once_and_no_look_alike_is() {
    let report = json(&scan(&world(), &["access.log", "--format", "json"]));
    assert_eq!(report["format"], "lazaret.egress-report/1");
    assert_eq!(report["calls"]["read"], 205);
    let findings = report["findings"].as_array().unwrap();
    let told: Vec<(&str, &str, u64)> = findings
        .iter()
        .map(|finding| {
            let text = |field: &str| finding[field].as_str().unwrap();
            (text("detector"), text("host"), finding["calls"].as_u64().unwrap())
        })
        .collect();
    let expected = [("inference-host", "api.anthropic.com", 2), ("inference-host", "api.openai.com", 1)];
    assert_eq!(told, expected);
}

#[test]
fn nobody_is_named_and_misses_are_forgotten() {
    let world = world();
    for format in ["human", "json", "ocsf"] {
        let run = scan(&world, &["access.log", "--format", format]);
        let said = format!("{}{}", run.stdout, run.stderr);
        for secret in ["robin", "kim", "192.0.2.21", "www.people.example", "evil.example", "notclaude"] {
            assert!(!said.contains(secret), "{format} tells `{secret}`");
        }
    }
}

#[test]
fn the_order_of_lines_files_and_threads_does_not_matter() {
    let world = world();
    let whole = scan(&world, &["access.log", "--format", "json"]).stdout;
    let log = morning();
    let lines: Vec<&str> = log.lines().collect();
    let mut backwards = String::new();
    lines.iter().rev().for_each(|line| writeln!(backwards, "{line}").unwrap());
    let findings = |text: &str| {
        let mut report: Value = serde_json::from_str(text).unwrap();
        for finding in report["findings"].as_array_mut().unwrap() {
            // The lines stand elsewhere in a file that is turned around.
            finding.as_object_mut().unwrap().retain(|field, _| !field.ends_with("_line"));
        }
        (report["findings"].clone(), report["timeline"].clone())
    };
    world.repo.write("access.log", &backwards);
    let turned = scan(&world, &["access.log", "--format", "json"]).stdout;
    assert_eq!(findings(&whole), findings(&turned));
    world.repo.write("access.log", &log);
    for threads in ["1", "2", "5"] {
        let run = scan(&world, &["access.log", "--format", "json", "--threads", threads]);
        assert_eq!(run.stdout, whole, "{threads} threads");
    }
}

#[test]
fn pseudonyms_are_the_same_from_report_to_report_and_change_with_the_key() {
    let world = world();
    let callers = |key: &str| {
        let report = json(&scan(&world, &["access.log", "--format", "json", "--pseudonym-key", key]));
        let findings = report["findings"].as_array().unwrap().clone();
        findings.iter().map(|finding| finding["caller"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    world.repo.write("one.key", "a".repeat(32));
    world.repo.write("two.key", "b".repeat(32));
    world.repo.write("short.key", "abc");
    assert_eq!(callers("one.key"), callers("one.key"));
    assert_ne!(callers("one.key"), callers("two.key"));
    let refused = scan(&world, &["access.log", "--pseudonym-key", "short.key"]);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("has 3 bytes, and 32 are needed"), "{}", refused.stderr);
}

#[test]
fn findings_for_a_siem_are_detection_findings() {
    let run = world().run(&[
        "egress",
        "scan",
        "access.log",
        "--policy",
        "policy.toml",
        "--format",
        "ocsf",
        "--now",
        "2026-11-03T08:00:00Z",
    ]);
    let findings: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(findings.len(), 2);
    for finding in &findings {
        assert_eq!(finding["class_uid"], 2004);
        assert_eq!(finding["type_uid"], 200_401);
        assert_eq!(finding["metadata"]["version"], "1.8.0");
        assert!(finding["finding_info"]["uid"].is_string());
        assert!(finding["time"].is_i64());
    }
    assert_snapshot!(
        serde_json::to_string_pretty(&findings[0]).unwrap().replace(env!("CARGO_PKG_VERSION"), "VERSION")
    );
}

#[test]
fn a_table_of_systems_finds_the_rows_that_name_one() {
    let world = world();
    let line = |seconds, asked: &str, server: &str| {
        squid(seconds, 30, "-", asked, 5_000, 90).replace("198.51.100.7", server)
    };
    let mut log = ["198.51.100.9", "203.0.113.9", "160.79.104.9"].map(|both| line(1, both, both)).concat();
    // Whoever asks for one address and is at another is told by the other.
    log += &line(2, "203.0.113.10", "160.79.104.10");
    world.repo.write("access.log", log);
    world.repo.write("systems.tsv", "198.51.100.0\t198.51.100.255\t399358\tUS\tAN EXAMPLE\n160.79.0.0\t160.79.255.255\t399358\tUS\tAN EXAMPLE\n");
    let told = |args: &[&str]| {
        let report = json(&scan(&world, &[&["access.log", "--format", "json"], args].concat()));
        let findings = report["findings"].as_array().unwrap().clone();
        let text = |one: &Value, field: &str| one[field].as_str().unwrap().to_owned();
        findings.iter().map(|one| (text(one, "detector"), text(one, "host"))).collect::<Vec<_>>()
    };
    let by_range =
        ["160.79.104.9", "203.0.113.10"].map(|host| ("provider-address".to_owned(), host.to_owned()));
    assert_eq!(told(&[]), by_range);
    let by_system = ("provider-network".to_owned(), "198.51.100.9".to_owned());
    assert_eq!(told(&["--asn-table", "systems.tsv"]), [by_range.as_slice(), &[by_system]].concat());
    let network = scan(&world, &["access.log", "--asn-table", "systems.tsv", "--format", "json"]);
    assert!(!network.stdout.contains("no table says"), "{}", network.stdout);

    for (text, why) in [
        ("198.51.100.0/24 399358\nnot a line\n", "line 2: it begins with no address and no range"),
        ("", "no line of it says which system announces which addresses"),
    ] {
        world.repo.write("systems.tsv", text);
        let refused = scan(&world, &["access.log", "--asn-table", "systems.tsv"]);
        assert_eq!(refused.code, 1, "{}", refused.stdout);
        assert!(refused.stdout.is_empty() && refused.stderr.contains(why), "{}", refused.stderr);
    }
    let missing = scan(&world, &["access.log", "--asn-table", "missing.tsv"]);
    assert_eq!(missing.code, 1);
    assert!(missing.stderr.contains("cannot read the table of systems `missing.tsv`"), "{}", missing.stderr);
}

#[test]
fn exit_codes_say_what_was_found() {
    let world = world();
    assert_eq!(scan(&world, &["access.log", "--fail-on", "never"]).code, 0);
    world.repo.write("quiet.log", squid(1, 10, "-", "www.people.example", 5_000, 90));
    assert_eq!(scan(&world, &["quiet.log"]).code, 0);
    world.repo.write(
        "blocked.log",
        squid(1, 10, "-", "api.anthropic.com", 0, 1).replace("TCP_TUNNEL/200", "TCP_DENIED/403"),
    );
    let blocked = scan(&world, &["blocked.log", "--format", "json"]);
    assert_eq!(blocked.code, 0, "{}", blocked.stdout);
    assert_eq!(json(&blocked)["findings"][0]["outcome"], "blocked");
    let noisy = squid(1, 10, "-", "www.people.example", 5_000, 90) + "this is no line of a log\n";
    world.repo.write("noisy.log", noisy);
    assert_eq!(scan(&world, &["noisy.log"]).code, 1);
    world.repo.write("empty.log", "");
    let empty = scan(&world, &["empty.log"]);
    assert_eq!(empty.code, 1, "{}", empty.stderr);
    assert!(empty.stderr.contains("the log is empty"), "{}", empty.stderr);
    let missing = scan(&world, &["missing.log"]);
    assert_eq!(missing.code, 1);
    assert!(missing.stderr.contains("cannot open the log `missing.log`"), "{}", missing.stderr);
}
