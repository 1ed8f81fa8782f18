//! `lazaret gate`, as people and schedulers run it: from keys to receipts, and through kills.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use insta::assert_snapshot;
use lazaret_gatekit::crash::{crash, files_below};
use lazaret_gatekit::{Dice, GateWorld, PROFILE_FLAT, Partial, ShardFormat, ShardRecord, plants};
use serde_json::Value;

use crate::environment::{Run, TestEnvironment};

/// A harbour to gate in: shards, a policy, a profile, a bundle and a key.
struct Harbour {
    gates: GateWorld,
    world: TestEnvironment,
}

impl Harbour {
    fn new(n_shards: usize) -> Self {
        let harbour = Self { gates: GateWorld::new(Partial::Hold), world: TestEnvironment::new() };
        harbour.world.file("policy.toml", &harbour.gates.policy);
        harbour.world.file("profile.toml", PROFILE_FLAT);
        let shards = harbour.path("shards");
        fs::create_dir(&shards).unwrap();
        let records: Vec<ShardRecord> =
            harbour.gates.versions.iter().enumerate().map(|(nth, v)| ShardRecord::of(v, nth)).collect();
        for nth in 0..n_shards {
            let formats = [ShardFormat::Lines, ShardFormat::Parquet, ShardFormat::LinesZstd];
            let format = *formats.get(nth % formats.len()).unwrap();
            let name = format!("part-{nth:02}.{}", format.ending());
            fs::write(shards.join(name), format.bytes(&records)).unwrap();
        }
        let made = harbour.world.run(&["key", "create", harbour.text("key.pem").as_str()]);
        assert_eq!(made.code, 0, "{}", made.stderr);
        harbour
    }

    fn path(&self, name: &str) -> PathBuf {
        self.world.scratch(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Returns a command that gates all shards.
    fn gate(&self, out: &Path, more: &[&str]) -> Command {
        let bundle = self.gates.bundle.to_str().unwrap();
        let texts = ["shards", "policy.toml", "profile.toml", "key.pem"].map(|name| self.text(name));
        let [shards, policy, profile, key] = texts.each_ref().map(String::as_str);
        let args = ["gate", shards, "--profile", profile, "--dataset", "harbour", "--policy", policy];
        let to = ["--bundle", bundle, "--key", key, "--out", out.to_str().unwrap()];
        let mut command = self.world.command(&[&args[..], &to, more].concat());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn run_gate(&self, out: &str, more: &[&str]) -> Run {
        let mut command = self.gate(&self.path(out), more);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        self.world.ended(command.output().unwrap())
    }

    fn verify(&self, out: &str) -> Run {
        let (out, key) = (self.text(out), self.text("key.pem.pub"));
        self.world.run(&["gate", "verify", &out, "--trust", &key, "--format", "json"])
    }
}

#[test]
fn what_is_gated_verifies_and_what_is_smuggled_in_does_not() {
    let harbour = Harbour::new(3);
    let run = harbour.run_gate("out", &["--format", "json"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let count = |name: &str| report["records"][name].as_u64().unwrap();
    assert_eq!(count("admitted"), 3 * harbour.gates.by_verdict().0.len() as u64);
    assert_eq!(count("read"), count("admitted") + count("held") + count("rejected"));
    let verified = harbour.verify("out");
    assert_eq!(verified.code, 0, "{}", verified.stdout);
    let plant = &plants(&harbour.gates)[0];
    let path = harbour.path("out").join("admitted/part-00.jsonl");
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend_from_slice(&plant.line);
    fs::write(&path, bytes).unwrap();
    assert_eq!(harbour.verify("out").code, 30);
    assert_eq!(harbour.run_gate("out", &[]).code, 1, "what a receipt speaks of has changed");
}

#[test]
fn a_record_that_could_not_be_examined_is_no_success() {
    let harbour = Harbour::new(1);
    for plant in plants(&harbour.gates) {
        fs::write(harbour.path("shards").join("part-00.jsonl"), &plant.line).unwrap();
        let run = harbour.run_gate(&format!("out {}", plant.name), &["--format", "json"]);
        let report: Value = serde_json::from_str(&run.stdout).unwrap();
        let is_rejected = report["records"]["rejected"].as_u64().unwrap() > 0;
        assert_eq!(run.code, i32::from(is_rejected), "{}: {}", plant.name, run.stderr);
    }
    fs::write(harbour.path("shards").join("part-00.jsonl"), "\n\n").unwrap();
    assert_eq!(harbour.run_gate("out of nothing", &[]).code, 3);
}

/// What a wrong profile leaves behind would stand in the way of the right one.
#[test]
fn a_wrong_profile_is_told_before_anything_is_written() {
    let harbour = Harbour::new(3);
    let profile = harbour.world.file("other.toml", &PROFILE_FLAT.replace("\"content\"", "\"body\""));
    let (shards, key, out) = (harbour.text("shards"), harbour.text("key.pem"), harbour.text("out"));
    let args = ["gate", &shards, "--dataset", "harbour", "--key", &key, "--out", &out, "--profile", &profile];
    let run = harbour.world.run(&args);
    assert_eq!(run.code, 2);
    assert_snapshot!(run.stderr, @"
    error: the profile does not fit `part-00.jsonl` and one other shard: the profile `harbour` names `body`, which the shard does not have; it has `content`, `git_blob`, `id`, `path`, `repository`
    hint: name a profile that fits it, such as `starcoderdata`, or write one of your own, as docs/reference/profiles.md tells; nothing was written
    ");
    assert!(!harbour.path("out").exists());
    assert_eq!(harbour.run_gate("out", &[]).code, 0);
}

#[test]
fn a_key_that_is_none_is_told_once() {
    let world = TestEnvironment::new();
    let shard = world.file("a.jsonl", "{\"text\":\"a\",\"id\":\"1\"}\n");
    let key = world.file("key.pem", "no key\n");
    let out = world.scratch("out");
    let args = ["gate", &shard, "--profile", "dolma", "--dataset", "harbour", "--key", &key, "--out"];
    let run = world.run(&[&args[..], &[out.to_str().unwrap()]].concat());
    assert_eq!(run.code, 1);
    assert_snapshot!(run.stderr, @"
    error: not an Ed25519 secret key in PEM (`-----BEGIN PRIVATE KEY-----`); keys under a passphrase are not read: PKCS#8 ASN.1 error: PEM error: PEM preamble contains invalid data (NUL byte)
    hint: `$SCRATCH/key.pem` must hold a secret key; `lazaret key create FILE` makes one
    ");
}

/// What `save_to_disk` of Hugging Face's `datasets` writes, and `load_from_disk` reads.
#[test]
fn a_saved_data_set_can_be_loaded_again_and_carries_no_prose() {
    let harbour = Harbour::new(0);
    let records: Vec<ShardRecord> =
        harbour.gates.versions.iter().enumerate().map(|(nth, v)| ShardRecord::of(v, nth)).collect();
    let write = |name: &str, bytes: &[u8]| fs::write(harbour.path("shards").join(name), bytes).unwrap();
    write("data-00000-of-00001.arrow", &ShardFormat::ArrowStream.bytes(&records));
    let state = r#"{"_data_files":[{"filename":"data-00000-of-00001.arrow"}],"_fingerprint":"0123456789abcdef",
        "_format_columns":null,"_format_kwargs":{},"_format_type":null,"_output_all_columns":false,"_split":"train"}"#;
    write("state.json", state.as_bytes());
    let info = r#"{"description":"quoted from elsewhere","dataset_size":7,"builder_name":"harbour"}"#;
    write("dataset_info.json", info.as_bytes());
    write("notes.txt", b"nobody looked here");
    let run = harbour.run_gate("out", &["--format", "json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let left_out = |nth: usize| report["loader_files"][nth]["left_out"].to_string();
    assert_eq!((left_out(0).as_str(), left_out(1).as_str()), (r#"["dataset_size","description"]"#, "[]"));
    assert_eq!(report["not_carried"], serde_json::json!(["$SCRATCH/shards: notes.txt"]));
    let admitted = harbour.path("out/admitted");
    let names: Vec<String> = files_below(&admitted).into_keys().collect();
    assert_eq!(names, ["data-00000-of-00001.arrow", "dataset_info.json", "state.json"]);
    assert_eq!(
        fs::read_to_string(admitted.join("dataset_info.json")).unwrap(),
        "{\n  \"builder_name\": \"harbour\"\n}\n"
    );
    let read = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
    let (mut before, mut after) =
        (read(state), read(&fs::read_to_string(admitted.join("state.json")).unwrap()));
    assert_ne!(before["_fingerprint"].take(), after["_fingerprint"].take());
    assert_eq!(before, after);
    let people = harbour.run_gate("out", &[]).stdout;
    let beside = "  2 files beside them for loaders, with names and types alone\n  1 file beside them not carried along\n";
    assert!(people.contains(beside), "{people}");
    assert_eq!(harbour.verify("out").code, 0);
    let (elsewhere, key) = (admitted.to_str().unwrap(), harbour.text("key.pem.pub"));
    let args = ["gate", "verify", elsewhere, "--gate", &harbour.text("out"), "--trust", &key];
    assert_eq!(harbour.world.run(&args).code, 0);
    fs::write(admitted.join("dataset_info.json"), info).unwrap();
    assert_eq!(harbour.verify("out").code, 30);
    assert_eq!(harbour.world.run(&args).code, 30);
}

#[test]
fn what_failed_is_said_aloud_whatever_the_format() {
    let harbour = Harbour::new(2);
    let parquet = harbour.path("shards").join("part-01.parquet");
    let whole = fs::read(&parquet).unwrap();
    fs::write(&parquet, &whole[..whole.len() / 2]).unwrap();
    let lines = harbour.path("shards").join("part-00.jsonl");
    let text = fs::read(&lines).unwrap();
    fs::write(&lines, [text.as_slice(), b"oops\n"].concat()).unwrap();
    let (json, human) =
        (harbour.run_gate("out-0", &["--quiet", "--format", "json"]), harbour.run_gate("out-1", &[]));
    assert_eq!((json.code, human.code), (1, 1));
    assert_eq!(json.stderr, human.stderr);
    assert_snapshot!(human.stderr, @"
    error: nothing of `part-01.parquet` is admitted: the columnar file is damaged: Parquet argument error: Parquet error: Invalid Parquet file. Corrupt footer
    hint: mend it and give the same command again, which leaves alone what has a receipt; or leave it out, and name a new place
    error: 1 record rejected: what cannot be examined is not admitted
    hint: `held/` says why; mend them, and name a new place
    ");
    assert!(human.stdout.ends_with("; 1 of 2 shards have a signed receipt\n"), "{}", human.stdout);
    fs::remove_file(&lines).unwrap();
    let run = harbour.run_gate("out-2", &[]);
    assert!(run.stdout.ends_with("; no shard has a receipt\n"), "{}", run.stdout);
    fs::remove_file(&parquet).unwrap();
    fs::write(&lines, "{\"content\":\"fn moor() {}\"}\n").unwrap();
    let run = harbour.run_gate("out-3", &[]);
    assert!(run.stdout.ends_with("; every shard has a signed receipt, and no record is admitted\n"));
}

/// A decoder that panics over a damaged file is no bug of ours, and nobody is told that it is one.
#[test]
fn a_damaged_shard_is_refused_and_called_no_bug() {
    let harbour = Harbour::new(2);
    let whole = fs::read(harbour.path("shards").join("part-01.parquet")).unwrap();
    let mut dice = Dice::new(5);
    for nth in 0..12 {
        let mut damaged = whole.clone();
        for _ in 0..40 {
            let at = dice.below(damaged.len());
            damaged[at] = 0xff;
        }
        fs::write(harbour.path("shards").join("part-01.parquet"), &damaged).unwrap();
        let run = harbour.run_gate(&format!("out-{nth}"), &["--format", "json"]);
        assert!(!run.stderr.contains("bug"), "{}", run.stderr);
        let report: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(report["shards"][0]["state"], "gated");
        assert_eq!(run.code, i32::from(report["shards"][1]["state"] == "failed"));
    }
}

#[test]
fn parts_in_processes_of_their_own_write_the_same_bytes() {
    let harbour = Harbour::new(6);
    assert_eq!(harbour.run_gate("whole", &["--threads", "1"]).code, 0);
    let expected = files_below(&harbour.path("whole"));
    let children: Vec<_> = ["0", "1", "2"]
        .into_iter()
        .map(|part| {
            harbour.gate(&harbour.path("parts"), &["--part", part, "--num-parts", "3"]).spawn().unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(files_below(&harbour.path("parts")), expected);
    // The same part in two processes: one may be told to wait, and no file is ever half.
    let children: Vec<_> =
        (0..3).map(|_| harbour.gate(&harbour.path("same"), &["--quiet"]).spawn().unwrap()).collect();
    for mut child in children {
        child.wait().unwrap();
    }
    assert_eq!(harbour.run_gate("same", &[]).code, 0);
    assert_eq!(files_below(&harbour.path("same")), expected);
}

#[test]
fn a_gate_that_is_killed_goes_on_to_the_same_bytes() {
    let harbour = Harbour::new(6);
    assert_eq!(harbour.run_gate("whole", &[]).code, 0);
    let expected = files_below(&harbour.path("whole"));
    let gate = |out: &Path| harbour.gate(out, &["--threads", "2", "--quiet"]);
    let crashes = crash(&gate, &harbour.path("killed"), &expected, 10, &mut Dice::new(1));
    assert_eq!(crashes.faults, [""; 0]);
    assert_eq!(crashes.n_killed, 10);
}

#[test]
fn what_was_left_out_is_told_wherever_the_records_are_spoken_of() {
    let harbour = Harbour::new(1);
    let run = harbour.run_gate("out", &["--leave-out", "marks"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(
        run.stderr,
        "warning: `--leave-out`: marks in the text are not looked for, so what bears them passes if proof covers it\n"
    );
    assert!(run.stdout.contains("Not looked for\n  marks\n"), "{}", run.stdout);
    let settings = fs::read(harbour.path("out").join("run.json")).unwrap();
    let settings: Value = serde_json::from_slice(&settings).unwrap();
    assert_eq!(settings["left-out"], serde_json::json!(["marks"]));
    let verified = harbour.verify("out");
    let report: Value = serde_json::from_str(&verified.stdout).unwrap();
    assert_eq!((verified.code, &report["left_out"]), (0, &serde_json::json!(["marks"])));
    let other = harbour.run_gate("out", &[]);
    assert!(other.code == 1 && other.stderr.contains("its choice of what to leave out was another"));
}
