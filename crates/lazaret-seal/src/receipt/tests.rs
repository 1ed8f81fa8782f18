//! Tests of receipts: round trips, how one reads, and every number that must not add up.

use proptest::prelude::*;

use super::*;
use crate::json;
use crate::merkle::root;

fn digest(seed: u8) -> Digest {
    Digest::of(&[seed])
}

fn named(name: &str, seed: u8) -> NamedDigest {
    NamedDigest { name: name.to_owned(), digest: digest(seed) }
}

fn receipt() -> Receipt {
    Receipt {
        shard: Shard { name: "data/part-0001.jsonl".to_owned(), sha256: digest(1), bytes: 700 },
        resource: "dataset:acme-posts/part-0001.jsonl".to_owned(),
        input: named("posts.jsonl", 2),
        records: RecordCounts::new(10, 7, 2, 1).unwrap(),
        root: root((0..7).map(digest)),
        by_verdict: BTreeMap::from([(Verdict::Clean, 7), (Verdict::Unproven, 2), (Verdict::Tainted, 1)]),
        by_reason: BTreeMap::from([("predates".to_owned(), 7), ("no-proof".to_owned(), 2)]),
        policy: named("policy:acme-training", 3),
        catalog: digest(4),
        profile: digest(5),
        evidence: vec![named("bundle.parquet", 6)],
        program: Program { verifier: "https://acme.example/gate".to_owned(), version: "0.1.0".to_owned() },
        class: "training".to_owned(),
        left_out: Vec::new(),
        time: "2026-11-22T12:00:00Z".parse().unwrap(),
    }
}

fn key() -> SecretKey {
    SecretKey::from_seed([9; 32])
}

#[test]
fn a_receipt_reads_like_this() {
    let page = json::to_page(&receipt().to_statement().unwrap());
    insta::assert_snapshot!(String::from_utf8(page).unwrap());
}

prop_compose! {
    fn receipts()(
        counts in (0..9_u64, 0..9_u64, 0..9_u64),
        seeds: [u8; 6],
        bytes: u64,
        name in "[a-zé]{1,8}(/[a-z0-9.]{1,8}x){0,2}",
        reasons in prop::collection::btree_map("[a-z-]{1,9}", 0..1_u64, 0..4),
        evidence in prop::collection::vec("[a-z]{1,5}", 0..3),
        left_out in prop::collection::vec("[a-z]{1,5}", 0..3),
        second in 0..4_000_000_000_i64,
    ) -> Receipt {
        let (admitted, held, rejected) = counts;
        let read = admitted + held + rejected;
        Receipt {
            shard: Shard { name, sha256: digest(seeds[0]), bytes },
            records: RecordCounts::new(read, admitted, held, rejected).unwrap(),
            root: root((0..admitted).map(|n| Digest::of(&n.to_le_bytes()))),
            by_verdict: BTreeMap::from([(Verdict::Clean, admitted), (Verdict::Suspect, held + rejected)]),
            by_reason: reasons.into_keys().map(|reason| (reason, read)).collect(),
            input: named("in", seeds[1]),
            catalog: digest(seeds[2]),
            profile: digest(seeds[3]),
            policy: named("policy:p", seeds[4]),
            evidence: evidence.iter().map(|name| named(name, seeds[5])).collect(),
            left_out,
            time: Timestamp::from_second(second).unwrap(),
            ..receipt()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn receipts_round_trip(receipt in receipts()) {
        let statement = receipt.to_statement().unwrap();
        prop_assert_eq!(&Receipt::from_statement(statement.clone()).unwrap(), &receipt);
        let json = statement.to_json();
        prop_assert_eq!(&Statement::parse(&json).unwrap(), &statement);
        let sealed = receipt.seal(&key()).unwrap().to_json();
        prop_assert_eq!(&sealed, &receipt.seal(&key()).unwrap().to_json());
        let trusted = TrustedKeys::one(key().public());
        prop_assert_eq!(Receipt::open(&sealed, &trusted).unwrap().value, receipt);
    }

    #[test]
    fn counts_are_conserved(read: u64, admitted: u64, held: u64, rejected: u64) {
        let sum = u128::from(admitted) + u128::from(held) + u128::from(rejected);
        prop_assert_eq!(RecordCounts::new(read, admitted, held, rejected).is_ok(), sum == u128::from(read));
    }
}

#[track_caller]
fn refused(change: impl FnOnce(&mut Receipt), expected: &str) {
    let mut changed = receipt();
    change(&mut changed);
    let error = changed.seal(&key()).unwrap_err();
    let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    let error = format!("{error}: {source}");
    assert!(error.contains(expected), "{error}");
}

#[test]
fn numbers_that_do_not_add_up_are_not_signed() {
    refused(
        |it| it.by_verdict.retain(|verdict, _| *verdict != Verdict::Tainted),
        "10 records were read, but there are 9 verdicts",
    );
    refused(
        |it| it.by_verdict = BTreeMap::from([(Verdict::Clean, u64::MAX), (Verdict::Tainted, 11)]),
        "verdicts",
    );
    refused(|it| it.by_reason.extend([("no-proof".to_owned(), 11)]), "`no-proof` is given for 11 records");
    refused(|it| it.root = empty_root(), "does not go with 7 admitted");
    refused(|it| it.records = RecordCounts::new(10, 0, 9, 1).unwrap(), "does not go with 0 admitted");
}

#[test]
fn names_that_lead_elsewhere_are_not_signed() {
    refused(
        |it| it.shard.name = "../other/part.jsonl".to_owned(),
        "the name of the shard is not a plain relative path",
    );
    refused(|it| it.resource = "part 1".to_owned(), "the address of the shard is not a URI");
    refused(|it| it.policy.name = "acme".to_owned(), "the address of the policy is not a URI");
    refused(|it| it.by_reason.extend([("a\u{1b}".to_owned(), 1)]), "a reason holds a control");
}

/// Signs a statement that this crate would not write, and reads it.
#[track_caller]
fn refused_on_reading(from: &str, to: &str, expected: &str) {
    let statement = String::from_utf8(receipt().to_statement().unwrap().to_json()).unwrap();
    let changed = statement.replacen(from, to, 1);
    assert_ne!(statement, changed, "{from}");
    let sealed = Envelope::sign(STATEMENT_PAYLOAD, changed.into_bytes(), &key()).to_json();
    let error = Receipt::open(&sealed, &TrustedKeys::one(key().public())).unwrap_err();
    let mut shown = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(error) = source {
        shown = format!("{shown}: {error}");
        source = error.source();
    }
    assert!(shown.contains(expected), "{shown}");
}

#[test]
fn a_signature_does_not_excuse_what_is_wrong() {
    refused_on_reading(
        "\"held\":2",
        "\"held\":3",
        "10 records were read, but 7 were admitted, 3 held and 1 rejected",
    );
    refused_on_reading("\"clean\":7", "\"clean\":8", "10 records were read, but there are 11 verdicts");
    refused_on_reading("\"clean\":7", "\"clean\":6,\"clean\":7", "a key stands twice");
    refused_on_reading("PASSED", "FAILED", "`verificationResult` is missing");
    refused_on_reading("LAZARET_ADMITTED_1", "SLSA_BUILD_LEVEL_3", "`verifiedLevels` is missing");
    refused_on_reading("lazaret:receipt/1", "lazaret:receipt/2", "`lazaret:receipt/1` is missing");
    refused_on_reading("\"lazaret\":\"0.1.0\"", "\"other\":\"0.1.0\"", "`verifier.version` is missing");
    refused_on_reading("\"root\":\"sha256:", "\"root\":\"sha256:0", "`root` is missing");
    refused_on_reading("\"bytes\":700", "\"bytes\":\"700\"", "`annotations` is missing");
    refused_on_reading("data/part", "/data/part", "plain relative path");
    refused_on_reading(
        "\"subject\":[",
        "\"subject\":[{\"name\":\"b\",\"digest\":{\"sha256\":\"0000000000000000000000000000000000000000000000000000000000000000\"}},",
        "speaks of 2 files",
    );
    refused_on_reading("verification_summary/v1", "verification_summary/v2", "not of the kind");
}

#[test]
fn a_receipt_of_nobody_trusted_is_refused() {
    let sealed = receipt().seal(&key()).unwrap().to_json();
    let other = TrustedKeys::one(SecretKey::from_seed([8; 32]).public());
    let error = Receipt::open(&sealed, &other).unwrap_err();
    assert!(matches!(error, ReceiptError::Envelope { source: EnvelopeError::Untrusted { .. } }), "{error:?}");
}
