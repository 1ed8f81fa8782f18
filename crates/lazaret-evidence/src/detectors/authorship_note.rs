//! Detector `authorship-note`: records of which lines of a commit a tool wrote.

use lazaret_core::{Recording, Strength};

use crate::recorded::{Gathering, RecordedClaims, Spellings, Worth};

/// The detector's id.
pub(crate) const ID: &str = "authorship-note";

/// A record of the writing itself.
const LINES: Worth = Worth { strength: Strength::Recorded, told: "lines recorded as a tool's" };

/// The record says that the tool wrote in the file; of which lines it wrote there is no record.
const FILE: Worth =
    Worth { strength: Strength::Declared, told: "a file recorded, without lines, as a tool's" };

/// Claims what a record of lines attests.
///
/// A session that such a record names without a line of its own left none in the commit: nothing follows from it.
pub(crate) fn detect(recording: &Recording, spellings: &Spellings) -> RecordedClaims {
    let mut gathering = Gathering::new(ID, spellings, recording);
    gathering.files(LINES, FILE);
    gathering.pass_over_whole();
    gathering.finish()
}
