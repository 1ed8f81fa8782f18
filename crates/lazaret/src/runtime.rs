//! Runs what waits for the store: databases and object stores answer later, and the command waits for them here.

use tokio::runtime::Builder;

use crate::command_error::CommandError;
use crate::exit::ExitCode;

/// Runs one piece of work to its end. What it has begun in the background ends with it, so a store is opened, used and
/// dropped within one call.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T, CommandError>>) -> Result<T, CommandError> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| {
        CommandError::new(ExitCode::Failure, "the system gives no means to wait for the store").because(error)
    })?;
    runtime.block_on(work)
}
