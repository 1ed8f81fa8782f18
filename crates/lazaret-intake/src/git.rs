//! Opens git repositories: where their objects lie, what their refs name, which revision is meant.
//!
//! `gix` finds the repository, reads its configuration and its refs, and parses revisions. Nothing outside the
//! repository is read: no user configuration, no environment. Replace refs and grafts are not followed.

use std::path::{Path, PathBuf};

use gix::bstr::{BString, ByteSlice as _};
use lazaret_core::ObjectId;
use rustc_hash::FxHashSet;

mod branch;
mod changes;
mod check;
mod commit;
mod delta;
mod draft;
mod listing;
mod lookup;
mod object;
mod rewrite;
mod staged;
mod state;
mod tree;
mod walk;

pub use branch::{BlobSearch, BranchError};
pub use changes::{ReadChanges, read_changes};
pub use check::{NewCommits, new_commits};
pub use commit::RawCommit;
pub use draft::{Draft, WriteObjectError};
pub use listing::{ListedEntry, list_tree};
pub use object::{
    OBJECT_BYTES_MAX, Object, ObjectKind, ObjectReader, ObjectStore, OpenStoreError, ReadObjectError,
};
pub use rewrite::{
    CommitDraft, Person, PersonError, RewriteError, Rewritten, TreeEdit, rewrite_tree, write_commit,
};
pub use staged::{StagedChange, StagedError};
pub use tree::{TreeError, diff_trees, find_entry};
pub use walk::{WalkGap, Walked, walk_commits};

/// A repository could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenRepositoryError {
    /// There is none.
    #[error("`{path}` is not a git repository")]
    NotARepository {
        /// Where one was looked for.
        path: PathBuf,
    },
    /// It is one and cannot be used.
    #[error("cannot open the git repository at `{path}`")]
    Unusable {
        /// Where it lies.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A revision does not name a commit.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// The repository has no commit yet.
    #[error("`{rev}` names no commit: the repository has no history yet")]
    Unborn {
        /// The revision as given.
        rev: String,
    },
    /// It names nothing, or something that is not a commit.
    #[error("`{rev}` does not name a commit of this repository")]
    NotACommit {
        /// The revision as given.
        rev: String,
    },
}

/// A ref and the object it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitRef {
    /// The full name, such as `refs/heads/main`.
    pub name: BString,
    /// The object it names: a commit, or a tag that [`Repository::peel`] follows.
    pub target: ObjectId,
}

/// A git repository, bare or with a work tree.
#[derive(Debug)]
pub struct Repository {
    path: PathBuf,
    inner: gix::Repository,
    objects: ObjectStore,
    shallow: FxHashSet<ObjectId>,
}

impl Repository {
    /// Opens the repository at `path`: a work tree, a `.git` folder or a bare repository; a linked work tree too.
    ///
    /// `object_dirs` are searched for objects besides the repository's own: git hands a server's hooks the
    /// objects of a push that way.
    ///
    /// # Errors
    /// [`OpenRepositoryError`] when there is no repository, or it cannot be read.
    pub fn open(path: &Path, object_dirs: &[PathBuf]) -> Result<Self, OpenRepositoryError> {
        let options = gix::open::Options::isolated()
            .config_overrides(["core.useReplaceRefs=false"])
            .with(gix::sec::Trust::Full);
        let unusable = |source: Box<dyn std::error::Error + Send + Sync>| OpenRepositoryError::Unusable {
            path: path.to_owned(),
            source,
        };
        if !looks_like_repository(path) {
            return Err(OpenRepositoryError::NotARepository { path: path.to_owned() });
        }
        let inner = gix::open_opts(path, options).map_err(|source| unusable(source.to_string().into()))?;
        let objects_dir = inner.common_dir().join("objects");
        let mut objects = ObjectStore::open(&objects_dir, inner.object_hash())
            .map_err(|source| unusable(Box::new(source)))?;
        for dir in object_dirs {
            objects.add(dir).map_err(|source| unusable(Box::new(source)))?;
        }
        let shallow = inner.shallow_commits().map_err(|source| unusable(source.to_string().into()))?;
        let shallow = shallow
            .map(|commits| commits.iter().filter_map(|id| ObjectId::from_bytes(id.as_bytes())).collect())
            .unwrap_or_default();
        Ok(Self { path: path.to_owned(), inner, objects, shallow })
    }

    /// Opens the repository that holds `path`, looking in the folders above it.
    ///
    /// # Errors
    /// [`OpenRepositoryError`] when no folder above is one, or it cannot be read.
    pub fn discover(path: &Path, object_dirs: &[PathBuf]) -> Result<Self, OpenRepositoryError> {
        let not_found = || OpenRepositoryError::NotARepository { path: path.to_owned() };
        let start = path.canonicalize().map_err(|_source| not_found())?;
        let found = start.ancestors().find(|folder| looks_like_repository(folder)).ok_or_else(not_found)?;
        Self::open(found, object_dirs)
    }

    /// Returns where the repository was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the root of the work tree, where there is one.
    #[must_use]
    pub fn work_tree(&self) -> Option<&Path> {
        self.inner.workdir()
    }

    /// Returns the folder that all work trees of the repository share.
    #[must_use]
    pub fn common_dir(&self) -> &Path {
        self.inner.common_dir()
    }

    /// Returns the objects.
    #[must_use]
    pub fn objects(&self) -> &ObjectStore {
        &self.objects
    }

    /// Returns the commits at which a shallow clone was cut off.
    #[must_use]
    pub fn shallow(&self) -> &FxHashSet<ObjectId> {
        &self.shallow
    }

    /// Returns the commit a revision names, in git's notation (`HEAD`, `main~3`, `v1.0`, a hexadecimal name).
    ///
    /// # Errors
    /// [`ResolveError`] when it names no commit.
    pub fn resolve(&self, rev: &str) -> Result<ObjectId, ResolveError> {
        let not_a_commit = || ResolveError::NotACommit { rev: rev.to_owned() };
        if rev == "HEAD" && self.inner.head().is_ok_and(|head| head.is_unborn()) {
            return Err(ResolveError::Unborn { rev: rev.to_owned() });
        }
        let id = match rev.parse::<ObjectId>() {
            // A full name needs no parsing; gix would look in its own store, which may lack `object_dirs`.
            Ok(id) => id,
            Err(_) => {
                let id = self.inner.rev_parse_single(rev).map_err(|_source| not_a_commit())?;
                ObjectId::from_bytes(id.as_bytes()).ok_or_else(not_a_commit)?
            }
        };
        let mut reader = ObjectReader::new(&self.objects, 1 << 20);
        peel(&mut reader, id).ok().flatten().ok_or_else(not_a_commit)
    }

    /// Returns every ref that names an object, by name; symbolic refs are passed over, as what they name is a ref
    /// itself. The second value counts refs that could not be read.
    #[must_use]
    pub fn refs(&self) -> (Vec<GitRef>, u64) {
        let mut refs = Vec::new();
        let mut unreadable = 0;
        let Ok(platform) = self.inner.references() else { return (refs, 1) };
        let Ok(all) = platform.all() else { return (refs, 1) };
        for reference in all {
            let Ok(reference) = reference else {
                unreadable += 1;
                continue;
            };
            let target = reference.try_id().and_then(|id| ObjectId::from_bytes(id.as_bytes()));
            refs.extend(target.map(|target| GitRef { name: reference.name().as_bstr().to_owned(), target }));
        }
        (refs, unreadable)
    }

    /// Returns the commit that an object is or, if it is an annotated tag, leads to.
    #[must_use]
    pub fn peel(&self, reader: &mut ObjectReader<'_>, id: ObjectId) -> Option<ObjectId> {
        peel(reader, id).ok().flatten()
    }

    /// Returns the same; `None` where the object leads to a tree or blob.
    ///
    /// # Errors
    /// [`ReadObjectError`] when an object on the way cannot be read, the commit itself included.
    pub fn try_peel(
        &self,
        reader: &mut ObjectReader<'_>,
        id: ObjectId,
    ) -> Result<Option<ObjectId>, ReadObjectError> {
        peel(reader, id)
    }

    /// Returns what replaces authors' names where they are shown.
    #[must_use]
    pub fn mailmap(&self) -> Mailmap {
        Mailmap { inner: self.inner.open_mailmap() }
    }

    /// Returns the name of the branch that `HEAD` names, where it names one.
    #[must_use]
    pub fn head_branch(&self) -> Option<BString> {
        self.inner.head_name().ok().flatten().map(|name| name.as_bstr().to_owned())
    }
}

/// Names as the repository's `.mailmap` wants them shown; no verdict depends on them.
#[derive(Debug)]
pub struct Mailmap {
    inner: gix::mailmap::Snapshot,
}

impl Mailmap {
    /// Returns the name to show for a signature.
    #[must_use]
    pub fn name(&self, signature: &lazaret_core::Signature<'_>) -> String {
        let time = "0 +0000";
        let written =
            gix::actor::SignatureRef { name: signature.name.into(), email: signature.email.into(), time };
        let shown = self.inner.resolve_cow(written);
        shown.name.to_str_lossy().into_owned()
    }
}

/// Whether a folder has the shape of a repository; `gix` decides, this only tells a wrong path from a broken one.
fn looks_like_repository(path: &Path) -> bool {
    path.join(".git").exists() || (path.join("HEAD").is_file() && path.join("objects").is_dir())
}

/// Follows annotated tags to a commit.
fn peel(reader: &mut ObjectReader<'_>, id: ObjectId) -> Result<Option<ObjectId>, ReadObjectError> {
    let mut id = id;
    // Tags of tags are rare; a longer chain is damage.
    for _ in 0..16 {
        let object = reader.read(&id)?;
        match object.kind {
            ObjectKind::Commit => return Ok(Some(id)),
            ObjectKind::Tag => id = tagged(&object.data).ok_or(ReadObjectError::Corrupt { id })?,
            ObjectKind::Tree | ObjectKind::Blob => return Ok(None),
        }
    }
    Err(ReadObjectError::Corrupt { id })
}

/// Returns what an annotated tag names.
fn tagged(tag: &[u8]) -> Option<ObjectId> {
    tag.lines().next()?.strip_prefix(b"object ")?.to_str().ok()?.parse().ok()
}
