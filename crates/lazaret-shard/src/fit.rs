//! Tells whether a shard fits a profile before any of its records is judged.

use std::path::Path;

use crate::chunk::Limits;
use crate::error::ShardError;
use crate::format::Format;
use crate::open::open;
use crate::profile::{BUILT_IN, Profile};

/// Returns how a shard does not fit a profile.
///
/// A columnar shard says so in its schema. Of any other the first chunk is read: it says so in the first record that
/// can be read. `None` says that nothing speaks against the profile, or that the shard is damaged, which is not the
/// profile's fault and shows when it is read.
#[must_use]
pub fn misfit(path: &Path, profile: &Profile, limits: Limits) -> Option<ShardError> {
    begin(path, profile, limits).err().filter(ShardError::is_misfit)
}

/// Returns the profiles that come with the program and fit a shard, by name.
#[must_use]
pub fn fitting(path: &Path, limits: Limits) -> Vec<&'static str> {
    let fits = |text: &str| {
        let profile = Profile::parse(text).ok();
        profile.is_some_and(|profile| begin(path, &profile, limits).is_ok())
    };
    BUILT_IN.iter().filter(|(_, text)| fits(text)).map(|(name, _)| *name).collect()
}

/// Reads as much of a shard as tells its columns.
fn begin(path: &Path, profile: &Profile, limits: Limits) -> Result<(), ShardError> {
    let mut opened = open(path, profile, limits)?;
    match opened.format {
        Format::Parquet | Format::ArrowFile | Format::ArrowStream => Ok(()),
        Format::JsonLines(_) | Format::WebDataset(_) => opened.reader.next_chunk().map(drop),
    }
}
