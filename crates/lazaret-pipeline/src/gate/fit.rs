//! Holds shards against the profile before a run begins, so that a wrong one leaves nothing behind.

use lazaret_shard::{Fetched, Format, Limits, Profile, ShardError, fitting, misfit};

use super::shard::ShardInput;

/// A profile is another data set's.
#[derive(Debug, thiserror::Error)]
#[error("the profile does not fit `{shard}`{}", others(*n_others))]
pub struct Misfit {
    /// The first shard that it does not fit.
    pub shard: String,
    /// How many others it does not fit, of those that could be asked.
    pub n_others: usize,
    /// The profiles that come with the program and fit that shard.
    pub fitting: Vec<&'static str>,
    /// How it does not fit.
    #[source]
    pub source: ShardError,
}

fn others(number: usize) -> String {
    match number {
        0 => String::new(),
        1 => " and one other shard".to_owned(),
        more => format!(" and {more} other shards"),
    }
}

/// Refuses shards that a profile does not fit; returns the first shard, where it was copied to be looked at.
///
/// The first shard is looked at wherever it lies, and every other one that tells its columns in its schema and lies on
/// this machine. All others are looked at when their turn comes, and so is a shard that is damaged or not there: that is
/// not the profile's fault.
pub(super) fn check(
    shards: &[&ShardInput],
    profile: &Profile,
    limits: Limits,
) -> Result<Option<Fetched>, Box<Misfit>> {
    let mut copy = None;
    let mut found: Option<Box<Misfit>> = None;
    for (nth, input) in shards.iter().enumerate() {
        if nth > 0 && !(input.place.is_local() && tells_columns(input)) {
            continue;
        }
        let Ok(fetched) = input.place.open(&input.file) else { continue };
        if let Some(source) = misfit(fetched.path(), profile, limits) {
            match &mut found {
                Some(found) => found.n_others += 1,
                None => {
                    let fitting = fitting(fetched.path(), limits);
                    let shard = input.name.to_string();
                    found = Some(Box::new(Misfit { shard, n_others: 0, fitting, source }));
                }
            }
        }
        if nth == 0 && !input.place.is_local() {
            copy = Some(fetched);
        }
    }
    found.map_or(Ok(copy), Err)
}

/// Whether the format has a schema, which is read without any record.
fn tells_columns(input: &ShardInput) -> bool {
    match Format::of_name(input.file.as_str()) {
        Some(Format::Parquet | Format::ArrowFile | Format::ArrowStream) => true,
        Some(Format::JsonLines(_) | Format::WebDataset(_)) | None => false,
    }
}
