//! A folder of this machine, or a single file in one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::PlaceError;
use super::name::ShardName;
use super::pending::Pending;
use super::{IfThere, Listed, Listing};

/// Where Hugging Face's cache keeps the files that the links of a `snapshots` folder lead to.
const BLOBS: &str = "../../blobs";

/// A folder, or a single file in one.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    root: PathBuf,
    /// The one file that was named.
    only: Option<ShardName>,
}

impl Folder {
    /// Takes a path. It need not exist: something may be written there.
    pub(super) fn new(path: &Path) -> Result<Self, PlaceError> {
        if path.as_os_str().is_empty() {
            return Err(PlaceError::NotAPlace { why: "it is empty".to_owned() });
        }
        if !path.is_file() {
            return Ok(Self { root: path.to_owned(), only: None });
        }
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| PlaceError::NotAPlace { why: "its name is no text".to_owned() })?;
        let root = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        Ok(Self { root, only: Some(ShardName::new(name)?) })
    }

    pub(super) fn list(&self) -> Result<Listing, PlaceError> {
        let mut listing = Listing::default();
        if let Some(name) = &self.only {
            let path = self.path(name);
            let bytes = fs::metadata(&path).map_err(failed(&path, "read"))?.len();
            listing.files.push(Listed { name: name.clone(), bytes });
            return Ok(listing);
        }
        if !self.root.exists() {
            return Err(PlaceError::NotFound { name: self.root.display().to_string() });
        }
        let links = Links::new(&self.root)?;
        self.list_into("", &links, &mut listing)?;
        Ok(listing)
    }

    fn list_into(&self, prefix: &str, links: &Links, listing: &mut Listing) -> Result<(), PlaceError> {
        let folder = self.root.join(prefix);
        for entry in fs::read_dir(&folder).map_err(failed(&folder, "listed"))? {
            let entry = entry.map_err(failed(&folder, "listed"))?;
            let path = entry.path();
            let name = entry.file_name();
            let name = name.to_str().ok_or_else(|| PlaceError::Name {
                name: name.to_string_lossy().into_owned(),
                why: "it is no text",
            })?;
            let name =
                ShardName::new(if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") })?;
            let kind = entry.file_type().map_err(failed(&path, "read"))?;
            if kind.is_symlink() {
                let bytes = links.check(&path)?;
                listing.files.push(Listed { name, bytes });
            } else if kind.is_dir() && !name.last_part().starts_with('.') {
                self.list_into(name.as_str(), links, listing)?;
            } else if kind.is_file() {
                let bytes = entry.metadata().map_err(failed(&path, "read"))?.len();
                listing.files.push(Listed { name, bytes });
            } else {
                listing.not_entered.push(name);
            }
        }
        Ok(())
    }

    pub(super) fn open(&self, name: &ShardName) -> Result<PathBuf, PlaceError> {
        let path = self.path(name);
        if !path.exists() {
            return Err(PlaceError::NotFound { name: path.display().to_string() });
        }
        // The only file is named by the user, who may well name a link.
        if self.only.as_ref() != Some(name) {
            Links::new(&self.root)?.check(&path)?;
        }
        Ok(path)
    }

    pub(super) fn create(&self, name: &ShardName, if_there: IfThere) -> Result<Pending, PlaceError> {
        if self.only.is_some() {
            let why = "it is a file, and shards are written into a folder".to_owned();
            return Err(PlaceError::NotAPlace { why });
        }
        Pending::to_file(self.path(name), if_there)
    }

    fn path(&self, name: &ShardName) -> PathBuf {
        self.root.join(name.as_str())
    }
}

/// Where links may lead.
struct Links {
    /// The folder, and the blobs of Hugging Face's cache if the folder is one of its snapshots.
    allowed: Vec<PathBuf>,
}

impl Links {
    fn new(root: &Path) -> Result<Self, PlaceError> {
        let root = fs::canonicalize(root).map_err(failed(root, "read"))?;
        let is_snapshot = root.parent().and_then(Path::file_name).is_some_and(|name| name == "snapshots");
        let blobs = is_snapshot.then(|| fs::canonicalize(root.join(BLOBS)).ok()).flatten();
        Ok(Self { allowed: std::iter::once(root).chain(blobs).collect() })
    }

    /// Returns the size of the file that a path leads to, through links if need be.
    ///
    /// A link out of the folder would let a data set take any file of the machine into what is trained on, and one to a
    /// folder may lead in circles.
    fn check(&self, path: &Path) -> Result<u64, PlaceError> {
        let refused = |why| PlaceError::Link { path: path.to_owned(), why };
        let Ok(real) = fs::canonicalize(path) else {
            return Err(refused("leads nowhere, or in a circle"));
        };
        if !self.allowed.iter().any(|allowed| real.starts_with(allowed)) {
            return Err(refused("leads out of the folder"));
        }
        let metadata = fs::metadata(&real).map_err(failed(path, "read"))?;
        if !metadata.is_file() {
            return Err(refused("leads to a folder"));
        }
        Ok(metadata.len())
    }
}

pub(super) fn failed(path: &Path, what: &'static str) -> impl FnOnce(io::Error) -> PlaceError {
    let path = path.to_owned();
    move |source| PlaceError::File { path, what, source }
}
