//! What a vault promises: what is sealed comes back as it was, or an error says what is wrong.

use std::io::Read as _;
use std::{fs, io};

use bytes::Bytes;
use futures_util::StreamExt as _;
use lazaret_core::Digest;
use lazaret_store::{
    AlteredPlace, Identities, OpenedContent, Recipients, Sealed, SealedObject, Shelf, Vault, VaultError,
};
use proptest::prelude::*;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::object_store::World;
use crate::{bytes, run};

/// What age encrypts at once, and what that becomes.
const PART: usize = 64 << 10;

/// Where an object lies in a folder.
fn name(object: &SealedObject) -> String {
    format!("{}.age", object.object.to_string().trim_start_matches("sha256:"))
}

async fn read(opened: Result<OpenedContent, VaultError>) -> Result<Vec<u8>, VaultError> {
    let mut content = Vec::new();
    match opened?.read_to_end(&mut content).await {
        Ok(_) => Ok(content),
        Err(error) => Err(error.downcast().unwrap()),
    }
}

#[test]
fn what_is_sealed_comes_back_from_a_folder_and_from_a_store() {
    let (folder, world, key) = (TempDir::new().unwrap(), World::new(), Identities::generate());
    run(async {
        for shelf in [Shelf::in_folder(folder.path()), world.shelf("/vault")] {
            let vault = Vault::new(shelf, key.recipients());
            for n_bytes in [0, 1, PART - 1, PART, PART + 1, 3 * PART, 1 << 20] {
                let content = bytes(n_bytes);
                let sealed = vault.seal(&content[..]).await.unwrap();
                assert_eq!((sealed.content, sealed.bytes), (Digest::of(&content), n_bytes as u64));
                vault.verify(&sealed.object).await.unwrap();
                assert!(read(vault.open(&sealed, &key).await).await.unwrap() == content, "{n_bytes} bytes");
            }
        }
    });
}

#[test]
fn an_object_is_named_by_its_hash_and_shows_nothing_of_the_content() {
    let (folder, key) = (TempDir::new().unwrap(), Identities::generate());
    let vault = Vault::new(Shelf::in_folder(folder.path()), key.recipients());
    let content = "swordfish ".repeat(1000);
    let sealed = run(vault.seal(content.as_bytes())).unwrap();
    let again = run(vault.seal(content.as_bytes())).unwrap();
    assert_ne!(sealed.object, again.object);
    let object = fs::read(folder.path().join(name(&sealed.object))).unwrap();
    assert_eq!(Digest::of(&object), sealed.object.object);
    assert_eq!(object.len() as u64, sealed.object.object_bytes);
    assert!(!object.windows(9).any(|window| window == b"swordfish"));
    let hex = sealed.content.to_string();
    let names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().contains(hex.trim_start_matches("sha256:"))));
}

/// The public `age` does no more than this reader of its format, given the key file alone.
#[test]
fn an_object_is_an_age_file_for_each_recipient() {
    let folder = TempDir::new().unwrap();
    let (one, two, other) = (Identities::generate(), Identities::generate(), Identities::generate());
    let both = format!("{}{}", one.recipients().to_text(), two.recipients().to_text());
    let vault = Vault::new(Shelf::in_folder(folder.path()), Recipients::parse(&both).unwrap());
    let content = bytes(200_000);
    let sealed = run(vault.seal(&content[..])).unwrap();
    for key in [&one, &two] {
        assert!(run(async { read(vault.open(&sealed, key).await).await }).unwrap() == content);
        let file = key.to_text(jiff::Timestamp::UNIX_EPOCH);
        let identity: age::x25519::Identity = file.lines().last().unwrap().parse().unwrap();
        let object = fs::File::open(folder.path().join(name(&sealed.object))).unwrap();
        let identities = [&identity as &dyn age::Identity];
        let mut plain = age::Decryptor::new(object).unwrap().decrypt(identities.into_iter()).unwrap();
        let mut read = Vec::new();
        plain.read_to_end(&mut read).unwrap();
        assert!(read == content);
    }
    let error = run(vault.open(&sealed, &other)).unwrap_err();
    assert!(matches!(error, VaultError::NoIdentity { .. }), "{error}");
}

#[test]
fn every_changed_byte_of_an_object_is_found() {
    let (folder, key) = (TempDir::new().unwrap(), Identities::generate());
    let vault = Vault::new(Shelf::in_folder(folder.path()), key.recipients());
    let sealed = run(vault.seal(&b"swordfish"[..])).unwrap();
    let path = folder.path().join(name(&sealed.object));
    let whole = fs::read(&path).unwrap();
    run(async {
        for at in 0..whole.len() {
            for change in [0x01, 0x20, 0x80, 0xff] {
                let mut changed = whole.clone();
                changed[at] ^= change;
                fs::write(&path, &changed).unwrap();
                let error = vault.verify(&sealed.object).await.unwrap_err();
                assert!(
                    matches!(error, VaultError::Altered { place: AlteredPlace::Somewhere, .. }),
                    "{error}"
                );
                let error = read(vault.open(&sealed, &key).await).await.unwrap_err();
                assert!(
                    matches!(error, VaultError::Altered { .. } | VaultError::NoIdentity { .. }),
                    "byte {at}: {error}"
                );
                assert!(!error.to_string().contains("swordfish"));
            }
        }
    });
}

#[test]
fn every_missing_end_and_every_longer_end_is_found() {
    let (folder, key) = (TempDir::new().unwrap(), Identities::generate());
    let vault = Vault::new(Shelf::in_folder(folder.path()), key.recipients());
    let n_parts = 2;
    let content = bytes(n_parts * PART);
    let sealed = run(vault.seal(&content[..])).unwrap();
    let path = folder.path().join(name(&sealed.object));
    let whole = fs::read(&path).unwrap();
    let object_bytes = whole.len() as u64;
    run(async {
        let header = whole.len() - n_parts * (PART + 16);
        for end in [
            0,
            1,
            100,
            header - 1,
            header,
            header + 1,
            header + PART + 15,
            header + PART + 16,
            whole.len() - 1,
        ] {
            fs::write(&path, &whole[..end]).unwrap();
            let error = vault.verify(&sealed.object).await.unwrap_err();
            let bytes = end as u64;
            assert!(
                matches!(error, VaultError::Truncated { bytes: told, object_bytes: all, .. } if told == bytes && all == object_bytes),
                "{error}"
            );
            let error = read(vault.open(&sealed, &key).await).await.unwrap_err();
            assert!(
                matches!(error, VaultError::Truncated { .. } | VaultError::Altered { .. }),
                "{end}: {error}"
            );
        }
        for more in [1, 16, PART + 16, 1 << 20] {
            fs::write(&path, [&whole[..], &bytes(more)].concat()).unwrap();
            let beyond = AlteredPlace::Beyond { bytes: object_bytes };
            let error = vault.verify(&sealed.object).await.unwrap_err();
            assert!(matches!(error, VaultError::Altered { place, .. } if place == beyond), "{error}");
            let error = read(vault.open(&sealed, &key).await).await.unwrap_err();
            assert!(matches!(error, VaultError::Altered { .. }), "{error}");
        }
    });
}

#[test]
fn an_altered_part_is_located_and_what_lies_before_it_was_given() {
    let (folder, key) = (TempDir::new().unwrap(), Identities::generate());
    let vault = Vault::new(Shelf::in_folder(folder.path()), key.recipients());
    let content = bytes(5 * PART);
    let sealed = run(vault.seal(&content[..])).unwrap();
    let path = folder.path().join(name(&sealed.object));
    let mut object = fs::read(&path).unwrap();
    let at = object.len() - (PART + 16) - 5;
    object[at] ^= 1;
    fs::write(&path, object).unwrap();
    run(async {
        let mut opened = vault.open(&sealed, &key).await.unwrap();
        let mut read = Vec::new();
        let error = opened.read_to_end(&mut read).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "`{}` is not what was sealed: it was altered after byte {} of the content; bring it back from a backup \
                 of the vault",
                path.display(),
                3 * PART
            )
        );
        assert!(read == content[..3 * PART]);
        let error = opened.read(&mut [0; 8]).await.unwrap_err();
        assert!(matches!(error.downcast::<VaultError>().unwrap(), VaultError::Failed { .. }));
    });
}

/// An object of another content, for the same recipients, is a whole age file: only the hashes tell.
#[test]
fn a_reader_that_takes_exactly_the_content_cannot_miss_that_it_is_another() {
    let (folder, key) = (TempDir::new().unwrap(), Identities::generate());
    let vault = Vault::new(Shelf::in_folder(folder.path()), key.recipients());
    run(async {
        for n_bytes in [1, 10, PART, 3 * PART, 3 * PART + 1] {
            let sealed = vault.seal(&bytes(n_bytes)[..]).await.unwrap();
            let mut other = bytes(n_bytes);
            other[0] ^= 1;
            let other = vault.seal(&other[..]).await.unwrap();
            // Another object under the name.
            let path = folder.path().join(name(&sealed.object));
            let own = fs::read(&path).unwrap();
            fs::copy(folder.path().join(name(&other.object)), &path).unwrap();
            let mut read = vec![0; n_bytes];
            let error = vault.open(&sealed, &key).await.unwrap().read_exact(&mut read).await.unwrap_err();
            assert!(matches!(error.downcast().unwrap(), VaultError::Altered { .. }));
            fs::write(&path, own).unwrap();
            // The object as it was, and a wrong word about it.
            let wrong = Sealed { content: other.content, ..sealed };
            let error = vault.open(&wrong, &key).await.unwrap().read_exact(&mut read).await.unwrap_err();
            assert!(matches!(error.downcast().unwrap(), VaultError::OtherContent { .. }));
            for bytes in [sealed.bytes - 1, sealed.bytes + 1] {
                let wrong = Sealed { bytes, ..sealed };
                let mut all = Vec::new();
                let error = vault.open(&wrong, &key).await.unwrap().read_to_end(&mut all).await.unwrap_err();
                assert!(matches!(error.downcast().unwrap(), VaultError::OtherContent { .. }));
            }
            vault.open(&sealed, &key).await.unwrap().read_exact(&mut read).await.unwrap();
        }
    });
}

#[test]
fn a_header_without_end_takes_no_memory() {
    let (folder, key) = (TempDir::new().unwrap(), Identities::generate());
    let vault = Vault::new(Shelf::in_folder(folder.path()), key.recipients());
    let sealed = run(vault.seal(&b"1"[..])).unwrap();
    let path = folder.path().join(name(&sealed.object));
    for line in ["-> X25519 ".to_owned(), "-> X25519 A\n".to_owned() + &"A".repeat(64) + "\n", "a".to_owned()]
    {
        let header = format!("age-encryption.org/v1\n{}", line.repeat(400_000 / line.len()));
        fs::write(&path, header).unwrap();
        let error = run(vault.open(&sealed, &key)).unwrap_err();
        assert!(matches!(error, VaultError::Altered { place: AlteredPlace::Header, .. }), "{error}");
    }
}

#[test]
fn what_is_destroyed_is_missing_and_destroying_it_again_is_no_error() {
    let (folder, world, key) = (TempDir::new().unwrap(), World::new(), Identities::generate());
    run(async {
        for shelf in [Shelf::in_folder(folder.path()), world.shelf("/vault")] {
            let vault = Vault::new(shelf, key.recipients());
            let sealed = vault.seal(&b"1"[..]).await.unwrap();
            vault.destroy(&sealed.object).await.unwrap();
            vault.destroy(&sealed.object).await.unwrap();
            let verified = vault.verify(&sealed.object).await.unwrap_err();
            let opened = vault.open(&sealed, &key).await.unwrap_err();
            for error in [verified, opened] {
                assert!(matches!(error, VaultError::Missing { .. }), "{error}");
            }
        }
    });
}

#[test]
fn a_store_that_keeps_versions_has_destroyed_nothing() {
    let (world, key) = (World::new(), Identities::generate());
    let vault = Vault::new(world.shelf(""), key.recipients());
    let sealed = run(vault.seal(&b"1"[..])).unwrap();
    world.faults(|faults| faults.keeps_versions = true);
    let error = run(vault.destroy(&sealed.object)).unwrap_err();
    assert!(matches!(error, VaultError::VersionKept { .. }), "{error}");
}

#[test]
fn objects_are_listed_and_strays_are_named() {
    let (folder, key) = (TempDir::new().unwrap(), Identities::generate());
    let shelf = Shelf::in_folder(folder.path());
    let vault = Vault::new(shelf.clone(), key.recipients());
    run(async {
        let mut sealed = Vec::new();
        for n_bytes in [1, 2, 3] {
            sealed.push(vault.seal(&bytes(n_bytes)[..]).await.unwrap().object);
        }
        let upper = name(&sealed[0]).to_uppercase().replace(".AGE", ".age");
        for stray in ["README", "sub/x.age", "12.age", &upper] {
            shelf.put(stray, Bytes::new()).await.unwrap();
        }
        let mut listed = Vec::new();
        let mut strays = Vec::new();
        let mut objects = vault.objects();
        while let Some(object) = objects.next().await {
            match object {
                Ok(object) => listed.push(object),
                Err(error) => strays.push(error),
            }
        }
        sealed.sort_by_key(|object| object.object);
        listed.sort_by_key(|object: &SealedObject| object.object);
        assert_eq!(listed, sealed);
        assert!(strays.iter().all(|error| matches!(error, VaultError::Stray { .. })), "{strays:?}");
        assert_eq!(strays.len(), 4);
    });
}

#[test]
fn content_that_cannot_be_read_adds_nothing() {
    let (folder, key) = (TempDir::new().unwrap(), Identities::generate());
    let vault = Vault::new(Shelf::in_folder(folder.path()), key.recipients());
    run(async {
        let (mut source, content) = tokio::io::duplex(1024);
        let whole = bytes(200_000);
        let broken = content.chain(Broken);
        let writing = async {
            source.write_all(&whole).await.unwrap();
            drop(source);
        };
        let (sealed, ()) = tokio::join!(vault.seal(broken), writing);
        let error = sealed.unwrap_err();
        assert!(matches!(error, VaultError::Content { .. }), "{error}");
        assert_eq!(vault.objects().count().await, 0);
    });
    assert_eq!(fs::read_dir(folder.path().join(".unfinished")).unwrap().count(), 0);
}

/// A disk that fails.
struct Broken;

impl tokio::io::AsyncRead for Broken {
    fn poll_read(
        self: std::pin::Pin<&mut Self>,
        _context: &mut std::task::Context<'_>,
        _buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        std::task::Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
    }
}

#[test]
fn a_store_that_fails_while_an_object_is_read_is_no_altered_object() {
    let (world, key) = (World::new(), Identities::generate());
    let vault = Vault::new(world.shelf(""), key.recipients());
    let sealed = run(vault.seal(&bytes(100)[..])).unwrap();
    world.faults(|faults| faults.refuses = Some((usize::MAX, 500)));
    let error = run(vault.verify(&sealed.object)).unwrap_err();
    assert!(matches!(error, VaultError::Shelf(_)), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Sizes around age's parts, read in pieces of any size.
    #[test]
    fn every_size_comes_back_in_pieces_of_every_size(
        n_parts in 0_usize..4,
        beside in -20_isize..20,
        piece in 1_usize..200_000,
    ) {
        let n_bytes = (n_parts * PART).saturating_add_signed(beside);
        let (folder, key) = (TempDir::new().unwrap(), Identities::generate());
        let vault = Vault::new(Shelf::in_folder(folder.path()), key.recipients());
        run(async {
            let content = bytes(n_bytes);
            let sealed = vault.seal(&content[..]).await.unwrap();
            vault.verify(&sealed.object).await.unwrap();
            let mut opened = vault.open(&sealed, &key).await.unwrap();
            let (mut read, mut buffer) = (Vec::new(), vec![0; piece]);
            loop {
                let n_read = opened.read(&mut buffer).await.unwrap();
                if n_read == 0 {
                    break;
                }
                read.extend_from_slice(&buffer[..n_read]);
            }
            prop_assert!(read == content);
            Ok::<(), TestCaseError>(())
        })?;
    }
}
