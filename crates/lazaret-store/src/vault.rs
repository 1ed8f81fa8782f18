//! Held content, encrypted at rest: whoever can read the vault can still not read what it holds.
//!
//! Objects are files in the [age format](https://age-encryption.org/v1), each on its own and named by the hash of its
//! encrypted bytes. Everything is streamed: memory does not grow with the content.

mod ciphertext;
mod error;
mod key;
mod opened;

use std::pin::pin;

use age::Decryptor;
use futures_util::AsyncWriteExt as _;
use futures_util::stream::{BoxStream, StreamExt as _};
use lazaret_core::Digest;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use zeroize::Zeroizing;

pub use error::{AlteredPlace, VaultError};
pub use key::{Identities, Recipients, VaultKeyError};
pub use opened::OpenedContent;

use crate::hold::SealedObject;
use crate::shelf::{Removed, Shelf, ShelfError, ShelfReader};
use ciphertext::{Incoming, Outgoing};

/// Ends the name of every object.
const SUFFIX: &str = ".age";

/// Content and objects are read in parts of so many bytes, which is also what age encrypts at once.
const PART_BYTES: usize = 64 << 10;

/// Encrypted objects on a shelf, and for whom new ones are encrypted.
#[derive(Debug, Clone)]
pub struct Vault {
    shelf: Shelf,
    recipients: Recipients,
}

/// A content that was sealed, and the object that holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealed {
    /// The digest of the content. It stays out of the vault: whoever has the content could tell that it is held.
    pub content: Digest,
    /// How many bytes the content has.
    pub bytes: u64,
    /// The object.
    pub object: SealedObject,
}

impl Vault {
    /// Uses a shelf as a vault. Old objects stay readable for those they were encrypted for.
    #[must_use]
    pub fn new(shelf: Shelf, recipients: Recipients) -> Self {
        Self { shelf, recipients }
    }

    /// Encrypts a content for the vault's recipients, and writes it under the hash of the encrypted bytes.
    ///
    /// The same content sealed twice gives two objects. The object is on the disk, or in the store, when this returns;
    /// [`Vault::verify`] reads it back.
    ///
    /// # Errors
    /// [`VaultError::Content`] if the content cannot be read, and [`VaultError`] if no object can be written; then
    /// nothing was added.
    pub async fn seal(&self, content: impl AsyncRead) -> Result<Sealed, VaultError> {
        let mut content = pin!(content);
        let encryptor = self.recipients.encryptor()?;
        let spool = self.shelf.spool().await?;
        let path = spool.path().to_owned();
        let written = |error| ShelfError::of_file(&path, "written", error);
        let mut outgoing = Outgoing::new(spool);
        let mut writer = encryptor.wrap_async_output(&mut outgoing).await.map_err(written)?;
        let (mut hasher, mut bytes) = (Sha256::new(), 0);
        let mut part = Zeroizing::new(vec![0; PART_BYTES]);
        loop {
            let n_read = content.read(&mut part).await.map_err(|source| VaultError::Content { source })?;
            let Some(read) = part.get(..n_read).filter(|read| !read.is_empty()) else { break };
            hasher.update(read);
            bytes += n_read as u64;
            writer.write_all(read).await.map_err(written)?;
        }
        writer.close().await.map_err(written)?;
        drop(writer);
        let (spool, object) = outgoing.finish();
        self.shelf.put_spooled(&name_of(&object), spool).await?;
        Ok(Sealed { content: digest(hasher), bytes, object })
    }

    /// Reads an object and makes sure that it is there, byte for byte as it was sealed. No key is needed.
    ///
    /// # Errors
    /// [`VaultError::Missing`], [`VaultError::Truncated`], [`VaultError::Altered`], and [`VaultError`] if it cannot be
    /// read.
    pub async fn verify(&self, object: &SealedObject) -> Result<(), VaultError> {
        let (name, mut reader) = self.read(object).await?;
        let (mut hasher, mut bytes) = (Sha256::new(), 0);
        let mut part = vec![0; PART_BYTES];
        loop {
            let n_read = reader.read(&mut part).await.map_err(|error| VaultError::of_reader(&name, error))?;
            let Some(read) = part.get(..n_read).filter(|read| !read.is_empty()) else { break };
            hasher.update(read);
            bytes += n_read as u64;
            if bytes > object.object_bytes {
                return Err(VaultError::Altered {
                    object: name,
                    place: AlteredPlace::Beyond { bytes: object.object_bytes },
                });
            }
        }
        if bytes < object.object_bytes {
            return Err(VaultError::Truncated { object: name, bytes, object_bytes: object.object_bytes });
        }
        if digest(hasher) != object.object {
            return Err(VaultError::Altered { object: name, place: AlteredPlace::Somewhere });
        }
        Ok(())
    }

    /// Begins to decrypt an object.
    ///
    /// Its last bytes are given out when everything was found to be as it was sealed, and not before: whoever read the
    /// content to its end, or as many bytes as it has, knows that it is the one. Until then nothing is proven but that
    /// each part was encrypted by somebody for these recipients.
    ///
    /// # Errors
    /// [`VaultError::Missing`], [`VaultError::NoIdentity`], [`VaultError::Altered`], and [`VaultError`] if it cannot be
    /// read. What the reader finds later comes as an [`std::io::Error`] around a [`VaultError`].
    pub async fn open(&self, sealed: &Sealed, identities: &Identities) -> Result<OpenedContent, VaultError> {
        let (name, reader) = self.read(&sealed.object).await?;
        let (incoming, seen) = Incoming::new(reader);
        let decryptor = Decryptor::new_async_buffered(incoming).await;
        let decryptor = decryptor.map_err(|error| VaultError::of_header(&name, error))?;
        seen.allow(sealed.object.object_bytes);
        let plain = decryptor.decrypt_async(identities.iter());
        let plain = plain.map_err(|error| VaultError::of_header(&name, error))?;
        Ok(OpenedContent::new(name, *sealed, plain, seen))
    }

    /// Removes an object for good. One that is gone already is no error.
    ///
    /// # Errors
    /// [`VaultError::VersionKept`] if the store keeps old versions: then the bytes are still there, though under no name;
    /// [`VaultError`] if the object cannot be removed.
    pub async fn destroy(&self, object: &SealedObject) -> Result<(), VaultError> {
        let name = name_of(object);
        match self.shelf.remove(&name).await? {
            Removed::Gone | Removed::WasNotThere => Ok(()),
            Removed::VersionKept => Err(VaultError::VersionKept { object: self.shelf.address(&name) }),
        }
    }

    /// Lists all objects by name and size, in no order; their bytes are not looked at.
    ///
    /// What lies in the vault and is no object of it is an error in its place, and the list goes on.
    pub fn objects(&self) -> BoxStream<'static, Result<SealedObject, VaultError>> {
        let shelf = self.shelf.clone();
        let objects = self.shelf.list("").map(move |listed| {
            let listed = listed?;
            let object = object_of(&listed.name);
            let object = object.ok_or_else(|| VaultError::Stray { path: shelf.address(&listed.name) })?;
            Ok(SealedObject { object, object_bytes: listed.bytes })
        });
        objects.boxed()
    }

    /// Opens an object's encrypted bytes, and returns its address for people.
    async fn read(&self, object: &SealedObject) -> Result<(String, ShelfReader), VaultError> {
        let name = name_of(object);
        let reader = self.shelf.read(&name).await?;
        let address = self.shelf.address(&name);
        match reader {
            Some(reader) => Ok((address, reader)),
            None => Err(VaultError::Missing { object: address }),
        }
    }
}

fn name_of(object: &SealedObject) -> String {
    let digest = object.object.to_string();
    let hex = digest.rsplit_once(':').map_or(digest.as_str(), |(_, hex)| hex);
    format!("{hex}{SUFFIX}")
}

fn object_of(name: &str) -> Option<Digest> {
    let hex = name.strip_suffix(SUFFIX)?;
    let digest: Digest = format!("sha256:{hex}").parse().ok()?;
    // Of two ways to write a digest one is a name.
    (name_of(&SealedObject { object: digest, object_bytes: 0 }) == name).then_some(digest)
}

fn digest(hasher: Sha256) -> Digest {
    Digest::from_bytes(hasher.finalize().into())
}
