//! Decides which of two files is wrong when a tile is not what the files below it make.

use lazaret_core::Digest;

use super::fault::{LedgerFault, LedgerFaultKind};
use crate::ledger::tile::{Row, Tile, WIDTH, tree_over};
use crate::ledger::tree::tree_with_edges;

/// A tile as it is stored, and as what lies below makes it.
#[derive(Debug)]
pub(super) struct Pair {
    tile: Tile,
    /// The hashes of the file; none where it is missing or has another length.
    stored: Option<Vec<Digest>>,
    /// The hashes of what lies below; none where that cannot be read.
    made: Vec<Option<Digest>>,
    /// Which hashes of the two differ.
    differing: Vec<u64>,
}

/// Whom the tiles above agree with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Right {
    Stored,
    Made,
    Neither,
}

impl Pair {
    /// Compares a tile with what lies below it. A hash below that is `None` is unknown and agrees with anything.
    pub(super) fn new(tile: Tile, stored: Option<Vec<Digest>>, made: Vec<Option<Digest>>) -> Self {
        let differing = match &stored {
            None => Vec::new(),
            Some(stored) => {
                let places = (0..).zip(stored.iter().zip(&made));
                let differs = places.filter(|(_, (stored, made))| made.is_some_and(|made| made != **stored));
                differs.map(|(place, _)| place).collect()
            }
        };
        Self { tile, stored, made, differing }
    }

    /// Whether nothing is wrong as far as these two can tell.
    pub(super) fn agrees(&self) -> bool {
        self.differing.is_empty() && self.stored.is_some()
    }

    /// Returns the hashes of what lies below, filled up with stored ones where those are unknown.
    fn made(&self) -> Option<Vec<Digest>> {
        let stored = self.stored.as_ref();
        let fill = |(place, made): (usize, &Option<Digest>)| {
            made.or_else(|| stored.and_then(|stored| stored.get(place)).copied())
        };
        self.made.iter().enumerate().map(fill).collect()
    }

    /// Returns the hash of a full tile, as far as can be told, and notes what is wrong; `above` is the hash that the tile
    /// above has for it.
    pub(super) fn settle(&self, above: Option<Digest>, faults: &mut Vec<LedgerFault>) -> Option<Digest> {
        let root = |hashes: &Vec<Digest>| tree_over(hashes.iter().copied()).root();
        let stored = self.stored.as_ref().map(root);
        if self.agrees() {
            return stored;
        }
        let made = self.made().as_ref().map(root);
        if stored.is_none() {
            return made.or(above);
        }
        let right = match above {
            Some(above) if stored == Some(above) => Right::Stored,
            Some(above) if made == Some(above) => Right::Made,
            Some(_) | None => Right::Neither,
        };
        self.blame(right, faults);
        match right {
            Right::Stored => stored,
            Right::Made => made,
            Right::Neither => above.or(stored),
        }
    }

    fn blame(&self, right: Right, faults: &mut Vec<LedgerFault>) {
        let Some(&first) = self.differing.first() else { return };
        let fault =
            |kind| LedgerFault { file: self.tile.name(), index: Some(self.tile.entry_at(first)), kind };
        let count = self.differing.len() as u64;
        match (right, self.tile.row) {
            (Right::Made, _) => faults.push(fault(LedgerFaultKind::Hashes { count })),
            (Right::Neither, _) => faults.push(fault(LedgerFaultKind::Undecided)),
            (Right::Stored, Row::Hashes(0) | Row::Entries) => {
                let file = Tile { row: Row::Entries, ..self.tile }.name();
                faults.push(LedgerFault { file, ..fault(LedgerFaultKind::Entries { count }) });
            }
            (Right::Stored, Row::Hashes(level)) => faults.extend(self.differing.iter().map(|place| {
                let index = self.tile.index * WIDTH + place;
                let below = Tile { row: Row::Hashes(level - 1), index, width: WIDTH };
                LedgerFault {
                    file: below.name(),
                    index: Some(below.first_entry()),
                    kind: LedgerFaultKind::Subtree,
                }
            })),
        }
    }
}

/// Holds the partial tiles at the right edge against the root: of those that differ from what lies below, the choice is
/// right that makes the root. Returns whether the root is made.
pub(super) fn settle_edge(size: u64, root: &Digest, edge: &[Pair], faults: &mut Vec<LedgerFault>) -> bool {
    let made: Vec<Option<Vec<Digest>>> = edge.iter().map(Pair::made).collect();
    // There are at most eight levels, and so at most 256 choices.
    for choice in 0_u16..1 << edge.len() {
        let is_made = |nth: usize| choice >> nth & 1 == 1;
        // Where the two agree there is no choice.
        if edge.iter().enumerate().any(|(nth, pair)| is_made(nth) && pair.agrees()) {
            continue;
        }
        let chosen =
            edge.iter().zip(&made).enumerate().map(|(nth, (pair, made))| {
                if is_made(nth) { made.as_deref() } else { pair.stored.as_deref() }
            });
        let Some(chosen) = chosen.collect::<Option<Vec<_>>>() else { continue };
        if tree_with_edges(size, chosen.into_iter()).is_some_and(|tree| tree.root() == *root) {
            for (nth, pair) in edge.iter().enumerate() {
                pair.blame(if is_made(nth) { Right::Made } else { Right::Stored }, faults);
            }
            return true;
        }
    }
    for pair in edge {
        pair.blame(Right::Neither, faults);
    }
    false
}
