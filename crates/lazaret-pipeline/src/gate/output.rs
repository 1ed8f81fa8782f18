//! Files that appear only when they are whole, and what was written into them.

use std::fs::File;
use std::io::{self, BufWriter, Read as _, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use lazaret_core::Digest;
use lazaret_shard::{IfThere, Place, PlaceError, ShardName};
use sha2::{Digest as _, Sha256};

/// Parts that run at the same time write the same small files. Each takes a moment, so the others wait for so long.
const WAIT: Duration = Duration::from_millis(20);

/// How often they do.
const WAITS: u32 = 500;

/// A file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// Its place gives no access to it.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// Its bytes could not be read or written.
    #[error("`{name}` cannot be read or written")]
    Bytes {
        /// Its name.
        name: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// A file that is being written.
pub(crate) struct Pending {
    name: ShardName,
    file: lazaret_shard::Pending,
    state: Arc<Mutex<State>>,
}

struct State {
    out: BufWriter<File>,
    hasher: Sha256,
    bytes: u64,
}

/// A file that was written whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Finished {
    pub(crate) sha256: Digest,
    pub(crate) bytes: u64,
}

impl Pending {
    /// Begins a file; it takes the place of one that an interrupted run left.
    pub(crate) fn begin(place: &Place, name: &ShardName) -> Result<Self, OutputError> {
        Self::of(name, place.create(name, IfThere::Replace)?)
    }

    fn of(name: &ShardName, file: lazaret_shard::Pending) -> Result<Self, OutputError> {
        let out = BufWriter::with_capacity(1 << 18, file.out()?);
        let state = State { out, hasher: Sha256::new(), bytes: 0 };
        Ok(Self { name: name.clone(), file, state: Arc::new(Mutex::new(state)) })
    }

    /// Returns a writer to it; what is written goes through the digest.
    pub(crate) fn writer(&self) -> PendingWriter {
        PendingWriter(Arc::clone(&self.state))
    }

    /// Brings the file to disk under its name.
    pub(crate) fn commit(self) -> Result<Finished, OutputError> {
        let Self { name, file, state } = self;
        let finished = {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            state.out.flush().map_err(|source| OutputError::Bytes { name: name.to_string(), source })?;
            let sha256 = Digest::from_bytes(state.hasher.clone().finalize().into());
            Finished { sha256, bytes: state.bytes }
        };
        file.commit()?;
        Ok(finished)
    }
}

/// Writes to a pending file.
pub(crate) struct PendingWriter(Arc<Mutex<State>>);

impl Write for PendingWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.out.write_all(bytes)?;
        state.hasher.update(bytes);
        state.bytes += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).out.flush()
    }
}

/// Writes a small file at once, in the place of one that was there.
pub(crate) fn write_whole(place: &Place, name: &ShardName, bytes: &[u8]) -> Result<Finished, OutputError> {
    let pending = Pending::of(name, create_in_turn(place, name, IfThere::Replace)?)?;
    let error = |source| OutputError::Bytes { name: name.to_string(), source };
    pending.writer().write_all(bytes).map_err(error)?;
    pending.commit()
}

/// Writes a small file unless one is there by then; whoever was first has written it.
pub(crate) fn write_new(place: &Place, name: &ShardName, bytes: &[u8]) -> Result<(), OutputError> {
    let mut file = match create_in_turn(place, name, IfThere::Refuse) {
        Err(PlaceError::Exists { .. }) => return Ok(()),
        file => file?,
    };
    file.write_all(bytes).map_err(|source| OutputError::Bytes { name: name.to_string(), source })?;
    match file.commit() {
        Err(PlaceError::Exists { .. }) | Ok(()) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Begins a small file, after whoever is writing it now.
fn create_in_turn(
    place: &Place,
    name: &ShardName,
    if_there: IfThere,
) -> Result<lazaret_shard::Pending, PlaceError> {
    for _ in 0..WAITS {
        match place.create(name, if_there) {
            Err(PlaceError::Busy { .. }) => thread::sleep(WAIT),
            file => return file,
        }
    }
    place.create(name, if_there)
}

/// Reads a small file; `None` where there is none.
pub(crate) fn read_small(place: &Place, name: &ShardName) -> Result<Option<Vec<u8>>, OutputError> {
    let fetched = match place.open(name) {
        Err(PlaceError::NotFound { .. }) => return Ok(None),
        fetched => fetched?,
    };
    let mut bytes = Vec::new();
    let read = File::open(fetched.path()).and_then(|mut file| file.read_to_end(&mut bytes));
    read.map_err(|source| OutputError::Bytes { name: name.to_string(), source })?;
    Ok(Some(bytes))
}
