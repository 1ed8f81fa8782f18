//! Finds the shards that a gate is asked about, in folders and object stores.

use std::collections::BTreeMap;
use std::env;

use lazaret_pipeline::gate::{Beside, ShardInput};
use lazaret_shard::{Declaration, Layout, LayoutError, LayoutKind, Place, PlaceError, ShardName};

use crate::command_error::CommandError;
use crate::exit::ExitCode;

/// What lies at the places named.
#[derive(Default)]
pub(super) struct Inputs {
    /// Shards, sorted by name.
    pub(super) shards: Vec<ShardInput>,
    /// What was not read at all.
    pub(super) not_read: Vec<String>,
    /// What the data set says of itself.
    pub(super) cards: Vec<String>,
    /// Everything else, which is no shard.
    pub(super) beside: Beside,
}

/// Reads a place as it is written on the command line; credentials of object stores come from the environment.
pub(in crate::commands) fn place(text: &str) -> Result<Place, CommandError> {
    let environment: BTreeMap<String, String> = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    Place::parse(text, &environment).map_err(place_error)
}

/// Finds the shards of places.
pub(super) fn shards_of(texts: &[String]) -> Result<Inputs, CommandError> {
    let mut inputs = Inputs::default();
    for text in texts {
        let place = place(text)?;
        let layout = Layout::read(&place).map_err(layout_error)?;
        let shards = layout.shards.into_iter().map(|shard| shard.name);
        inputs.shards.extend(shards.map(|name| ShardInput {
            name: name.clone(),
            place: place.clone(),
            file: name,
        }));
        let is_carried = |name: &ShardName| layout.loader_files.iter().any(|file| file.name == *name);
        for Declaration { name, text: card } in layout.declarations {
            inputs.cards.push(card);
            if !is_carried(&name) {
                inputs.beside.not_carried.push(format!("{text}: {name}"));
            }
        }
        // Attributes are another program's word about records: the gate believes none, and passes none on.
        let is_dolma = layout.kind == LayoutKind::Dolma;
        let others = layout.others.into_iter().chain(layout.attributes.into_iter().filter(|_| is_dolma));
        let others: Vec<String> = others.map(|name| format!("{text}: {name}")).collect();
        inputs.not_read.extend_from_slice(&others);
        inputs.beside.not_carried.extend(others);
        inputs.beside.loader_files.extend(layout.loader_files);
    }
    inputs.shards.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(inputs)
}

fn layout_error(error: LayoutError) -> CommandError {
    CommandError::from_error(ExitCode::Failure, error)
        .hint("name shards, folders of shards, or s3://, gs:// or az:// addresses")
}

pub(super) fn place_error(error: PlaceError) -> CommandError {
    CommandError::from_error(ExitCode::Failure, error).hint(
        "stores take their credentials from the environment, such as AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION",
    )
}
