//! A signature vouches for one segment and what is in it, and for nothing else.

use std::fs;
use std::path::{Path, PathBuf};

use lazaret_pipeline::known::{
    Class, SegmentBuilder, SegmentFaultKind, SegmentFile, Signatures, Signing, add_files, sign_segment,
    sign_segments, signature_path, verify_segments, write_segment,
};
use lazaret_seal::{Envelope, STATEMENT_PAYLOAD, SecretKey, TrustedKeys};
use proptest::prelude::*;

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed([seed; 32])
}

/// A folder with one segment of two texts, of two names and two classes.
fn index() -> (tempfile::TempDir, SegmentFile) {
    let (folder, texts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut builder = SegmentBuilder::new();
    for (name, class) in [("quay", Class::Rival), ("jetty", Class::Eval)] {
        let lines = (0..30).map(|nth| format!("let {name}_{nth} = mizzen.lanyard(keel_{nth}, rudder);\n"));
        let path = texts.path().join(name);
        fs::write(&path, lines.collect::<String>()).unwrap();
        add_files(&mut builder, &path, class, name, 0).unwrap();
    }
    let file = write_segment(folder.path(), builder).unwrap().unwrap();
    (folder, file)
}

/// Returns what is not in order, where the keys of these seeds are trusted.
fn faults(folder: &Path, seed: u8) -> Vec<(PathBuf, SegmentFaultKind)> {
    let trusted = TrustedKeys::one(key(seed).public());
    let verification = verify_segments(folder, Some(&trusted)).unwrap();
    verification.faults.into_iter().map(|fault| (fault.path, fault.kind)).collect()
}

#[test]
fn a_statement_says_what_is_in_the_segment_and_names_nobody() {
    let (folder, file) = index();
    let signed = sign_segments(folder.path(), &key(1)).unwrap();
    let [signing] = &signed[..] else { panic!("{signed:?}") };
    assert!(matches!(signing.outcome, Ok(Signing::Signed { n_others: 0 })), "{signing:?}");
    let envelope = Envelope::parse_exact(&fs::read(signature_path(&file.path)).unwrap()).unwrap();
    let verified = envelope.verify(STATEMENT_PAYLOAD, &TrustedKeys::one(key(1).public())).unwrap();
    let text = String::from_utf8(verified.value).unwrap();
    let hex = file.digest.to_string().split_off("sha256:".len());
    let text = text.replace(&hex, "$DIGEST").replace(env!("CARGO_PKG_VERSION"), "$VERSION");
    insta::assert_snapshot!(text, @r#"{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"$DIGEST.lzseg","digest":{"sha256":"$DIGEST"},"annotations":{"bytes":2744}}],"predicateType":"lazaret:segment/1","predicate":{"version":"$VERSION","texts":{"eval":1,"rival":1},"names":2,"fingerprints":83,"shapes":1,"lines":60}}"#);
}

#[test]
fn several_keys_vouch_for_one_statement() {
    let (folder, file) = index();
    assert_eq!(sign_segment(&file.path, &key(1)).unwrap(), Signing::Signed { n_others: 0 });
    assert_eq!(sign_segment(&file.path, &key(2)).unwrap(), Signing::Signed { n_others: 1 });
    for seed in [1, 2] {
        assert_eq!(sign_segment(&file.path, &key(seed)).unwrap(), Signing::SignedBefore);
        assert_eq!(faults(folder.path(), seed), []);
    }
    assert_eq!(faults(folder.path(), 3), [(file.path, SegmentFaultKind::Untrusted)]);
    let verification = verify_segments(folder.path(), None).unwrap();
    assert_eq!(verification.segments[0].signatures, Signatures::NotAsked(2));
    assert_eq!(verification.faults, []);
}

#[test]
fn a_signature_too_many_leaves_those_that_are_there() {
    let (_folder, file) = index();
    for seed in 1..=32 {
        sign_segment(&file.path, &key(seed)).unwrap();
    }
    let before = fs::read(signature_path(&file.path)).unwrap();
    assert!(sign_segment(&file.path, &key(33)).is_err());
    assert_eq!(fs::read(signature_path(&file.path)).unwrap(), before);
}

/// Changes the statement, signs what came of it, and puts it beside the segment.
#[track_caller]
fn check_statement(from: &str, to: &str, expected: SegmentFaultKind) {
    let (folder, file) = index();
    sign_segment(&file.path, &key(1)).unwrap();
    let path = signature_path(&file.path);
    let envelope = Envelope::parse_exact(&fs::read(&path).unwrap()).unwrap();
    let text = String::from_utf8(envelope.unverified().to_vec()).unwrap();
    let changed = text.replacen(from, to, 1);
    assert_ne!(text, changed);
    let envelope = Envelope::sign(STATEMENT_PAYLOAD, changed.into_bytes(), &key(1));
    fs::write(&path, envelope.to_json()).unwrap();
    assert_eq!(faults(folder.path(), 1), [(file.path.clone(), expected)]);
    // Nobody else puts a name to it either.
    let signature = fs::read(&path).unwrap();
    assert!(sign_segment(&file.path, &key(2)).is_err());
    assert_eq!(fs::read(&path).unwrap(), signature);
}

#[test]
fn a_trusted_key_does_not_make_true_what_is_not_in_the_segment() {
    use SegmentFaultKind::{AnotherFile, BadSignature};
    check_statement("\"rival\":1", "\"rival\":0", BadSignature);
    check_statement("\"names\":2", "\"names\":3", BadSignature);
    check_statement("\"version\":", "\"reviewed\":true,\"version\":", BadSignature);
    check_statement("lazaret:segment/1", "lazaret:segment/2", BadSignature);
    check_statement("\"name\":\"", "\"name\":\"../", BadSignature);
    let other = "0".repeat(64);
    check_statement("\"sha256\":\"", &format!("\"sha256\":\"{other}\",\"sha1\":\""), AnotherFile);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_byte_of_a_signature_or_a_segment_can_be_changed(at: prop::sample::Index, bit in 0..8_u8) {
        let (folder, file) = index();
        sign_segment(&file.path, &key(1)).unwrap();
        prop_assert_eq!(faults(folder.path(), 1), []);
        for path in [signature_path(&file.path), file.path] {
            let whole = fs::read(&path).unwrap();
            let mut changed = whole.clone();
            changed[at.index(whole.len())] ^= 1 << bit;
            fs::write(&path, changed).unwrap();
            prop_assert_eq!(faults(folder.path(), 1).len(), 1, "{}", path.display());
            fs::write(&path, whole).unwrap();
        }
    }
}
