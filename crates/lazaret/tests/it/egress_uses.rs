//! Uses of exemptions, counted by the records of decisions.

use insta::assert_snapshot;

use crate::review::Harbour;

const POLICY: &str = "version = 1\nname = \"harbour\"\n[ban]\nproviders = [\"anthropic\"]\n";

/// A line of a record: the last digits of the decision's name, the minute, and what it says.
fn decision(id: u32, minute: u32, permission: &str, exemption: &str) -> String {
    format!(
        r#"{{"format":"lazaret.egress-decision/1","time":"2026-06-01T09:{minute:02}:00Z","id":"0190163d-8694-739b-aea5-{id:012}","point":"squid","permission":"{permission}","enforced":"deny","mode":"enforce","rule":null,"policy":"sha256:00","exemption":{exemption},"valid-until":"2026-06-01T09:59:30Z","reasons":[]}}"#
    ) + "\n"
}

#[test]
fn uses_are_counted_once_and_those_of_no_exemption_are_told() {
    let harbour = Harbour::under(POLICY);
    let by = |now: &str, name: &str, args: &[&str]| harbour.at(now, name, args);
    let request = [
        "exempt",
        "request",
        "--tool",
        "claude-code",
        "--purpose",
        "benchmark",
        "--for",
        "cleo",
        "--network",
        "lab",
        "--until",
        "2026-06-08",
        "--reason",
        "we measure ourselves against it",
    ];
    let morning = "2026-06-01T08:00:00Z";
    assert_eq!(by(morning, "cleo", &request).code, 0);
    assert_eq!(by(morning, "gil", &["exempt", "approve", "E1"]).code, 0);
    let lines = [
        decision(1, 1, "allow", "\"E1\""),
        decision(2, 2, "allow", "\"E1\""),
        decision(3, 3, "deny", "null"),
        decision(4, 4, "allow", "null"),
        decision(5, 5, "allow", "\"E7\""),
    ];
    harbour.0.file("one.jsonl", &lines[..2].concat());
    harbour.0.file("two.jsonl", &lines[1..4].concat());
    harbour.0.file("three.jsonl", &lines[4]);
    let (one, two, three) =
        (harbour.text("one.jsonl"), harbour.text("two.jsonl"), harbour.text("three.jsonl"));
    let noon = "2026-06-01T12:00:00Z";
    let report = || by(noon, "eve", &["exempt", "report"]).stdout;
    assert!(report().contains("never used: 1 exemption"), "{}", report());
    let counted = by(noon, "finn", &["egress", "uses", &one, &two]);
    assert_eq!(counted.code, 0, "{}", counted.stderr);
    assert_snapshot!(counted.stdout, @"E1: 2 uses recorded by entry 3");
    assert_snapshot!(by(noon, "finn", &["egress", "uses", &two, &one]).stdout, @"");
    assert!(report().contains("never used: 0 exemptions"), "{}", report());
    let none = by(noon, "finn", &["egress", "uses", &three]);
    assert_eq!(none.code, 1);
    assert_snapshot!(none.stdout, @"E7: 1 use not recorded: there is no exemption E7; list what there is, and check the name");
    let verified = by(noon, "ada", &["ledger", "verify"]);
    assert_eq!(verified.code, 0, "{}{}", verified.stdout, verified.stderr);
}
