//! Folders that `save_to_disk` of Hugging Face's `datasets` wrote.
//!
//! A split is a folder with `state.json`, which lists its Arrow files under `_data_files`, and `dataset_info.json`. Several
//! splits lie in folders beside a `dataset_dict.json`, which lists their names under `splits`.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Declaration, Layout, LayoutError, SPLITS, STATE, Shard};
use crate::places::ShardName;

#[derive(Deserialize)]
struct State {
    #[serde(rename = "_data_files")]
    data_files: Vec<DataFile>,
}

#[derive(Deserialize)]
struct DataFile {
    filename: String,
}

#[derive(Deserialize)]
struct Splits {
    splits: Vec<String>,
}

/// Holds the shards against the files that list them. A file beside a list and not on it is none that others would
/// load: it becomes one of the others.
pub(super) fn check(layout: &mut Layout) -> Result<(), LayoutError> {
    let named = |last: &str| -> Vec<Declaration> {
        layout.loader_files.iter().filter(|file| file.name.last_part() == last).cloned().collect()
    };
    let (states, splits) = (named(STATE), named(SPLITS));
    for Declaration { name, text } in &splits {
        for split in read_json::<Splits>(name, text)?.splits {
            let state = name.beside(&format!("{split}/{STATE}"))?;
            if !states.iter().any(|known| known.name == state) {
                return Err(LayoutError::MissingShard {
                    listed_by: name.clone(),
                    missing: state.to_string(),
                });
            }
        }
    }
    let mut listed = BTreeSet::new();
    for Declaration { name, text } in &states {
        for file in read_json::<State>(name, text)?.data_files {
            let shard = name.beside(&file.filename)?;
            if !layout.shards.iter().any(|known| known.name == shard) {
                return Err(LayoutError::MissingShard {
                    listed_by: name.clone(),
                    missing: shard.to_string(),
                });
            }
            listed.insert(shard);
        }
    }
    let is_listed = |shard: &Shard| {
        let has_list = states.iter().any(|state| state.name.folder() == shard.name.folder());
        !has_list || listed.contains(&shard.name)
    };
    let (shards, others): (Vec<Shard>, Vec<Shard>) =
        std::mem::take(&mut layout.shards).into_iter().partition(is_listed);
    layout.shards = shards;
    layout.others.extend(others.into_iter().map(|shard| shard.name));
    Ok(())
}

fn read_json<T: DeserializeOwned>(name: &ShardName, text: &str) -> Result<T, LayoutError> {
    serde_json::from_str(text).map_err(|error| {
        // The parser's own words may quote the file.
        let why = format!("line {} does not hold what is expected", error.line());
        LayoutError::Form { name: name.clone(), why }
    })
}
