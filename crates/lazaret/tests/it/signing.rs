//! Signing an index of known text and verifying it, as people do who share one.

use std::fs;
use std::path::{Path, PathBuf};

use lazaret_pipeline::known::signature_path;

use crate::collect::log;
use crate::environment::{Run, TestEnvironment};

/// A folder of known text, and the keys of two people.
struct Harbour(TestEnvironment);

impl Harbour {
    fn new() -> Self {
        let harbour = Self(TestEnvironment::new());
        for key in ["ada", "robin"] {
            let made = harbour.0.run(&["key", "create", &harbour.text(key), "--quiet"]);
            assert_eq!(made.code, 0, "{}", made.stderr);
        }
        harbour
    }

    fn text(&self, name: &str) -> String {
        self.0.scratch(name).to_str().unwrap().to_owned()
    }

    /// Adds a text that goes by the number.
    fn add(&self, nth: u32, more: &[&str]) -> PathBuf {
        let before = self.names();
        let lines: String = (0..30)
            .map(|line| format!("let davit_{line} = capstan_{nth}(fathom_{line}, ensign);\n"))
            .collect();
        let text = self.0.file(&format!("{nth}.rs"), &lines);
        let args =
            ["index", "add", &text, "--as", "protected", "--name", "quay", "--index", &self.text("known")];
        let run = self.0.run(&[&args, more].concat());
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}", run.stdout);
        let is_new = |name: &&String| name.ends_with(".lzseg") && !before.contains(name);
        self.0.scratch("known").join(self.names().iter().find(is_new).unwrap())
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.scratch("known")).into_iter().flatten();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn sign(&self, key: &str) -> Run {
        self.named(self.0.run(&["index", "sign", "--index", &self.text("known"), "--key", &self.text(key)]))
    }

    fn verify(&self, keys: &[&str]) -> Run {
        let mut command = self.0.command(&["index", "verify", "--index", &self.text("known")]);
        for key in keys {
            command.args(["--trust", &self.text(&format!("{key}.pub"))]);
        }
        self.named(self.0.ended(command.output().unwrap()))
    }

    /// Puts names in the place of what is another in each world: the ids of keys.
    fn named(&self, mut run: Run) -> Run {
        for key in ["ada", "robin"] {
            let id = self.0.run(&["key", "show", &self.text(&format!("{key}.pub"))]).stdout;
            run.stdout = run.stdout.replace(id.trim(), &format!("${}", key.to_uppercase()));
            run.stderr = run.stderr.replace(id.trim(), &format!("${}", key.to_uppercase()));
        }
        for (nth, name) in self.names().iter().filter(|name| name.ends_with(".lzseg")).enumerate() {
            run.stdout = run.stdout.replace(name.as_str(), &format!("$SEGMENT{nth}"));
            run.stderr = run.stderr.replace(name.as_str(), &format!("$SEGMENT{nth}"));
        }
        run
    }

    #[track_caller]
    fn check_refused(&self, fault: &str) {
        let run = self.verify(&["ada"]);
        assert_eq!((run.code, run.stderr.as_str()), (30, ""), "{}", run.stdout);
        assert!(run.stdout.lines().any(|line| line.starts_with(fault)), "{}", run.stdout);
        assert!(run.stdout.ends_with("not everything is signed by a trusted key\n"), "{}", run.stdout);
    }
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    *bytes.get_mut(at).unwrap() ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn what_is_signed_as_it_is_written_verifies_and_says_by_whom() {
    let harbour = Harbour::new();
    let segment = harbour.add(1, &["--key", &harbour.text("ada")]);
    assert_eq!(harbour.names().len(), 2, "nothing half is left: {:?}", harbour.names());
    let run = harbour.verify(&["ada"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}", run.stdout);
    insta::assert_snapshot!(run.stdout, @"
    sha256:$DIGEST  32 fingerprints in 1 text, 30 lines, 1,784 bytes, signed by $ADA
    every segment is signed by a trusted key
    ");
    let run = harbour.verify(&[]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}", run.stdout);
    insta::assert_snapshot!(run.stdout, @"sha256:$DIGEST  32 fingerprints in 1 text, 30 lines, 1,784 bytes, 1 signature not asked");
    let signature = fs::read(signature_path(&segment)).unwrap();
    let run = harbour.sign("ada");
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(run.stdout, @"$SCRATCH/known/$SEGMENT0.sig bears the signature of the key $ADA already");
    assert_eq!(fs::read(signature_path(&segment)).unwrap(), signature);
}

#[test]
fn a_segment_that_arrived_unsigned_is_named_with_what_to_do() {
    let harbour = Harbour::new();
    harbour.add(1, &["--key", &harbour.text("ada")]);
    let log = harbour.0.file("session.jsonl", &log());
    let collect = ["collect", &log, "--index", &harbour.text("known")];
    let run = harbour.0.run(&collect);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let run = harbour.verify(&["ada"]);
    assert_eq!((run.code, run.stderr.as_str()), (30, ""), "{}", run.stdout);
    let fault = run.stdout.lines().find(|line| line.starts_with("unsigned")).unwrap();
    let fault = fault.replace("$SEGMENT1", "$SEGMENT0");
    insta::assert_snapshot!(fault, @"unsigned `$SCRATCH/known/$SEGMENT0`: fetch its `.sig` from whoever made it, sign it with `lazaret index sign` if you did, or take it out of the folder");
    // The same log gives the same segment, which this time is signed.
    let run = harbour.0.run(&[&collect[..], &["--key", &harbour.text("ada")]].concat());
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains("\nsigned $SCRATCH/known/"), "{}", run.stdout);
    assert_eq!(harbour.verify(&["ada"]).code, 0);
}

#[test]
fn a_changed_byte_is_found_in_a_segment_and_in_a_signature() {
    let harbour = Harbour::new();
    let segment = harbour.add(1, &[]);
    harbour.add(2, &[]);
    assert_eq!(harbour.sign("ada").code, 0);
    let signature = signature_path(&segment);
    for (at, fault) in [(30, "bad-signature"), (2, "bad-signature")] {
        flip(&signature, at);
        harbour.check_refused(fault);
        assert_eq!(harbour.verify(&[]).code, 0, "nobody asked for signatures");
        flip(&signature, at);
    }
    flip(&segment, 100);
    harbour.check_refused("altered");
    assert_eq!(harbour.verify(&[]).code, 1, "damaged known text is of no use, whoever signed it");
    flip(&segment, 100);
    fs::write(&signature, "-----BEGIN SSH SIGNATURE-----\n").unwrap();
    harbour.check_refused("bad-signature");
    let run = harbour.sign("ada");
    assert_eq!(run.code, 1, "{}", run.stdout);
    let stderr = run.stderr.replace("$SEGMENT1", "$SEGMENT0");
    insta::assert_snapshot!(stderr, @"
    error: the signature `$SCRATCH/known/$SEGMENT0.sig` does not verify: not a DSSE envelope: invalid number at line 1 column 2
    hint: nothing was signed; move that file away and sign again, or fetch it again from whoever signed
    ");
    assert_eq!(fs::read(&signature).unwrap(), b"-----BEGIN SSH SIGNATURE-----\n");
}

#[test]
fn keys_that_nobody_trusts_count_nothing_and_several_sign_one_segment() {
    let harbour = Harbour::new();
    let segment = harbour.add(1, &["--key", &harbour.text("robin")]);
    let run = harbour.verify(&["ada"]);
    assert_eq!((run.code, run.stderr.as_str()), (30, ""));
    insta::assert_snapshot!(run.stdout, @"
    sha256:$DIGEST  32 fingerprints in 1 text, 30 lines, 1,784 bytes
    untrusted `$SCRATCH/known/$SEGMENT0` (no signature is by a trusted key; the envelope names `$ROBIN`; trust one of these keys if you know whose it is): name the file of that key with `--trust`, or take the segment out of the folder
    not everything is signed by a trusted key
    ");
    let run = harbour.sign("ada");
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(run.stdout, @"signed $SCRATCH/known/$SEGMENT0.sig with the key $ADA, beside 1 other");
    for keys in [&["ada"][..], &["robin"], &["robin", "ada"]] {
        assert_eq!(harbour.verify(keys).code, 0);
    }
    let run = harbour.verify(&["ada", "robin"]);
    assert!(run.stdout.contains("signed by $ROBIN and $ADA"), "{}", run.stdout);
    let text = fs::read_to_string(signature_path(&segment)).unwrap();
    assert_eq!(text.matches("keyid").count(), 2);
}

#[test]
fn a_signature_of_another_segment_or_of_none_is_named() {
    let harbour = Harbour::new();
    let (one, other) = (harbour.add(1, &[]), harbour.add(2, &[]));
    assert_eq!(harbour.sign("ada").code, 0);
    let kept = fs::read(signature_path(&other)).unwrap();
    fs::copy(signature_path(&one), signature_path(&other)).unwrap();
    harbour.check_refused("another-file");
    let run = harbour.sign("robin");
    assert_eq!(run.code, 1, "nobody signs what another said of another file");
    assert!(run.stderr.contains("is that of another file"), "{}", run.stderr);
    fs::write(signature_path(&other), kept).unwrap();
    assert_eq!(harbour.verify(&["ada"]).code, 0);
    fs::remove_file(&other).unwrap();
    harbour.check_refused("no-segment");
    let run = harbour.verify(&[]);
    assert_eq!(run.code, 0, "{}", run.stdout);
    assert!(run.stdout.contains("no-segment"), "{}", run.stdout);
}

#[test]
fn merging_leaves_what_is_signed() {
    let harbour = Harbour::new();
    let signed = harbour.add(1, &["--key", &harbour.text("ada")]);
    let unsigned = [harbour.add(2, &[]), harbour.add(3, &[])];
    let run = harbour.0.run(&["index", "merge", "--index", &harbour.text("known")]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert!(run.stdout.starts_with("1 segment is signed and left alone\nwrote "), "{}", run.stdout);
    assert!(signed.exists() && !unsigned.iter().any(|path| path.exists()));
    assert_eq!(harbour.names().len(), 3);
    let run = harbour.0.run(&["index", "merge", "--index", &harbour.text("known")]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(run.stdout, @"
    1 segment is signed and left alone
    nothing to merge: there are not two segments that nobody has signed
    ");
}

#[test]
fn a_key_that_cannot_sign_stops_the_work_before_anything_is_written() {
    let harbour = Harbour::new();
    let log = harbour.0.file("session.jsonl", &log());
    let public = harbour.text("ada.pub");
    let collect = ["collect", &log, "--index", &harbour.text("known"), "--key", &public];
    assert_eq!(harbour.0.run(&collect).code, 1);
    assert!(!harbour.0.scratch("known").exists());
    let watch = ["collect", "--watch", "--index", &harbour.text("known"), "--key", &harbour.text("ada")];
    assert_eq!(harbour.0.run(&watch).code, 2, "segments that are signed are never merged");
}
