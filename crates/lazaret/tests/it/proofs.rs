//! Proofs that people bring, from the making to the verdict of scan, gate and export, and what is suggested without.

use std::fs;
use std::path::Path;
use std::process::Command;

use insta::assert_snapshot;
use lazaret_core::Digest;
use lazaret_testkit::GitRepo;
use serde_json::Value;

use crate::environment::{Run, TestEnvironment};

const LEXER: &str = "fn first(input: &str) -> Token {\n    scan(input, Mode::First, Depth::None)\n}\n\nfn second(input: &str) -> Token {\n    scan(input, Mode::Second, Depth::Some(2))\n}\n";
const PARSER: &str =
    "fn parse(tokens: &[Token]) -> Tree {\n    tokens.iter().fold(Tree::default(), Tree::with)\n}\n";

/// The beginning of a policy that bans every rival and accepts nothing yet.
const POLICY: &str = r#"
version = 1
name = "harbour"
ban = { rivals = true }
approve = { tools = ["acme-codegen"] }
[[catalog.provider]]
id = "acme"
name = "Acme"
first-available = { date = 2024-01-01, source = "https://acme.example" }
[[catalog.tool]]
id = "acme-codegen"
name = "Acme Codegen"
provider = "acme"
first-available = { date = 2024-01-01, source = "https://acme.example" }
"#;

struct Harbour(TestEnvironment);

impl Harbour {
    fn new() -> Self {
        let world = TestEnvironment::new();
        world.repo.write("lexer.rs", LEXER);
        world.repo.commit("Write the lexer").create();
        let harbour = Self(world);
        let made = harbour.0.run(&["key", "create", &harbour.text("ada.pem"), "--quiet"]);
        assert_eq!(made.code, 0, "{}", made.stderr);
        harbour
    }

    fn text(&self, name: &str) -> String {
        self.0.scratch(name).to_str().unwrap().to_owned()
    }

    /// Returns the name of the key, as policies write it.
    fn key(&self) -> String {
        format!("ed25519:{}", self.0.run(&["key", "show", &self.text("ada.pem.pub")]).stdout.trim())
    }

    fn policy(&self, entries: &str) -> String {
        self.0.file("policy.toml", &format!("{POLICY}{entries}"))
    }

    /// Scans and returns the report.
    fn scan(&self, more: &[&str]) -> Value {
        let args = ["scan", ".", "--no-cache", "--format", "json"];
        let run = self.0.run(&[&args[..], more].concat());
        assert!(matches!(run.code, 0 | 10), "{}", run.stderr);
        serde_json::from_str(&run.stdout).unwrap()
    }

    fn attest(&self, args: &[&str]) -> Run {
        let (key, out) = (self.text("ada.pem"), self.text("statement"));
        self.0.run(&[&["attest"], args, &["--key", &key, "--output", &out]].concat())
    }

    fn clean(&self, more: &[&str]) -> u64 {
        self.scan(more).pointer("/lines/clean").and_then(Value::as_u64).unwrap()
    }
}

#[test]
fn an_author_attests_and_only_what_the_policy_accepts_is_clean() {
    let harbour = Harbour::new();
    let made = harbour.attest(&["author", "--person", "Ada", "lexer.rs"]);
    assert_eq!((made.code, made.stderr.as_str()), (0, ""));
    let (statement, public) = (harbour.text("statement"), harbour.text("ada.pem.pub"));
    let brought = ["--statement", &statement, "--statement-key", &public];
    let nothing = harbour.policy("");
    assert_eq!(harbour.clean(&[&brought[..], &["--policy", &nothing]].concat()), 0);
    let report = harbour.scan(&[&brought[..], &["--policy", &nothing]].concat());
    assert!(report["files"][0]["reasons"].to_string().contains("signer-not-accepted"), "{report}");
    let key = harbour.key();
    let accepting = harbour.policy(&format!(
        "[[attestation]]\nmatch = \"git:*\"\nperson = \"Ada\"\nkeys = [\"{key}\"]\nreason = \"one of us\"\n"
    ));
    let with = [&brought[..], &["--policy", &accepting]].concat();
    assert_eq!(harbour.clean(&with), 7);
    assert_eq!(harbour.scan(&with)["brought"][0]["name"], "statement");
    harbour.0.repo.write("lexer.rs", LEXER.replace("first", "last"));
    harbour.0.repo.commit("Rename").create();
    assert_eq!(harbour.clean(&with), 0, "other bytes are other contents");
}

#[test]
fn a_statement_that_does_not_verify_is_an_error() {
    let harbour = Harbour::new();
    assert_eq!(harbour.attest(&["author", "--person", "Ada", "lexer.rs"]).code, 0);
    assert_eq!(harbour.0.run(&["key", "create", &harbour.text("eve.pem"), "--quiet"]).code, 0);
    let (statement, public) = (harbour.text("statement"), harbour.text("eve.pem.pub"));
    let run =
        harbour.0.run(&["scan", ".", "--no-cache", "--statement", &statement, "--statement-key", &public]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("does not verify") && run.stdout.is_empty(), "{}", run.stderr);
}

#[test]
fn a_tool_records_lines_that_hold_wherever_they_stand() {
    let harbour = Harbour::new();
    let args = ["tool", "--tool", "acme-codegen", "--tool-version", "4", "--lines"];
    assert_eq!(
        harbour.attest(&[&args[..], &["3-3", "lexer.rs"]].concat()).code,
        2,
        "a brace stands everywhere"
    );
    let made = harbour.attest(&[&args[..], &["5-7", "lexer.rs"]].concat());
    assert_eq!((made.code, made.stderr.as_str()), (0, ""));
    let (statement, public, key) = (harbour.text("statement"), harbour.text("ada.pem.pub"), harbour.key());
    let entry = format!(
        "[[tool-receipt]]\nmatch = \"git:*\"\ntool = \"acme-codegen\"\nkeys = [\"{key}\"]\nreason = \"its key\"\n"
    );
    let policy = harbour.policy(&entry);
    let with = ["--statement", &statement, "--statement-key", &public, "--policy", &policy];
    harbour.0.repo.write("lexer.rs", format!("// moved down\n{LEXER}"));
    harbour.0.repo.commit("Move").create();
    let report = harbour.scan(&with);
    assert_eq!(report["lines"]["clean"], 3);
    assert_eq!(
        (&report["files"][0]["spans"][0]["start"], &report["files"][0]["spans"][0]["end"]),
        (&6.into(), &8.into())
    );
    let banned = harbour.0.file("banned.toml", &POLICY.replace("tools = [\"acme-codegen\"]", "tools = []"));
    let report = harbour.scan(&["--statement", &statement, "--statement-key", &public, "--policy", &banned]);
    assert_eq!(report["lines"]["tainted"], 3, "the record of a tool that is not approved accuses");
}

fn hex_of(digest: &Digest) -> String {
    digest.to_string().trim_start_matches("sha256:").to_owned()
}

/// Writes a set of dated hashes that holds a text, and returns its manifest and the entry that accepts it.
fn dated_set(harbour: &Harbour, texts: &[&str], day: &str) -> (String, String) {
    let mut hashes: Vec<String> =
        texts.iter().map(|text| format!("{}\n", hex_of(&Digest::of(text.as_bytes())))).collect();
    hashes.sort();
    harbour.0.file("hashes", &hashes.concat());
    let manifest = format!(
        "format = \"lazaret.dated-set/1\"\nname = \"tried\"\nday = {day}\nsource = \"a try\"\nfile = \"hashes\"\nhash = \"sha256\"\n\
         encoding = \"hex\"\ncount = {}\nsha256 = \"{}\"\n",
        texts.len(),
        Digest::of(hashes.concat().as_bytes())
    );
    let entry = format!("[[dated-set]]\nset = \"{}\"\nreason = \"a try\"\n", Digest::of(manifest.as_bytes()));
    (harbour.0.file("set.toml", &manifest), entry)
}

#[test]
fn a_set_of_dated_hashes_proves_what_is_older_than_every_tool() {
    let harbour = Harbour::new();
    let (manifest, entry) = dated_set(&harbour, &[LEXER, "other"], "2018-05-01");
    let policy = harbour.policy(&entry);
    assert_eq!(harbour.clean(&["--dated-set", &manifest, "--policy", &policy]), 7);
    assert_eq!(harbour.clean(&["--dated-set", &manifest]), 0, "the built-in policy believes no set");
    let (manifest, entry) = dated_set(&harbour, &[LEXER, "other"], "2025-05-01");
    let policy = harbour.policy(&entry);
    assert_eq!(harbour.clean(&["--dated-set", &manifest, "--policy", &policy]), 0);
    fs::write(harbour.0.scratch("hashes"), "0").unwrap();
    let run = harbour.0.run(&["scan", ".", "--no-cache", "--dated-set", &manifest]);
    assert_eq!((run.code, run.stdout.as_str()), (1, ""));
    assert!(run.stderr.contains("it was cut off"), "{}", run.stderr);
}

/// Makes an SSH key and returns its public file and its name.
fn ssh_key(folder: &Path, name: &str) -> (String, String) {
    let path = folder.join(name);
    let made =
        Command::new("ssh-keygen").args(["-q", "-N", "", "-t", "ed25519", "-f"]).arg(&path).status().unwrap();
    assert!(made.success());
    let public = folder.join(format!("{name}.pub"));
    let shown = Command::new("ssh-keygen").arg("-lf").arg(&public).output().unwrap().stdout;
    let name = String::from_utf8(shown).unwrap().split(' ').nth(1).unwrap().to_owned();
    (public.to_str().unwrap().to_owned(), name)
}

fn signed_commit(repo: &GitRepo, key: &str, message: &str, author: &str) {
    repo.git(&["add", "--all"]);
    let (key, author) = (format!("user.signingKey={key}"), format!("--author={author}"));
    repo.git(&["-c", "gpg.format=ssh", "-c", &key, "commit", "--quiet", "-S", &author, "-m", message]);
}

#[test]
fn a_signed_commit_with_the_trailer_clears_its_own_lines_in_scan_export_and_gate() {
    let harbour = Harbour::new();
    let repo = &harbour.0.repo;
    let (public, name) = ssh_key(repo.scratch(), "id");
    let trailer = "Written-Without: any AI tool";
    repo.write("parser.rs", PARSER);
    signed_commit(repo, &public, &format!("Parse\n\n{trailer}\n"), "Ada <ada@acme.example>");
    repo.write("other.rs", PARSER.replace("parse", "other"));
    signed_commit(repo, &public, &format!("Not hers\n\n{trailer}\n"), "Eve <eve@acme.example>");
    repo.write("third.rs", PARSER.replace("parse", "third"));
    signed_commit(repo, &public, "Says nothing", "Ada <ada@acme.example>");
    let rest = format!("trailer = \"{trailer}\"\nreason = \"one of us\"\n");
    let by_key = harbour.policy(&format!(
        "[[attestation]]\nmatch = \"git:*\"\nperson = \"Ada\"\nkeys = [\"{name}\"]\nemails = [\"ada@acme.example\"]\n{rest}"
    ));
    let report = harbour.scan(&["--policy", &by_key]);
    assert_eq!(report["lines"]["clean"], 3, "{report}");
    assert_eq!(report["refused_attestations"].as_array().unwrap().len(), 1);
    let listed = format!("ada@acme.example namespaces=\"git\" {}", fs::read_to_string(&public).unwrap());
    let signers = harbour.0.file("signers", &listed);
    let entry = format!(
        "[[attestation]]\nmatch = \"git:*\"\nsigners = \"{}\"\n{rest}",
        Digest::of(listed.as_bytes())
    );
    let by_list = harbour.0.file("listed.toml", &format!("{POLICY}{entry}"));
    assert_eq!(harbour.clean(&["--policy", &by_list]), 0, "without the list nobody knows whose key it is");
    assert_eq!(harbour.clean(&["--policy", &by_list, "--allowed-signers", &signers]), 3);
    let args = ["export", ".", "--no-cache", "--dry-run", "--format", "json", "--policy", &by_key];
    let run = harbour.0.run(&args);
    let export: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(export["gate"]["records"]["admitted"], 1, "{export}");
    let bundle = harbour.text("bundle.parquet");
    harbour.scan(&["--policy", &by_key, "--bundle", &bundle]);
    let record = serde_json::json!({ "content": PARSER, "id": "1" });
    fs::create_dir(harbour.0.scratch("shards")).unwrap();
    harbour.0.file("shards/a.jsonl", &format!("{record}\n"));
    let profile = harbour.0.file(
        "profile.toml",
        "version = 1\nname = \"harbour\"\n[columns]\ntext = \"content\"\nid = \"id\"\n",
    );
    let shards = harbour.text("shards");
    let args =
        ["gate", &shards, "--profile", &profile, "--dataset", "harbour", "--dry-run", "--format", "json"];
    let admitted = |more: &[&str]| {
        let run = harbour.0.run(&[&args[..], more].concat());
        let report: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}", run.stderr));
        report["records"]["admitted"].clone()
    };
    assert_eq!(admitted(&["--policy", &by_key, "--bundle", &bundle]), 1);
    assert_eq!(admitted(&["--policy", &by_key]), 0);
    let (manifest, entry) = dated_set(&harbour, &[PARSER], "2018-05-01");
    let dated = harbour.0.file("dated.toml", &format!("{POLICY}{entry}"));
    assert_eq!(admitted(&["--policy", &dated, "--dated-set", &manifest]), 1);
}

#[test]
fn what_is_suggested_is_grouped_by_owner_and_as_small_as_can_be() {
    let harbour = Harbour::new();
    let repo = &harbour.0.repo;
    repo.write("parser.rs", PARSER);
    repo.git(&["add", "--all"]);
    repo.git(&["commit", "--quiet", "--author=Robin <robin@acme.example>", "-m", "Parse"]);
    repo.write("lexer.rs", LEXER.replace("Depth::Some(2)", "Depth::Some(3)"));
    repo.write("logo.png", b"\x89PNG\0\0");
    repo.commit("Go deeper\n\nCo-Authored-By: Claude <noreply@anthropic.com>\n").create();
    let (manifest, entry) = dated_set(&harbour, &[LEXER], "2018-05-01");
    let policy = harbour.policy(&entry);
    let args = ["suggest", ".", "--no-cache", "--dated-set", &manifest, "--policy", &policy];
    let run = harbour.0.run(&args);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert_snapshot!(run.stdout, @"
    0 of 10 lines admitted to `training`

    authors could attest to 3 lines:
      Robin <robin@acme.example>: 3 lines from 1 commit
        parser.rs: 3 lines

    two people would have to read 1 line:
        lexer.rs: 1 line in the difference bbdf97011e38..94f89bfad738 (Ada Meridian <ada@harbour.example>)

    1 file could not be examined, and no statement helps:
        logo.png: binary

    estimated backlog: 4 lines
    ");
    let json = harbour.0.run(&[&args[..], &["--format", "json"]].concat());
    assert_eq!(json.stdout, harbour.0.run(&[&args[..], &["--format", "json"]].concat()).stdout);
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["backlog"]["review"], 1);
}
