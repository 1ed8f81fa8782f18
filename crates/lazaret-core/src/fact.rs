//! Facts that intake reports about a git history, without opinion.

use crate::ObjectId;

/// Who a commit names as its author or committer, byte for byte as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature<'a> {
    /// The name; may be empty, may hold any bytes but a newline.
    pub name: &'a [u8],
    /// What stands between the angle brackets; not necessarily an address.
    pub email: &'a [u8],
    /// Seconds since 1970-01-01 UTC as written; 0 where the commit's date cannot be parsed.
    pub seconds: i64,
}

/// What a commit says of itself. Nothing in it is proof of anything: every byte is its writer's choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitFact<'a> {
    /// The commit.
    pub id: ObjectId,
    /// Who is named as author.
    pub author: Signature<'a>,
    /// Who is named as committer.
    pub committer: Signature<'a>,
    /// How many parents it has.
    pub n_parents: usize,
    /// The message in the encoding the commit declares, UTF-8 unless it declares another.
    pub message: &'a [u8],
}

/// What kind of thing a tree entry is; a change between kinds is not a change of content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKind {
    /// A regular file, executable or not.
    File,
    /// A symbolic link; its content is its target.
    Link,
    /// A submodule: a commit of another repository, whose content is not here.
    Submodule,
}

/// An entry of a tree: what kind, and which object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreeEntry {
    /// What kind of thing it is.
    pub kind: EntryKind,
    /// The object.
    pub id: ObjectId,
}
