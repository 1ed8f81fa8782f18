//! Tests of witnesses: what they cosign, what they refuse, and what they keep.

use lazaret_seal::{CosignatureVerifier, Cosigner, SignedNote};

use super::*;

static WITNESS_KEY: LazyLock<SecretKey> = LazyLock::new(|| SecretKey::from_seed([2; 32]));
static COSIGNER: LazyLock<Cosigner<'static>> =
    LazyLock::new(|| Cosigner::new("audit.example/witness", &WITNESS_KEY).unwrap());

fn witnesses() -> Vec<CosignatureVerifier> {
    vec![COSIGNER.verifier().clone()]
}

async fn witness(folder: &TempDir) -> Witness<'static> {
    let witness = Witness::new(&folder.path().join("witness"), &COSIGNER);
    witness.create().await.unwrap();
    witness
}

#[test]
fn a_growing_ledger_is_cosigned_and_takes_the_cosignature_over() {
    block_on(async {
        let home = TempDir::new().unwrap();
        let witness = witness(&home).await;
        let (_folder, shelf) = shelf();
        let entries = Entries::default();
        let mut before = None;
        for (second, size) in [0, 1, 256, 256, 700].into_iter().enumerate() {
            entries.grow(size);
            publish(&shelf, &entries).await.unwrap();
            let time = at(second as i64);
            let cosigned = witness.cosign(&shelf, SIGNER.verifier(), time).await.unwrap();
            assert_eq!((cosigned.checkpoint.size, cosigned.before), (size, before));
            before = Some(cosigned.checkpoint);
            let publisher = Publisher::new(shelf.clone(), &SIGNER);
            let adopted = publisher.adopt(cosigned.note.to_string().as_bytes(), &witnesses()).await.unwrap();
            assert_eq!(adopted[0].time, time);
            let strict = trusted().with_witnesses(witnesses(), 1).unwrap();
            let log = PublicLog::open(shelf.clone(), &strict).await.unwrap();
            assert_eq!(log.head().cosignatures, adopted);
            // The cosignature is part of what a proof proves.
            if size > 0 {
                let proof = log.prove(0).await.unwrap();
                assert_eq!(proof.verify(&entry(0), &strict).unwrap().cosignatures, adopted);
            }
            // Publishing again does not lose it.
            publish(&shelf, &entries).await.unwrap();
            assert_eq!(PublicLog::open(shelf.clone(), &strict).await.unwrap().head().cosignatures, adopted);
        }
        assert_eq!(witness.seen(ORIGIN).await.unwrap(), before);
        assert_eq!(witness.seen("other.example").await.unwrap(), None);
    });
}

#[test]
fn a_smaller_or_forked_ledger_is_refused_and_both_heads_are_kept() {
    block_on(async {
        let home = TempDir::new().unwrap();
        let witness = witness(&home).await;
        let (_folder, shelf) = published(600).await;
        witness.cosign(&shelf, SIGNER.verifier(), at(0)).await.unwrap();
        let seen = witness.seen(ORIGIN).await.unwrap();

        let (_folder, smaller) = published(500).await;
        let error = witness.cosign(&smaller, SIGNER.verifier(), at(1)).await.unwrap_err();
        let WitnessError::RolledBack { seen_size: 600, size: 500, evidence, .. } = error else {
            panic!("{error}")
        };
        let kept: serde_json::Value = serde_json::from_slice(&std::fs::read(evidence).unwrap()).unwrap();
        for (field, size) in [("seen", 600), ("shown", 500)] {
            let note = kept[field].as_str().unwrap();
            assert_eq!(trusted().read(note.as_bytes()).unwrap().checkpoint.size, size);
        }

        for (size, index) in [(600, 599), (800, 0), (800, 599), (1024, 300)] {
            let entries = Entries::of(size);
            entries.0.lock().unwrap()[index] = Bytes::from_static(b"another");
            let (_folder, forked) = super::shelf();
            publish(&forked, &entries).await.unwrap();
            let error = witness.cosign(&forked, SIGNER.verifier(), at(2)).await.unwrap_err();
            assert!(matches!(error, WitnessError::Forked { seen_size: 600, .. }), "{error}");
        }
        assert_eq!(witness.seen(ORIGIN).await.unwrap(), seen);
        let evidence = files(&home.path().join("witness/evidence"));
        assert_eq!(evidence.len(), 5);
        let (_folder, longer) = published(700).await;
        assert!(witness.cosign(&longer, SIGNER.verifier(), at(3)).await.is_ok());
    });
}

#[test]
fn a_witness_that_forgot_or_misremembers_says_so() {
    block_on(async {
        let home = TempDir::new().unwrap();
        let witness = witness(&home).await;
        let (_folder, shelf) = published(10).await;
        witness.cosign(&shelf, SIGNER.verifier(), at(0)).await.unwrap();
        let folder = home.path().join("witness");
        let name = files(&folder).into_keys().find(|name| name.ends_with(".checkpoint")).unwrap();
        let good = std::fs::read(folder.join(&name)).unwrap();
        for at_byte in 0..good.len() {
            let mut other = good.clone();
            other[at_byte] ^= 1;
            std::fs::write(folder.join(&name), other).unwrap();
            let cosigned = witness.cosign(&shelf, SIGNER.verifier(), at(1)).await;
            // The ledger's own signature on what was seen is not needed: the witness's covers the text.
            if let Err(error) = cosigned {
                assert!(matches!(error, WitnessError::Altered { .. }), "byte {at_byte}: {error}");
            } else {
                std::fs::write(folder.join(&name), &good).unwrap();
            }
        }
        std::fs::remove_dir_all(&folder).unwrap();
        let error = witness.cosign(&shelf, SIGNER.verifier(), at(1)).await.unwrap_err();
        assert!(matches!(error, WitnessError::Lock { .. }), "{error}");
    });
}

#[test]
fn a_damaged_ledger_is_neither_cosigned_nor_accused() {
    block_on(async {
        let home = TempDir::new().unwrap();
        let witness = witness(&home).await;
        let (_folder, shelf) = published(300).await;
        witness.cosign(&shelf, SIGNER.verifier(), at(0)).await.unwrap();
        let (folder, damaged) = published(700).await;
        std::fs::remove_file(folder.path().join("tile/0/001")).unwrap();
        let error = witness.cosign(&damaged, SIGNER.verifier(), at(1)).await.unwrap_err();
        assert!(matches!(error, WitnessError::Ledger { .. }), "{error}");
        assert!(!home.path().join("witness/evidence").exists());
    });
}

#[test]
fn only_the_published_checkpoint_takes_cosignatures() {
    block_on(async {
        let home = TempDir::new().unwrap();
        let witness = witness(&home).await;
        let (_folder, shelf) = published(300).await;
        let cosigned = witness.cosign(&shelf, SIGNER.verifier(), at(0)).await.unwrap();
        publish(&shelf, &Entries::of(301)).await.unwrap();
        let publisher = Publisher::new(shelf.clone(), &SIGNER);
        let error = publisher.adopt(cosigned.note.to_string().as_bytes(), &witnesses()).await.unwrap_err();
        assert!(matches!(error, PublishError::MovedOn { published_size: 301 }), "{error}");
        assert_eq!(publisher.adopt(&shelf.get(CHECKPOINT).await.unwrap().unwrap(), &[]).await.unwrap(), []);
    });
}

/// A request `add-checkpoint` for a ledger of some size by a client that believes the witness saw another.
async fn request(entries: &Entries, old_size: u64) -> String {
    let (_folder, shelf) = shelf();
    publish(&shelf, entries).await.unwrap();
    let log = PublicLog::open(shelf, &trusted()).await.unwrap();
    let path = log.prove_consistency(old_size).await.map(|proof| proof.path).unwrap_or_default();
    let path: String = path.iter().map(|hash| super::super::proof::write_hash(hash) + "\n").collect();
    format!("old {old_size}\n{path}\n{}", log.head().note)
}

#[test]
fn requests_are_answered_as_the_specification_says() {
    block_on(async {
        let home = TempDir::new().unwrap();
        let witness = witness(&home).await;
        let logs = [SIGNER.verifier().clone()];
        let first = request(&Entries::of(300), 0).await;
        let forked = Entries::of(300);
        forked.0.lock().unwrap()[7] = Bytes::from_static(b"another");
        let other_tree = Entries::of(400);
        other_tree.0.lock().unwrap()[7] = Bytes::from_static(b"another");
        let steps = [
            (first.replace("acme.example/ledger", "b.example"), 404, "this log is not witnessed here\n"),
            (first.replacen("300\n", "301\n", 1), 403, "no key of this log signed the checkpoint\n"),
            ("old 0\n".to_owned(), 400, "the request is not one of tlog-witness\n"),
            (first.replace("old 0", "old 00"), 400, "the request is not one of tlog-witness\n"),
            (first.replace("old 0", "old 301"), 400, "the old size is larger than the checkpoint's\n"),
            (first.replace("old 0", "old 5"), 409, "0\n"),
            (first.clone(), 200, ""),
            (first, 409, "300\n"),
            (request(&Entries::of(300), 300).await, 200, ""),
            (request(&forked, 300).await, 409, "300\n"),
            (request(&other_tree, 300).await, 422, "the proof of consistency does not hold\n"),
            (request(&Entries::of(700), 300).await, 200, ""),
            (request(&Entries::of(600), 300).await, 409, "700\n"),
        ];
        for (nth, (body, status, expected)) in steps.into_iter().enumerate() {
            let answer = witness.answer(body.as_bytes(), &logs, at(nth as i64)).await.unwrap();
            assert_eq!(answer.status, status, "{nth}: {}", answer.body);
            assert_eq!(answer.keep.is_some(), status == 200);
            if status == 200 {
                // Put after the checkpoint, the answer is a signature on it.
                let (_, note) = body.split_once("\n\n").unwrap();
                let note = SignedNote::parse(format!("{note}{}", answer.body).as_bytes()).unwrap();
                assert_eq!(note.cosignatures(&witnesses()).unwrap()[0].time, at(nth as i64));
            } else {
                assert_eq!(answer.body, expected);
            }
            let is_size = answer.content_type == "text/x.tlog.size";
            assert_eq!(is_size, status == 409);
        }
        assert_eq!(witness.seen(ORIGIN).await.unwrap().unwrap().size, 700);
    });
}

proptest::proptest! {
    #[test]
    fn hostile_requests_are_answered(body: Vec<u8>, text in "(old [0-9]{1,3}\n)?([A-Za-z0-9+/=]{44}\n){0,2}\n?[a-z.\n0-9— ]{0,40}") {
        for body in [body.as_slice(), text.as_bytes()] {
            let answer = add_checkpoint(body, &[SIGNER.verifier().clone()], |_| None, &COSIGNER, at(0));
            assert!(answer.status >= 400 && answer.keep.is_none());
        }
    }
}
