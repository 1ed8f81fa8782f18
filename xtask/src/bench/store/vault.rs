//! A large content through the vault: sealed, verified and opened as a stream, with the memory that it takes.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use anyhow::{Result, ensure};
use lazaret_gatekit::Dice;
use lazaret_store::{Identities, Shelf, Vault};
use tokio::io::{AsyncRead, AsyncReadExt as _, ReadBuf};

use super::super::account::Keeper;
use super::job::timed;
use super::runtime;

/// How many bytes differ from one another before they come again; a disk that packs would make less of fewer.
const PATTERN_BYTES: usize = 1 << 20;

/// Bytes that nothing makes smaller, as many as are asked for; no file holds them.
struct Noise {
    pattern: Vec<u8>,
    at: usize,
}

impl Noise {
    fn new() -> Self {
        let mut dice = Dice::new(1);
        let words = (0..PATTERN_BYTES / 8).map(|_| dice.throw().to_le_bytes());
        Self { pattern: words.flatten().collect(), at: 0 }
    }
}

impl AsyncRead for Noise {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while buffer.remaining() > 0 {
            let at = self.at % PATTERN_BYTES;
            let rest = self.pattern.get(at..).unwrap_or_default();
            let part = rest.get(..buffer.remaining().min(rest.len())).unwrap_or_default();
            buffer.put_slice(part);
            self.at = at + part.len();
        }
        Poll::Ready(Ok(()))
    }
}

/// Seals a content of so many bytes in a folder, verifies the object and opens it.
pub(super) fn work(keeper: &mut Keeper, folder: &str, n_bytes: u64) -> Result<()> {
    let (runtime, key) = (runtime()?, Identities::generate());
    let vault = Vault::new(Shelf::in_folder(Path::new(folder)), key.recipients());
    let seal = || Ok(runtime.block_on(vault.seal(Noise::new().take(n_bytes)))?);
    let sealed = timed(keeper, "seal", seal)?;
    ensure!(sealed.bytes == n_bytes, "{} of {n_bytes} bytes were sealed", sealed.bytes);
    timed(keeper, "verify", || Ok(runtime.block_on(vault.verify(&sealed.object))?))?;
    let opened = timed(keeper, "open", || {
        runtime.block_on(async {
            let mut opened = vault.open(&sealed, &key).await?;
            anyhow::Ok(tokio::io::copy(&mut opened, &mut tokio::io::sink()).await?)
        })
    })?;
    ensure!(opened == n_bytes, "{opened} of {n_bytes} bytes came back");
    keeper.count("object bytes", usize::try_from(sealed.object.object_bytes)?);
    Ok(())
}
