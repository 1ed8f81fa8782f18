//! Keeps the texts of one file's versions while they are compared with each other.

use std::rc::Rc;

use lazaret_core::{GapKind, ObjectId};
use rustc_hash::FxHashMap;

use super::Contents;
use super::diff::{Differ, Hunk};
use super::text::{LineTable, Text};

/// Distinct lines kept before the table is begun anew; the cost of a comparison grows with the table.
const TOKENS_MAX: u32 = 1 << 17;
/// Bytes of distinct lines, likewise.
const TABLE_BYTES_MAX: usize = 24 << 20;
/// Texts kept at most.
const TEXTS_MAX: usize = 24;
/// Bytes of texts kept at most.
const TEXT_BYTES_MAX: usize = 4 << 20;

/// Texts of one file's versions, and what compares them.
#[derive(Debug, Default)]
pub(super) struct Texts {
    table: LineTable,
    texts: FxHashMap<ObjectId, Rc<Text>>,
    /// In the order they were read, for forgetting the oldest.
    order: std::collections::VecDeque<ObjectId>,
    bytes: usize,
    differ: Differ,
    pub(super) hunks: Vec<Hunk>,
}

impl Texts {
    /// Begins with another file: what was read before has little in common with what comes.
    pub(super) fn begin_file(&mut self) {
        self.table.clear();
        self.texts.clear();
        self.order.clear();
        self.bytes = 0;
    }

    /// Returns a text that is still there.
    pub(super) fn known(&self, id: &ObjectId) -> Option<Rc<Text>> {
        self.texts.get(id).map(Rc::clone)
    }

    /// Returns a blob's text; `near` is a version that it may have much in common with.
    pub(super) fn read(
        &mut self,
        id: &ObjectId,
        near: Option<&Text>,
        contents: &mut impl Contents,
    ) -> Result<Rc<Text>, GapKind> {
        if let Some(known) = self.known(id) {
            return Ok(known);
        }
        let text = Rc::new(self.table.text(contents.blob(id)?, near));
        self.bytes += text.bytes.len();
        while self.order.len() >= TEXTS_MAX || (self.bytes > TEXT_BYTES_MAX && self.order.len() > 1) {
            let Some(oldest) = self.order.pop_front() else { break };
            if let Some(text) = self.texts.remove(&oldest) {
                self.bytes = self.bytes.saturating_sub(text.bytes.len());
            }
        }
        self.texts.insert(*id, Rc::clone(&text));
        self.order.push_back(*id);
        Ok(text)
    }

    /// Begins the table of lines anew where it has grown too large; to be called between versions only, since
    /// texts read before cannot be compared with texts read after.
    pub(super) fn bound(&mut self) {
        if self.table.n_tokens() > TOKENS_MAX || self.table.n_bytes() > TABLE_BYTES_MAX {
            self.begin_file();
        }
    }

    /// Compares two texts; the hunks are in [`Self::hunks`].
    pub(super) fn compare(&mut self, old: &Text, new: &Text) {
        self.differ.hunks(&self.table, old, new, &mut self.hunks);
    }
}
