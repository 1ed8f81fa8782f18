//! What of a place is a shard, what speaks about the shards, and what is neither.

mod saved;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::Read as _;

use crate::format::Format;
use crate::places::{Listed, Place, PlaceError, ShardName};

/// A file that speaks about a data set is not read beyond this.
const DECLARATION_BYTES_MAX: u64 = 16 << 20;

/// The data set's card, in a repository of Hugging Face's hub.
const CARD: &str = "README.md";
/// What Hugging Face's `datasets` says of a data set.
const INFO: &str = "dataset_info.json";
/// The same, of all configurations, in old repositories.
const INFOS: &str = "dataset_infos.json";
/// Which Arrow files make a split, in a folder of `save_to_disk`.
const STATE: &str = "state.json";
/// Which splits there are, in a folder of `save_to_disk`.
const SPLITS: &str = "dataset_dict.json";

/// How a data set is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayoutKind {
    /// One file.
    File,
    /// A folder of shards.
    Folder,
    /// A repository of Hugging Face's hub: `data/*.parquet` and a card.
    HubRepository,
    /// A folder of `save_to_disk`, with one split or several.
    Saved,
    /// Dolma's `documents/` and `attributes/`.
    Dolma,
}

/// A shard of a data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// Its name; the shard that is written of it has the same.
    pub name: ShardName,
    /// Its format, as the name tells it.
    pub format: Format,
    /// Its size.
    pub bytes: u64,
}

/// A file that speaks about a data set.
#[derive(Clone, PartialEq, Eq)]
#[expect(missing_debug_implementations, reason = "holds content")]
pub struct Declaration {
    /// The file.
    pub name: ShardName,
    /// Its text.
    pub text: String,
}

/// A data set at a place.
#[expect(missing_debug_implementations, reason = "holds content")]
pub struct Layout {
    /// How it is laid out.
    pub kind: LayoutKind,
    /// Its shards, sorted by name.
    pub shards: Vec<Shard>,
    /// What it says about itself: cards and `dataset_info.json`.
    pub declarations: Vec<Declaration>,
    /// What says something about records in files of its own: Dolma's attributes.
    pub attributes: Vec<ShardName>,
    /// What others need beside the shards to load them: which files make a split, and what columns they have.
    pub loader_files: Vec<Declaration>,
    /// Everything else. It is not examined, so it goes no further.
    pub others: Vec<ShardName>,
}

/// A data set's layout does not hold.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// The place could not be read.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// A file that says which shards there are is not in its form.
    #[error("`{name}` is not in the form of a file of that name: {why}")]
    Form {
        /// The file.
        name: ShardName,
        /// What is wrong.
        why: String,
    },
    /// A shard that the data set lists is not there.
    #[error("`{listed_by}` lists `{missing}`, which is not there; without it the data set is not whole")]
    MissingShard {
        /// What lists it.
        listed_by: ShardName,
        /// What is missing.
        missing: String,
    },
    /// The part of the work does not exist.
    #[error("there is no part {part} of {parts}; parts are counted from 0")]
    NoSuchPart {
        /// Which.
        part: usize,
        /// Of how many.
        parts: usize,
    },
}

impl Layout {
    /// Looks at a place and says what of it is what.
    ///
    /// # Errors
    /// [`LayoutError`]: the place cannot be read, or shards that it lists are missing.
    pub fn read(place: &Place) -> Result<Self, LayoutError> {
        let listing = place.list()?;
        let files = &listing.files;
        let mut layout = Self {
            kind: kind(files),
            shards: Vec::new(),
            declarations: Vec::new(),
            attributes: Vec::new(),
            loader_files: Vec::new(),
            others: listing.not_entered,
        };
        for file in files {
            layout.sort(place, file)?;
        }
        if layout.kind == LayoutKind::Saved {
            saved::check(&mut layout)?;
        }
        layout.others.sort();
        Ok(layout)
    }

    /// Returns the shards of one part of the work: every `parts`th one, so that large shards, which often are
    /// neighbours, do not fall to one part.
    ///
    /// # Errors
    /// [`LayoutError::NoSuchPart`] unless `part < parts`.
    pub fn part(&self, part: usize, parts: usize) -> Result<Vec<&Shard>, LayoutError> {
        if part >= parts {
            return Err(LayoutError::NoSuchPart { part, parts });
        }
        Ok(self.shards.iter().skip(part).step_by(parts).collect())
    }

    fn sort(&mut self, place: &Place, file: &Listed) -> Result<(), LayoutError> {
        let name = file.name.clone();
        let is_alone = self.kind == LayoutKind::File;
        match name.last_part() {
            CARD | INFO | INFOS if !is_alone => {
                let text = read_text(place, &name)?;
                if name.last_part() == INFO && self.kind == LayoutKind::Saved {
                    self.loader_files.push(Declaration { name: name.clone(), text: text.clone() });
                }
                self.declarations.push(Declaration { name, text });
            }
            STATE | SPLITS if self.kind == LayoutKind::Saved => {
                let text = read_text(place, &name)?;
                self.loader_files.push(Declaration { name, text });
            }
            last => match Format::of_name(last) {
                _ if last.starts_with('.') => self.others.push(name),
                Some(_) if self.kind == LayoutKind::Dolma && in_folder(&name, "attributes") => {
                    self.attributes.push(name);
                }
                Some(format) => self.shards.push(Shard { name, format, bytes: file.bytes }),
                None => self.others.push(name),
            },
        }
        Ok(())
    }
}

fn kind(files: &[Listed]) -> LayoutKind {
    let has = |name: &str| files.iter().any(|file| file.name.as_str() == name);
    let has_folder = |folder: &str| files.iter().any(|file| in_folder(&file.name, folder));
    let has_format =
        |format: Format| files.iter().any(|file| Format::of_name(file.name.last_part()) == Some(format));
    let has_last = |last: &str| files.iter().any(|file| file.name.last_part() == last);
    match files {
        [file] if Format::of_name(file.name.as_str()).is_some() => LayoutKind::File,
        _ if has_format(Format::ArrowStream) && (has_last(STATE) || has_last(SPLITS)) => LayoutKind::Saved,
        _ if has_folder("documents") => LayoutKind::Dolma,
        _ if has(CARD) && has_format(Format::Parquet) => LayoutKind::HubRepository,
        _ => LayoutKind::Folder,
    }
}

fn in_folder(name: &ShardName, folder: &str) -> bool {
    name.as_str().split_once('/').is_some_and(|(first, _)| first == folder)
}

/// Reads a file that speaks about a data set.
fn read_text(place: &Place, name: &ShardName) -> Result<String, LayoutError> {
    let fetched = place.open(name)?;
    let mut text = String::new();
    let failed = |source| PlaceError::File { path: fetched.path().to_owned(), what: "read", source };
    let file = File::open(fetched.path()).map_err(failed)?;
    file.take(DECLARATION_BYTES_MAX + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > DECLARATION_BYTES_MAX {
        let why = format!("it is longer than {DECLARATION_BYTES_MAX} bytes");
        return Err(LayoutError::Form { name: name.clone(), why });
    }
    Ok(text)
}
