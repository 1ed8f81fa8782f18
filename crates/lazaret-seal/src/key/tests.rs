//! Tests of keys: round trips, what is refused, and that nothing secret shows.

use proptest::prelude::*;

use super::*;

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed([seed; 32])
}

proptest! {
    #[test]
    fn keys_round_trip_through_pem(seed: [u8; 32]) {
        let secret = SecretKey::from_seed(seed);
        let again = SecretKey::parse_pem(&secret.to_pem().unwrap()).unwrap();
        prop_assert_eq!(secret.public(), again.public());
        let public = PublicKey::parse_pem(&secret.public().to_pem().unwrap()).unwrap();
        prop_assert_eq!(secret.public(), public);
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_signature_is_of_one_message_and_one_key(seed: [u8; 32], message: Vec<u8>, at: usize, bit in 0..8_u8) {
        let secret = SecretKey::from_seed(seed);
        let mut signature = secret.sign(&message);
        prop_assert!(secret.public().verifies(&message, &signature));
        prop_assert!(!key(1).public().verifies(&message, &signature) || seed == [1; 32]);
        let mut longer = message.clone();
        longer.push(0);
        prop_assert!(!secret.public().verifies(&longer, &signature));
        let n_bytes = signature.len();
        signature[at % n_bytes] ^= 1 << bit;
        prop_assert!(!secret.public().verifies(&message, &signature));
    }
}

#[test]
fn the_name_is_the_digest_of_what_is_published() {
    let public = key(7).public();
    let der = public.key.to_public_key_der().unwrap();
    let digest: [u8; 32] = Sha256::digest(der.as_bytes()).into();
    assert_eq!(public.id(), KeyId(digest));
    assert_eq!(public.id().to_string().len(), 64);
}

#[test]
fn the_vector_of_the_standard_is_reproduced() {
    // RFC 8032, 7.1, test 1: the seed, the public key, and the signature of the empty message.
    let hex = |text: &str| -> Vec<u8> {
        text.as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    };
    let seed = hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
    let secret = SecretKey::from_seed(seed.try_into().unwrap());
    let public = hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    assert_eq!(secret.public().as_bytes().as_slice(), public);
    let signature = hex(concat!(
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155",
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    ));
    assert_eq!(secret.sign(b"").as_slice(), signature);
}

#[test]
fn nothing_shows_a_secret() {
    let secret = key(0x5a);
    let shown = format!("{secret:?}");
    assert_eq!(shown, format!("SecretKey(of {})", secret.public().id()));
    let pem = secret.to_pem().unwrap();
    let body = pem.lines().nth(1).unwrap();
    let (half, _) = body.split_at(40);
    let broken = pem.replace("PRIVATE", "PRIVATA");
    let error = SecretKey::parse_pem(&broken).unwrap_err();
    let cut = SecretKey::parse_pem(&pem.replace(body, half)).unwrap_err();
    for error in [error, cut] {
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains(half) && !shown.contains("WlpaWl"), "{shown}");
    }
}

#[test]
fn several_keys_are_trusted_together() {
    let pems: Vec<String> = (1..=3).map(|seed| key(seed).public().to_pem().unwrap()).collect();
    let text = format!("# Team A\n{}\n\n# Team B\r\n{}{}", pems[0], pems[1], pems[2].replace('\n', "\r\n"));
    let trusted = TrustedKeys::parse_pem(&text).unwrap();
    assert_eq!(trusted.iter().count(), 3);
    let id = key(2).public().id();
    assert_eq!(trusted.named(&id.to_string()), Some(&key(2).public()));
    assert_eq!(trusted.named(""), None);
}

#[test]
fn what_is_not_a_set_of_keys_is_refused() {
    let public = key(1).public().to_pem().unwrap();
    let secret = key(1).to_pem().unwrap();
    // The neutral point of the curve: every signature with a zero scalar verifies under it.
    let weak = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n-----END PUBLIC KEY-----\n";
    let check = |text: &str, expected: &str| {
        let error = TrustedKeys::parse_pem(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check("", "names no key");
    check("# nobody\n\n", "names no key");
    check(&format!("{public}trust me\n"), "line 4 belongs to no key");
    check(&format!("{public}{}", &*secret), "key 2 is a secret key");
    check(&public.replace("-----END PUBLIC KEY-----", ""), "begins in line 1 has no");
    check(&public.replace("MCow", "MCox"), "key 1 is not an Ed25519 public key");
    check(&public.replace("PUBLIC", "CERTIFICATE"), "key 1 is not an Ed25519 public key");
    check(weak, "key 1 is a weak point");
    check(&"#\n".repeat(TRUSTED_BYTES_MAX), "longer than");
}

const KIND: &str = "lazaret.test/1";

/// Messages, the keys that signed them, and the signatures.
fn batch(seeds: &[u8]) -> Vec<(PublicKey, Vec<u8>, Vec<u8>)> {
    let signed = seeds.iter().zip(0_u8..).map(|(seed, nth)| {
        let (key, message) = (key(*seed), vec![nth, *seed]);
        let signature = key.sign_as(KIND, &message).to_vec();
        (key.public(), message, signature)
    });
    signed.collect()
}

fn all_verify(kind: &'static str, batch: &[(PublicKey, Vec<u8>, Vec<u8>)]) -> bool {
    let signed: Vec<Signed<'_>> =
        batch.iter().map(|(key, message, signature)| Signed { key, message, signature }).collect();
    all_verify_as(kind, &signed)
}

#[test]
fn an_empty_batch_has_nothing_wrong() {
    assert!(all_verify(KIND, &[]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_batch_holds_if_and_only_if_each_signature_does(
        seeds in prop::collection::vec(0..4_u8, 1..24),
        at in any::<prop::sample::Index>(),
        bit in 0..8_u32,
        byte in 0..64_usize,
        what in 0..4_u8,
    ) {
        let mut batch = batch(&seeds);
        prop_assert!(all_verify(KIND, &batch));
        prop_assert!(!all_verify("lazaret.other/1", &batch));
        let (key_there, message, signature) = at.get(&batch).clone();
        let at = at.index(batch.len());
        batch[at] = match what {
            0 => {
                let mut altered = signature;
                altered[byte] ^= 1 << bit;
                (key_there, message, altered)
            }
            1 => (key(9).public(), message, signature),
            2 => (key_there, [message, vec![0]].concat(), signature),
            _ => (key_there, message, signature[..byte].to_vec()),
        };
        prop_assert!(!all_verify(KIND, &batch));
        let (key, message, signature) = &batch[at];
        prop_assert!(!key.verifies_as(KIND, message, signature));
    }
}
