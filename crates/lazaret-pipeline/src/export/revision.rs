//! Reads the files at a revision, and says which of them hold no text.

use jiff::Timestamp;
use lazaret_core::{EntryKind, ObjectId};
use lazaret_intake::git::{
    ListedEntry, ObjectKind, ObjectReader, RawCommit, ReadObjectError, Repository, TreeError, list_tree,
};

use super::report::{NoRecord, NoRecordReason};
use crate::scan::RECENT_BYTES;
use crate::scan::examine::is_binary;
use crate::scan::judging::printable;

/// The files at a revision.
#[derive(Debug)]
pub(super) struct Revision {
    /// The commit.
    pub(super) commit: ObjectId,
    /// When it was committed, by its own word.
    pub(super) committed_at: Option<Timestamp>,
    /// Its entries, by path.
    pub(super) files: Vec<ListedEntry>,
    /// Whether a folder could not be read, so that there are more.
    hides_more: Option<TreeError>,
}

/// The files at a revision could not be listed.
#[derive(Debug, thiserror::Error)]
pub enum UnreadableRevision {
    /// The revision's name is not that of a commit.
    #[error("the revision is no commit")]
    NoCommit,
    /// The commit cannot be read.
    #[error("commit {commit} cannot be read; `git fsck` names what is damaged")]
    Commit {
        /// The commit.
        commit: ObjectId,
        /// Why.
        #[source]
        source: ReadObjectError,
    },
    /// The commit names no tree.
    #[error("commit {commit} is malformed; `git fsck` names what is damaged")]
    Malformed {
        /// The commit.
        commit: ObjectId,
    },
    /// Its tree cannot be listed.
    #[error("the files of commit {commit} cannot be listed")]
    Tree {
        /// The commit.
        commit: ObjectId,
        /// Why.
        #[source]
        source: TreeError,
    },
}

impl Revision {
    /// Lists the files of a commit, given by its whole name.
    pub(super) fn read(repository: &Repository, commit: &str) -> Result<Self, UnreadableRevision> {
        let commit: ObjectId = commit.parse().map_err(|_other| UnreadableRevision::NoCommit)?;
        let mut reader = ObjectReader::new(repository.objects(), RECENT_BYTES);
        let raw = reader
            .read_as(&commit, ObjectKind::Commit)
            .map_err(|source| UnreadableRevision::Commit { commit, source })?;
        let parsed = RawCommit::parse(&raw).ok_or(UnreadableRevision::Malformed { commit })?;
        // A date of 0 is what an unreadable date is read as.
        let seconds = Some(parsed.committer.seconds).filter(|seconds| *seconds != 0);
        let (mut files, error) = list_tree(&mut reader, parsed.tree);
        match error {
            Some(source @ TreeError::TooLarge { .. }) => {
                return Err(UnreadableRevision::Tree { commit, source });
            }
            Some(source) if files.is_empty() => return Err(UnreadableRevision::Tree { commit, source }),
            Some(_) | None => {}
        }
        files.sort_by(|one, other| one.path.cmp(&other.path));
        let committed_at = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
        Ok(Self { commit, committed_at, files, hides_more: error })
    }

    /// Returns the folder that could not be read, if there is one.
    pub(super) fn hidden(&self) -> Option<NoRecord> {
        self.hides_more.map(|error| NoRecord { path: error.to_string(), reason: NoRecordReason::Unreadable })
    }
}

/// Returns a file's path as reports write it.
pub(super) fn path_of(file: &ListedEntry) -> String {
    printable(&file.path)
}

/// Reads the text of a file, or says why it has none.
pub(super) fn text_of(reader: &mut ObjectReader<'_>, file: &ListedEntry) -> Result<String, NoRecordReason> {
    match file.entry.kind {
        EntryKind::File => {}
        EntryKind::Link => return Err(NoRecordReason::Link),
        EntryKind::Submodule => return Err(NoRecordReason::Submodule),
    }
    let bytes =
        reader.read_as(&file.entry.id, ObjectKind::Blob).map_err(|_unreadable| NoRecordReason::Unreadable)?;
    if bytes.is_empty() {
        return Err(NoRecordReason::Empty);
    }
    if is_binary(&bytes) {
        return Err(NoRecordReason::Binary);
    }
    let text = std::str::from_utf8(&bytes).map_err(|_other| NoRecordReason::NotUtf8)?;
    Ok(text.to_owned())
}
