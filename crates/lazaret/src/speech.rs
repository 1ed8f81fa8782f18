//! What the command says on standard error, beside its data.

use std::io::{self, Write as _};

use crate::command_error::CommandError;
use crate::screen::{Ink, Screen};
use crate::text::plain;

/// Says what went wrong.
pub(crate) fn error(error: &CommandError, screen: &Screen) {
    let mut stderr = io::stderr().lock();
    // Nobody is left to be told that standard error is closed; the exit code still speaks.
    drop(error.write(&mut stderr, screen));
}

/// Warns of something that the data shows less plainly.
pub(crate) fn warning(message: &str, screen: &Screen) {
    let label = screen.paint(Ink::Warning, "warning");
    // As above.
    drop(writeln!(io::stderr().lock(), "{label}: {}", plain(message)));
}

/// Says what was done, where the data does not.
pub(crate) fn note(message: &str, screen: &Screen) {
    let label = screen.paint(Ink::Faint, "note");
    // As above.
    drop(writeln!(io::stderr().lock(), "{label}: {}", plain(message)));
}
