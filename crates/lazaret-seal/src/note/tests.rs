//! Tests of notes and checkpoints: known ones, round trips, and what is refused.

use proptest::prelude::*;

use super::*;

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed([seed; 32])
}

#[test]
fn the_example_of_the_specification_is_read() {
    let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    let checkpoint = Checkpoint::parse(text).unwrap();
    assert_eq!((checkpoint.origin.as_str(), checkpoint.size), ("example.com/behind-the-sofa", 20_852_163));
    assert_eq!(checkpoint.to_text().unwrap(), text);
}

#[test]
fn the_key_of_the_go_checksum_database_is_read() {
    // The key by which every Go toolchain checks sum.golang.org, and the name and hash that it signs under.
    let text = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
    let verifier = NoteVerifier::parse(text).unwrap();
    assert_eq!(verifier.name(), "sum.golang.org");
    assert_eq!(verifier.to_string(), text);
    for wrong in [text.replace("033d", "033e"), text.replace("sum.", "sun."), text.replace("+Ac", "+Bc")] {
        assert_eq!(NoteVerifier::parse(&wrong), Err(NoteError::Verifier), "{wrong}");
    }
}

#[test]
fn a_signed_checkpoint_reads_like_this() {
    let secret = key(3);
    let signer = NoteSigner::new("acme.example/ledger", &secret).unwrap();
    let checkpoint =
        Checkpoint { origin: "acme.example/ledger".to_owned(), size: 3, root: Digest::of(b"root") };
    let note = SignedNote::sign(checkpoint.to_text().unwrap(), &signer).unwrap();
    insta::assert_snapshot!(format!("{}\n{note}", signer.verifier()), @r"
    acme.example/ledger+0c0234a0+Ae1JKMYo0cLG6ukDOJBZlWEpWSc6XGP5NjbBRhSshzfR
    acme.example/ledger
    3
    SBNJTRN+FjG7owHVrKtue7eqdM4RhdRWVl71HXN2d7I=

    — acme.example/ledger DAI0oM8WjJaLvi24gKYXEY9aoshEoKx2yI7UJcLXNWSNcuqzw8mUaZ/IdKICUWiFnoXvlc35Pm1slb9yonA1i4YANQc=
    ");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn notes_round_trip(text in "[a-zé\n]{0,40}", seed: u8, name in "[a-z./é]{1,12}") {
        let (secret, witness) = (key(seed), key(seed.wrapping_add(1)));
        let signer = NoteSigner::new(&name, &secret).unwrap();
        let mut note = SignedNote::sign(format!("{text}\n"), &signer).unwrap();
        note.add_signature(&NoteSigner::new("w", &witness).unwrap());
        let read = SignedNote::parse(note.to_string().as_bytes()).unwrap();
        prop_assert_eq!(&read, &note);
        let trusted = [signer.verifier().clone()];
        let (verified, by) = read.verify(&trusted).unwrap();
        prop_assert_eq!(verified, format!("{text}\n"));
        prop_assert_eq!(by, [name.as_str()]);
    }

}

proptest! {
    // Each case tries every byte of a note.
    #![proptest_config(ProptestConfig::with_cases(3))]

    #[test]
    fn no_byte_can_be_changed(bit in 0..8_u8) {
        let secret = key(1);
        let signer = NoteSigner::new("a", &secret).unwrap();
        let note = SignedNote::sign("log\n7\n".to_owned(), &signer).unwrap().to_string().into_bytes();
        let trusted = [signer.verifier().clone()];
        for at in 0..note.len() {
            let mut bytes = note.clone();
            bytes[at] ^= 1 << bit;
            let holds = SignedNote::parse(&bytes).is_ok_and(|note| note.verify(&trusted).is_ok());
            prop_assert!(!holds, "byte {}", at);
        }
    }

}

proptest! {
    #[test]
    fn reading_never_panics(bytes: Vec<u8>, text in "[\n— a+A=0]{0,60}") {
        for bytes in [bytes.as_slice(), text.as_bytes()] {
            if let Ok(note) = SignedNote::parse(bytes) {
                prop_assert_eq!(note.verify(&[]), Err(NoteError::Untrusted));
            }
            if let Ok(checkpoint) = Checkpoint::parse(&String::from_utf8_lossy(bytes)) {
                prop_assert!(!checkpoint.origin.is_empty());
            }
        }
    }

    #[test]
    fn checkpoints_round_trip(origin in "[a-z./]{1,20}", size: u64, root: [u8; 32]) {
        let checkpoint = Checkpoint { origin, size, root: Digest::from_bytes(root) };
        prop_assert_eq!(Checkpoint::parse(&checkpoint.to_text().unwrap()), Ok(checkpoint));
    }
}

#[test]
fn a_note_is_never_an_envelope() {
    let secret = key(1);
    let signer = NoteSigner::new("a", &secret).unwrap();
    let text = "DSSEv1 1 a 2 {\n".to_owned();
    assert_eq!(SignedNote::sign(text, &signer), Err(NoteError::Text));
    assert!(matches!(NoteSigner::new("a b", &secret), Err(NoteError::KeyName { .. })));
}

#[test]
fn what_is_not_a_checkpoint_is_refused() {
    let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
    for (text, expected) in [
        (format!("a\n1\n{root}"), "does not end"),
        (format!("a\n\n1\n{root}\n"), "line is empty"),
        ("a\n1\n".to_owned(), "fewer than three"),
        (format!("a\n01\n{root}\n"), "not a size"),
        (format!("a\n-1\n{root}\n"), "not a size"),
        (format!("a\n1\n{}\n", root.replace('C', "")), "not a root"),
    ] {
        let error = Checkpoint::parse(&text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    assert!(Checkpoint::parse(&format!("a\n1\n{root}\nmore\n")).is_ok());
}
