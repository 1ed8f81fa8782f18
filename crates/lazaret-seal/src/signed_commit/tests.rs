//! Commits that git signs with real keys of `ssh-keygen` and `gpg`, and what is made of them by altering.
#![expect(clippy::disallowed_methods, reason = "programs are looked for where the machine has them")]

use std::path::Path;
use std::process::Command;

use super::*;

/// Runs a program in a folder and returns what it says.
fn run(folder: &Path, program: &str, args: &[&str]) -> Vec<u8> {
    let mut command = Command::new(program);
    command
        .current_dir(folder)
        .args(args)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default());
    for (name, value) in [
        ("HOME", folder.as_os_str()),
        ("GNUPGHOME", folder.join("gnupg").as_os_str()),
        ("GIT_CONFIG_NOSYSTEM", "1".as_ref()),
        ("GIT_AUTHOR_NAME", "Ada".as_ref()),
        ("GIT_AUTHOR_EMAIL", "ada@acme.example".as_ref()),
        ("GIT_COMMITTER_NAME", "Ada".as_ref()),
        ("GIT_COMMITTER_EMAIL", "ada@acme.example".as_ref()),
    ] {
        command.env(name, value);
    }
    let output = command.output().unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Makes a repository with one signed commit, and returns the commit.
fn commit(folder: &Path, format: &str, key: &str, object_format: &str) -> Vec<u8> {
    run(folder, "git", &["init", "--quiet", &format!("--object-format={object_format}"), "repository"]);
    let repository = folder.join("repository");
    let (format, key) = (format!("gpg.format={format}"), format!("user.signingKey={key}"));
    let message = "A subject\n\nWritten-Without: any AI tool\n";
    let args = ["-c", &format, "-c", &key, "commit", "--quiet", "--allow-empty", "-S", "-m", message];
    let home = |args: &[&str]| {
        let mut command = Command::new("git");
        command.current_dir(&repository).args(args).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", folder).env("GNUPGHOME", folder.join("gnupg"));
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "Ada").env(format!("GIT_{who}_EMAIL"), "ada@acme.example");
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    home(&args);
    home(&["cat-file", "commit", "HEAD"])
}

fn ssh_key(folder: &Path, kind: &[&str]) -> (String, String) {
    let args = [&["-q", "-N", "", "-f", "key", "-t"], kind].concat();
    run(folder, "ssh-keygen", &args);
    let shown = String::from_utf8(run(folder, "ssh-keygen", &["-l", "-f", "key.pub"])).unwrap();
    let name = shown.split(' ').nth(1).unwrap().to_owned();
    (folder.join("key.pub").to_str().unwrap().to_owned(), name)
}

#[test]
fn commits_that_git_signs_with_ssh_keys_verify_under_the_name_that_ssh_gives_the_key() {
    for kind in [&["ed25519"][..], &["ecdsa", "-b", "256"], &["ecdsa", "-b", "384"], &["rsa", "-b", "2048"]] {
        let folder = tempfile::tempdir().unwrap();
        let (key, name) = ssh_key(folder.path(), kind);
        let raw = commit(folder.path(), "ssh", &key, "sha1");
        let signer =
            verify_commit(&raw, &Keyring::default()).unwrap_or_else(|error| panic!("{kind:?}: {error}"));
        assert_eq!((signer.key.as_str(), signer.is_ssh), (name.as_str(), true), "{kind:?}");
    }
}

#[test]
fn commits_of_the_other_object_format_verify_too() {
    let folder = tempfile::tempdir().unwrap();
    let (key, name) = ssh_key(folder.path(), &["ed25519"]);
    let raw = commit(folder.path(), "ssh", &key, "sha256");
    assert!(raw.windows(13).any(|window| window == b"gpgsig-sha256"));
    assert_eq!(verify_commit(&raw, &Keyring::default()).unwrap().key.as_str(), name);
}

#[test]
fn no_byte_of_a_signed_commit_can_change() {
    let folder = tempfile::tempdir().unwrap();
    let (key, name) = ssh_key(folder.path(), &["ed25519"]);
    let raw = commit(folder.path(), "ssh", &key, "sha1");
    for at in 0..raw.len() {
        let mut changed = raw.clone();
        changed[at] ^= 1;
        // Armour has places that mean nothing, such as the width of its lines.
        if let Ok(signer) = verify_commit(&changed, &Keyring::default()) {
            assert_eq!(signer.key.as_str(), name);
            assert_eq!(part(&changed).payload, part(&raw).payload, "byte {at} is not covered");
        }
    }
}

#[test]
fn a_signature_for_something_else_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let (key, _) = ssh_key(folder.path(), &["ed25519"]);
    let raw = commit(folder.path(), "ssh", &key, "sha1");
    let payload = part(&raw).payload;
    std::fs::write(folder.path().join("payload"), &payload).unwrap();
    run(folder.path(), "ssh-keygen", &["-q", "-Y", "sign", "-f", "key", "-n", "file", "payload"]);
    let signature = std::fs::read_to_string(folder.path().join("payload.sig")).unwrap();
    let header = format!("gpgsig {}\n", signature.trim_end().replace('\n', "\n "));
    let text = String::from_utf8(payload).unwrap();
    let (head, message) = text.split_once("\n\n").unwrap();
    let forged = format!("{head}\n{header}\n{message}");
    let error = verify_commit(forged.as_bytes(), &Keyring::default()).unwrap_err();
    assert!(error.to_string().contains("something else than git"), "{error}");
}

#[test]
fn what_bears_no_signature_or_two_proves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (key, _) = ssh_key(folder.path(), &["ed25519"]);
    let raw = commit(folder.path(), "ssh", &key, "sha1");
    let unsigned = part(&raw).payload;
    assert_eq!(verify_commit(&unsigned, &Keyring::default()), Err(CommitSignatureError::Unsigned));
    let text = String::from_utf8(raw).unwrap();
    let at = text.find("gpgsig").unwrap();
    let end = text.find("\n\n").unwrap() + 1;
    let (head, message) = text.split_at(end);
    let twice = format!("{head}{}{message}", head.split_at(at).1);
    assert_eq!(verify_commit(twice.as_bytes(), &Keyring::default()), Err(CommitSignatureError::Several));
    let x509 = text.replace("SSH SIGNATURE", "SIGNED MESSAGE");
    assert_eq!(verify_commit(x509.as_bytes(), &Keyring::default()), Err(CommitSignatureError::UnknownKind));
}

/// Makes a key of `gpg` and returns its fingerprint and its armoured export.
fn gpg_key(folder: &Path, algorithm: &str, subkey: Option<&str>) -> (String, String) {
    use std::os::unix::fs::PermissionsExt as _;
    let home = folder.join("gnupg");
    std::fs::create_dir_all(&home).unwrap();
    std::fs::set_permissions(&home, std::fs::Permissions::from_mode(0o700)).unwrap();
    let user = "Ada <ada@acme.example>";
    let quick = ["--batch", "--quiet", "--passphrase", "", "--quick-generate-key", user, algorithm];
    let use_of = if subkey.is_some() { "cert" } else { "sign" };
    run(folder, "gpg", &[&quick[..], &[use_of, "never"]].concat());
    let listed = String::from_utf8(run(folder, "gpg", &["--batch", "--with-colons", "--list-keys"])).unwrap();
    let line = listed.lines().find(|line| line.starts_with("fpr:")).unwrap();
    let fingerprint = line.split(':').nth(9).unwrap().to_owned();
    if let Some(subkey) = subkey {
        let add = [
            "--batch",
            "--quiet",
            "--passphrase",
            "",
            "--quick-add-key",
            &fingerprint,
            subkey,
            "sign",
            "never",
        ];
        run(folder, "gpg", &add);
    }
    (fingerprint, String::from_utf8(run(folder, "gpg", &["--batch", "--armor", "--export"])).unwrap())
}

#[test]
fn commits_that_git_signs_with_gpg_verify_under_the_primary_key() {
    for (algorithm, subkey) in [("ed25519", None), ("rsa2048", None), ("ed25519", Some("rsa2048"))] {
        let folder = tempfile::tempdir().unwrap();
        let (fingerprint, export) = gpg_key(folder.path(), algorithm, subkey);
        let raw = commit(folder.path(), "openpgp", &fingerprint, "sha1");
        assert_eq!(verify_commit(&raw, &Keyring::default()), Err(CommitSignatureError::UnknownKey));
        let mut keyring = Keyring::default();
        keyring.add(&export).unwrap();
        let signer = verify_commit(&raw, &keyring).unwrap_or_else(|error| panic!("{algorithm}: {error}"));
        assert_eq!(signer.key.as_str(), format!("openpgp:{}", fingerprint.to_lowercase()));
        assert!(!signer.is_ssh);
        let altered = String::from_utf8(raw).unwrap().replace("any AI tool", "haste");
        assert_eq!(verify_commit(altered.as_bytes(), &keyring), Err(CommitSignatureError::Altered));
    }
}

#[test]
fn a_file_that_is_no_keyring_is_refused() {
    let mut keyring = Keyring::default();
    for text in ["", "oops", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n-----END PGP PUBLIC KEY BLOCK-----\n"] {
        assert!(keyring.add(text).is_err(), "{text}");
    }
}
