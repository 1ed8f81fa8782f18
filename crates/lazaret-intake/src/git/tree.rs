//! Compares two trees, and finds and lists their entries.

use std::cmp::Ordering;

use lazaret_core::{EntryKind, GapKind, ObjectId, TreeEntry};
use rustc_hash::FxHashMap;

use super::object::{ObjectKind, ObjectReader, ReadObjectError};

/// How deep trees may nest. Each level takes a part of the thread's stack, in a debug build some two kilobytes;
/// trees in use nest a few dozen deep.
pub(super) const TREE_DEPTH_MAX: usize = 256;

/// How many entries one comparison looks at. A few trees that name each other many times over make more files
/// than any disk holds; the largest repositories in use have some four million.
const TREE_ROWS_MAX: usize = 1 << 23;

/// A tree could not be compared or listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// One of the trees could not be read.
    #[error("cannot read a tree")]
    Read(#[from] ReadObjectError),
    /// A tree's entries make no sense.
    #[error("tree {id} is malformed; `git fsck` names what is damaged")]
    Malformed {
        /// The tree.
        id: ObjectId,
    },
    /// Folders nest deeper than the limit.
    #[error("tree {id} nests deeper than {TREE_DEPTH_MAX} folders")]
    TooDeep {
        /// The tree.
        id: ObjectId,
    },
    /// There are more entries than the limit.
    #[error("tree {id} brings the entries to more than {TREE_ROWS_MAX}")]
    TooLarge {
        /// The tree at which the limit was passed.
        id: ObjectId,
    },
}

impl TreeError {
    /// Returns what stood in the way, as verdicts name it.
    #[must_use]
    pub fn gap(self) -> GapKind {
        match self {
            Self::Read(source) => source.gap(),
            Self::Malformed { .. } => GapKind::CorruptObject,
            Self::TooDeep { .. } | Self::TooLarge { .. } => GapKind::OverLimit,
        }
    }
}

/// One entry of one tree: a folder or something that has content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Row<'a> {
    name: &'a [u8],
    id: ObjectId,
    /// `None` for a folder.
    kind: Option<EntryKind>,
}

impl Row<'_> {
    fn entry(&self) -> Option<TreeEntry> {
        self.kind.map(|kind| TreeEntry { kind, id: self.id })
    }

    /// Git's order: a folder sorts as if its name ended in a slash.
    fn order(&self, other: &Self) -> Ordering {
        let end = |row: &Self| if row.kind.is_none() { Some(b'/') } else { None };
        let common = self.name.len().min(other.name.len());
        let (a, a_rest) = self.name.split_at(common);
        let (b, b_rest) = other.name.split_at(common);
        a.cmp(b).then_with(|| {
            let next = |rest: &[u8], row: &Self| rest.first().copied().or(end(row));
            next(a_rest, self).cmp(&next(b_rest, other))
        })
    }
}

/// Returns what the entries of a raw tree name, and whether each is a folder; `None` where one makes no sense.
pub(super) fn rows(raw: &[u8], id_len: usize) -> impl Iterator<Item = Option<(ObjectId, bool)>> {
    Rows::new(raw, id_len).map(|row| row.map(|row| (row.id, row.kind.is_none())))
}

/// Iterates over the entries of a raw tree.
struct Rows<'a> {
    rest: &'a [u8],
    id_len: usize,
}

impl<'a> Iterator for Rows<'a> {
    type Item = Option<Row<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() { None } else { Some(self.take()) }
    }
}

impl<'a> Rows<'a> {
    fn new(raw: &'a [u8], id_len: usize) -> Self {
        Self { rest: raw, id_len }
    }

    /// Passes over entries that both trees have next, byte for byte.
    fn skip_same(&mut self, other: &mut Self) {
        while let Some(nul) = memchr::memchr(0, self.rest) {
            let len = nul + 1 + self.id_len;
            match (self.rest.split_at_checked(len), other.rest.split_at_checked(len)) {
                (Some((own, rest)), Some((theirs, other_rest))) if own == theirs => {
                    self.rest = rest;
                    other.rest = other_rest;
                }
                _ => return,
            }
        }
    }

    /// Takes one entry, `mode SP name NUL id`; `None` for a malformed one, and then nothing is left.
    fn take(&mut self) -> Option<Row<'a>> {
        let rest = std::mem::take(&mut self.rest);
        let space = rest.iter().take(8).position(|&byte| byte == b' ')?;
        let (mode, rest) = rest.split_at_checked(space)?;
        let rest = rest.get(1..)?;
        let (name, rest) = rest.split_at_checked(memchr::memchr(0, rest)?)?;
        let (id, rest) = rest.get(1..)?.split_at_checked(self.id_len)?;
        self.rest = rest;
        let kind = match mode {
            b"40000" | b"040000" => None,
            b"120000" => Some(EntryKind::Link),
            b"160000" => Some(EntryKind::Submodule),
            _ => Some(EntryKind::File),
        };
        Some(Row { name, id: ObjectId::from_bytes(id)?, kind })
    }
}

/// Receives what differs: the path, the entry before and the entry after.
pub(super) type OnChange<'f> = dyn FnMut(&[u8], Option<TreeEntry>, Option<TreeEntry>) + 'f;

/// Reports every path whose kind or object differs between two trees; `None` is the empty tree.
///
/// A change of the executable bit alone is none. Submodules are compared by the commit they name.
///
/// # Errors
/// [`TreeError`] when a tree on the way cannot be read; what was reported until then is incomplete.
pub fn diff_trees(
    reader: &mut ObjectReader<'_>,
    old: Option<ObjectId>,
    new: Option<ObjectId>,
    on_change: &mut OnChange<'_>,
) -> Result<(), TreeError> {
    Comparison::new(reader, on_change).folder(old, new, 0)
}

/// Reports every path below a tree; a folder that cannot be read hides itself and nothing else.
///
/// # Errors
/// [`TreeError`] when the tree itself cannot be read or holds too much; else the first error of a folder below it
/// is returned as a value.
pub(super) fn visit_tree(
    reader: &mut ObjectReader<'_>,
    tree: ObjectId,
    on_change: &mut OnChange<'_>,
) -> Result<Option<TreeError>, TreeError> {
    // Trees that name each other are told before they are followed.
    if count_rows(reader, tree, 0, &mut FxHashMap::default()) > TREE_ROWS_MAX {
        return Err(TreeError::TooLarge { id: tree });
    }
    let mut comparison = Comparison { goes_on: true, ..Comparison::new(reader, on_change) };
    comparison.folder(None, Some(tree), 0)?;
    Ok(comparison.passed_over)
}

/// Counts the entries below a tree, as far as it can be read; each tree is read once, however often it is named.
fn count_rows(
    reader: &mut ObjectReader<'_>,
    tree: ObjectId,
    depth: usize,
    known: &mut FxHashMap<ObjectId, usize>,
) -> usize {
    if let Some(&n_rows) = known.get(&tree) {
        return n_rows;
    }
    let raw = if depth > TREE_DEPTH_MAX { None } else { reader.read_as(&tree, ObjectKind::Tree).ok() };
    let mut n_rows = 0_usize;
    for row in Rows::new(raw.as_ref().map_or(&[], |raw| raw.as_slice()), tree.as_bytes().len()).flatten() {
        let folder = row.kind.is_none();
        let below = if folder { count_rows(reader, row.id, depth + 1, known) } else { 0 };
        n_rows = n_rows.saturating_add(1).saturating_add(below);
    }
    known.insert(tree, n_rows);
    n_rows
}

/// A comparison of two trees on its way.
struct Comparison<'r, 's, 'f> {
    reader: &'r mut ObjectReader<'s>,
    on_change: &'r mut OnChange<'f>,
    path: Vec<u8>,
    n_rows: usize,
    /// Whether a folder that cannot be read is passed over.
    goes_on: bool,
    /// Why the first folder was passed over.
    passed_over: Option<TreeError>,
}

impl<'r, 's, 'f> Comparison<'r, 's, 'f> {
    fn new(reader: &'r mut ObjectReader<'s>, on_change: &'r mut OnChange<'f>) -> Self {
        Self { reader, on_change, path: Vec::new(), n_rows: 0, goes_on: false, passed_over: None }
    }

    fn folder(
        &mut self,
        old: Option<ObjectId>,
        new: Option<ObjectId>,
        depth: usize,
    ) -> Result<(), TreeError> {
        if old == new {
            return Ok(());
        }
        if let (Some(id), true) = (new.or(old), depth > TREE_DEPTH_MAX) {
            return Err(TreeError::TooDeep { id });
        }
        let mut read =
            |id: Option<ObjectId>| id.map(|id| self.reader.read_as(&id, ObjectKind::Tree)).transpose();
        let (old_raw, new_raw) = (read(old)?, read(new)?);
        let id_len = new.or(old).map_or(20, |id| id.as_bytes().len());
        let mut old_rows = Rows::new(old_raw.as_ref().map_or(&[], |raw| raw.as_slice()), id_len);
        let mut new_rows = Rows::new(new_raw.as_ref().map_or(&[], |raw| raw.as_slice()), id_len);
        let malformed = |id: Option<ObjectId>| id.map(|id| TreeError::Malformed { id });
        old_rows.skip_same(&mut new_rows);
        let mut next_old = take_row(&mut old_rows, malformed(old))?;
        let mut next_new = take_row(&mut new_rows, malformed(new))?;
        loop {
            let order = match (&next_old, &next_new) {
                (None, None) => return Ok(()),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(old), Some(new)) => old.order(new),
            };
            let old_row = if order.is_le() { next_old.take() } else { None };
            let new_row = if order.is_ge() { next_new.take() } else { None };
            if order.is_eq() {
                old_rows.skip_same(&mut new_rows);
            }
            if order.is_le() {
                next_old = take_row(&mut old_rows, malformed(old))?;
            }
            if order.is_ge() {
                next_new = take_row(&mut new_rows, malformed(new))?;
            }
            self.n_rows += 1;
            if let (Some(id), true) = (new.or(old), self.n_rows > TREE_ROWS_MAX) {
                return Err(TreeError::TooLarge { id });
            }
            self.row(old_row, new_row, depth)?;
        }
    }

    fn row(&mut self, old: Option<Row<'_>>, new: Option<Row<'_>>, depth: usize) -> Result<(), TreeError> {
        let (Some(row), false) = (new.or(old), old == new) else { return Ok(()) };
        let path_len = self.path.len();
        if !self.path.is_empty() {
            self.path.push(b'/');
        }
        self.path.extend_from_slice(row.name);
        let (old_entry, new_entry) = (old.and_then(|row| row.entry()), new.and_then(|row| row.entry()));
        if old_entry != new_entry {
            (self.on_change)(&self.path, old_entry, new_entry);
        }
        let folder = |row: Option<Row<'_>>| row.filter(|row| row.kind.is_none()).map(|row| row.id);
        let result = self.folder(folder(old), folder(new), depth + 1);
        self.path.truncate(path_len);
        match result {
            Err(error) if self.goes_on && !matches!(error, TreeError::TooLarge { .. }) => {
                self.passed_over.get_or_insert(error);
                Ok(())
            }
            result => result,
        }
    }
}

fn take_row<'a>(rows: &mut Rows<'a>, malformed: Option<TreeError>) -> Result<Option<Row<'a>>, TreeError> {
    match (rows.next(), malformed) {
        (None, _) => Ok(None),
        (Some(Some(row)), _) => Ok(Some(row)),
        (Some(None), Some(error)) => Err(error),
        (Some(None), None) => Ok(None),
    }
}

/// Returns the entry of a path in a tree; `None` where there is none or it is a folder.
///
/// # Errors
/// [`TreeError`] when a tree on the way cannot be read.
pub fn find_entry(
    reader: &mut ObjectReader<'_>,
    tree: ObjectId,
    path: &[u8],
) -> Result<Option<TreeEntry>, TreeError> {
    let mut tree = tree;
    let mut parts = path.split(|&byte| byte == b'/').peekable();
    while let Some(part) = parts.next() {
        let raw = reader.read_as(&tree, ObjectKind::Tree)?;
        let mut found = None;
        for row in Rows::new(&raw, tree.as_bytes().len()) {
            let row = row.ok_or(TreeError::Malformed { id: tree })?;
            if row.name == part && row.kind.is_none() == parts.peek().is_some() {
                found = Some((row.id, row.entry()));
                break;
            }
        }
        match found {
            None => return Ok(None),
            Some((_, Some(entry))) => return Ok(Some(entry)),
            Some((id, None)) => tree = id,
        }
    }
    Ok(None)
}
