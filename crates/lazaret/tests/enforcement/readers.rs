//! PAC files and Sigma rules, read as browsers and log searches read them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use lazaret_pipeline::egress::ExportFormat;

use crate::exports::{ENFORCED, Service, agrees, export, hosts};
use crate::world::component;

/// Runs a script over an export and hosts, and returns what it says of each.
#[track_caller]
fn read(script: &str, name: &str, text: &str, hosts: &[String]) -> String {
    let python = component("readers/venv/bin/python3");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    let mut command = Command::new(python);
    command
        .arg("-c")
        .arg(script)
        .arg(&path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(hosts.join("\n").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

const READ_PAC: &str = r#"
import sys, pacparser
pacparser.init()
pacparser.parse_pac_file(sys.argv[1])
for host in sys.stdin.read().split("\n"):
    print(host, pacparser.find_proxy("https://" + host + "/", host))
"#;

#[test]
fn a_browser_asks_the_proxy_about_what_would_be_denied_and_about_nothing_else() {
    let service = Service::new();
    let mut asked = hosts();
    let addresses =
        [("160.79.104.10", true), ("160.79.106.1", false), ("192.0.2.10", true), ("192.0.2.70", false)];
    asked.extend(addresses.map(|(address, _)| address.to_owned()));
    let spelled = ["API.Anthropic.com", "claude.ai.", "constructor", "tostring.example", "x..y"];
    asked.extend(spelled.map(str::to_owned));
    let said = read(READ_PAC, "proxy.pac", &export(ExportFormat::Pac, false), &asked);
    let ways: BTreeMap<&str, &str> = said.lines().filter_map(|line| line.split_once(' ')).collect();
    assert_eq!(ways.len(), asked.len());
    let asks = |host: &str| match ways[host] {
        "PROXY proxy.acme.example:3128" => true,
        "DIRECT" => false,
        other => panic!("{host}: {other}"),
    };
    agrees("the file", &hosts(), |host| service.stops(host, ENFORCED), asks);
    for (address, expected) in addresses {
        assert_eq!(asks(address), expected, "{address}");
    }
    assert_eq!(spelled.map(asks), [true, true, false, false, false]);
}

const READ_SIGMA: &str = r#"
import re, sqlite3, sys
from sigma.backends.sqlite import sqliteBackend
from sigma.collection import SigmaCollection
rules = SigmaCollection.from_yaml(open(sys.argv[1]).read())
assert len(rules.rules) == 3 and not any(rule.errors for rule in rules.rules), [rule.errors for rule in rules.rules]
logs = sqlite3.connect(":memory:")
logs.create_function("REGEXP", 2, lambda pattern, text: text is not None and re.search(pattern, text) is not None)
fields = {"proxy": "cs-host", "dns": "query", "firewall": "dst_ip"}
logs.execute("CREATE TABLE logs (`cs-host` TEXT COLLATE NOCASE, `query` TEXT COLLATE NOCASE, dst_ip TEXT)")
for host in sys.stdin.read().split("\n"):
    logs.execute("INSERT INTO logs VALUES (?, ?, ?)", (host, host.upper(), host))
for rule in rules.rules:
    category = rule.logsource.category
    question = sqliteBackend().convert_rule(rule)[0]
    for row in logs.execute(question.replace("*", "`" + fields[category] + "`", 1)):
        print(category, row[0].lower())
"#;

#[test]
fn a_log_search_finds_what_would_be_denied_and_nothing_else() {
    let service = Service::new();
    let mut asked = hosts();
    let addresses = ["160.79.104.10", "160.79.106.1", "192.0.2.10"];
    asked.extend(addresses.map(str::to_owned));
    let said = read(READ_SIGMA, "rules.yml", &export(ExportFormat::Sigma, false), &asked);
    let found: BTreeSet<(&str, &str)> = said.lines().filter_map(|line| line.split_once(' ')).collect();
    for category in ["proxy", "dns"] {
        let finds = |host: &str| found.contains(&(category, host));
        agrees(category, &hosts(), |host| service.stops(host, ENFORCED), finds);
    }
    let by_address: Vec<&str> =
        found.iter().filter(|(category, _)| *category == "firewall").map(|(_, host)| *host).collect();
    assert_eq!(by_address, ["160.79.104.10", "192.0.2.10"]);
}
