//! Detector `agent-note`: notes that say which files of a commit a tool wrote in, without lines.

use lazaret_core::Recording;

use crate::recorded::{self, RecordedClaims, Spellings};

/// The detector's id.
pub(crate) const ID: &str = "agent-note";

/// Claims what a note attests.
pub(crate) fn detect(recording: &Recording, spellings: &Spellings) -> RecordedClaims {
    recorded::without_lines(ID, recording, spellings, "a file recorded, without lines, as a tool's")
}
