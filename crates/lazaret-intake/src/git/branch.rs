//! Makes branches, and tells what else a repository names: whose commits it makes, what other work trees have out.

use std::fs;
use std::path::PathBuf;

use gix::bstr::ByteSlice as _;
use gix::refs::Target;
use gix::refs::store::WriteReflog;
use gix::refs::transaction::{PreviousValue, RefEdit};
use lazaret_core::ObjectId;
use rustc_hash::{FxHashMap, FxHashSet};

use super::draft::Shared;
use super::object::{ObjectKind, ObjectReader};
use super::rewrite::Person;
use super::{Repository, tree};

/// A branch could not be made.
#[derive(Debug, thiserror::Error)]
pub enum BranchError {
    /// It is there, or another stands in the way.
    #[error("the branch `{name}` cannot be made: there is `{other}` already")]
    Exists {
        /// The branch.
        name: String,
        /// What is there.
        other: String,
    },
    /// No branch can be called that.
    #[error("`{name}` is no name for a branch")]
    Name {
        /// The name.
        name: String,
    },
    /// The repository keeps its refs in a way that this program does not write.
    #[error("the repository keeps its refs as `{storage}`, which cannot be written; take a patch instead")]
    Storage {
        /// What its configuration says.
        storage: String,
    },
    /// It could not be written, or somebody else is writing it.
    #[error("the branch `{name}` cannot be written; another program may be at work in the repository")]
    Write {
        /// The branch.
        name: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Repository {
    /// Whether a branch of that name could be made now.
    ///
    /// # Errors
    /// [`BranchError`] saying why not.
    pub fn check_new_branch(&self, name: &str) -> Result<(), BranchError> {
        let storage = self.inner.config_snapshot().string("extensions.refStorage");
        if let Some(storage) = storage.filter(|storage| !storage.eq_ignore_ascii_case(b"files")) {
            return Err(BranchError::Storage { storage: storage.to_string() });
        }
        full_name(name)?;
        let full = format!("refs/heads/{name}");
        // A file cannot be a folder as well: `a` stands in the way of `a/b`, packed or not.
        let lies_in = |one: &[u8], other: &[u8]| {
            one.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
        };
        let (refs, _) = self.refs();
        let in_the_way = refs
            .iter()
            .find(|other| lies_in(full.as_bytes(), &other.name) || lies_in(&other.name, full.as_bytes()));
        match in_the_way {
            Some(other) => {
                let other = other.name.strip_prefix(b"refs/heads/").unwrap_or(&other.name);
                Err(BranchError::Exists { name: name.to_owned(), other: other.to_str_lossy().into_owned() })
            }
            None => Ok(()),
        }
    }

    /// Makes a branch that names a commit, under git's own lock and without a log of it. Neither `HEAD` nor the index
    /// nor the work tree changes, and packed refs stay as they are.
    ///
    /// # Errors
    /// [`BranchError`] when there is one already, or it cannot be written.
    pub fn create_branch(&self, name: &str, commit: ObjectId) -> Result<(), BranchError> {
        self.check_new_branch(name)?;
        let full = full_name(name)?;
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| BranchError::Write {
            name: name.to_owned(),
            source,
        };
        let target =
            gix::ObjectId::try_from(commit.as_bytes()).map_err(|source| failed(source.to_string().into()))?;
        let mut refs = self.inner.refs.clone();
        refs.write_reflog = WriteReflog::Disable;
        let path = self.common_dir().join("refs/heads").join(name);
        let edit = RefEdit::update(full, Target::Object(target), PreviousValue::MustNotExist, "");
        let immediately = gix::lock::acquire::Fail::Immediately;
        let prepared = refs.transaction().prepare([edit], immediately, immediately);
        // Whoever made it in the meantime is named, and not the lock.
        let prepared = prepared.map_err(|source| match self.check_new_branch(name) {
            Err(error @ BranchError::Exists { .. }) => error,
            _ => failed(source.to_string().into()),
        })?;
        prepared.commit(None).map_err(|source| failed(source.to_string().into()))?;
        let to_disk = || {
            fs::File::open(&path)?.sync_all()?;
            Shared::of(self).apply_to_file(&path)
        };
        to_disk().map_err(|source: std::io::Error| failed(Box::new(source)))
    }

    /// Returns the person that git's configuration names: that of the repository, else that of the first of `files`
    /// that has one. Files that are not there or cannot be read name nobody.
    #[must_use]
    pub fn configured_person(&self, files: &[PathBuf]) -> Option<Person> {
        let own = self.inner.config_snapshot();
        let others = files.iter().filter_map(|file| {
            gix::config::File::from_path_no_includes(file.clone(), gix::config::Source::User).ok()
        });
        let others: Vec<_> = others.collect();
        let value = |key: &str| {
            let own = own.string(key).map(|value| value.to_string());
            own.or_else(|| others.iter().find_map(|file| file.string(key)).map(|value| value.to_string()))
        };
        Person::new(&value("user.name")?, &value("user.email")?).ok()
    }

    /// Returns what linked work trees have out that no ref names: the name of each, and its commit.
    #[must_use]
    pub fn detached_work_trees(&self) -> Vec<(String, ObjectId)> {
        let folders = self.inner.worktrees().unwrap_or_default();
        let detached = folders.iter().filter_map(|folder| {
            let head = fs::read_to_string(folder.git_dir().join("HEAD")).ok()?;
            let id = head.trim().parse().ok()?;
            Some((folder.id().ok()?.to_str_lossy().into_owned(), id))
        });
        detached.collect()
    }
}

/// Tells of trees whether they hold one of some blobs; a tree that many commits share is looked at once.
#[derive(Debug)]
pub struct BlobSearch<'b> {
    blobs: &'b FxHashSet<ObjectId>,
    known: FxHashMap<ObjectId, FxHashSet<ObjectId>>,
}

impl<'b> BlobSearch<'b> {
    /// Returns a search for the blobs.
    #[must_use]
    pub fn new(blobs: &'b FxHashSet<ObjectId>) -> Self {
        Self { blobs, known: FxHashMap::default() }
    }

    /// Returns which of the blobs lie in a tree; `None` where a tree cannot be read.
    pub fn held_by(&mut self, reader: &mut ObjectReader<'_>, root: ObjectId) -> Option<FxHashSet<ObjectId>> {
        self.folder(reader, root, 0)
    }

    fn folder(
        &mut self,
        reader: &mut ObjectReader<'_>,
        folder: ObjectId,
        depth: usize,
    ) -> Option<FxHashSet<ObjectId>> {
        if let Some(held) = self.known.get(&folder) {
            return Some(held.clone());
        }
        if depth > tree::TREE_DEPTH_MAX {
            return None;
        }
        let raw = reader.read_as(&folder, ObjectKind::Tree).ok()?;
        let mut held = FxHashSet::default();
        for row in tree::rows(&raw, folder.as_bytes().len()) {
            match row? {
                (id, true) => held.extend(self.folder(reader, id, depth + 1)?),
                (id, false) if self.blobs.contains(&id) => {
                    held.insert(id);
                }
                (_, false) => {}
            }
        }
        self.known.insert(folder, held.clone());
        Some(held)
    }
}

fn full_name(name: &str) -> Result<gix::refs::FullName, BranchError> {
    let bad = || BranchError::Name { name: name.to_owned() };
    // A leading hyphen is lawful in a ref, and an option wherever somebody types it (git-check-ref-format(1)).
    if name.starts_with('-') || name == "HEAD" {
        return Err(bad());
    }
    gix::refs::FullName::try_from(format!("refs/heads/{name}")).map_err(|_source| bad())
}
