//! Whatever is done to what a gate wrote, `verify` says so.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use lazaret_gatekit::crash::files_below;
use lazaret_gatekit::world::{key, place};
use lazaret_gatekit::{Dice, GateWorld, PROFILE_FLAT, Partial, ShardFormat, ShardRecord};
use lazaret_pipeline::gate::{VerifyError, VerifyFaultKind, VerifyReport, VerifyRequest, verify};
use lazaret_seal::{SecretKey, TrustedKeys};
use tempfile::TempDir;

use crate::gate::{world, write_shards};

/// What a gate wrote, to be tampered with.
struct Gated {
    folder: TempDir,
    files: BTreeMap<String, Vec<u8>>,
}

impl Gated {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let shards = folder.path().join("in");
        fs::create_dir(&shards).unwrap();
        write_shards(&shards, world(), 3);
        let out = folder.path().join("out");
        world().gate(&shards, Some(&out), &world().run(PROFILE_FLAT)).unwrap();
        let files = files_below(&out);
        Self { folder, files }
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.out().join(name)
    }

    /// Returns the names of all files that say or hold what is admitted.
    fn names(&self) -> Vec<&str> {
        self.files.keys().map(String::as_str).filter(|name| !name.starts_with("held/")).collect()
    }

    /// Puts everything back.
    fn mend(&self) {
        fs::remove_dir_all(self.out()).unwrap();
        for (name, bytes) in &self.files {
            fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
            fs::write(self.path(name), bytes).unwrap();
        }
    }

    fn verify(&self) -> Result<VerifyReport, VerifyError> {
        verified(&self.out(), None, false, &key())
    }

    #[track_caller]
    fn is_found_out(&self, what: &str) {
        // That nothing can be known is an answer as well.
        if let Ok(report) = self.verify() {
            assert!(!report.holds(), "{what} was not found out");
        }
    }
}

fn verified(
    gate: &Path,
    shards: Option<&Path>,
    resharded: bool,
    key: &SecretKey,
) -> Result<VerifyReport, VerifyError> {
    let (gate, shards) = (place(gate), shards.map(place));
    let trusted = TrustedKeys::one(key.public());
    verify(&VerifyRequest { shards: shards.as_ref(), gate: &gate, trusted: &trusted, resharded })
}

#[test]
fn what_a_gate_wrote_verifies() {
    let gated = Gated::new();
    let report = gated.verify().unwrap();
    assert!(report.holds(), "{report:?}");
    let n_clean = world().by_verdict().0.len() as u64;
    assert_eq!((report.receipts, report.shards, report.records), (3, 3, n_clean));
    // The shards may lie elsewhere.
    let elsewhere = gated.folder.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    for (name, bytes) in &gated.files {
        if let Some(name) = name.strip_prefix("admitted/") {
            fs::write(elsewhere.join(name), bytes).unwrap();
        }
    }
    assert!(verified(&gated.out(), Some(&elsewhere), false, &key()).unwrap().holds());
    fs::remove_file(elsewhere.join("part-1.jsonl.zst")).unwrap();
    let report = verified(&gated.out(), Some(&elsewhere), false, &key()).unwrap();
    assert_eq!(report.faults[0].kind, VerifyFaultKind::Missing);
}

#[test]
fn every_changed_byte_is_found_out() {
    let gated = Gated::new();
    let mut dice = Dice::new(3);
    for name in gated.names() {
        let bytes = &gated.files[name];
        // Of each file the ends and a sample.
        let mut offsets: Vec<usize> = (0..3).chain(bytes.len().saturating_sub(3)..bytes.len()).collect();
        offsets.extend((0..10).map(|_| dice.below(bytes.len())));
        for at in offsets.into_iter().filter(|at| *at < bytes.len()) {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << dice.below(8);
            fs::write(gated.path(name), &changed).unwrap();
            gated.is_found_out(&format!("byte {at} of `{name}`"));
        }
        for length in [0, 1, bytes.len() / 2, bytes.len().saturating_sub(1)] {
            if length >= bytes.len() {
                continue;
            }
            fs::write(gated.path(name), &bytes[..length]).unwrap();
            gated.is_found_out(&format!("`{name}` cut off at {length}"));
        }
        fs::write(gated.path(name), [bytes.as_slice(), b"\n"].concat()).unwrap();
        gated.is_found_out(&format!("a byte more in `{name}`"));
        fs::write(gated.path(name), bytes).unwrap();
    }
    assert!(gated.verify().unwrap().holds());
}

#[test]
fn files_that_are_gone_renamed_exchanged_or_new_are_found_out() {
    let gated = Gated::new();
    let names = gated.names();
    for name in &names {
        fs::remove_file(gated.path(name)).unwrap();
        gated.is_found_out(&format!("`{name}` is gone"));
        gated.mend();
        fs::rename(gated.path(name), gated.path(&format!("{name}.old"))).unwrap();
        gated.is_found_out(&format!("`{name}` has another name"));
        gated.mend();
        for other in names.iter().filter(|other| *other > name && gated.files[**other] != gated.files[*name])
        {
            fs::write(gated.path(name), &gated.files[*other]).unwrap();
            fs::write(gated.path(other), &gated.files[*name]).unwrap();
            gated.is_found_out(&format!("`{name}` and `{other}` are exchanged"));
            gated.mend();
        }
    }
    for extra in
        ["admitted/part-7.jsonl", "admitted/deep/part-0.jsonl", "admitted/.hidden", "admitted/.git/a"]
    {
        fs::create_dir_all(gated.path(extra).parent().unwrap()).unwrap();
        fs::write(gated.path(extra), &gated.files["admitted/part-0.jsonl"]).unwrap();
        gated.is_found_out(&format!("`{extra}` is new"));
        gated.mend();
    }
    // A shard that is gone with its receipt and its digests leaves a hole all the same.
    for name in ["admitted/part-0.jsonl", "receipts/part-0.jsonl.json", "receipts/part-0.jsonl.digests"] {
        fs::remove_file(gated.path(name)).unwrap();
    }
    let report = gated.verify().unwrap();
    let fault = report.faults.iter().find(|fault| fault.path == "receipts/part-0.jsonl.json").unwrap();
    assert_eq!(fault.kind, VerifyFaultKind::Missing);
}

#[test]
fn nobody_elses_signature_counts() {
    let gated = Gated::new();
    let report = verified(&gated.out(), None, false, &SecretKey::from_seed([8; 32])).unwrap();
    assert_eq!((report.receipts, report.holds()), (0, false));
    let bad = report.faults.iter().filter(|fault| fault.kind == VerifyFaultKind::BadReceipt);
    assert_eq!(bad.count(), 3);
}

/// A receipt of a run that admits more is true, signed by the same key, and says nothing of this run.
#[test]
fn a_receipt_of_another_run_is_found_out() {
    let gated = Gated::new();
    let lax = "[[source]]\nmatch = \"dataset:harbour/*\"\nkind = \"curated\"\nreason = \"none\"\n";
    let other = GateWorld::with_sections(Partial::Hold, lax);
    let out = gated.folder.path().join("lax");
    other.gate(&gated.folder.path().join("in"), Some(&out), &other.run(PROFILE_FLAT)).unwrap();
    let files = files_below(&out);
    assert_ne!(files["admitted/part-2.jsonl"], gated.files["admitted/part-2.jsonl"]);
    for name in ["admitted/part-2.jsonl", "receipts/part-2.jsonl.json", "receipts/part-2.jsonl.digests"] {
        fs::write(gated.path(name), &files[name]).unwrap();
    }
    let report = gated.verify().unwrap();
    let kinds: Vec<VerifyFaultKind> = report.faults.iter().map(|fault| fault.kind).collect();
    assert!(kinds.contains(&VerifyFaultKind::AnotherRun), "{report:?}");
}

#[test]
fn records_that_were_split_merged_and_shuffled_verify_and_a_smuggled_one_does_not() {
    let gated = Gated::new();
    let (clean, others) = world().by_verdict();
    let mut lines: Vec<String> =
        clean.iter().enumerate().map(|(nth, version)| ShardRecord::of(version, nth).line()).collect();
    lines.reverse();
    let folder = gated.folder.path().join("resharded");
    fs::create_dir(&folder).unwrap();
    let put = |name: &str, lines: &[String]| {
        fs::write(folder.join(name), lines.iter().map(|line| format!("{line}\n")).collect::<String>())
            .unwrap();
    };
    put("x.jsonl", &lines[..5]);
    let rest: Vec<ShardRecord> = clean.iter().map(|version| ShardRecord::of(version, 0)).collect();
    fs::write(folder.join("y.parquet"), ShardFormat::Parquet.bytes(&rest)).unwrap();
    let report = verified(&gated.out(), Some(&folder), true, &key()).unwrap();
    assert!(report.holds(), "{report:?}");
    // Without saying so, they are shards that nobody gated.
    assert!(!verified(&gated.out(), Some(&folder), false, &key()).unwrap().holds());
    let tainted = ShardRecord::of(others[0], 0).line();
    let smuggled = [
        ("a record", tainted.clone()),
        ("a line that is none", tainted.replacen('}', "", 1)),
        ("a text twice", tainted.replacen('{', "{\"content\":\"a\",", 1)),
        ("no text", "{\"id\":\"1\",\"content\":null}".to_owned()),
        ("a changed text", lines[0].replacen("fn ", "fn  ", 1)),
    ];
    for (what, line) in smuggled {
        put("z.jsonl", &[lines[0].clone(), line]);
        let report = verified(&gated.out(), Some(&folder), true, &key()).unwrap();
        assert_eq!(report.faults.len(), 1, "{what}: {report:?}");
        assert_eq!(report.faults[0].path, "z.jsonl", "{what}");
    }
}
