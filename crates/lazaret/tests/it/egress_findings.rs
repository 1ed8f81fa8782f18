//! Findings that are kept in a store: recorded once, listed, and deleted when the policy says so.

use insta::assert_snapshot;
use serde_json::Value;

use crate::environment::Run;
use crate::review::Harbour;

const POLICY: &str = r#"
version = 1
name = "harbour"
[ban]
providers = ["anthropic"]
[egress.retention]
block-days = 60
score-days = 7
"#;

/// 2026-11-02 09:00 UTC.
const BEGIN: i64 = 1_793_610_000;
const DAY: i64 = 86_400;
const TODAY: &str = "2026-11-04T08:00:00Z";

/// A line of Squid's own format.
fn call(seconds: i64, person: &str, host: &str) -> String {
    let time = BEGIN + seconds;
    format!(
        "{time}.000 9000 10.20.0.21 TCP_TUNNEL/200 48000 CONNECT {host}:443 {person} HIER_DIRECT/198.51.100.7 -\n"
    )
}

struct World(Harbour);

impl World {
    /// A store, a key of pseudonyms, and a log of two days in two files, the second of which begins within the first.
    fn new() -> Self {
        let harbour = Harbour::under(POLICY);
        let lines = [
            call(600, "robin", "api.anthropic.com"),
            call(700, "robin", "www.people.example"),
            call(900, "robin", "api.anthropic.com"),
            call(960, "kim", "api.anthropic.com"),
            call(DAY, "robin", "api.anthropic.com"),
        ];
        harbour.0.file("access.log.1", &lines[..3].concat());
        harbour.0.file("access.log", &lines[2..].concat());
        harbour.0.file("all.log", &lines.concat());
        harbour.0.file("pseudonym.key", &"k".repeat(32));
        Self(harbour)
    }

    fn at(&self, now: &str, name: &str, args: &[&str]) -> Run {
        self.0.at(now, name, args)
    }

    fn keep(&self, now: &str, name: &str, logs: &[&str]) -> Run {
        let logs: Vec<String> = logs.iter().map(|log| self.0.text(log)).collect();
        let key = self.0.text("pseudonym.key");
        let mut args = vec!["egress", "scan", "--keep", "--pseudonym-key", &key, "--fail-on", "never"];
        args.extend(logs.iter().map(String::as_str));
        self.at(now, name, &args)
    }

    fn list(&self, more: &[&str]) -> Vec<Value> {
        let run =
            self.at(TODAY, "eve", &[&["egress", "findings", "list", "--format", "json"], more].concat());
        assert_eq!(run.code, 0, "{}", run.stderr);
        let list: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(list.get("format").unwrap(), "lazaret.egress-findings/1");
        list.get("findings").unwrap().as_array().unwrap().clone()
    }

    fn verify(&self) {
        let run = self.at("2027-03-01T00:00:00Z", "ada", &["ledger", "verify"]);
        assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    }
}

#[test]
fn findings_are_recorded_once_whatever_logs_show_them() {
    let world = World::new();
    let first = world.keep(TODAY, "finn", &["access.log.1"]);
    assert_eq!(first.code, 0, "{}", first.stderr);
    assert_snapshot!(first.stderr, @"note: recorded 1 finding");
    assert_snapshot!(world.keep(TODAY, "finn", &["access.log.1"]).stderr, @"note: recorded 0 findings; 1 recorded before");
    // The rotated log and the present one, which overlap, and then the whole.
    assert_snapshot!(world.keep(TODAY, "finn", &["access.log"]).stderr, @"note: recorded 2 findings; 1 recorded before");
    assert_snapshot!(world.keep(TODAY, "finn", &["all.log"]).stderr, @"note: recorded 0 findings; 3 recorded before");
    let listed = world.list(&[]);
    let mut calls: Vec<_> = listed.iter().map(|one| one["calls"].as_u64().unwrap()).collect();
    calls.sort_unstable();
    assert_eq!(calls, [1, 1, 2]);
    world.verify();
}

#[test]
fn what_is_kept_names_nobody_and_what_matches_nothing_is_a_number() {
    let world = World::new();
    assert_eq!(world.keep(TODAY, "finn", &["all.log"]).code, 0);
    let list = world.at(TODAY, "eve", &["egress", "findings", "list"]);
    let name = list.stdout.split_whitespace().next().unwrap();
    let sheet = world.at(TODAY, "eve", &["egress", "findings", "show", name]);
    assert_eq!(sheet.code, 0, "{}", sheet.stderr);
    assert_snapshot!("kept", format!("{}\n{}", list.stdout, sheet.stdout));
    let file = std::fs::read(world.0.0.scratch("store/store.db")).unwrap();
    let log = std::fs::read(world.0.0.scratch("store/store.db-wal")).unwrap_or_default();
    let bytes = String::from_utf8_lossy(&[file, log].concat()).into_owned();
    assert!(bytes.contains("api.anthropic.com"));
    for secret in ["robin", "kim", "10.20.0.21", "www.people", "all.log", "198.51.100"] {
        assert!(!bytes.contains(secret), "the store has `{secret}`");
    }
}

#[test]
fn findings_are_listed_by_class_detector_and_time() {
    let world = World::new();
    assert_eq!(world.keep(TODAY, "finn", &["all.log"]).code, 0);
    for (filter, found) in [
        (["--class", "block"], 3),
        (["--class", "alert"], 0),
        (["--detector", "inference-host"], 3),
        (["--detector", "bypass"], 0),
        (["--since", "2026-11-03"], 1),
        (["--since", "2026-11-02T10:00:00Z"], 1),
    ] {
        assert_eq!(world.list(&filter).len(), found, "{filter:?}");
    }
    let unknown = world.at(TODAY, "eve", &["egress", "findings", "show", "F0"]);
    assert_eq!(unknown.code, 2, "{}", unknown.stderr);
}

#[test]
fn discrepancies_of_a_reconciliation_are_kept_as_well() {
    let world = World::new();
    world.0.0.file("point.log", &call(0, "robin", "www.people.example"));
    let (log, point, key) =
        (world.0.text("all.log"), world.0.text("point.log"), world.0.text("pseudonym.key"));
    let args = ["egress", "reconcile", "--keep", "--pseudonym-key", &key, "--fail-on", "never"];
    let args = [args.as_slice(), &["--point", &log, &point]].concat();
    let run = world.at(TODAY, "finn", &args);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let listed = world.list(&["--detector", "undecided"]);
    assert_eq!(listed.len(), 3, "{}{}", run.stdout, run.stderr);
    assert!(
        listed.iter().all(|one| one["class"] == "block" && one["caller"].as_str().unwrap().starts_with('p'))
    );
    world.verify();
}

#[test]
fn what_is_over_is_deleted_with_an_entry_and_by_nobodys_choice() {
    let world = World::new();
    assert_eq!(world.keep(TODAY, "finn", &["all.log"]).code, 0);
    let show = |now: &str| world.at(now, "eve", &["egress", "retention", "show"]).stdout;
    let apply = |now: &str, name: &str| world.at(now, name, &["egress", "retention", "apply"]);
    // The last moment of the sixtieth day after the call.
    let (last, over) = ("2027-01-01T23:59:59Z", "2027-01-02T00:00:00Z");
    assert_snapshot!(apply(last, "finn").stdout, @"no finding's time is over");
    assert_snapshot!(show(over), @r"
    block  kept for 60 days, from 2026-11-03 on: 3 findings, 2 over
    alert  kept for 90 days, from 2026-10-04 on: 0 findings, 0 over
    score  kept for 7 days, from 2026-12-26 on: 0 findings, 0 over
    ");
    assert_eq!(apply(over, "gil").code, 12, "a manager deletes nothing");
    let done = apply(over, "finn");
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert_snapshot!(done.stdout, @"deleted 2 findings of the class `block` from before 2026-11-03, which are kept for 60 days; entry 2");
    assert_eq!(world.list(&[]).len(), 1);
    let again = world.keep(over, "finn", &["all.log"]);
    assert_snapshot!(again.stderr, @"note: recorded 0 findings; 1 recorded before; 2 too old to be kept");
    world.verify();
}

#[test]
fn nothing_is_recorded_of_numbers_by_others_or_under_another_policy() {
    let world = World::new();
    let log = world.0.text("all.log");
    let without = world.at(TODAY, "finn", &["egress", "scan", "--keep", &log]);
    assert_eq!(without.code, 2);
    assert!(without.stderr.contains("--pseudonym-key"), "{}", without.stderr);
    let other = world.keep(TODAY, "cleo", &["all.log"]);
    assert_eq!(other.code, 12);
    assert!(other.stderr.contains("a steward"), "{}", other.stderr);
    world.0.0.file("other.toml", "version = 1\nname = \"other\"\nban.rivals = true\n");
    let (key, policy) = (world.0.text("pseudonym.key"), world.0.text("other.toml"));
    let args = ["egress", "scan", "--keep", "--pseudonym-key", &key, "--policy", &policy, &log];
    let under = world.at(TODAY, "finn", &args);
    assert_eq!((under.code, under.stdout.as_str()), (2, ""), "{}", under.stderr);
    assert!(under.stderr.contains("another policy"), "{}", under.stderr);
    assert_eq!(world.list(&[]).len(), 0);
}
