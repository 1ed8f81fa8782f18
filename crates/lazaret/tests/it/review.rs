//! The people's side of a store: who may do what, cases decided by two, exemptions asked for and granted.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use insta::assert_snapshot;
use lazaret_core::{Digest, Directness, Strength};
use lazaret_pipeline::house::House;
use lazaret_seal::SecretKey;
use lazaret_store::{Act, CaseEvidence, Cause, CauseKind, ContentKind, HeldContent, Place};

use crate::environment::{Run, TestEnvironment};

/// Who works with the store, and as what.
const PEOPLE: [(&str, &str); 7] = [
    ("ada", "admin"),
    ("ben", "admin"),
    ("cleo", "reviewer"),
    ("dov", "reviewer"),
    ("eve", "reviewer:eve@acme.example"),
    ("finn", "steward+policy-owner"),
    ("gil", "manager+policy-owner"),
];

/// A policy that allows exemptions of thirty days.
const POLICY: &str = r#"
version = 1
name = "acme"

[ban]
providers = ["anthropic"]

[exemption]
max-days = 30
purposes = ["benchmark"]

[review]
people = 2
deadline-days = 30
"#;

/// A store in a folder, and the keys of everybody.
pub(crate) struct Harbour(pub(crate) TestEnvironment);

impl Harbour {
    /// Returns a world with keys and no store.
    fn empty() -> Self {
        let harbour = Self(TestEnvironment::new());
        for name in PEOPLE.map(|(name, _)| name).into_iter().chain(["ledger", "zoe"]) {
            let made = harbour.0.run(&["key", "create", &harbour.text(name), "--quiet"]);
            assert_eq!(made.code, 0, "{}", made.stderr);
        }
        let made = harbour.0.run(&["key", "create", "--for", "vault", &harbour.text("vault"), "--quiet"]);
        assert_eq!(made.code, 0, "{}", made.stderr);
        harbour.0.file("policy.toml", POLICY);
        harbour
    }

    /// Returns a world with a store.
    fn new() -> Self {
        Self::under(POLICY)
    }

    /// Returns a world with a store that works under a policy.
    pub(crate) fn under(policy: &str) -> Self {
        let harbour = Self::empty();
        harbour.0.file("policy.toml", policy);
        let made = harbour.create(&PEOPLE);
        assert_eq!((made.code, made.stdout.as_str()), (0, ""), "{}", made.stderr);
        harbour
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.0.scratch(name).to_str().unwrap().to_owned()
    }

    fn create(&self, people: &[(&str, &str)]) -> Run {
        let recipient = fs::read_to_string(self.0.scratch("vault.pub")).unwrap();
        let mut command = self.command("2026-06-01T00:00:00Z", "ada");
        command.args(["store", "create", &self.text("store"), "--name", "acme.example/lazaret"]);
        command.args(["--policy", &self.text("policy.toml"), "--ledger-key", &self.text("ledger.pub")]);
        command.args(["--recipient", recipient.trim()]);
        for (name, roles) in people {
            command.args(["--person", &format!("{name}={}:{roles}", self.text(&format!("{name}.pub")))]);
        }
        self.0.ended(command.output().unwrap())
    }

    pub(crate) fn command(&self, now: &str, name: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lazaret"));
        command
            .env_clear()
            .env("NO_COLOR", "1")
            .env("LAZARET_STORE", self.text("store"))
            .env("LAZARET_AS", name)
            .env("LAZARET_KEY", self.text(name))
            .args(["--now", now]);
        command
    }

    /// Does something as somebody.
    fn as_(&self, name: &str, args: &[&str]) -> Run {
        self.at("2026-06-01T00:00:00Z", name, args)
    }

    /// Does something as somebody at a time.
    pub(crate) fn at(&self, now: &str, name: &str, args: &[&str]) -> Run {
        self.0.ended(self.command(now, name).args(args).output().unwrap())
    }

    /// Does something that must succeed, and returns what it wrote.
    #[track_caller]
    fn done(&self, name: &str, args: &[&str]) -> String {
        let run = self.as_(name, args);
        assert_eq!(run.code, 0, "{args:?}: {}", run.stderr);
        run.stdout
    }

    /// Opens a case over one content, as a scan's findings are held, and returns its name.
    fn case(&self, text: &str) -> String {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let seq = runtime.block_on(async {
            let house = House::open(&self.text("store").parse().unwrap()).await.unwrap();
            let key = SecretKey::parse_pem(&fs::read_to_string(self.0.scratch("finn")).unwrap()).unwrap();
            let actor = house.actor("finn", key).await.unwrap();
            assert_eq!(Arc::strong_count(&actor.key), 1);
            let eve = house.store.name_identity("Eve@acme.example").await.unwrap();
            let act = opened(text, eve);
            house.store.apply(&actor, act, "2026-06-01T00:00:00Z".parse().unwrap()).await.unwrap().seq
        });
        format!("C{seq}")
    }
}

fn opened(text: &str, author: lazaret_core::IdentityId) -> Act {
    let content = Digest::of(text.as_bytes());
    let place = Place {
        origin: "git:/srv/acme/lab@4f".to_owned(),
        path: "src/\u{1b}[2Jlexer.rs".to_owned(),
        lines: None,
    };
    let kind = ContentKind::File;
    let held = HeldContent { content, blob: None, kind, bytes: 10, lines: 3, place };
    let evidence = CaseEvidence {
        evidence: Digest::of(b"evidence"),
        detector: "commit-trailer".parse().unwrap(),
        tool: Some("claude-code".parse().unwrap()),
        strength: Strength::Declared,
        directness: Directness::Direct,
    };
    Act::OpenCase {
        cause: Cause { kind: CauseKind::Commit, name: "4f".to_owned() },
        contents: vec![held],
        evidence: [evidence].into(),
        catalog: Digest::of(b"catalog"),
        shaped_by: [author].into(),
    }
}

/// The beginning of the digest of the one evidence.
fn evidence() -> String {
    Digest::of(b"evidence").to_string().chars().skip("sha256:".len()).take(8).collect()
}

#[test]
fn a_case_is_cleared_by_two_who_did_not_write_it() {
    let harbour = Harbour::new();
    let case = harbour.case("one");
    assert_eq!(case, "C1");
    let run = harbour.as_("eve", &["case", "claim", "C1"]);
    assert_eq!((run.code, run.stdout.as_str()), (12, ""));
    assert_snapshot!(run.stderr, @r"
    error: `claim-case` is denied
    hint: it needs a person who did not write the content
    ");
    harbour.done("cleo", &["case", "claim", "c1"]);
    let bare =
        ["case", "propose", "1", "--resolution", "cleared", "--justification", "detector-false-positive"];
    let run = harbour.as_("cleo", &bare);
    assert_eq!(run.code, 1);
    assert_snapshot!(run.stderr, @r"
    error: case C1: 1 of the taints are not refuted
    hint: add `--refute sha256:$DIGEST=WHY`
    hint: `lazaret case show C1` tells of each taint
    ");
    let refute = format!("{}=mark-quoted", evidence());
    let full = [&bare[..], &["--refute", &refute, "--remark", "a fixture quotes the trailer"]].concat();
    assert_eq!(harbour.done("cleo", &full), "C1 propose-resolution\n");
    let run = harbour.as_("cleo", &["case", "agree", "C1"]);
    assert_eq!(run.code, 12);
    assert_snapshot!(run.stderr, @r"
    error: `agree-resolution` is denied
    hint: it needs a person who did not propose the resolution
    ");
    assert_eq!(harbour.as_("eve", &["case", "agree", "C1"]).code, 12);
    assert_snapshot!(harbour.done("dov", &["case", "show", "C1"]), @r"
    C1: proposed by cleo
      cause    commit:4f
      opened   2026-06-01T00:00:00Z
      due      2026-07-01T00:00:00Z
    contents
      sha256:$DIGEST file, 3 lines, in place
        git:/srv/acme/lab@4f:src/\u{1b}[2Jlexer.rs
    taints
      ee8250fb76e0  commit-trailer: claude-code, declared, direct
    proposed
      cleared, detector-false-positive by cleo at 2026-06-01T00:00:00Z
      ee8250fb76e0 does not stand: mark-quoted
      a fixture quotes the trailer
    next
      agree-resolution: dov
      reject-resolution: cleo, dov
    what happened
      1 2026-06-01T00:00:00Z open-case finn
      2 2026-06-01T00:00:00Z claim-case cleo
      3 2026-06-01T00:00:00Z propose-resolution cleo: a fixture quotes the trailer
    ");
    assert_eq!(harbour.done("dov", &["case", "agree", "C1"]), "C1 agree-resolution\n");
    assert_snapshot!(harbour.done("dov", &["case", "list", "--status", "decided"]), @r"
    acme.example/lazaret: 1 decided
    C1  decided   2026-07-01       1 content, 3 lines, claude-code  commit:4f
    ");
    let sheet = harbour.done("dov", &["case", "show", "C1", "--format", "json"]);
    let sheet: serde_json::Value = serde_json::from_str(&sheet).unwrap();
    assert_eq!(sheet["format"], "lazaret.case/1");
    assert_eq!(sheet["decision"]["stands"], true);
    assert_eq!(sheet["decision"]["people"].as_array().unwrap().len(), 2);
}

#[test]
fn many_cases_are_acted_on_one_by_one_and_those_refused_are_named() {
    let harbour = Harbour::new();
    for text in ["one", "two", "three"] {
        harbour.case(text);
    }
    let list = harbour.0.file("cases.txt", "# all\nC1\n2\nC9\n");
    let run = harbour.as_("cleo", &["case", "claim", "--from", &list, "C3"]);
    assert_eq!((run.code, run.stdout.as_str()), (1, "C3 claim-case\nC1 claim-case\nC2 claim-case\n"));
    assert_snapshot!(run.stderr, @r"
    warning: C9 was passed over
    error: there is no case C9; list what there is, and check the name
    note: 3 cases done, 1 refused
    ");
    let run =
        harbour.done("cleo", &["case", "list", "--claimed-by", "cleo", "--limit", "2", "--format", "json"]);
    let list: serde_json::Value = serde_json::from_str(&run).unwrap();
    assert_eq!((list["cases"].as_array().unwrap().len(), &list["next_after"]), (2, &"C2".into()));
    let run = harbour.done("cleo", &["case", "list", "--after", "C2"]);
    assert!(run.contains("\nC3 ") && !run.contains("\nC1 "), "{}", run);
}

#[test]
fn what_is_overdue_is_proposed_for_removal() {
    let harbour = Harbour::new();
    harbour.case("one");
    let late = "2026-07-02T00:00:00Z";
    let run = harbour.as_("finn", &["case", "deadlines"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, "note: no case is overdue\n"));
    assert_snapshot!(harbour.at(late, "finn", &["case", "list"]).stdout, @r"
    acme.example/lazaret: 1 open; 1 overdue
    C1  open      2026-07-01 late  1 content, 3 lines, claude-code  commit:4f
    ");
    let run = harbour.at(late, "finn", &["case", "deadlines"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, "C1 enforce-deadline\n"), "{}", run.stderr);
    let run = harbour.at(late, "dov", &["case", "agree", "C1"]);
    assert_eq!(run.code, 0, "the deadline and one person remove: {}", run.stderr);
}

#[test]
fn an_exemption_is_granted_by_a_manager_and_ends_by_itself() {
    let harbour = Harbour::new();
    let request = |until: &str| {
        harbour.as_(
            "gil",
            &[
                "exempt",
                "request",
                "--tool",
                "claude-code",
                "--purpose",
                "benchmark",
                "--for",
                "dov",
                "--origin",
                "git:*/acme/lab",
                "--until",
                until,
                "--reason",
                "to measure our own against it",
            ],
        )
    };
    let run = request("2026-12-01");
    assert_eq!(run.code, 21);
    assert_snapshot!(run.stderr, @r"
    error: the policy does not allow the exemption
    hint: it would run for 183 days; the policy allows 30
    ");
    assert_eq!(request("soon").code, 2, "an end that cannot be read");
    let run = request("2026-06-20");
    assert_eq!(run.code, 0, "{}", run.stderr);
    let run = harbour.as_("gil", &["exempt", "approve", "E1"]);
    assert_eq!(run.code, 12);
    assert_snapshot!(run.stderr, @r"
    error: `approve-exemption` is denied
    hint: it needs a person who did not ask for the exemption
    ");
    harbour.done("ada", &["people", "grant", "finn", "manager"]);
    harbour.done("ben", &["motion", "second", "M2"]);
    harbour.done("finn", &["exempt", "approve", "e1"]);
    assert_snapshot!(harbour.at("2026-06-15T00:00:00Z", "finn", &["exempt", "report"]).stdout, @r"
    waiting for approval: 0 exemptions
    active: 1 exemption
      E1  active       claude-code for benchmark by dov until 2026-06-20T00:00:00Z; used 0 times
    ending within 7 days: 1 exemption
      E1  active       claude-code for benchmark by dov until 2026-06-20T00:00:00Z; used 0 times
    never used: 1 exemption
      E1  active       claude-code for benchmark by dov until 2026-06-20T00:00:00Z; used 0 times
    out of terms: 0 exemptions
    revoked: 0 exemptions
    ");
    let run = harbour.at("2026-06-20T00:00:00Z", "finn", &["exempt", "show", "E1"]);
    assert_snapshot!(run.stdout, @r"
    E1: expired
      tools      claude-code
      purpose    benchmark
      asked by   gil
      for        dov
      origins    git:*/acme/lab
      from       2026-06-01T00:00:00Z
      until      2026-06-20T00:00:00Z
      reason     to measure our own against it
      approved   finn
      used       0 times
    ");
}

#[test]
fn policies_and_people_change_by_two() {
    let harbour = Harbour::new();
    harbour.case("one");
    harbour.done("cleo", &["case", "claim", "C1"]);
    let refute = format!("{}=forged", evidence());
    let clear =
        ["case", "propose", "C1", "--resolution", "cleared", "--justification", "detector-false-positive"];
    harbour.done("cleo", &[&clear[..], &["--refute", &refute]].concat());
    harbour.done("dov", &["case", "agree", "C1"]);
    let policy = harbour.0.file("next.toml", &POLICY.replace("deadline-days = 30", "deadline-days = 10"));
    harbour.done("finn", &["store", "adopt", &policy]);
    let run = harbour.as_("finn", &["motion", "second", "M5"]);
    assert_eq!(run.code, 12);
    assert_snapshot!(run.stderr, @r"
    error: `second-motion` is denied
    hint: it needs a person who did not propose the motion
    ");
    harbour.done("gil", &["motion", "second", "M5"]);
    let run = harbour.done("cleo", &["case", "list"]);
    assert!(run.contains("reopened"), "{}", run);
    let key = harbour.text("zoe.pub");
    let admit = [
        "people",
        "admit",
        "zoe",
        "--public-key",
        &key,
        "--roles",
        "reviewer",
        "--identity",
        "Z@acme.example",
    ];
    harbour.done("ada", &admit);
    assert_snapshot!(keyless(&harbour.done("ben", &["motion", "list"])), @r"
    M7     open     ada proposes: admit the person zoe with the key $KEY as reviewer; writes as z@acme.example
    ");
    harbour.done("ben", &["motion", "second", "M7"]);
    harbour.done("zoe", &["case", "claim", "C1"]);
    harbour.done("ada", &["people", "forget", "zoe"]);
    harbour.done("ben", &["motion", "second", "M10"]);
    assert_eq!(harbour.as_("zoe", &["case", "yield", "C1"]).code, 1, "nobody of that name is known");
    let run = harbour.done("ada", &["people", "list"]);
    assert!(run.contains("forgotten person"), "{}", run);
}

/// Takes out keys, which are others in each world.
fn keyless(text: &str) -> String {
    let words = text.split(' ').map(|word| if word.ends_with('=') { "$KEY" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn a_store_is_made_once_by_two_admins_and_opened_with_the_right_key() {
    let harbour = Harbour::empty();
    let run = harbour.as_("ada", &["case", "list"]);
    assert_eq!(run.code, 1);
    assert_snapshot!(run.stderr, @r"
    error: there is no store at `$SCRATCH/store`
    hint: `lazaret store create $SCRATCH/store` makes one; its `--help` says what it takes
    ");
    let run = harbour.create(&PEOPLE[1..]);
    assert_eq!(run.code, 1, "the maker is none of the people");
    let run = harbour.create(&[PEOPLE[0], PEOPLE[2]]);
    assert_eq!(run.code, 1);
    assert_snapshot!(run.stderr, @r"
    error: a store needs two admins from the beginning: one proposes who is admitted, the other seconds it
    ");
    assert!(!Path::new(&harbour.text("store")).exists(), "nothing was made");
    assert_snapshot!(harbour.create(&PEOPLE).stderr, @r"
    note: made the store `acme.example/lazaret` at `$SCRATCH/store`: 7 people, vault `vault`, public log `ledger`, policy sha256:$DIGEST
    note: keep the secret keys of ledger and vault elsewhere; neither is part of the store
    note: next: `lazaret hold --store $SCRATCH/store …` holds what a scan has found
    ");
    let run = harbour.create(&PEOPLE);
    assert_eq!(run.code, 1);
    assert_snapshot!(run.stderr, @r"
    error: `$SCRATCH/store/store.db` exists already; a store is never made over anything else
    hint: name another place, or work with the store that is there
    ");
    let run = harbour.as_("ada", &["case", "claim", "C1", "--key", &harbour.text("ben")]);
    assert_eq!(run.code, 1);
    assert_snapshot!(run.stderr, @r"
    error: the key is not the one that `ada` signs with
    hint: name the file of the secret key with `--key`; who lost it gets another by `lazaret people replace-key`
    ");
    let backup = harbour.text("backup.db");
    harbour.done("ada", &["store", "backup", &backup]);
    fs::create_dir(harbour.0.scratch("restored")).unwrap();
    fs::copy(&backup, harbour.0.scratch("restored/store.db")).unwrap();
    let run = harbour.done("ada", &["store", "status", "--store", &harbour.text("restored")]);
    assert!(run.contains("person   7 active"), "{}", run);
    assert_eq!(harbour.as_("ada", &["store", "backup", &backup]).code, 1, "a backup is never written over");
}
