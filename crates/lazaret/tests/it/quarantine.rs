//! Holding, releasing and proving, as stewards, reviewers and third parties do it.

use std::fs;

use insta::assert_snapshot;

use crate::environment::{Run, TestEnvironment};

/// Who works with the store, and as what.
const PEOPLE: [(&str, &str); 5] = [
    ("ada", "admin+policy-owner"),
    ("ben", "admin+policy-owner"),
    ("cleo", "reviewer"),
    ("dov", "reviewer"),
    ("finn", "steward"),
];

/// A repository in which a tool wrote, and a store to hold it.
pub(crate) struct House(pub(crate) TestEnvironment);

impl House {
    pub(crate) fn new() -> Self {
        let house = Self(TestEnvironment::with_history());
        for name in PEOPLE.map(|(name, _)| name).into_iter().chain(["ledger", "witness"]) {
            let made = house.0.run(&["key", "create", &house.text(name), "--quiet"]);
            assert_eq!(made.code, 0, "{}", made.stderr);
        }
        let made = house.0.run(&["key", "create", "--for", "vault", &house.text("vault"), "--quiet"]);
        assert_eq!(made.code, 0, "{}", made.stderr);
        let recipient = fs::read_to_string(house.0.scratch("vault.pub")).unwrap();
        let mut command = house.0.command(&["store", "create", &house.text("store"), "--as", "ada"]);
        command.args(["--key", &house.text("ada"), "--ledger-key", &house.text("ledger.pub")]);
        command.args(["--name", "acme.example/lazaret", "--recipient", recipient.trim()]);
        for (name, roles) in PEOPLE {
            command.args(["--person", &format!("{name}={}:{roles}", house.text(&format!("{name}.pub")))]);
        }
        let made = house.0.ended(command.output().unwrap());
        assert_eq!(made.code, 0, "{}", made.stderr);
        house
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.0.scratch(name).to_str().unwrap().to_owned()
    }

    /// Does something with the store.
    pub(crate) fn run(&self, args: &[&str]) -> Run {
        let mut command = self.0.command(args);
        command.env("LAZARET_STORE", self.text("store"));
        self.0.ended(command.output().unwrap())
    }

    /// Does something with the store as somebody.
    pub(crate) fn by(&self, name: &str, args: &[&str]) -> Run {
        let mut command = self.0.command(args);
        command.env("LAZARET_STORE", self.text("store")).env("LAZARET_AS", name);
        command.env("LAZARET_KEY", self.text(name));
        self.0.ended(command.output().unwrap())
    }

    pub(crate) fn hold(&self) -> Run {
        self.by("finn", &["hold", "repo", ".", "--no-cache"])
    }

    /// Returns the digest of one of the held contents, as the listing shortens it.
    fn content(&self, path: &str) -> String {
        let mut command = self.0.command(&["hold", "list"]);
        let listed = command.env("LAZARET_STORE", self.text("store")).output().unwrap();
        let listed = String::from_utf8(listed.stdout).unwrap();
        let line = listed.lines().find(|line| line.ends_with(path)).expect("the file is held");
        line.split(' ').next().unwrap().to_owned()
    }

    fn publish(&self) -> Run {
        self.run(&["ledger", "publish", "--ledger-key", &self.text("ledger")])
    }

    fn key(&self) -> String {
        self.run(&["ledger", "key"]).stdout.trim().to_owned()
    }
}

#[test]
fn what_is_held_is_told_and_told_once() {
    let house = House::new();
    let run = house.hold();
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert_snapshot!(run.stdout, @"
    2 contents held, 2 sealed
    opened   C1
    UNKNOWN  ada@harbour.example: nobody of the store writes under this address
    ");
    let run = house.hold();
    assert_eq!(run.code, 0);
    assert_snapshot!(run.stdout, @"
    0 contents held, 0 sealed
    known    2, 0 of them in a place that is new
    ");
    house.0.repo.rename("src/parser.rs", "src/grammar.rs");
    house.0.repo.commit("Name it for what it is").create();
    let run = house.hold();
    assert!(run.stdout.contains("known    2, 1 of them in a place that is new"), "{}", run.stdout);
    assert_eq!(house.run(&["ledger", "verify"]).code, 0);
}

#[test]
fn who_may_not_hold_read_or_release_is_told_why() {
    let house = House::new();
    let run = house.by("ada", &["hold", "repo", ".", "--no-cache"]);
    assert_eq!(run.code, 12);
    assert_snapshot!(run.stderr, @"
    error: `hold-content` is denied
    hint: it needs a steward or a reviewer
    ");
    assert_eq!(house.hold().code, 0);
    let content = house.content("src/parser.rs");
    let identity = house.text("vault");
    let read = ["hold", "read", &content, "--purpose", "review", "--identity", &identity];
    assert_eq!(house.by("ben", &read).code, 12);
    let run = house.by("cleo", &read);
    assert_eq!((run.code, run.stdout.as_str()), (0, "fn parse() {}\n"));
    let to = house.text("back.rs");
    let run = house.by("finn", &["release", &content, "--to", &to, "--identity", &identity]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("case C1 is open"), "{}", run.stderr);
    assert!(!house.0.scratch("back.rs").exists());
}

#[test]
fn a_third_party_checks_the_ledger_a_single_entry_and_the_witness() {
    let house = House::new();
    assert_eq!(house.hold().code, 0);
    assert_eq!(house.publish().code, 0);
    let (key, log) = (house.key(), house.text("store/ledger"));
    let run = house.0.run(&["ledger", "verify", "--log", &log, "--trust", &key]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_snapshot!(run.stdout, @"
    entries  5 done again, root sha256:$DIGEST
    public   5 entries, 0 witnesses
    everything is as the ledger says
    ");
    let proof = house.text("proof");
    let run = house.0.run(&["ledger", "prove", "1", "--log", &log, "--trust", &key, "--output", &proof]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    // As a program would: the digests in the entry must stay as they are.
    let shown = house.0.command(&["ledger", "show", "1", "--log", &log, "--trust", &key]).output().unwrap();
    let entry = house.0.file("entry", &String::from_utf8(shown.stdout).unwrap());
    let run = house.0.run(&["ledger", "check", &proof, &entry, "--trust", &key]);
    assert_eq!((run.code, run.stderr.as_str()), (0, "note: entry 1 is among the 5 that were signed\n"));
    let forged = fs::read_to_string(&entry).unwrap().replace("open-case", "open-cast");
    let forged = house.0.file("forged", &forged);
    assert_eq!(house.0.run(&["ledger", "check", &proof, &forged, "--trust", &key]).code, 30);

    let (state, witness_key) = (house.text("witness-state"), house.text("witness"));
    let cosign = ["ledger", "witness", "--state", &state, "--name", "audit.example/w", "--witness-key"];
    let cosign = [&cosign[..], &[&witness_key, "--log", &log, "--trust", &key]].concat();
    let run = house.0.run(&cosign);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let witness = run.stderr.trim().rsplit(' ').next().unwrap().to_owned();
    let cosigned = house.0.file("cosigned", &run.stdout);
    let ledger_key = house.text("ledger");
    let adopt = ["ledger", "adopt", &cosigned, "--witness", &witness, "--ledger-key", &ledger_key];
    assert_eq!(house.run(&adopt).code, 0);
    let run = house.0.run(&["ledger", "verify", "--log", &log, "--trust", &key, "--witness", &witness]);
    assert!(run.stdout.contains("public   5 entries, 1 witness\n"), "{}", run.stdout);
}

#[test]
fn what_was_altered_is_named_with_its_place() {
    let house = House::new();
    assert_eq!(house.hold().code, 0);
    assert_eq!(house.publish().code, 0);
    let vault = house.0.scratch("store/vault");
    let objects = fs::read_dir(vault).unwrap().map(|entry| entry.unwrap().path());
    let object = objects.filter(|path| path.is_file()).min().unwrap();
    let mut bytes = fs::read(&object).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::remove_file(&object).unwrap();
    fs::write(&object, bytes).unwrap();
    let run = house.run(&["ledger", "verify"]);
    assert_eq!(run.code, 30);
    assert!(run.stdout.contains("is not what was sealed: it was altered"), "{}", run.stdout);
    assert!(run.stdout.ends_with("NOT as the ledger says\n"), "{}", run.stdout);
}

#[test]
fn a_public_log_without_its_checkpoint_is_not_one_that_never_was() {
    let house = House::new();
    assert_eq!(house.run(&["ledger", "verify"]).code, 0);
    assert_eq!(house.publish().code, 0);
    fs::remove_file(house.0.scratch("store/ledger/checkpoint")).unwrap();
    assert_eq!(house.run(&["ledger", "verify"]).code, 30);
    fs::remove_dir_all(house.0.scratch("store/ledger")).unwrap();
    assert_eq!(house.run(&["ledger", "verify"]).code, 1);
}

#[test]
fn a_store_and_a_key_are_asked_for() {
    let house = House::new();
    let run = house.0.run(&["hold", "list"]);
    assert_eq!(run.code, 2);
    assert_snapshot!(run.stderr, @"
    error: no store is named
    hint: give `--store PLACE`, or set LAZARET_STORE
    ");
    let run = house.by("cleo", &["hold", "read", "sha256:00", "--purpose", "review", "--identity", "none"]);
    assert_eq!(run.code, 1);
    let run = house.run(&["ledger", "publish", "--ledger-key", &house.text("ada")]);
    assert!(run.stderr.contains("this is not the key of the store's ledger"), "{}", run.stderr);
}
