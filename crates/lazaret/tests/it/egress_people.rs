//! What touches people: calls beside commits, the notice, and that neither says more than it must.

use insta::assert_snapshot;
use serde_json::Value;

use crate::environment::{Run, TestEnvironment};
use crate::review::Harbour;

const POLICY: &str = r#"
version = 1
name = "harbour"
[ban]
providers = ["anthropic"]
[egress]
mode = "observe"
alternative = "the assistant at https://assistant.acme.example"
contact = "ai-exemptions@acme.example"
[[egress.network]]
name = "training"
ranges = ["10.20.0.0/16"]
[[egress.scope]]
mode = "enforce"
networks = ["training"]
[[egress.subject]]
logins = ["robin"]
identities = ["Robin@acme.example"]
[[egress.subject]]
logins = ["kim"]
identities = ["kim@acme.example"]
addresses = ["10.20.0.7/32"]
[[egress.permit]]
evasions = ["doh-resolver"]
hosts = ["dns.google"]
networks = ["training"]
reason = "The house's own account, whose log is read."
[[egress.account]]
provider = "github"
plans = ["business"]
reason = "Contract of 2026."
"#;

/// 2026-11-02 09:00 UTC.
const BEGIN: i64 = 1_793_610_000;

/// A line of Squid's own format.
fn call(seconds: i64, client: &str, person: &str, status: &str, host: &str) -> String {
    format!(
        "{}.000 9000 {client} {status} 48000 CONNECT {host}:443 {person} HIER_DIRECT/198.51.100.7 -\n",
        BEGIN + seconds
    )
}

fn world() -> TestEnvironment {
    let world = TestEnvironment::new();
    world.file("policy.toml", POLICY);
    let author = |name: &str, hours: i64| {
        world.repo.write("a.rs", format!("fn {name}_{hours}() {{}}\n"));
        let commit = world.repo.commit(format!("{name}, {hours} hours after nine"));
        commit.author(name, &format!("{name}@Acme.example")).date(BEGIN + hours * 3600).create();
    };
    author("robin", -2);
    author("robin", 5);
    author("kim", 3);
    author("robin", 1);
    author("ada", 1);
    author("kim", 200);
    let log = [
        call(600, "10.20.0.21", "robin", "TCP_TUNNEL/200", "api.anthropic.com"),
        // By an address that is one person's alone, and once not let pass.
        call(900, "10.20.0.7", "-", "TCP_TUNNEL/200", "api.anthropic.com"),
        call(950, "10.20.0.22", "kim", "TCP_DENIED/403", "api.anthropic.com"),
        // Nobody knows who commits there.
        call(1000, "10.20.0.9", "ada", "TCP_TUNNEL/200", "api.anthropic.com"),
        call(1100, "10.20.0.9", "-", "TCP_TUNNEL/200", "www.people.example"),
    ];
    world.file("access.log", &log.concat());
    world
}

fn run(world: &TestEnvironment, args: &[&str]) -> Run {
    let policy = world.scratch("policy.toml");
    let args = [args, &["--policy", policy.to_str().unwrap()]].concat();
    world.run(&args)
}

fn correlate(world: &TestEnvironment, more: &[&str]) -> Run {
    let log = world.scratch("access.log");
    run(world, &[&["egress", "correlate", ".", log.to_str().unwrap()], more].concat())
}

#[test]
fn commits_that_follow_a_call_by_their_author_are_listed_and_nobody_else_is() {
    let world = world();
    let run = correlate(&world, &["--format", "json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["format"], "lazaret.egress-correlation/1");
    let listed = report["review"].as_array().unwrap();
    let subjects: Vec<String> = listed
        .iter()
        .map(|one| {
            world.repo.git(&["log", "-1", "--format=%s", one["commit"].as_str().unwrap()]).trim().to_owned()
        })
        .collect();
    assert_eq!(
        subjects,
        ["robin, 1 hours after nine", "kim, 3 hours after nine", "robin, 5 hours after nine"]
    );
    assert!(listed.iter().all(|one| one["strength"] == "circumstantial"));
    let calls = &report["calls"];
    for (field, count) in [("laid", 2), ("not_made", 1), ("without_author", 1), ("exempted", 0)] {
        assert_eq!(calls[field], count, "{field}");
    }
    assert_eq!(report["commits_read"], 6);
    let shorter = correlate(&world, &["--format", "json", "--window", "2"]);
    let report: Value = serde_json::from_str(&shorter.stdout).unwrap();
    assert_eq!(report["review"].as_array().unwrap().len(), 1);
}

#[test]
fn what_is_told_of_a_commit_names_no_call_and_no_person() {
    let world = world();
    for format in ["human", "json"] {
        let run = correlate(&world, &["--format", format]);
        let said = format!("{}{}", run.stdout, run.stderr);
        let secrets =
            ["robin", "kim", "ada", "10.20.0", "api.anthropic.com", "people.example", "acme.example"];
        for secret in secrets {
            assert!(!said.contains(secret), "{format} tells `{secret}`: {said}");
        }
    }
}

#[test]
fn laying_calls_beside_commits_changes_no_verdict() {
    let world = world();
    let scan = || run(&world, &["scan", ".", "--no-cache", "--format", "json"]);
    let before = scan();
    assert_eq!(correlate(&world, &[]).code, 0);
    let after = scan();
    assert_eq!((before.code, before.stdout), (after.code, after.stdout));
}

#[test]
fn nothing_is_laid_beside_commits_where_the_policy_lists_no_authors() {
    let world = world();
    let bare = "version = 1\nname = \"bare\"\n[ban]\nproviders = [\"anthropic\"]\n";
    world.file("policy.toml", bare);
    let run = correlate(&world, &[]);
    assert_eq!(run.code, 3);
    assert!(run.stderr.contains("lists no address of an author"), "{}", run.stderr);
}

#[test]
fn the_notice_is_written_from_the_configuration() {
    let world = world();
    let notice = run(&world, &["egress", "notice"]);
    assert_eq!(notice.code, 0, "{}", notice.stderr);
    // The rows of the catalog change with every vendor.
    let rows = settled(&notice.stdout);
    assert_snapshot!(rows);
    for secret in ["robin", "kim@", "10.20.0.7"] {
        assert!(!notice.stdout.contains(secret), "the notice names `{secret}`");
    }
}

/// Takes the number of rows and the products out of a notice.
fn settled(text: &str) -> String {
    let line = |line: &str| {
        if let Some((before, after)) = line.split_once("a catalog of ") {
            let rest = after.trim_start_matches(|digit: char| digit.is_ascii_digit());
            return format!("{before}a catalog of $ROWS{rest}");
        }
        if line.starts_with("What is looked for are calls to: ") {
            assert!(line.contains("Claude API"), "{line}");
            return "What is looked for are calls to: $PRODUCTS.".to_owned();
        }
        line.to_owned()
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn ways_out_of_sight_that_the_policy_permits_are_not_told() {
    let world = world();
    let log = [
        call(10, "10.20.0.5", "-", "TCP_TUNNEL/200", "dns.google"),
        call(20, "10.30.0.5", "-", "TCP_TUNNEL/200", "dns.google"),
        call(30, "10.20.0.5", "-", "TCP_TUNNEL/200", "dns.quad9.net"),
    ];
    let log = world.file("ways.log", &log.concat());
    let run = run(&world, &["egress", "scan", &log, "--format", "json"]);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let told: Vec<_> =
        report["findings"].as_array().unwrap().iter().map(|one| (&one["host"], &one["calls"])).collect();
    assert_eq!(told, [(&"dns.google".into(), &1.into()), (&"dns.quad9.net".into(), &1.into())]);
}

#[test]
fn a_name_is_told_to_two_who_agreed_with_a_reason_in_the_ledger() {
    const LATER: &str = "2026-11-03T08:00:00Z";
    let harbour = Harbour::under(POLICY);
    let log = call(600, "10.20.0.21", "robin", "TCP_TUNNEL/200", "api.anthropic.com")
        + &call(700, "10.20.0.22", "kim", "TCP_TUNNEL/200", "api.anthropic.com");
    harbour.0.file("access.log", &log);
    harbour.0.file("pseudonym.key", &"k".repeat(32));
    let (log, key) = (harbour.text("access.log"), harbour.text("pseudonym.key"));
    let by = |name: &str, now: &str, args: &[&str]| harbour.at(now, name, args);
    let scan = by("ada", LATER, &["egress", "scan", &log, "--pseudonym-key", &key, "--format", "json"]);
    let report: Value = serde_json::from_str(&scan.stdout).unwrap();
    let pseudonym = report["findings"][0]["caller"].as_str().unwrap().to_owned();
    let show = |name: &str, now: &str| {
        by(name, now, &["egress", "reveal", "show", "M1", &log, "--pseudonym-key", &key])
    };

    let ask = ["egress", "reveal", "ask", &pseudonym, "--reason", "case C7 needs to know whom to ask"];
    let asked = by("gil", LATER, &ask);
    assert_eq!(asked.code, 0, "{}", asked.stderr);
    assert_snapshot!(asked.stderr, @"note: proposed M1; another manager or admin carries it out with `lazaret motion second M1`");
    assert_eq!(by("cleo", LATER, &ask).code, 12, "a reviewer does not ask");
    assert_eq!(show("gil", LATER).code, 12, "nobody has seconded it");
    assert_eq!(by("gil", LATER, &["motion", "second", "M1"]).code, 12, "nobody seconds their own");
    let shown = by("ada", LATER, &["motion", "show", "M1"]);
    assert!(shown.stdout.contains("case C7 needs to know whom to ask"), "{}", shown.stdout);
    let seconded = by("ada", LATER, &["motion", "second", "M1"]);
    assert_eq!(seconded.code, 0, "{}", seconded.stderr);

    let told = show("gil", LATER);
    assert_eq!((told.code, told.stdout.as_str()), (0, "user robin\n"), "{}", told.stderr);
    assert_eq!(show("ada", "2026-11-09T00:00:00Z").stdout, "user robin\n");
    let refused = show("ben", LATER);
    assert_eq!((refused.code, refused.stdout.as_str()), (12, ""), "ben has agreed to nothing");
    assert_eq!(show("ada", "2026-11-11T00:00:00Z").code, 12, "the week is over");
    harbour.0.file("pseudonym.key", &"l".repeat(32));
    assert_eq!(show("ada", LATER).code, 3, "the key is gone, and with it the way back");
    let verified = by("ada", LATER, &["ledger", "verify"]);
    assert_eq!(verified.code, 0, "{}{}", verified.stdout, verified.stderr);
}
