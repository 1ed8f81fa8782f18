//! The content of an object while it is read, and the proof at its end that it is the one.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use age::stream::StreamReader;
use futures_util::io::AsyncRead as _;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, ReadBuf};
use zeroize::Zeroizing;

use super::ciphertext::{Incoming, Seen};
use super::error::{AlteredPlace, VaultError};
use super::{PART_BYTES, Sealed, digest};
use crate::shelf::{ShelfError, ShelfReader};

/// A content that is being decrypted; see [`Vault::open`](super::Vault::open).
pub struct OpenedContent {
    /// The object's address.
    object: String,
    sealed: Sealed,
    plain: StreamReader<Incoming<ShelfReader>>,
    seen: Seen,
    hasher: Sha256,
    /// How many bytes of the content were decrypted.
    bytes: u64,
    /// The last part that was decrypted.
    part: Zeroizing<Vec<u8>>,
    part_bytes: usize,
    /// How much of the part was given out.
    given: usize,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// All but the last part may be given out.
    Reading,
    /// Everything is as it was sealed.
    Proven,
    /// Nothing more is given out.
    Failed,
}

impl OpenedContent {
    pub(super) fn new(
        object: String,
        sealed: Sealed,
        plain: StreamReader<Incoming<ShelfReader>>,
        seen: Seen,
    ) -> Self {
        let part = Zeroizing::new(vec![0; PART_BYTES]);
        let (hasher, state) = (Sha256::new(), State::Reading);
        Self { object, sealed, plain, seen, hasher, bytes: 0, part, part_bytes: 0, given: 0, state }
    }

    /// Decrypts the next part; where it ends with the content's last byte, everything is checked before it is given out.
    fn poll_part(&mut self, context: &mut Context<'_>) -> Poll<Result<(), VaultError>> {
        // INVARIANT: the hash is taken once for each part, when it is decrypted, though this may be called again while
        // the end of the object is waited for.
        if self.given == self.part_bytes && self.bytes < self.sealed.bytes {
            let n_read = ready!(Pin::new(&mut self.plain).poll_read(context, &mut self.part));
            let n_read = n_read.map_err(|error| self.refused(error))?;
            if n_read == 0 {
                return Poll::Ready(Err(self.at_the_end()));
            }
            self.hasher.update(self.part.get(..n_read).unwrap_or_default());
            self.bytes += n_read as u64;
            (self.part_bytes, self.given) = (n_read, 0);
        }
        if self.bytes < self.sealed.bytes {
            return Poll::Ready(Ok(()));
        }
        let mut beyond = [0];
        let n_beyond = ready!(Pin::new(&mut self.plain).poll_read(context, &mut beyond));
        let n_beyond = n_beyond.map_err(|error| self.refused(error))?;
        if n_beyond > 0 || self.bytes > self.sealed.bytes {
            return Poll::Ready(Err(self.at_the_end()));
        }
        let (object, _) = self.seen.so_far();
        if object != self.sealed.object || digest(self.hasher.clone()) != self.sealed.content {
            return Poll::Ready(Err(self.at_the_end()));
        }
        self.state = State::Proven;
        Poll::Ready(Ok(()))
    }

    /// Says what a failed part means.
    fn refused(&self, error: io::Error) -> VaultError {
        let object = self.object.clone();
        let (seen, is_longer) = self.seen.so_far();
        if is_longer {
            let place = AlteredPlace::Beyond { bytes: self.sealed.object.object_bytes };
            return VaultError::Altered { object, place };
        }
        let is_from_shelf = error.get_ref().is_some_and(|inner| inner.is::<ShelfError>());
        if is_from_shelf || !matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
        {
            return VaultError::of_reader(&object, error);
        }
        let object_bytes = self.sealed.object.object_bytes;
        if error.kind() == io::ErrorKind::UnexpectedEof && seen.object_bytes < object_bytes {
            return VaultError::Truncated { object, bytes: seen.object_bytes, object_bytes };
        }
        VaultError::Altered { object, place: AlteredPlace::After { content_bytes: self.bytes } }
    }

    /// Says what is wrong when every part could be decrypted, and it is not the content.
    fn at_the_end(&self) -> VaultError {
        let object = self.object.clone();
        if self.seen.so_far().0 == self.sealed.object {
            return VaultError::OtherContent { object, content: self.sealed.content };
        }
        VaultError::Altered { object, place: AlteredPlace::Somewhere }
    }
}

impl AsyncRead for OpenedContent {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let opened = self.get_mut();
        if opened.state == State::Failed {
            let object = opened.object.clone();
            return Poll::Ready(Err(io::Error::other(VaultError::Failed { object })));
        }
        let may_give = opened.given < opened.part_bytes
            && (opened.state == State::Proven || opened.bytes < opened.sealed.bytes);
        if !may_give
            && opened.state == State::Reading
            && let Err(error) = ready!(opened.poll_part(context))
        {
            opened.state = State::Failed;
            return Poll::Ready(Err(io::Error::other(error)));
        }
        let part = opened.part.get(opened.given..opened.part_bytes).unwrap_or_default();
        let taken = part.get(..buffer.remaining()).unwrap_or(part);
        buffer.put_slice(taken);
        opened.given += taken.len();
        Poll::Ready(Ok(()))
    }
}

impl fmt::Debug for OpenedContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { object, state, bytes, .. } = self;
        f.debug_struct("OpenedContent")
            .field("object", object)
            .field("bytes", bytes)
            .field("state", state)
            .finish_non_exhaustive()
    }
}
