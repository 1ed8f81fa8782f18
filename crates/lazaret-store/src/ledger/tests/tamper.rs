//! Tests that whatever is done to the files of a published ledger is found, and found in the right file.

use lazaret_seal::{Checkpoint, CosignatureVerifier, Cosigner};

use super::*;

/// Writes a file as somebody would who tampers with it.
fn tamper(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// What verification says, in words.
async fn said(shelf: &Shelf) -> Vec<String> {
    faults(shelf).await.iter().map(ToString::to_string).collect()
}

async fn cosigned(count: u64) -> (TempDir, Shelf, TrustedLog) {
    let (folder, shelf) = published(count).await;
    let key = SecretKey::from_seed([2; 32]);
    let cosigner = Cosigner::new("audit.example/witness", &key).unwrap();
    let witnesses: Vec<CosignatureVerifier> = vec![cosigner.verifier().clone()];
    let head = trusted().read(&shelf.get(CHECKPOINT).await.unwrap().unwrap()).unwrap();
    let mut note = head.note;
    note.cosign(&cosigner, at(0)).unwrap();
    let publisher = Publisher::new(shelf.clone(), &SIGNER);
    publisher.adopt(note.to_string().as_bytes(), &witnesses).await.unwrap();
    (folder, shelf, trusted().with_witnesses(witnesses, 1).unwrap())
}

/// The entry that a byte of a file belongs to.
fn entry_of(name: &str, byte: usize, bytes: &[u8]) -> u64 {
    let Some(tile) = tile::Tile::parse(name) else { return 0 };
    match tile.row {
        tile::Row::Hashes(_) => tile.entry_at(byte as u64 / 32),
        tile::Row::Entries => {
            let mut end = 0;
            let whole = Bytes::copy_from_slice(bytes);
            let nth = tile::read_entries(&whole).position(|entry| {
                end += 2 + entry.unwrap().len();
                end > byte
            });
            tile.entry_at(nth.unwrap() as u64)
        }
    }
}

/// Changes every `step`th byte of every file and expects to be told the file and the entry.
fn change_bytes(count: u64, step: usize) {
    block_on(async {
        let (folder, shelf, strict) = cosigned(count).await;
        let all = files(folder.path());
        let mut changed = 0;
        for (name, bytes) in &all {
            // Checking signatures is what takes longest, and only the checkpoint bears any.
            let trusted = if name == CHECKPOINT { strict.clone() } else { trusted() };
            for at in (0..bytes.len()).step_by(step) {
                let mut other = bytes.clone();
                other[at] ^= 1 << (at % 8);
                tamper(folder.path(), name, &other);
                let found = verify_ledger(&shelf, &trusted, None).await.unwrap().faults;
                let [fault, rest @ ..] = found.as_slice() else { panic!("byte {at} of {name}: nothing") };
                assert_eq!(&fault.file, name, "byte {at}: {found:?}");
                assert!(rest.iter().all(|fault| fault.file == *name), "byte {at} of {name}: {found:?}");
                if name != CHECKPOINT {
                    // Something after the last entry may be told before the entry that made it so.
                    let entry = entry_of(name, at, bytes);
                    let is_there = found.iter().any(|fault| fault.index == Some(entry));
                    assert!(is_there, "byte {at} of {name}: {found:?}");
                }
                changed += 1;
            }
            tamper(folder.path(), name, bytes);
        }
        assert!(changed > all.len());
        assert_eq!(verify_ledger(&shelf, &strict, None).await.unwrap().faults, []);
    });
}

#[test]
fn a_changed_byte_is_found_and_located() {
    change_bytes(600, 97);
    change_bytes(3, 1);
}

#[test]
#[ignore = "takes minutes; run it when verification changes"]
fn every_changed_byte_is_found_and_located() {
    change_bytes(600, 1);
}

#[test]
fn every_missing_cut_and_lengthened_file_is_found_and_located() {
    block_on(async {
        let (folder, shelf, trusted) = cosigned(600).await;
        for (name, bytes) in files(folder.path()) {
            let lengthened = [bytes.as_slice(), b"\0"].concat();
            let longer = [bytes.as_slice(), &[7; 32]].concat();
            let cut = &bytes[..bytes.len() - 1];
            let shorter = &bytes[..bytes.len().saturating_sub(32)];
            for other in [None, Some(&[][..]), Some(&lengthened), Some(&longer), Some(cut), Some(shorter)] {
                match other {
                    Some(other) => tamper(folder.path(), &name, other),
                    None => std::fs::remove_file(folder.path().join(&name)).unwrap(),
                }
                let found = verify_ledger(&shelf, &trusted, None).await.unwrap().faults;
                let at = other.map(<[u8]>::len);
                assert!(
                    !found.is_empty() && found.iter().all(|fault| fault.file == name),
                    "{name} {at:?}: {found:?}"
                );
            }
            tamper(folder.path(), &name, &bytes);
        }
    });
}

#[test]
fn files_in_each_others_place_are_found() {
    block_on(async {
        let (folder, shelf) = published(1000).await;
        let all = files(folder.path());
        let swap = |one: &str, other: &str| {
            tamper(folder.path(), one, &all[other]);
            tamper(folder.path(), other, &all[one]);
        };
        swap("tile/entries/000", "tile/entries/001");
        insta::assert_debug_snapshot!(said(&shelf).await, @r#"
        [
            "`tile/entries/000`, from entry 0 on: 256 entries are not those that were signed",
            "`tile/entries/001`, from entry 256 on: 256 entries are not those that were signed",
        ]
        "#);
        swap("tile/0/000", "tile/0/001");
        // Now entries and hashes agree, and only the tile above tells.
        insta::assert_debug_snapshot!(said(&shelf).await, @r#"
        [
            "`tile/0/000`, from entry 0 on: the file and what lies below agree with one another, and not with what was signed: they were altered alike, or belong elsewhere",
            "`tile/0/001`, from entry 256 on: the file and what lies below agree with one another, and not with what was signed: they were altered alike, or belong elsewhere",
        ]
        "#);
    });
}

#[test]
fn entries_in_another_order_are_found() {
    block_on(async {
        let (folder, shelf) = published(600).await;
        let bytes = files(folder.path())["tile/entries/001"].clone();
        // Entries 256 to 511 are of one length.
        let length = bytes.len() / 256;
        let mut other = bytes.clone();
        other[3 * length..5 * length].rotate_left(length);
        tamper(folder.path(), "tile/entries/001", &other);
        insta::assert_debug_snapshot!(said(&shelf).await, @r#"
        [
            "`tile/entries/001`, from entry 259 on: 2 entries are not those that were signed",
        ]
        "#);
    });
}

#[test]
fn an_entry_changed_with_all_its_hashes_is_found_by_the_signature() {
    block_on(async {
        let (folder, shelf) = published(600).await;
        let (other_folder, other_shelf) = super::shelf();
        let entries = Entries::of(600);
        entries.0.lock().unwrap()[300] = Bytes::from_static(b"forged");
        publish(&other_shelf, &entries).await.unwrap();
        for (name, bytes) in files(other_folder.path()) {
            if name != CHECKPOINT {
                tamper(folder.path(), &name, &bytes);
            }
        }
        insta::assert_debug_snapshot!(said(&shelf).await, @r#"
        [
            "`checkpoint`: the files hold together and make another tree than the one signed here",
        ]
        "#);
    });
}

#[test]
fn strange_files_are_found_and_leftovers_are_looked_at() {
    block_on(async {
        let (folder, shelf) = published(100).await;
        publish(&shelf, &Entries::of(200)).await.unwrap();
        let (later_folder, _) = published(300).await;
        let later = files(later_folder.path());
        tamper(folder.path(), "tile/0/000", &later["tile/0/000"]);
        tamper(folder.path(), "tile/entries/001.p/44", &later["tile/entries/001.p/44"]);
        let verification = verify_ledger(&shelf, &trusted(), None).await.unwrap();
        assert_eq!(verification.faults, []);
        assert_eq!(verification.uncovered, ["tile/0/000", "tile/entries/001.p/44"]);
        let earlier = files(folder.path())["tile/0/000.p/100"].clone();
        tamper(folder.path(), "tile/0/000.p/100", &[&earlier[32..], &earlier[..32]].concat());
        tamper(folder.path(), "tile/0/000", &[7; 8192]);
        tamper(folder.path(), "notes.txt", b"hello");
        let mut said = said(&shelf).await;
        said.sort();
        insta::assert_debug_snapshot!(said, @r#"
        [
            "`notes.txt`: no ledger has such a file",
            "`tile/0/000.p/100`, from entry 0 on: the file does not begin like the one of the same number that was signed",
            "`tile/0/000`, from entry 0 on: the file does not begin like the one of the same number that was signed",
        ]
        "#);
    });
}

#[test]
fn a_rolled_back_and_a_forked_ledger_are_told_from_a_kept_checkpoint() {
    block_on(async {
        let kept = |size: u64| async move {
            let (_folder, shelf) = published(size).await;
            PublicLog::open(shelf, &trusted()).await.unwrap().checkpoint().clone()
        };
        let (_folder, shelf) = published(600).await;
        for size in [0, 1, 256, 599, 600] {
            let kept = kept(size).await;
            let verification = verify_ledger(&shelf, &trusted(), Some(&kept)).await.unwrap();
            assert_eq!(verification.faults, [], "{size}");
        }
        let whole = |kind| vec![LedgerFault { file: CHECKPOINT.to_owned(), index: None, kind }];
        let larger = kept(601).await;
        let found = verify_ledger(&shelf, &trusted(), Some(&larger)).await.unwrap().faults;
        assert_eq!(found, whole(LedgerFaultKind::RolledBack { kept_size: 601 }));
        for size in [300, 600] {
            let other = Checkpoint { root: larger.root, ..kept(size).await };
            let found = verify_ledger(&shelf, &trusted(), Some(&other)).await.unwrap().faults;
            assert_eq!(found, whole(LedgerFaultKind::Forked { kept_size: size }));
        }
    });
}

#[test]
fn too_few_witnesses_and_too_few_known_ones_are_refused() {
    block_on(async {
        let (_folder, shelf, once) = cosigned(10).await;
        assert_eq!(verify_ledger(&shelf, &once, None).await.unwrap().cosignatures.len(), 1);
        let key = SecretKey::from_seed([3; 32]);
        let other = Cosigner::new("other.example/witness", &key).unwrap();
        let mut witnesses = once.witnesses().to_vec();
        witnesses.push(other.verifier().clone());
        let both = trusted().with_witnesses(witnesses.clone(), 2).unwrap();
        let found = verify_ledger(&shelf, &both, None).await.unwrap();
        assert_eq!(found.checkpoint, None);
        assert_eq!(
            found.faults[0].kind,
            LedgerFaultKind::Unsigned { why: TrustError::Witnesses { size: 10, found: 1, needed: 2 } }
        );
        // One key under two names is one witness.
        witnesses[1] = CosignatureVerifier::new("again.example", witnesses[0].key().clone()).unwrap();
        let same = trusted().with_witnesses(witnesses, 2).unwrap_err();
        assert_eq!(same, TrustError::Quorum { needed: 2, known: 1 });
    });
}

#[test]
fn faults_are_located_in_a_ledger_of_three_levels() {
    block_on(async {
        let size = 65_536 + 300;
        let (folder, shelf) = published(size).await;
        let all = files(folder.path());
        assert!(all.contains_key("tile/2/000.p/1") && all.contains_key("tile/1/000"));
        for (name, at, entry) in [
            ("tile/2/000.p/1", 5, 0),
            ("tile/1/000", 32 * 200 + 1, 200 * 256),
            ("tile/0/200", 32 * 7, 200 * 256 + 7),
            ("tile/entries/256", 5, 65_536),
        ] {
            let mut other = all[name].clone();
            other[at] ^= 16;
            tamper(folder.path(), name, &other);
            let found = faults(&shelf).await;
            let [fault] = found.as_slice() else { panic!("{name}: {found:?}") };
            assert_eq!((fault.file.as_str(), fault.index), (name, Some(entry)));
            std::fs::remove_file(folder.path().join(name)).unwrap();
            let found = faults(&shelf).await;
            let [fault] = found.as_slice() else { panic!("{name} missing: {found:?}") };
            assert_eq!((fault.file.as_str(), &fault.kind), (name, &LedgerFaultKind::Missing));
            tamper(folder.path(), name, &all[name]);
        }
    });
}
