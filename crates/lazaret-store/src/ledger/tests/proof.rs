//! Tests of reading a published ledger and of proofs about it.

use futures_util::StreamExt as _;

use super::*;

#[test]
fn entries_come_out_as_they_went_in() {
    block_on(async {
        let (_folder, shelf) = published(600).await;
        let log = PublicLog::open(shelf, &trusted()).await.unwrap();
        for range in [0..600, 0..0, 255..257, 512..u64::MAX, 599..600, 600..700] {
            let read: Vec<_> = log.entries(range.clone()).try_collect().await.unwrap();
            let expected: Vec<_> =
                (range.start..range.end.min(600)).map(|index| (index, entry(index))).collect();
            assert_eq!(read, expected, "{range:?}");
        }
    });
}

#[test]
fn altered_entries_are_never_given_out() {
    block_on(async {
        let (folder, shelf) = published(600).await;
        let log = PublicLog::open(shelf, &trusted()).await.unwrap();
        for (file, good) in [("tile/entries/001", 256), ("tile/0/001", 256), ("tile/entries/002.p/88", 512)] {
            let path = folder.path().join(file);
            let bytes = std::fs::read(&path).unwrap();
            let mut altered = bytes.clone();
            altered[40] ^= 1;
            std::fs::write(&path, altered).unwrap();
            let read: Vec<_> = log.entries(0..600).collect().await;
            let first_error = read.iter().position(Result::is_err);
            assert_eq!(first_error, Some(good), "{file}");
            match read.last().unwrap() {
                Err(LedgerError::Altered { file: named }) => assert_eq!(named, file),
                other => panic!("{other:?}"),
            }
            std::fs::write(&path, bytes).unwrap();
        }
    });
}

#[test]
fn a_proof_reads_like_this() {
    block_on(async {
        let (_folder, shelf) = published(5).await;
        let proof = PublicLog::open(shelf, &trusted()).await.unwrap().prove(2).await.unwrap();
        insta::assert_snapshot!(proof.with_extra(b"entry 2".to_vec()), @r"
        c2sp.org/tlog-proof@v1
        extra ZW50cnkgMg==
        index 2
        YcoROfaBWEHVuvLQ0tm9nf7pfImN1ve6DAqpQe5sAes=
        WkdmL9ijF9lgSaP59HxV3GfKZgUbqjaD27GbL+CaB7A=
        SFM123z+yWXxX/dF/GJcQdXqJkaTaTAWWCj3PdS2iFQ=

        acme.example/ledger
        5
        fKo0Xb2JKmZFTWxlEuo8PqPw0+whvj/C4jdXBf049nI=

        — acme.example/ledger hw41YfMRr3sJkk5f27qPZXBBTGVMQqOJFAre2crgHDj6Z9b+rcU3NJNhc+srnxnRQ8ZisOx8r47eGbntY7dxK9BOxQM=
        ");
    });
}

#[test]
fn every_entry_is_proven_and_no_other() {
    block_on(async {
        for size in [1, 2, 255, 256, 257, 600] {
            let (_folder, shelf) = published(size).await;
            let log = PublicLog::open(shelf, &trusted()).await.unwrap();
            for index in (0..size).filter(|index| index % 37 == 0 || index + 3 > size) {
                let text = log.prove(index).await.unwrap().to_string();
                let proof = EntryProof::parse(&text).unwrap();
                assert_eq!(proof.to_string(), text);
                assert_eq!(proof.verify(&entry(index), &trusted()).unwrap().checkpoint.size, size);
                let other = proof.verify(&entry(index + 1), &trusted());
                assert!(matches!(other, Err(EntryProofError::NotIncluded { .. })), "{other:?}");
            }
            assert!(matches!(log.prove(size).await, Err(LedgerError::Outside { .. })));
        }
    });
}

#[test]
fn no_byte_of_a_proof_can_be_changed() {
    block_on(async {
        let (_folder, shelf) = published(300).await;
        let text = PublicLog::open(shelf, &trusted()).await.unwrap().prove(7).await.unwrap().to_string();
        for at in 0..text.len() {
            for bit in [1, 2, 32] {
                let mut bytes = text.clone().into_bytes();
                bytes[at] ^= bit;
                let Ok(changed) = String::from_utf8(bytes) else { continue };
                let holds = EntryProof::parse(&changed)
                    .is_ok_and(|proof| proof.verify(&entry(7), &trusted()).is_ok());
                assert!(!holds, "byte {at}");
            }
        }
        for cut in 0..text.len() {
            let proof = text.get(..cut).map(EntryProof::parse);
            assert!(proof.is_none_or(|proof| proof.is_err()), "cut at {cut}");
        }
    });
}

#[test]
fn a_ledger_continues_each_of_its_earlier_states() {
    block_on(async {
        let (_folder, shelf) = published(600).await;
        let log = PublicLog::open(shelf, &trusted()).await.unwrap();
        for old_size in [0, 1, 255, 256, 257, 511, 512, 599, 600] {
            let old = Entries::of(old_size).frontier().await.unwrap();
            let proof = log.prove_consistency(old_size).await.unwrap();
            assert_eq!(proof.verify(&old.root(), &log.checkpoint().root), Ok(()), "{old_size}");
        }
        assert!(matches!(log.prove_consistency(601).await, Err(LedgerError::Outside { .. })));
    });
}

#[test]
fn what_is_not_published_is_no_ledger() {
    block_on(async {
        let (_folder, empty) = shelf();
        let error = PublicLog::open(empty, &trusted()).await.unwrap_err();
        assert!(matches!(error, LedgerError::Unpublished { .. }), "{error}");
        let (_folder, shelf) = published(3).await;
        let other = NoteSigner::new("acme.example/other", &KEY).unwrap();
        let other = TrustedLog::new(other.verifier().clone());
        let error = PublicLog::open(shelf, &other).await.unwrap_err();
        assert!(matches!(error, LedgerError::Trust { .. }), "{error}");
    });
}
