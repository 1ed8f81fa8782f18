//! The files of a ledger: which a log of some size has, what they are called, and what stands in them.

use bytes::Bytes;
use lazaret_core::Digest;
use lazaret_seal::{Frontier, leaf_hash};

/// How many hashes or entries a full file holds (C2SP tlog-tiles).
pub(super) const WIDTH: u64 = 256;
/// How many levels of a Merkle tree lie between those of two levels of tiles.
pub(super) const TILE_HEIGHT: u8 = 8;

const HASH_BYTES: usize = 32;
/// No log has more: its size is a number of 64 bits.
const LEVELS_MAX: u8 = 8;

/// What stands in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Row {
    /// Entries, whose hashes are the tile of level 0 with the same index.
    Entries,
    /// Hashes: of entries at level 0, of full tiles of the level below at others.
    Hashes(u8),
}

/// A file of hashes or entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tile {
    pub(super) row: Row,
    /// Which of its row, counted from 0.
    pub(super) index: u64,
    /// How many hashes or entries, from 1 to 256.
    pub(super) width: u64,
}

impl Row {
    /// Returns how many hashes or entries a log of the given size has in this row.
    pub(super) fn length(self, size: u64) -> u64 {
        match self {
            Self::Entries => size,
            Self::Hashes(level) => size.checked_shr(u32::from(level) * u32::from(TILE_HEIGHT)).unwrap_or(0),
        }
    }

    /// Returns the file of the given index as a log of the given size has it.
    pub(super) fn tile(self, index: u64, size: u64) -> Option<Tile> {
        let before = index.checked_mul(WIDTH)?;
        let width = self.length(size).checked_sub(before).filter(|&width| width > 0)?.min(WIDTH);
        Some(Tile { row: self, index, width })
    }

    /// Returns the last file, if that is a partial one.
    pub(super) fn edge(self, size: u64) -> Option<Tile> {
        self.tile(self.length(size) / WIDTH, size)
    }
}

/// Returns the levels that a log of the given size has, from the leaves.
pub(super) fn levels(size: u64) -> impl DoubleEndedIterator<Item = u8> {
    let bits = u8::try_from(u64::BITS - size.leading_zeros()).unwrap_or(u8::MAX);
    0..bits.div_ceil(TILE_HEIGHT)
}

impl Tile {
    pub(super) fn is_full(self) -> bool {
        self.width == WIDTH
    }

    /// Returns the same file when it is full.
    pub(super) fn full(self) -> Self {
        Self { width: WIDTH, ..self }
    }

    /// Returns the file's first entry, counted from 0.
    pub(super) fn first_entry(self) -> u64 {
        self.entry_at(0)
    }

    /// Returns the first entry under a place of the file.
    pub(super) fn entry_at(self, place: u64) -> u64 {
        let level = match self.row {
            Row::Entries => 0,
            Row::Hashes(level) => level,
        };
        (self.index * WIDTH + place) << (u32::from(level) * u32::from(TILE_HEIGHT))
    }

    /// Returns the folder in which partial files of this index lie.
    pub(super) fn partial_folder(self) -> String {
        format!("{}.p", self.full().name())
    }

    /// Returns the name on the shelf.
    pub(super) fn name(self) -> String {
        let mut path = format!("{:03}", self.index % 1000);
        let mut rest = self.index / 1000;
        while rest > 0 {
            path = format!("x{:03}/{path}", rest % 1000);
            rest /= 1000;
        }
        let row = match self.row {
            Row::Entries => "entries".to_owned(),
            Row::Hashes(level) => level.to_string(),
        };
        let partial = if self.is_full() { String::new() } else { format!(".p/{}", self.width) };
        format!("tile/{row}/{path}{partial}")
    }

    /// Reads a name on the shelf; `None` for anything that [`name`](Self::name) does not write.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (row, rest) = name.strip_prefix("tile/")?.split_once('/')?;
        let row = match row {
            "entries" => Row::Entries,
            level => Row::Hashes(level.parse().ok().filter(|level| *level < LEVELS_MAX)?),
        };
        let (path, width) = match rest.split_once(".p/") {
            Some((path, width)) => (path, width.parse().ok().filter(|width| (1..WIDTH).contains(width))?),
            None => (rest, WIDTH),
        };
        let index = path.split('/').try_fold(0_u64, |index, part| {
            let digits: u64 = part.trim_start_matches('x').parse().ok()?;
            index.checked_mul(1000)?.checked_add(digits)
        })?;
        let tile = Self { row, index, width };
        (tile.name() == name).then_some(tile)
    }
}

/// Writes hashes as a file holds them.
pub(super) fn write_hashes(hashes: &[Digest]) -> Bytes {
    hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()
}

/// Reads the hashes of a file; `None` if it is not a whole number of them.
pub(super) fn read_hashes(bytes: &[u8]) -> Option<Vec<Digest>> {
    let (hashes, rest) = bytes.as_chunks::<HASH_BYTES>();
    rest.is_empty().then(|| hashes.iter().map(|hash| Digest::from_bytes(*hash)).collect())
}

/// Returns the tree over the hashes of a file.
pub(super) fn tree_over(hashes: impl IntoIterator<Item = Digest>) -> Frontier {
    let mut frontier = Frontier::new();
    for hash in hashes {
        frontier.push_hash(hash);
    }
    frontier
}

/// Appends an entry to a file of entries, after its length; `None` if it is too long.
pub(super) fn write_entry(bundle: &mut Vec<u8>, entry: &[u8]) -> Option<()> {
    let length = u16::try_from(entry.len()).ok()?;
    bundle.extend(length.to_be_bytes());
    bundle.extend(entry);
    Some(())
}

/// Reads the entries of a file as far as they go; what comes after the last whole one is `None`, once.
pub(super) fn read_entries(bundle: &Bytes) -> impl Iterator<Item = Option<Bytes>> {
    let mut rest = bundle.clone();
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let length = rest.first_chunk::<2>().map(|length| usize::from(u16::from_be_bytes(*length)));
        match length {
            Some(length) if rest.len() >= 2 + length => {
                let mut entry = rest.split_to(2 + length);
                Some(Some(entry.split_off(2)))
            }
            Some(_) | None => {
                rest.clear();
                Some(None)
            }
        }
    })
}

/// Returns the part of a file that it held when it had only so many hashes or entries; `None` if it does not.
pub(super) fn cut(bytes: &Bytes, row: Row, width: u64) -> Option<Bytes> {
    let width = usize::try_from(width).ok()?;
    let end = match row {
        Row::Hashes(_) => width * HASH_BYTES,
        Row::Entries => {
            let lengths = read_entries(bytes).take(width).map(|entry| entry.map(|entry| 2 + entry.len()));
            lengths.sum::<Option<usize>>()?
        }
    };
    (end <= bytes.len()).then(|| bytes.slice(..end))
}

/// Returns the hashes of the entries of a file as far as they go.
pub(super) fn hash_entries(bundle: &Bytes) -> Vec<Option<Digest>> {
    read_entries(bundle).map(|entry| entry.map(|entry| leaf_hash(&entry))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_specification() {
        for (row, index, width, name) in [
            (Row::Hashes(0), 1_234_067, 256, "tile/0/x001/x234/067"),
            (Row::Hashes(1), 0, 17, "tile/1/000.p/17"),
            (Row::Entries, 273, 112, "tile/entries/273.p/112"),
            (Row::Entries, 1000, 256, "tile/entries/x001/000"),
            (Row::Hashes(7), 0, 1, "tile/7/000.p/1"),
        ] {
            let tile = Tile { row, index, width };
            assert_eq!(tile.name(), name);
            assert_eq!(Tile::parse(name), Some(tile));
        }
        for wrong in [
            "tile/0/1",
            "tile/0/0001",
            "tile/0/x000/001",
            "tile/0/001.p/0",
            "tile/0/001.p/256",
            "tile/0/001.p/01",
            "tile/00/001",
            "tile/entry/001",
            "tile/0/001/002",
            "tile/0/x001",
            "tile/0/xx001/000",
            "tile/-1/001",
            "tile/8/001",
            "checkpoint",
            "tile/0/x999/x999/x999/x999/x999/x999/999",
        ] {
            assert_eq!(Tile::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_log_has_the_files_of_the_example_in_the_specification() {
        // 70,000 entries: 273 full tiles and one of 112; one full one and one of 17; one of a single hash.
        let of = |level, index| Row::Hashes(level).tile(index, 70_000).map(|tile| tile.width);
        assert_eq!([of(0, 272), of(0, 273), of(0, 274)], [Some(256), Some(112), None]);
        assert_eq!([of(1, 0), of(1, 1), of(1, 2)], [Some(256), Some(17), None]);
        assert_eq!([of(2, 0), of(2, 1), of(3, 0)], [Some(1), None, None]);
        assert_eq!(levels(70_000).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!([0, 1, 255, 256, 65_536].map(|size| levels(size).count()), [0, 1, 1, 2, 3]);
        assert_eq!(Row::Hashes(1).edge(256).map(|tile| tile.width), Some(1));
        assert_eq!(Row::Hashes(0).edge(256), None);
        assert_eq!(levels(u64::MAX).count(), 8);
    }

    #[test]
    fn entries_are_read_as_they_were_written() {
        let entries = [b"".as_slice(), b"a", &[7; u16::MAX as usize]];
        let mut bundle = Vec::new();
        for entry in entries {
            write_entry(&mut bundle, entry).unwrap();
        }
        assert_eq!(write_entry(&mut bundle, &[0; u16::MAX as usize + 1]), None);
        let bundle = Bytes::from(bundle);
        let read: Vec<_> = read_entries(&bundle).collect::<Option<_>>().unwrap();
        assert_eq!(read, entries);
        let cut: Vec<_> = read_entries(&bundle.slice(..bundle.len() - 1)).collect();
        assert_eq!((cut.len(), cut[2].is_none()), (3, true));
        assert_eq!(read_entries(&Bytes::from_static(&[0])).collect::<Vec<_>>(), [None]);
    }
}
