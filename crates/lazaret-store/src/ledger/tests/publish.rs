//! Tests of publishing: in steps, again, after a kill, two at once, and over what is not the ledger's beginning.

use proptest::prelude::*;

use super::*;
use crate::ledger::tile::Row;

/// The files that a ledger of a size has, without the partial ones that it had on the way.
fn covered(folder: &Path, size: u64) -> BTreeMap<String, Vec<u8>> {
    let mut files = files(folder);
    files.retain(|name, _| {
        let tile = tile::Tile::parse(name);
        tile.is_none_or(|tile| tile.row.tile(tile.index, size) == Some(tile))
    });
    files
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn any_steps_give_the_same_files(mut sizes in prop::collection::vec(0..2000_u64, 1..6)) {
        sizes.sort_unstable();
        let size = *sizes.last().unwrap();
        block_on(async {
            let (folder, shelf) = shelf();
            let entries = Entries::default();
            let mut before = 0;
            for step in sizes {
                entries.grow(step);
                let published = publish(&shelf, &entries).await.unwrap();
                assert_eq!((published.checkpoint.size, published.new_entries), (step, step - before));
                before = step;
            }
            let (whole, _) = published(size).await;
            assert_eq!(covered(folder.path(), size), files(whole.path()));
            let verification = verify_ledger(&shelf, &trusted(), None).await.unwrap();
            assert_eq!((verification.faults, verification.uncovered), (Vec::new(), Vec::new()));
        });
    }
}

#[test]
fn publishing_again_changes_nothing() {
    block_on(async {
        let (folder, shelf) = published(300).await;
        let before = files(folder.path());
        let again = publish(&shelf, &Entries::of(300)).await.unwrap();
        assert_eq!(again.new_entries, 0);
        assert_eq!(files(folder.path()), before);
    });
}

#[test]
fn partial_files_stay_until_the_full_one_is_there() {
    block_on(async {
        let (folder, shelf) = published(100).await;
        publish(&shelf, &Entries::of(200)).await.unwrap();
        let names: Vec<_> = files(folder.path()).into_keys().collect();
        let expected = [
            "checkpoint",
            "tile/0/000.p/100",
            "tile/0/000.p/200",
            "tile/entries/000.p/100",
            "tile/entries/000.p/200",
        ];
        assert_eq!(names, expected);
        publish(&shelf, &Entries::of(256)).await.unwrap();
        let names: Vec<_> = files(folder.path()).into_keys().collect();
        assert_eq!(names, ["checkpoint", "tile/0/000", "tile/1/000.p/1", "tile/entries/000"]);
    });
}

#[test]
fn an_empty_ledger_is_published() {
    block_on(async {
        let (folder, shelf) = published(0).await;
        assert_eq!(files(folder.path()).into_keys().collect::<Vec<_>>(), ["checkpoint"]);
        assert_eq!(faults(&shelf).await, []);
    });
}

#[test]
fn a_killed_run_is_gone_on_with() {
    block_on(async {
        let (whole, _) = published(700).await;
        let wanted = files(whole.path());
        let new: Vec<_> = wanted.keys().filter(|name| *name != CHECKPOINT).collect();
        // Killed after any number of its files, in either order, because they are written several at once.
        for written in 0..=new.len() {
            for reversed in [false, true] {
                let (folder, shelf) = published(300).await;
                let order: Vec<_> = if reversed { new.iter().rev().collect() } else { new.iter().collect() };
                for name in order.into_iter().take(written) {
                    shelf.put(name, wanted[*name].clone().into()).await.unwrap();
                }
                let verification = verify_ledger(&shelf, &trusted(), None).await.unwrap();
                assert_eq!(verification.faults, [], "{written} files");
                publish(&shelf, &Entries::of(700)).await.unwrap();
                assert_eq!(covered(folder.path(), 700), wanted);
                assert_eq!(faults(&shelf).await, []);
            }
        }
    });
}

#[test]
fn another_history_is_not_published_over_this_one() {
    block_on(async {
        let (folder, shelf) = published(600).await;
        let before = files(folder.path());
        for (index, size) in [(0, 600), (255, 600), (300, 900), (599, 601)] {
            let entries = Entries::of(size);
            entries.0.lock().unwrap()[index] = Bytes::from_static(b"another");
            let error = publish(&shelf, &entries).await.unwrap_err();
            let PublishError::Fork { size, published_root, own_root, index: found } = error else {
                panic!("{error}")
            };
            assert_eq!((size, found), (600, index as u64));
            assert_ne!(published_root, own_root);
        }
        let error = publish(&shelf, &Entries::of(599)).await.unwrap_err();
        assert!(matches!(error, PublishError::Behind { published_size: 600, size: 599, .. }), "{error}");
        assert_eq!(files(folder.path()), before);
    });
}

#[test]
fn a_tree_that_is_not_over_the_entries_is_not_published() {
    struct Lying(Entries);
    impl EntrySource for Lying {
        type Error = Infallible;
        async fn frontier(&self) -> Result<Frontier, Infallible> {
            let size = self.0.0.lock().unwrap().len() as u64;
            Entries::of(size).frontier().await
        }
        async fn read(&self, range: Range<u64>) -> Result<Vec<Bytes>, Infallible> {
            self.0.read(range).await
        }
    }
    block_on(async {
        let (folder, shelf) = published(300).await;
        let before = files(folder.path());
        let lying = Lying(Entries::of(900));
        lying.0.0.lock().unwrap()[800] = Bytes::from_static(b"another");
        let error = publish_from(&shelf, &lying).await.unwrap_err();
        assert!(matches!(error, PublishError::Frontier), "{error}");
        assert_eq!(files(folder.path()), before);
    });
}

async fn publish_from<S: EntrySource>(shelf: &Shelf, source: &S) -> Result<Published, PublishError> {
    Publisher::new(shelf.clone(), &SIGNER).publish(source).await
}

#[test]
fn a_file_in_the_way_is_named_and_left() {
    block_on(async {
        let (_folder, shelf) = published(300).await;
        let name = Row::Entries.tile(1, 900).unwrap().name();
        shelf.put(&name, Bytes::from_static(b"\0\x01a")).await.unwrap();
        let error = publish(&shelf, &Entries::of(900)).await.unwrap_err();
        let PublishError::Occupied { file, index, .. } = error else { panic!("{error}") };
        assert_eq!((file, index), (name, 256));
        let log = PublicLog::open(shelf, &trusted()).await.unwrap();
        assert_eq!(log.checkpoint().size, 300);
    });
}

#[test]
fn a_checkpoint_by_another_key_is_left_alone() {
    block_on(async {
        let (_folder, shelf) = published(3).await;
        let key = SecretKey::from_seed([9; 32]);
        let signer = NoteSigner::new(ORIGIN, &key).unwrap();
        let error = Publisher::new(shelf, &signer).publish(&Entries::of(4)).await.unwrap_err();
        assert!(matches!(error, PublishError::NotOwn { .. }), "{error}");
    });
}

#[test]
fn entries_that_are_too_long_are_refused_before_anything_is_signed() {
    block_on(async {
        let (_folder, shelf) = published(3).await;
        let entries = Entries::of(3);
        entries.0.lock().unwrap().push(vec![0; 65_536].into());
        let error = publish(&shelf, &entries).await.unwrap_err();
        assert!(matches!(error, PublishError::TooLong { index: 3, bytes: 65_536 }), "{error}");
        assert_eq!(faults(&shelf).await, []);
    });
}

#[test]
fn two_publishers_at_once_make_one_ledger() {
    block_on(async {
        let (_folder, shelf) = shelf();
        let entries = Entries::of(10);
        for round in 1..6 {
            let growing = async {
                for step in 0..4 {
                    entries.grow(round * 300 + step * 70);
                    tokio::task::yield_now().await;
                }
                Ok(publish(&shelf, &entries).await?.checkpoint.size)
            };
            let others = (publish(&shelf, &entries), publish(&shelf, &entries), growing);
            let (one, two, three) = futures_util::join!(others.0, others.1, others.2);
            for result in [one.map(|one| one.checkpoint.size), two.map(|two| two.checkpoint.size), three] {
                assert!(result.is_ok(), "{result:?}");
            }
            assert_eq!(faults(&shelf).await, []);
        }
    });
}
