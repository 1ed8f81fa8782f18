//! Makes a tree like another but for some of its files, and a commit of it.

use lazaret_core::ObjectId;
use rustc_hash::FxHashMap;

use super::draft::{Draft, WriteObjectError};
use super::object::{ObjectKind, ObjectReader, ReadObjectError};

/// The mode of a folder, as trees have it.
const FOLDER: &[u8] = b"40000";

/// What becomes of a file or link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeEdit {
    /// The path from the root of the tree.
    pub path: Vec<u8>,
    /// The blob that is there.
    pub old: ObjectId,
    /// The blob that takes its place, under the same name and mode; `None` to take the entry away.
    pub new: Option<ObjectId>,
}

/// A tree could not be rewritten.
#[derive(Debug, thiserror::Error)]
pub enum RewriteError {
    /// A tree on the way cannot be read.
    #[error(transparent)]
    Read(#[from] ReadObjectError),
    /// A tree's entries make no sense.
    #[error("tree {id} is malformed; `git fsck` names what is damaged")]
    Malformed {
        /// The tree.
        id: ObjectId,
    },
    /// The tree does not have what is to be changed.
    #[error("{missing} of the files to change are not there")]
    Missing {
        /// How many.
        missing: usize,
    },
    /// An object cannot be written.
    #[error(transparent)]
    Write(#[from] WriteObjectError),
}

/// A tree that was rewritten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten {
    /// Its root.
    pub tree: ObjectId,
    /// The mode of what each edit changed, in their order, as the tree has it: `100755`.
    pub modes: Vec<String>,
}

/// Writes the trees that an edit changes and returns the new root. All others stay what they are; folders that are left
/// empty go. Names and modes are kept byte for byte, whatever they are.
///
/// # Errors
/// [`RewriteError`] when a tree cannot be read or written, or has no such entries.
pub fn rewrite_tree(
    reader: &mut ObjectReader<'_>,
    draft: &mut Draft,
    tree: ObjectId,
    edits: &[TreeEdit],
) -> Result<Rewritten, RewriteError> {
    let mut rewriting = Rewriting { reader, draft, modes: vec![String::new(); edits.len()] };
    let steps = edits.iter().zip(0..);
    let steps: Vec<Step<'_>> =
        steps.map(|(edit, nth)| Step { path: &edit.path, old: edit.old, new: edit.new, nth }).collect();
    let root = rewriting.folder(tree, &steps)?;
    let modes = rewriting.modes;
    match modes.iter().filter(|mode| mode.is_empty()).count() {
        0 => {}
        missing => return Err(RewriteError::Missing { missing }),
    }
    let tree = match root {
        Some(root) => root,
        None => draft.write(ObjectKind::Tree, b"")?,
    };
    Ok(Rewritten { tree, modes })
}

/// What one commit says beside its tree.
#[derive(Debug, Clone, Copy)]
pub struct CommitDraft<'a> {
    /// The tree.
    pub tree: ObjectId,
    /// The only parent.
    pub parent: ObjectId,
    /// Author and committer.
    pub person: &'a Person,
    /// Seconds since 1970-01-01 UTC.
    pub seconds: i64,
    /// The message.
    pub message: &'a str,
}

/// Who makes a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    name: String,
    address: String,
}

/// A name or address that no commit can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a name and an address are wanted, as in `Name <address>`, without line breaks and angle brackets in them"
)]
pub struct PersonError;

impl Person {
    /// Returns the person of that name and address.
    ///
    /// # Errors
    /// [`PersonError`] when one is empty, or holds what separates them in a commit.
    pub fn new(name: &str, address: &str) -> Result<Self, PersonError> {
        let (name, address) = (name.trim(), address.trim());
        let separates = |c: char| matches!(c, '<' | '>') || c.is_control();
        if name.is_empty() || address.is_empty() || name.contains(separates) || address.contains(separates) {
            return Err(PersonError);
        }
        Ok(Self { name: name.to_owned(), address: address.to_owned() })
    }

    /// Reads `Name <address>`.
    ///
    /// # Errors
    /// [`PersonError`] when it is not of that form.
    pub fn parse(text: &str) -> Result<Self, PersonError> {
        let (name, rest) = text.split_once('<').ok_or(PersonError)?;
        Self::new(name, rest.trim_end().strip_suffix('>').ok_or(PersonError)?)
    }
}

/// Writes a commit and returns its name.
///
/// # Errors
/// [`WriteObjectError`] when it cannot be written.
pub fn write_commit(draft: &mut Draft, commit: &CommitDraft<'_>) -> Result<ObjectId, WriteObjectError> {
    let Person { name, address } = commit.person;
    let stamp = format!("{name} <{address}> {} +0000", commit.seconds);
    let raw = format!(
        "tree {}\nparent {}\nauthor {stamp}\ncommitter {stamp}\n\n{}",
        commit.tree, commit.parent, commit.message
    );
    draft.write(ObjectKind::Commit, raw.as_bytes())
}

/// An edit, seen from a folder.
#[derive(Debug, Clone, Copy)]
struct Step<'a> {
    path: &'a [u8],
    old: ObjectId,
    new: Option<ObjectId>,
    /// Which of the edits it is.
    nth: usize,
}

struct Rewriting<'r, 's, 'd> {
    reader: &'r mut ObjectReader<'s>,
    draft: &'d mut Draft,
    /// The modes of what was changed.
    modes: Vec<String>,
}

impl Rewriting<'_, '_, '_> {
    /// Returns the tree with the edits made; `None` where nothing is left in it.
    fn folder(&mut self, tree: ObjectId, steps: &[Step<'_>]) -> Result<Option<ObjectId>, RewriteError> {
        let raw = self.reader.read_as(&tree, ObjectKind::Tree)?;
        let mut by_name: FxHashMap<&[u8], Vec<Step<'_>>> = FxHashMap::default();
        let mut here: FxHashMap<&[u8], Step<'_>> = FxHashMap::default();
        for step in steps {
            match memchr::memchr(b'/', step.path).and_then(|at| step.path.split_at_checked(at)) {
                Some((name, rest)) => {
                    let path = rest.get(1..).unwrap_or_default();
                    by_name.entry(name).or_default().push(Step { path, ..*step });
                }
                None => {
                    here.insert(step.path, *step);
                }
            }
        }
        let mut rows = Vec::with_capacity(raw.len());
        let mut rest = raw.as_slice();
        while !rest.is_empty() {
            let row = take_row(&mut rest, tree)?;
            let is_folder = row.mode == FOLDER || row.mode == b"040000";
            let id = match (is_folder, by_name.get(row.name), here.get(row.name)) {
                (true, Some(steps), _) => self.folder(row.id, steps)?,
                (false, _, Some(step)) if step.old == row.id => {
                    let mode = self.modes.get_mut(step.nth);
                    mode.into_iter().for_each(|mode| *mode = String::from_utf8_lossy(row.mode).into_owned());
                    step.new
                }
                _ => Some(row.id),
            };
            if let Some(id) = id {
                rows.extend_from_slice(row.mode);
                rows.push(b' ');
                rows.extend_from_slice(row.name);
                rows.push(0);
                rows.extend_from_slice(id.as_bytes());
            }
        }
        if rows.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.draft.write(ObjectKind::Tree, &rows)?))
    }
}

/// One entry as it stands in a raw tree.
struct RawRow<'a> {
    mode: &'a [u8],
    name: &'a [u8],
    id: ObjectId,
}

fn take_row<'a>(rest: &mut &'a [u8], tree: ObjectId) -> Result<RawRow<'a>, RewriteError> {
    let mut take = || {
        let (mode, after) = rest.split_at_checked(memchr::memchr(b' ', rest)?)?;
        let after = after.get(1..)?;
        let (name, after) = after.split_at_checked(memchr::memchr(0, after)?)?;
        let (id, after) = after.get(1..)?.split_at_checked(tree.as_bytes().len())?;
        *rest = after;
        Some(RawRow { mode, name, id: ObjectId::from_bytes(id)? })
    };
    take().ok_or(RewriteError::Malformed { id: tree })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_read_and_nothing_else() {
        assert_eq!(
            Person::parse("Ada Grey <ada@harbour.example>"),
            Person::new("Ada Grey", "ada@harbour.example")
        );
        for bad in [
            "",
            "Ada",
            "Ada <>",
            "<a@b.example>",
            "Ada <a@b.example",
            "A\nauthor B <a@b.example>",
            "A <b> <c>",
        ] {
            assert_eq!(Person::parse(bad), Err(PersonError), "{bad:?}");
        }
    }
}
