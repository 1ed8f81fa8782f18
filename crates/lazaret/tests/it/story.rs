//! The whole story, from a scan to a ledger that a third party checks: what was found is held, looked at by people,
//! decided, removed where it cannot be proven clean, and all of it is provable.
#![expect(
    clippy::indexing_slicing,
    reason = "what a command tells has the members that are asked for, or the test fails"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::environment::{Run, TestEnvironment};

const PEOPLE: [(&str, &str); 7] = [
    ("ada", "admin+policy-owner"),
    ("ben", "admin+policy-owner"),
    ("cleo", "reviewer"),
    ("dov", "reviewer"),
    ("finn", "steward"),
    ("gita", "manager"),
    // The author of the tainted commits, who reviews as well: not these.
    ("zoe", "reviewer:lucy@harbour.example"),
];

/// The people of the house vouch for what bears no mark.
const POLICY: &str = r#"
version = 1
name = "harbour"

[ban]
rivals = true

[[source]]
match = "git:*"
kind = "first-party"
reason = "written in the house"

[[admission]]
class = "training"
admit = ["clean"]

[exemption]
max-days = 30
purposes = ["benchmark"]
"#;

struct Story(TestEnvironment);

impl Story {
    fn begin() -> Self {
        let story = Self(TestEnvironment::new());
        let repo = &story.0.repo;
        repo.write("src/hull.py", "def hull(keel, plank, frame):\n    return keel, plank, frame, keel\n");
        repo.commit("Lay the hull").author("Mary Reed", "mary@harbour.example").create();
        let marked = |what: &str| format!("{what}\n\nCo-Authored-By: Claude <noreply@anthropic.com>\n");
        repo.write("src/mast.py", "def mast(step, stay, shroud):\n    return step, stay, shroud, step\n");
        repo.commit(marked("Step the mast")).author("Lucy", "lucy@harbour.example").create();
        repo.write("src/sail.py", "def sail(luff, leech, foot):\n    return luff, leech, foot, luff\n");
        repo.commit(marked("Bend the sail")).author("Lucy", "lucy@harbour.example").create();
        story.0.file("policy.toml", POLICY);
        for name in PEOPLE.map(|(name, _)| name).into_iter().chain(["ledger", "gate"]) {
            story.must(story.0.run(&["key", "create", &story.text(name), "--quiet"]));
        }
        story.must(story.0.run(&["key", "create", "--for", "vault", &story.text("vault"), "--quiet"]));
        story
    }

    fn text(&self, name: &str) -> String {
        self.0.scratch(name).to_str().unwrap().to_owned()
    }

    #[track_caller]
    fn must(&self, run: Run) {
        drop(self.done(run));
    }

    #[track_caller]
    fn done(&self, run: Run) -> Run {
        assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
        run
    }

    fn make_store(&self) {
        let recipient = fs::read_to_string(self.0.scratch("vault.pub")).unwrap();
        let mut command = self.0.command(&["store", "create", &self.text("store"), "--as", "ada"]);
        command.args(["--key", &self.text("ada"), "--ledger-key", &self.text("ledger.pub")]);
        command.args(["--policy", &self.text("policy.toml"), "--recipient", recipient.trim()]);
        command.args(["--name", "harbour.example/store"]);
        for (name, roles) in PEOPLE {
            command.args(["--person", &format!("{name}={}:{roles}", self.text(&format!("{name}.pub")))]);
        }
        self.must(self.0.ended(command.output().unwrap()));
    }

    fn by(&self, name: &str, args: &[&str]) -> Run {
        let mut command = self.0.command(args);
        command.env("LAZARET_STORE", self.text("store")).env("LAZARET_AS", name);
        command.env("LAZARET_KEY", self.text(name));
        self.0.ended(command.output().unwrap())
    }

    /// Returns what a command tells programs, digests included.
    fn told(&self, args: &[&str]) -> Value {
        let output = self.0.command(args).env("LAZARET_STORE", self.text("store")).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Returns the case over a file.
    fn case_over(&self, path: &str) -> String {
        let list = self.told(&["case", "list", "--format", "json"]);
        let names = list["cases"].as_array().unwrap().iter();
        let mut names = names.map(|case| case["case"].as_str().unwrap().to_owned());
        let holds = |name: &String| {
            self.told(&["case", "show", name, "--format", "json"])["held"].to_string().contains(path)
        };
        names.find(holds).expect("a case holds the file")
    }
}

#[test]
fn from_a_scan_to_a_ledger_that_a_third_party_checks() {
    let story = Story::begin();
    let policy = story.text("policy.toml");
    // A scan finds two files that a tool wrote; a store holds them, sealed.
    assert_eq!(story.0.run(&["scan", ".", "--no-cache", "--policy", &policy]).code, 10);
    story.make_store();
    let run = story.done(story.by("finn", &["hold", "repo", ".", "--no-cache"]));
    assert!(run.stdout.starts_with("2 contents held, 2 sealed\n"), "{}", run.stdout);
    let (mast, sail) = (story.case_over("src/mast.py"), story.case_over("src/sail.py"));

    // The mast was drawn by hand: its author may attest that and not decide it; two others clear it.
    assert_eq!(story.by("zoe", &["case", "claim", &mast]).code, 12);
    story.must(story.by("cleo", &["case", "claim", &mast]));
    let taints = story.told(&["case", "show", &mast, "--format", "json"])["taints"].clone();
    let refuted: Vec<String> = taints
        .as_array()
        .unwrap()
        .iter()
        .map(|taint| format!("--refute={}=forged", taint["evidence"].as_str().unwrap()))
        .collect();
    let clear =
        ["case", "propose", &mast, "--resolution", "cleared", "--justification", "observed-authoring"];
    assert_eq!(story.by("cleo", &clear).code, 1, "every taint is to be refuted");
    let clear: Vec<&str> = clear.into_iter().chain(refuted.iter().map(String::as_str)).collect();
    story.must(story.by("cleo", &clear));
    assert_eq!(story.by("cleo", &["case", "agree", &mast]).code, 12, "nobody agrees with the own proposal");
    story.must(story.by("dov", &["case", "agree", &mast]));
    let held = story.told(&["case", "show", &mast, "--format", "json"])["held"][0]["content"].clone();
    let (back, vault) = (story.text("back.py"), story.text("vault"));
    let release = ["release", held.as_str().unwrap(), "--to", &back, "--identity", &vault];
    story.must(story.by("finn", &release));
    assert!(fs::read_to_string(&back).unwrap().starts_with("def mast"));

    // The sail cannot be proven clean: two people decide that it goes, and a branch takes it out.
    story.must(story.by("dov", &["case", "claim", &sail]));
    story.must(story.by("dov", &["case", "propose", &sail, "--resolution", "removed"]));
    story.must(story.by("cleo", &["case", "agree", &sail]));
    let remove = ["remove", "--from", ".", "--no-cache", "--policy", &policy, "--branch", "clean"];
    let remove = [&remove[..], &["--author", "Finn <finn@harbour.example>"]].concat();
    story.must(story.0.run(&remove));
    assert!(!story.0.repo.git(&["ls-tree", "-r", "--name-only", "clean"]).contains("sail.py"));
    let gone = story.told(&["case", "show", &sail, "--format", "json"])["held"][0]["content"].clone();
    story.must(story.by("finn", &["hold", "detach", gone.as_str().unwrap()]));
    // The old branch still has it: whoever scans that is told that it is back.
    let run = story.done(story.by("finn", &["hold", "repo", ".", "--no-cache"]));
    assert!(run.stdout.contains("BACK"), "{}", run.stdout);

    exempt(&story);

    // A data set is gated from what is left, and the ledger is checked by who has the public files alone.
    let (out, key) = (story.text("data"), story.text("gate"));
    let export = ["export", ".", "--rev", "clean", "--no-cache", "--policy", &policy, "--class", "training"];
    let export = [&export[..], &["--out", &out, "--key", &key]].concat();
    story.must(story.0.run(&export));
    story.must(story.0.run(&["gate", "verify", &out, "--trust", &story.text("gate.pub")]));
    story.must(story.by("ada", &["ledger", "publish", "--ledger-key", &story.text("ledger")]));
    let trust = story.by("ada", &["ledger", "key"]).stdout.trim().to_owned();
    let public = story.0.scratch("public");
    copy(&story.0.scratch("store/ledger"), &public);
    let log = public.to_str().unwrap().to_owned();
    let run = story.done(story.0.run(&["ledger", "verify", "--log", &log, "--trust", &trust]));
    assert!(run.stdout.ends_with("everything is as the ledger says\n"), "{}", run.stdout);
    story.must(story.by("ada", &["ledger", "verify"]));
}

/// An exemption is asked for, approved by a manager and no other, and over when its time is over.
fn exempt(story: &Story) {
    let ask = ["exempt", "request", "--tool", "claude-code", "--purpose", "benchmark", "--for", "dov"];
    let ask = [&ask[..], &["--network", "lab", "--until", "2026-06-08", "--reason", "we compare"]].concat();
    story.must(story.by("dov", &ask));
    let listed = story.told(&["exempt", "list", "--format", "json"]);
    let name = listed["exemptions"][0]["exemption"].as_str().unwrap().to_owned();
    assert_eq!(story.by("dov", &["exempt", "approve", &name]).code, 12);
    story.must(story.by("gita", &["exempt", "approve", &name]));
    let status = |now: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lazaret"));
        command.env_clear().env("LAZARET_STORE", story.text("store"));
        let output = command.args(["exempt", "list", "--format", "json", "--now", now]).output().unwrap();
        let listed: Value = serde_json::from_slice(&output.stdout).unwrap();
        listed["exemptions"][0]["status"].as_str().unwrap().to_owned()
    };
    assert_eq!(status("2026-06-07T00:00:00Z"), "active");
    assert_eq!(status("2026-06-08T00:00:00Z"), "expired");
}

/// Copies a folder: what a third party gets.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}
