//! A witness: remembers how far it saw each ledger, and cosigns only what continues that.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use jiff::Timestamp;
use lazaret_core::Digest;
use lazaret_seal::{Checkpoint, Cosigner, NoteError, NoteVerifier, SignedNote};
use serde::Serialize;

mod request;

pub use request::{AddCheckpoint, add_checkpoint};

use super::error::LedgerError;
use super::public::{PublicLog, read_checkpoint};
use super::trust::{LedgerHead, TrustedLog};
use crate::shelf::{Shelf, ShelfError};
use request::{cosign, judge};

/// A witness did not cosign.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WitnessError {
    /// The ledger could not be read, or is not signed by the trusted key.
    #[error("the ledger cannot be witnessed")]
    Ledger {
        /// Why.
        #[from]
        source: LedgerError,
    },
    /// What the witness remembers could not be read or written.
    #[error("what the witness remembers cannot be read or written")]
    State {
        /// Why.
        #[from]
        source: ShelfError,
    },
    /// What the witness remembers is not what it wrote.
    #[error(
        "`{file}` does not bear this witness's own cosignature; restore it, because without it a fork would not be seen"
    )]
    Altered {
        /// The file.
        file: String,
    },
    /// Another run could not be waited for.
    #[error("`{path}` cannot be locked", path = path.display())]
    Lock {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The ledger states fewer entries than before.
    #[error(
        "`{origin}` states {size} entries after {seen_size}: it was set back, or this is an old copy of it; both \
         signed checkpoints are in `{evidence}`"
    )]
    RolledBack {
        /// The ledger.
        origin: String,
        /// How many entries were last seen.
        seen_size: u64,
        /// How many it states.
        size: u64,
        /// Where both signed checkpoints are kept.
        evidence: String,
    },
    /// The ledger does not begin with what was seen.
    #[error(
        "`{origin}` states {size} entries that do not begin with the {seen_size} seen before: it shows different \
         histories to different people; both signed checkpoints are in `{evidence}`"
    )]
    Forked {
        /// The ledger.
        origin: String,
        /// How many entries were last seen.
        seen_size: u64,
        /// How many it states.
        size: u64,
        /// Where both signed checkpoints are kept.
        evidence: String,
    },
    /// The cosignature could not be made.
    #[error("the checkpoint cannot be cosigned")]
    Note {
        /// Why.
        #[from]
        source: NoteError,
    },
}

/// A witness with its key and the folder where it remembers what it saw.
#[derive(Debug)]
pub struct Witness<'a> {
    folder: PathBuf,
    cosigner: &'a Cosigner<'a>,
}

/// A checkpoint that a witness cosigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosigned {
    /// What the ledger states.
    pub checkpoint: Checkpoint,
    /// What was last seen of it before.
    pub before: Option<Checkpoint>,
    /// The checkpoint with the ledger's signature and the cosignature, for [`Publisher::adopt`](super::Publisher::adopt).
    pub note: SignedNote,
}

/// Two signed checkpoints of one ledger that cannot both be right.
#[derive(Debug, Serialize)]
struct Evidence {
    format: &'static str,
    time: Timestamp,
    seen: String,
    shown: String,
}

/// Held by a run while it looks, decides and remembers.
struct Locked(#[expect(dead_code, reason = "held until dropped, which unlocks it")] File);

impl<'a> Witness<'a> {
    /// Takes a folder that belongs to this witness alone.
    #[must_use]
    pub fn new(folder: &Path, cosigner: &'a Cosigner<'a>) -> Self {
        Self { folder: folder.to_owned(), cosigner }
    }

    /// Makes the folder for a witness that saw nothing yet.
    ///
    /// # Errors
    /// [`WitnessError::State`] when anything is there.
    pub async fn create(&self) -> Result<(), WitnessError> {
        Ok(self.state().create().await?)
    }

    /// Reads a ledger's checkpoint, proves from its tiles that it continues what was last seen, remembers it, and cosigns
    /// it. A ledger never seen before is taken as it is.
    ///
    /// # Errors
    /// [`WitnessError::RolledBack`] and [`WitnessError::Forked`] when it does not continue that; both signed checkpoints
    /// are kept, and the witness goes on remembering the earlier one. [`WitnessError`] when anything cannot be read.
    pub async fn cosign(
        &self,
        ledger: &Shelf,
        key: &NoteVerifier,
        now: Timestamp,
    ) -> Result<Cosigned, WitnessError> {
        let _locked = self.lock().await?;
        let bytes = read_checkpoint(ledger).await?;
        let wrong = |source| LedgerError::Trust { place: ledger.to_string(), source };
        let head = TrustedLog::new(key.clone()).read(&bytes).map_err(wrong)?;
        let checkpoint = head.checkpoint.clone();
        let before = self.remembered(&checkpoint.origin).await?;
        if let Some((seen, seen_note)) = &before {
            let (origin, seen_size, size) = (checkpoint.origin.clone(), seen.size, checkpoint.size);
            if size < seen_size {
                let evidence = self.keep_evidence(&head, seen_note, now).await?;
                return Err(WitnessError::RolledBack { origin, seen_size, size, evidence });
            }
            // The tiles make the checkpoint's root, or the proof is not made: a proof that fails is the ledger's doing.
            let proof =
                PublicLog::at(ledger.clone(), head.clone()).await?.prove_consistency(seen_size).await?;
            if judge(&checkpoint, seen_size, proof.path, Some(seen)).is_err() {
                let evidence = self.keep_evidence(&head, seen_note, now).await?;
                return Err(WitnessError::Forked { origin, seen_size, size, evidence });
            }
        }
        let mut note = head.note;
        cosign(&mut note, self.cosigner, now)?;
        self.remember(&checkpoint.origin, &note).await?;
        Ok(Cosigned { checkpoint, before: before.map(|(seen, _)| seen), note })
    }

    /// Answers a request to cosign, as [`add_checkpoint`] does, out of what this witness remembers.
    ///
    /// # Errors
    /// [`WitnessError`] when that cannot be read or written; nothing may be answered then but that the witness failed.
    pub async fn answer(
        &self,
        body: &[u8],
        logs: &[NoteVerifier],
        now: Timestamp,
    ) -> Result<AddCheckpoint, WitnessError> {
        let _locked = self.lock().await?;
        let mut seen = Vec::new();
        for key in logs {
            seen.extend(self.remembered(key.name()).await?.map(|(seen, _)| seen));
        }
        let last = |origin: &str| seen.into_iter().find(|seen| seen.origin == origin);
        let answer = add_checkpoint(body, logs, last, self.cosigner, now);
        if let Some(note) = &answer.keep {
            let Checkpoint { origin, .. } = Checkpoint::parse(note.unverified_text())?;
            self.remember(&origin, note).await?;
        }
        Ok(answer)
    }

    /// Returns what was last seen of a ledger.
    ///
    /// # Errors
    /// [`WitnessError`] when it cannot be read, or is not what this witness wrote.
    pub async fn seen(&self, origin: &str) -> Result<Option<Checkpoint>, WitnessError> {
        Ok(self.remembered(origin).await?.map(|(seen, _)| seen))
    }

    fn state(&self) -> Shelf {
        Shelf::in_folder(&self.folder)
    }

    async fn remembered(&self, origin: &str) -> Result<Option<(Checkpoint, SignedNote)>, WitnessError> {
        let file = state_file(origin);
        let Some(bytes) = self.state().get(&file).await? else { return Ok(None) };
        let own = [self.cosigner.verifier().clone()];
        let read = || {
            let note = SignedNote::parse(&bytes).ok()?;
            let is_own = !note.cosignatures(&own).ok()?.is_empty();
            let checkpoint = Checkpoint::parse(note.unverified_text()).ok()?;
            (is_own && checkpoint.origin == origin).then_some((checkpoint, note))
        };
        let altered = || WitnessError::Altered { file: self.state().address(&file) };
        read().map(Some).ok_or_else(altered)
    }

    async fn remember(&self, origin: &str, note: &SignedNote) -> Result<(), WitnessError> {
        Ok(self.state().replace(&state_file(origin), note.to_string().into()).await?)
    }

    /// Keeps both checkpoints in a file of their own. Returns where.
    async fn keep_evidence(
        &self,
        shown: &LedgerHead,
        seen: &SignedNote,
        now: Timestamp,
    ) -> Result<String, WitnessError> {
        let (seen, shown) = (seen.to_string(), shown.note.to_string());
        let name = Digest::of(format!("{seen}\n{shown}").as_bytes());
        let file = format!("evidence/{}.json", hexadecimal(&name));
        // The same two checkpoints met again are no new evidence.
        if self.state().get(&file).await?.is_none() {
            let evidence = Evidence { format: "lazaret.fork/1", time: now, seen, shown };
            let text = serde_json::to_string_pretty(&evidence).unwrap_or_default();
            self.state().put(&file, Bytes::from(format!("{text}\n"))).await?;
        }
        Ok(self.state().address(&file))
    }

    /// Waits for other runs of this witness.
    async fn lock(&self) -> Result<Locked, WitnessError> {
        let path = self.folder.join("lock");
        let failed = |source| WitnessError::Lock { path: path.clone(), source };
        let opened = path.clone();
        let lock = move || {
            let file = File::options().create(true).append(true).open(opened)?;
            file.lock().map(|()| Locked(file))
        };
        match tokio::task::spawn_blocking(lock).await {
            Ok(locked) => locked.map_err(failed),
            Err(stopped) => Err(failed(stopped.into())),
        }
    }
}

/// An origin may hold anything: its file is named by its hash.
fn state_file(origin: &str) -> String {
    format!("{}.checkpoint", hexadecimal(&Digest::of(origin.as_bytes())))
}

fn hexadecimal(digest: &Digest) -> String {
    digest.to_string().trim_start_matches("sha256:").to_owned()
}
