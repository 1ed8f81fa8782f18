//! Detector `entire-checkpoint`: checkpoints that name the sessions behind a commit and the files they touched.

use lazaret_core::Recording;

use crate::recorded::{self, RecordedClaims, Spellings};

/// The detector's id.
pub(crate) const ID: &str = "entire-checkpoint";

/// Claims what a checkpoint attests of the commit that names it.
///
/// Touched is not written: of the lines there is no record short of the session's log.
pub(crate) fn detect(recording: &Recording, spellings: &Spellings) -> RecordedClaims {
    recorded::without_lines(ID, recording, spellings, "a file that a session touched, recorded")
}
