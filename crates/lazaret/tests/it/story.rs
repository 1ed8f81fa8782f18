//! The whole story, from a scan to a ledger that a third party checks: what was found is held, looked at by people,
//! decided, removed where it cannot be proven clean, and all of it is provable.
#![expect(
    clippy::indexing_slicing,
    reason = "what a command tells has the members that are asked for, or the test fails"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

use lazaret_testkit::PostgresServer;
use serde_json::Value;

use crate::environment::{Run, TestEnvironment};

const PEOPLE: [(&str, &str); 8] = [
    // Who commits what others write.
    ("ada", "admin+policy-owner:ada@harbour.example"),
    ("ben", "admin+policy-owner"),
    ("cleo", "reviewer"),
    ("dov", "reviewer"),
    ("finn", "steward"),
    ("gita", "manager"),
    // The author of the tainted commits, who reviews as well: not these.
    ("zoe", "reviewer:lucy@harbour.example"),
    ("mary", "reviewer:mary@harbour.example"),
];

/// The people of the house vouch for what bears no mark.
pub(crate) const POLICY: &str = r#"
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

pub(crate) struct Story {
    pub(crate) world: TestEnvironment,
    /// Where the store lies.
    pub(crate) place: String,
}

impl Story {
    pub(crate) fn begin() -> Self {
        let world = TestEnvironment::new();
        let place = world.scratch("store").to_str().unwrap().to_owned();
        let story = Self { world, place };
        let repo = &story.world.repo;
        repo.write("src/hull.py", "def hull(keel, plank, frame):\n    return keel, plank, frame, keel\n");
        repo.commit("Lay the hull").author("Mary Reed", "mary@harbour.example").create();
        let marked = |what: &str| format!("{what}\n\nCo-Authored-By: Claude <noreply@anthropic.com>\n");
        repo.write("src/mast.py", "def mast(step, stay, shroud):\n    return step, stay, shroud, step\n");
        repo.commit(marked("Step the mast")).author("Lucy", "lucy@harbour.example").create();
        repo.write("src/sail.py", "def sail(luff, leech, foot):\n    return luff, leech, foot, luff\n");
        repo.commit(marked("Bend the sail")).author("Lucy", "lucy@harbour.example").create();
        story.world.file("policy.toml", POLICY);
        for name in PEOPLE.map(|(name, _)| name).into_iter().chain(["ledger", "gate"]) {
            story.must(story.world.run(&["key", "create", &story.text(name), "--quiet"]));
        }
        story.must(story.world.run(&["key", "create", "--for", "vault", &story.text("vault"), "--quiet"]));
        story
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.world.scratch(name).to_str().unwrap().to_owned()
    }

    #[track_caller]
    pub(crate) fn must(&self, run: Run) {
        drop(self.done(run));
    }

    #[track_caller]
    pub(crate) fn done(&self, run: Run) -> Run {
        assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
        run
    }

    pub(crate) fn make_store(&self) {
        let recipient = fs::read_to_string(self.world.scratch("vault.pub")).unwrap();
        let mut command = self.world.command(&["store", "create", &self.place, "--as", "ada"]);
        if self.place.starts_with("postgres:") {
            command.args(["--vault", &self.text("store/vault"), "--ledger", &self.text("store/ledger")]);
        }
        command.args(["--key", &self.text("ada"), "--ledger-key", &self.text("ledger.pub")]);
        command.args(["--policy", &self.text("policy.toml"), "--recipient", recipient.trim()]);
        command.args(["--name", "harbour.example/store"]);
        for (name, roles) in PEOPLE {
            command.args(["--person", &format!("{name}={}:{roles}", self.text(&format!("{name}.pub")))]);
        }
        self.must(self.world.ended(command.output().unwrap()));
    }

    pub(crate) fn by(&self, name: &str, args: &[&str]) -> Run {
        let mut command = self.world.command(args);
        command.env("LAZARET_STORE", &self.place).env("LAZARET_AS", name);
        command.env("LAZARET_KEY", self.text(name));
        self.world.ended(command.output().unwrap())
    }

    /// Returns what a command tells programs, digests included.
    pub(crate) fn told(&self, args: &[&str]) -> Value {
        let output = self.world.command(args).env("LAZARET_STORE", &self.place).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Returns the case over a file.
    pub(crate) fn case_over(&self, path: &str) -> String {
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
    tell(&Story::begin());
}

/// The same commands, with the store on a server.
#[test]
fn the_story_is_the_same_on_postgresql() {
    let server = PostgresServer::new();
    let story = Story { place: server.database("harbour"), ..Story::begin() };
    fs::create_dir_all(story.world.scratch("store")).unwrap();
    tell(&story);
}

fn tell(story: &Story) {
    let policy = story.text("policy.toml");
    // A scan finds two files that a tool wrote; a store holds them, sealed.
    assert_eq!(story.world.run(&["scan", ".", "--no-cache", "--policy", &policy]).code, 10);
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

    reviewed(story, &mast);

    // The sail cannot be proven clean: two people decide that it goes, and a branch takes it out.
    story.must(story.by("dov", &["case", "claim", &sail]));
    story.must(story.by("dov", &["case", "propose", &sail, "--resolution", "removed"]));
    story.must(story.by("cleo", &["case", "agree", &sail]));
    let remove = ["remove", "--from", ".", "--no-cache", "--policy", &policy, "--branch", "clean"];
    let remove = [&remove[..], &["--author", "Finn <finn@harbour.example>"]].concat();
    story.must(story.world.run(&remove));
    assert!(!story.world.repo.git(&["ls-tree", "-r", "--name-only", "clean"]).contains("sail.py"));
    let gone = story.told(&["case", "show", &sail, "--format", "json"])["held"][0]["content"].clone();
    story.must(story.by("finn", &["hold", "detach", gone.as_str().unwrap()]));
    // The old branch still has it: whoever scans that is told that it is back.
    let run = story.done(story.by("finn", &["hold", "repo", ".", "--no-cache"]));
    assert!(run.stdout.contains("BACK"), "{}", run.stdout);

    came_back(story, &sail);
    exempt(story);

    // A data set is gated from what is left, and the ledger is checked by who has the public files alone.
    let (out, key) = (story.text("data"), story.text("gate"));
    let export = ["export", ".", "--rev", "clean", "--no-cache", "--policy", &policy, "--class", "training"];
    let export = [&export[..], &["--out", &out, "--key", &key]].concat();
    story.must(story.world.run(&export));
    story.must(story.world.run(&["gate", "verify", &out, "--trust", &story.text("gate.pub")]));
    story.must(story.by("ada", &["ledger", "publish", "--ledger-key", &story.text("ledger")]));
    let trust = story.by("ada", &["ledger", "key"]).stdout.trim().to_owned();
    let public = story.world.scratch("public");
    copy(&story.world.scratch("store/ledger"), &public);
    let log = public.to_str().unwrap().to_owned();
    let run = story.done(story.world.run(&["ledger", "verify", "--log", &log, "--trust", &trust]));
    assert!(run.stdout.ends_with("everything is as the ledger says\n"), "{}", run.stdout);
    story.must(story.by("ada", &["ledger", "verify"]));
}

/// What two people cleared is clean for scans and exports that are told of the store, and for no others.
fn reviewed(story: &Story, mast: &str) {
    let scanned = |args: &[&str]| -> Value {
        let args = [&["scan", ".", "--no-cache", "--format", "json"], args].concat();
        let output = story.world.command(&args).output().unwrap();
        let report = serde_json::from_slice(&output.stdout);
        assert!(report.is_ok(), "{}", String::from_utf8_lossy(&output.stderr));
        report.unwrap()
    };
    let file = |report: &Value, path: &str| {
        report["files"].as_array().unwrap().iter().find(|file| file["path"] == path).unwrap().clone()
    };
    let report = scanned(&["--store", &story.place]);
    let (cleared, open) = (file(&report, "src/mast.py"), file(&report, "src/sail.py"));
    assert_eq!((&cleared["verdict"], &cleared["case"]["standing"]), (&"clean".into(), &"cleared".into()));
    assert_eq!(cleared["case"]["case"], mast);
    assert_eq!((&open["verdict"], &open["case"]["standing"]), (&"tainted".into(), &"open".into()));
    assert!(report["ledger"]["name"].as_str().unwrap().starts_with("ledger:harbour.example/store@"));
    let proof = report["evidence"].as_array().unwrap().iter().find(|entry| entry["proof"] == "reviewed");
    assert!(proof.unwrap()["why"].as_str().unwrap().starts_with(&format!("case {mast} of harbour.example")));

    // Without the store, nobody has decided anything.
    let without = scanned(&["--policy", &story.text("policy.toml")]);
    assert_eq!(file(&without, "src/mast.py")["verdict"], "tainted");
    assert_eq!(file(&without, "src/mast.py").get("case"), None);
    // A decision stands under the policy that it was made under.
    story.world.file("other.toml", &format!("{POLICY}\n# another\n"));
    let other = scanned(&["--store", &story.place, "--policy", &story.text("other.toml")]);
    let mast = file(&other, "src/mast.py");
    assert_eq!((&mast["verdict"], &mast["case"]["standing"]), (&"tainted".into(), &"open".into()));
    assert!(mast["case"]["why"].as_str().unwrap().contains("another policy"));
    story
        .world
        .file("closed.toml", &POLICY.replace("[exemption]", "[review]\nclears = false\n\n[exemption]"));
    let closed = scanned(&["--store", &story.place, "--policy", &story.text("closed.toml")]);
    assert_eq!(file(&closed, "src/mast.py")["verdict"], "tainted");
    // A store that is not there has not decided nothing.
    assert_eq!(story.world.run(&["scan", ".", "--no-cache", "--store", &story.text("nowhere")]).code, 1);

    let (out, key) = (story.text("cleared"), story.text("gate"));
    let export = ["export", ".", "--no-cache", "--store", &story.place, "--shard-format", "jsonl.zst"];
    story.must(story.world.run(&[&export[..], &["--out", &out, "--key", &key]].concat()));
    let reasons = all_text(&story.world.scratch("cleared/held"), ".reasons.jsonl");
    assert!(reasons.contains("held-content") && reasons.contains("sail.py"), "{reasons}");
    assert!(!reasons.contains("mast.py"), "{reasons}");
    let settings = fs::read_to_string(story.world.scratch("cleared/run.json")).unwrap();
    assert!(settings.contains("ledger:harbour.example/store@"), "{settings}");
}

/// What was to be removed and is there again is told of, and not admitted.
fn came_back(story: &Story, sail: &str) {
    let run = story.world.run(&["scan", ".", "--no-cache", "--store", &story.place]);
    assert!(run.stdout.contains("Held by the store"), "{}", run.stdout);
    assert!(run.stdout.contains(sail) && run.stdout.contains("BACK"), "{}", run.stdout);
    let (out, key) = (story.text("again"), story.text("gate"));
    let export = ["export", ".", "--no-cache", "--store", &story.place, "--out", &out, "--key", &key];
    story.must(story.world.run(&export));
    let reasons = all_text(&story.world.scratch("again/held"), ".reasons.jsonl");
    assert!(reasons.contains("removed-content"), "{reasons}");
}

/// Returns the text of all files below a folder whose names end so.
pub(crate) fn all_text(folder: &Path, end: &str) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text += &all_text(&path, end);
        } else if path.to_string_lossy().ends_with(end) {
            text += &fs::read_to_string(path).unwrap();
        }
    }
    text
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
        command.env_clear().env("LAZARET_STORE", &story.place);
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
