//! Findings for other programs, held against the published schema of what they say they are.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::world::component;

/// Holds each line against OCSF: types and names by its JSON Schema, and what that does not say (which attributes go
/// together, by what words numbers go) by the schema itself. Prints what was seen of it.
const HELD: &str = r#"
import json, sys
import jsonschema
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

raw = get_ocsf_schema("1.8.0")

def held(value, kind, place):
    for rule, names in (kind.get("constraints") or {}).items():
        n_there = sum(name in value for name in names)
        assert n_there >= 1 if rule == "at_least_one" else n_there == 1, f"{place}: {rule} of {names}"
    for name, inner in value.items():
        attribute = kind["attributes"].get(name)
        assert attribute, f"{place}.{name} is no attribute"
        sibling = attribute.get("sibling")
        if sibling in value and inner != 99:
            word = attribute["enum"][str(inner)]["caption"]
            assert value[sibling] == word, f"{place}.{sibling} is {value[sibling]}, and {name} means {word}"
        for one in inner if isinstance(inner, list) else [inner]:
            if isinstance(one, dict) and attribute.get("object_type") not in (None, "object"):
                held(one, raw["objects"][attribute["object_type"]], f"{place}.{name}")

for line in sys.stdin:
    finding = json.loads(line)
    assert finding["metadata"]["version"] == raw["version"]
    profiles = finding["metadata"].get("profiles", [])
    schema = OcsfJsonSchemaEmbedded(raw).get_class_schema("detection_finding", profiles)
    jsonschema.Draft202012Validator(schema).validate(finding)
    assert finding["class_uid"] == raw["classes"]["detection_finding"]["uid"]
    assert finding["type_uid"] == finding["class_uid"] * 100 + finding["activity_id"]
    held(finding, raw["classes"]["detection_finding"], "finding")
    print(finding["finding_info"]["analytic"]["name"], finding["action"], finding["severity"])
"#;

const POLICY: &str = "version = 1\nname = \"harbour\"\n[ban]\nproviders = [\"anthropic\", \"openai\"]\n\
    [[egress.account]]\nprovider = \"github\"\nplans = [\"business\"]\nreason = \"our contract\"\n";

/// A log in which something of every kind is told: let pass, blocked and neither, by a person, an address and nobody.
fn log() -> String {
    let mut log = String::new();
    let mut line = |second: u64, who: &str, code: &str, sent: u64, millis: u64, rest: &str| {
        let (client, person) = who.split_once(' ').unwrap();
        writeln!(log, "{}.000 {millis} {client} {person} {code} {sent} 9000 {rest}", 1_793_610_000 + second)
            .unwrap();
    };
    let passed = "TCP_TUNNEL/200";
    line(1, "192.0.2.1 robin", passed, 90_000, 9_000, "CONNECT api.anthropic.com:443 sni=- agent=-");
    line(2, "192.0.2.2 -", "TCP_DENIED/403", 0, 1, "CONNECT api.openai.com:443 sni=- agent=-");
    line(3, "192.0.2.3 -", passed, 900, 9, "CONNECT 160.79.104.10:443 sni=- agent=-");
    line(4, "192.0.2.4 -", passed, 900, 9, "CONNECT front.example:443 sni=api.openai.com agent=-");
    line(5, "192.0.2.5 kim", passed, 900, 9, "CONNECT api.individual.githubcopilot.com:443 sni=- agent=-");
    let shape = "POST https://relay.example/v1/messages sni=- agent=claude-cli/2";
    line(6, "192.0.2.6 -", "TCP_MISS/200", 900, 9, shape);
    line(7, "192.0.2.7 -", passed, 900, 9, "CONNECT downloads.claude.ai:443 sni=- agent=-");
    line(8, "192.0.2.7 -", passed, 90_000, 9_000, "CONNECT turn.example:443 sni=- agent=-");
    line(9, "192.0.2.8 -", passed, 900, 9, "CONNECT downloads.claude.ai:443 sni=- agent=-");
    line(10, "- -", passed, 900, 9, "CONNECT cloudflare-dns.com:443 sni=- agent=-");
    line(11, "192.0.2.10 -", passed, 900, 9, "CONNECT 198.51.100.9:443 sni=- agent=-");
    for second in 20..31 {
        line(second, "192.0.2.9 -", passed, 90_000, 9_000, "CONNECT rare.example:443 sni=- agent=-");
    }
    log
}

#[test]
fn findings_are_what_the_schema_of_detection_findings_says() {
    let python = component("readers/venv/bin/python3");
    let folder = tempfile::tempdir().unwrap();
    let text = |name: &str, content: &str| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let policy = text("policy.toml", POLICY);
    let table = text("systems.tsv", "198.51.100.0\t198.51.100.255\t399358\tUS\tAN EXAMPLE\n");
    let mut scan = Command::new(env!("CARGO_BIN_EXE_lazaret"));
    scan.env_clear().args(["egress", "scan", "--policy", &policy, "--score", "--format", "ocsf", "--quiet"]);
    scan.args([
        "--squid-logformat",
        "%ts.%03tu %tr %>a %un %Ss/%03>Hs %>st %<st %rm %ru sni=%ssl::>sni agent=%{User-Agent}>h",
    ]);
    let output = scan
        .args(["--fail-on", "never", "--asn-table", &table, &text("access.log", &log())])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let mut command = Command::new(python);
    command.args(["-c", HELD]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(&output.stdout).unwrap();
    let held = child.wait_with_output().unwrap();
    assert!(held.status.success(), "{}", String::from_utf8_lossy(&held.stderr));
    insta::assert_snapshot!(String::from_utf8(held.stdout).unwrap(), @r"
    inference-host Allowed High
    relayed-tool Unknown Low
    inference-host Denied Low
    provider-address Allowed Medium
    api-shape Allowed Low
    hidden-name Allowed Medium
    personal-plan Allowed Low
    silent-tool Unknown Informational
    control-evasion Allowed Low
    provider-network Allowed Informational
    rare-stream Unknown Informational
    ");
}
