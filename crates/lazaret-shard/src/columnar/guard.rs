//! Keeps a panic over a damaged file from taking the program down.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_schema::ArrowError;

use crate::error::ShardError;

thread_local! {
    /// Whether a decoder is at work on this thread.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic on this thread is one over a damaged file, which becomes an error of the shard. A panic hook that
/// speaks of bugs has nothing to say then.
#[must_use]
pub fn is_guarded() -> bool {
    GUARDED.get()
}

/// Calls code that decodes foreign bytes; a panic in it is an error of the shard.
///
/// The decoders of Parquet and Arrow answer most damage with an error, but not all of it: they slice, subtract and
/// unwrap what a file declares about itself. One damaged shard among thousands must not end the run, and must not
/// pass either. Whoever gets [`ShardError::Damaged`] never uses the decoder again, so that what the panic left half
/// changed is not seen.
pub(crate) fn guarded<T>(decode: impl FnOnce() -> Result<T, ArrowError>) -> Result<T, ShardError> {
    let was_guarded = GUARDED.replace(true);
    let decoded = catch_unwind(AssertUnwindSafe(decode));
    GUARDED.set(was_guarded);
    match decoded {
        Ok(result) => result.map_err(ShardError::Columns),
        // The message of the panic may hold content.
        Err(_panic) => Err(ShardError::damaged("a value of its structure lies outside of its bounds")),
    }
}
