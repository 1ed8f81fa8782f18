//! Holds keys and envelopes against `openssl`, which knows nothing of this crate; without it the tests fail.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use lazaret_seal::{Envelope, PublicKey, SecretKey, TrustedKeys};

const KIND: &str = "application/vnd.in-toto+json";
const PAYLOAD: &[u8] = b"{\"_type\":\"example\"}";

#[expect(clippy::expect_used, reason = "only tests are compiled with this file")]
fn openssl(folder: &Path, arguments: &[&str]) -> Output {
    let output = Command::new("openssl").args(arguments).current_dir(folder).output();
    output.expect("`openssl` is needed to check what this crate writes; install it")
}

#[track_caller]
fn succeed(folder: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = openssl(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The bytes that DSSE signs, made here from its specification and not by the crate.
fn signed_bytes(kind: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

fn verify(folder: &Path) -> Output {
    let arguments = [
        "pkeyutl",
        "-verify",
        "-pubin",
        "-inkey",
        "public.pem",
        "-rawin",
        "-in",
        "message",
        "-sigfile",
        "sig",
    ];
    openssl(folder, &arguments)
}

#[test]
fn openssl_reads_our_keys_and_writes_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let secret = SecretKey::from_seed([7; 32]);
    fs::write(folder.join("secret.pem"), secret.to_pem().unwrap().as_bytes()).unwrap();
    let public = succeed(folder, &["pkey", "-in", "secret.pem", "-pubout"]);
    assert_eq!(String::from_utf8(public).unwrap(), secret.public().to_pem().unwrap());
    let again = succeed(folder, &["pkey", "-in", "secret.pem"]);
    assert_eq!(String::from_utf8(again).unwrap(), *secret.to_pem().unwrap());
    let der =
        succeed(folder, &["pkey", "-in", "secret.pem", "-pubout", "-outform", "DER", "-out", "public.der"]);
    assert!(der.is_empty());
    let digest = succeed(folder, &["dgst", "-sha256", "-r", "public.der"]);
    let digest = String::from_utf8(digest).unwrap();
    assert_eq!(digest.split(' ').next(), Some(secret.public().id().to_string().as_str()));
}

#[test]
fn we_read_the_keys_of_openssl() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    succeed(folder, &["genpkey", "-algorithm", "ed25519", "-out", "secret.pem"]);
    let secret = SecretKey::parse_pem(&fs::read_to_string(folder.join("secret.pem")).unwrap()).unwrap();
    let public = succeed(folder, &["pkey", "-in", "secret.pem", "-pubout"]);
    let public = PublicKey::parse_pem(&String::from_utf8(public).unwrap()).unwrap();
    assert_eq!(secret.public(), public);
    succeed(folder, &["genpkey", "-algorithm", "x25519", "-out", "other.pem"]);
    assert!(SecretKey::parse_pem(&fs::read_to_string(folder.join("other.pem")).unwrap()).is_err());
}

#[test]
fn openssl_verifies_our_signatures_and_no_altered_ones() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let secret = SecretKey::from_seed([8; 32]);
    let envelope = Envelope::sign(KIND, PAYLOAD.to_vec(), &secret);
    fs::write(folder.join("public.pem"), secret.public().to_pem().unwrap()).unwrap();
    fs::write(folder.join("sig"), &envelope.signatures()[0].bytes).unwrap();
    fs::write(folder.join("message"), signed_bytes(KIND, PAYLOAD)).unwrap();
    let output = verify(folder);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    fs::write(folder.join("message"), signed_bytes(KIND, b"{\"_type\":\"Example\"}")).unwrap();
    assert!(!verify(folder).status.success());
}

#[test]
fn we_verify_the_signatures_of_openssl() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    succeed(folder, &["genpkey", "-algorithm", "ed25519", "-out", "secret.pem"]);
    let public = String::from_utf8(succeed(folder, &["pkey", "-in", "secret.pem", "-pubout"])).unwrap();
    fs::write(folder.join("message"), signed_bytes(KIND, PAYLOAD)).unwrap();
    succeed(folder, &["pkeyutl", "-sign", "-inkey", "secret.pem", "-rawin", "-in", "message", "-out", "sig"]);
    let base64 = |name: &str| {
        let text = succeed(folder, &["base64", "-A", "-in", name]);
        String::from_utf8(text).unwrap()
    };
    fs::write(folder.join("payload"), PAYLOAD).unwrap();
    let json = format!(
        r#"{{"payloadType":"{KIND}","payload":"{}","signatures":[{{"sig":"{}"}}]}}"#,
        base64("payload"),
        base64("sig")
    );
    let trusted = TrustedKeys::parse_pem(&public).unwrap();
    let verified = Envelope::parse(json.as_bytes()).unwrap().verify(KIND, &trusted).unwrap();
    assert_eq!(verified.value, PAYLOAD);
}
