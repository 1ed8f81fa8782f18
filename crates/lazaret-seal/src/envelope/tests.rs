//! Tests of envelopes: what verifies, and everything that must not.

use proptest::prelude::*;

use super::*;

const KIND: &str = "application/vnd.example+json";

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed([seed; 32])
}

fn trusted(seed: u8) -> TrustedKeys {
    TrustedKeys::one(key(seed).public())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_was_signed_comes_back(payload: Vec<u8>, kind in "[a-z/+é]{0,20}", seed: u8) {
        let envelope = Envelope::sign(&kind, payload.clone(), &key(seed));
        let read = Envelope::parse_exact(&envelope.to_json()).unwrap();
        prop_assert_eq!(&read, &envelope);
        let verified = read.verify(&kind, &trusted(seed)).unwrap();
        prop_assert_eq!(verified.value, payload);
        prop_assert_eq!(verified.by, [key(seed).public().id()]);
    }

}

proptest! {
    // Each case tries every byte of an envelope.
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn no_byte_of_a_file_can_be_changed(payload in prop::collection::vec(any::<u8>(), 0..40), bit in 0..8_u8) {
        let json = Envelope::sign(KIND, payload.clone(), &key(1)).to_json();
        for at in 0..json.len() {
            let mut bytes = json.clone();
            bytes[at] ^= 1 << bit;
            let outcome = Envelope::parse_exact(&bytes).and_then(|read| read.verify(KIND, &trusted(1)));
            prop_assert!(outcome.is_err(), "byte {} of {}", at, String::from_utf8_lossy(&json));
            // The tolerant reader may overlook what no signature covers, but never gives another payload.
            let outcome = Envelope::parse(&bytes).and_then(|read| read.verify(KIND, &trusted(1)));
            prop_assert!(outcome.is_err() || outcome.unwrap().value == payload);
        }
    }

}

proptest! {
    #[test]
    fn no_file_can_be_cut_or_lengthened(cut in 0..200_usize, more in "[ \n{}a]{1,3}") {
        let json = Envelope::sign(KIND, b"{}".to_vec(), &key(1)).to_json();
        prop_assert!(Envelope::parse_exact(&json[..cut.min(json.len() - 1)]).is_err());
        prop_assert!(Envelope::parse_exact(&[&json, more.as_bytes()].concat()).is_err());
    }

    #[test]
    fn reading_never_panics(bytes: Vec<u8>, text in r#"[{}"a-z:,\[\]=]{0,40}"#) {
        prop_assert!(Envelope::parse(&bytes).is_err());
        prop_assert!(Envelope::parse(text.as_bytes()).is_err());
    }
}

#[test]
fn the_signed_bytes_are_those_of_the_specification() {
    // The example of the specification, protocol.md.
    let message = pre_authentication("http://example.com/HelloWorld", b"hello world");
    assert_eq!(message, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
}

#[test]
fn moving_a_byte_between_kind_and_payload_is_noticed() {
    let signed = Envelope::sign("a b", b"c".to_vec(), &key(1));
    let moved = Envelope { payload_type: "a".to_owned(), payload: b"b c".to_vec(), ..signed };
    assert!(matches!(moved.verify("a", &trusted(1)), Err(EnvelopeError::Altered { .. })));
}

#[track_caller]
fn check(outcome: Result<Verified<Vec<u8>>, EnvelopeError>, expected: &str) {
    let error = outcome.unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn refusals_say_what_is_wrong() {
    let envelope = Envelope::sign(KIND, b"payload".to_vec(), &key(1));
    let id = key(1).public().id().to_string();
    check(
        envelope.verify(KIND, &trusted(2)),
        &format!("no signature is by a trusted key; the envelope names `{id}`"),
    );
    check(envelope.verify("text/plain", &trusted(1)), &format!("holds `{KIND}`, not `text/plain`"));
    let unsigned = Envelope { signatures: Vec::new(), ..envelope.clone() };
    check(unsigned.verify(KIND, &trusted(1)), "bears no signature");
    let altered = Envelope { payload: b"payloaf".to_vec(), ..envelope.clone() };
    check(altered.verify(KIND, &trusted(1)), &format!("by the trusted key {id} does not fit"));
    let hostile = Envelope { payload_type: "\u{1b}[31m".repeat(50), ..envelope };
    check(hostile.verify(KIND, &trusted(1)), "holds `\\u{1b}[31m");
}

#[test]
fn one_trusted_key_is_enough_and_a_forged_one_is_too_much() {
    let mut envelope = Envelope::sign(KIND, b"payload".to_vec(), &key(1));
    envelope.add_signature(&key(2));
    envelope.add_signature(&key(2));
    for seed in [1, 2] {
        let by = envelope.verify(KIND, &trusted(seed)).unwrap().by;
        assert_eq!(by, [key(seed).public().id()]);
    }
    envelope.signatures[0].bytes[5] ^= 1;
    assert!(envelope.verify(KIND, &trusted(2)).is_ok());
    check(envelope.verify(KIND, &trusted(1)), "does not fit");
}

#[test]
fn a_signature_without_a_hint_is_held_against_every_key() {
    let mut envelope = Envelope::sign(KIND, b"payload".to_vec(), &key(1));
    envelope.signatures[0].key_hint.clear();
    assert_eq!(envelope.verify(KIND, &trusted(1)).unwrap().by, [key(1).public().id()]);
    check(envelope.verify(KIND, &trusted(2)), "the envelope names no key");
}

#[test]
fn the_forms_that_the_specification_allows_are_read() {
    let envelope = Envelope::sign(KIND, vec![0xfb, 0xff, 0xfe], &key(1));
    let exact = String::from_utf8(envelope.to_json()).unwrap();
    let other = exact.replace("+//+", "-__-").replacen('{', "{ \"more\": [1.5], ", 1);
    assert_ne!(exact, other);
    assert_eq!(Envelope::parse(other.as_bytes()).unwrap(), envelope);
    assert!(matches!(Envelope::parse_exact(other.as_bytes()), Err(EnvelopeError::NotExact)));
}

#[test]
fn what_two_readers_could_read_in_two_ways_is_refused() {
    let exact = String::from_utf8(Envelope::sign(KIND, b"{}".to_vec(), &key(1)).to_json()).unwrap();
    let twice = exact.replacen('{', "{\"payload\":\"e30=\",", 1);
    let error = Envelope::parse(twice.as_bytes()).unwrap_err();
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("duplicate field"));
    // The last digit holds two bits that decode to nothing.
    let loose = exact.replace("e30=", "e31=");
    assert!(matches!(Envelope::parse(loose.as_bytes()), Err(EnvelopeError::Base64 { field: "payload", .. })));
}

#[test]
fn sizes_are_bounded() {
    let long = vec![b' '; ENVELOPE_BYTES_MAX + 1];
    assert!(matches!(Envelope::parse(&long), Err(EnvelopeError::TooLong { .. })));
    let mut envelope = Envelope::sign(KIND, Vec::new(), &key(1));
    envelope.signatures = vec![envelope.signatures[0].clone(); SIGNATURES_MAX + 1];
    assert!(matches!(Envelope::parse(&envelope.to_json()), Err(EnvelopeError::TooManySignatures { .. })));
}
