//! A line taken apart: where in it each thing stands that a fact may be made of. Nothing is copied.

use crate::counts::Fault;
use crate::values::coding;

/// What a piece of a line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Slot {
    /// When, in the format's own way of writing times.
    Time,
    /// When it began, where another time is that of the line.
    Began,
    /// When it ended.
    Ended,
    /// How long it lasted.
    Duration,
    Client,
    User,
    Device,
    /// An address, with a port behind it or not.
    Server,
    Port,
    /// A host, with a port behind it or not.
    Host,
    /// The question of a resolver.
    Question,
    Sni,
    Method,
    /// A path, with a query or not.
    Path,
    /// An address with scheme and host, or host and port alone.
    Url,
    Agent,
    Ja4,
    Sent,
    Received,
    Account,
    Model,
    Decision,
    /// A word that tells what the equipment did.
    Outcome,
    /// What kind of line it is.
    Kind,
    /// Something whose being there tells the kind of line, one for each of three kinds.
    MarkA,
    MarkB,
    MarkC,
}

/// How many slots there are.
const SLOTS: usize = 27;

/// What may stand several times in one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Many {
    /// Something a resolver answered with; what is no address is passed over.
    Answer,
    /// The name of a request header.
    HeaderName,
}

/// How a piece is written down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Coding {
    /// As it is.
    #[default]
    Plain,
    /// With the escapes of JSON.
    Json,
    /// With `\xHH`, as Zeek writes what would end a field.
    Hex,
    /// With `%HH`, as in an address.
    Percent,
    /// With `\` before quotes and backslashes, and `\r`, `\n`, `\t`, as Squid's quoted strings are.
    Quoted,
    /// With quotes doubled, as in CSV.
    Doubled,
    /// Not at all any more: it stands among the decoded bytes and not in the line.
    Undone,
}

/// A piece of the line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Piece {
    start: u32,
    end: u32,
    pub(crate) coding: Coding,
    is_there: bool,
}

impl Piece {
    /// A piece at these bytes of the line; a line is far shorter than a `u32` can count.
    pub(crate) fn new(start: usize, end: usize, coding: Coding) -> Self {
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self { start: place(start), end: place(end), coding, is_there: true }
    }

    /// Whether it stands among the decoded bytes.
    #[inline]
    pub(crate) fn is_decoded(self) -> bool {
        self.coding == Coding::Undone
    }

    /// Returns its bytes as they stand, in the line or among the decoded bytes.
    #[inline]
    pub(crate) fn of(self, line: &[u8]) -> Option<&[u8]> {
        let place = |at: u32| usize::try_from(at).unwrap_or(usize::MAX);
        if self.is_there { line.get(place(self.start)..place(self.end)) } else { None }
    }
}

/// A line taken apart. Kept from line to line for its memory.
#[derive(Debug, Default)]
pub(crate) struct Row {
    slots: [Piece; SLOTS],
    /// One bit for every slot that was seen, be its value null.
    seen: u32,
    /// One bit for every slot that was set: the pieces of others are those of earlier lines.
    is_set: u32,
    /// Whether a piece has a coding to undo.
    is_coded: bool,
    pub(crate) many: Vec<(Many, Piece)>,
    /// Headers of the format's list that the request had.
    pub(crate) headers: Vec<u16>,
}

impl Row {
    /// Forgets everything.
    #[inline]
    pub(crate) fn clear(&mut self) {
        self.seen = 0;
        self.is_set = 0;
        self.is_coded = false;
        self.many.clear();
        self.headers.clear();
    }

    /// Notes that something is there.
    ///
    /// # Errors
    /// [`Fault::Twice`] where it was there before: whoever reads one of two values may read the wrong one.
    #[inline]
    pub(crate) fn put(&mut self, slot: Slot, piece: Piece) -> Result<(), Fault> {
        self.see(slot)?;
        self.set(slot, piece);
        Ok(())
    }

    /// Notes that a name is there whose value is null.
    #[inline]
    pub(crate) fn see(&mut self, slot: Slot) -> Result<(), Fault> {
        let bit = 1 << index(slot);
        if self.seen & bit != 0 {
            return Err(Fault::Twice);
        }
        self.seen |= bit;
        Ok(())
    }

    /// Puts a piece, whatever was there.
    #[inline]
    pub(crate) fn set(&mut self, slot: Slot, piece: Piece) {
        self.seen |= 1 << index(slot);
        self.is_set |= 1 << index(slot);
        self.is_coded |= piece.coding != Coding::Plain;
        if let Some(place) = self.slots.get_mut(index(slot)) {
            *place = piece;
        }
    }

    /// Returns the piece of a slot.
    #[inline]
    pub(crate) fn piece(&self, slot: Slot) -> Piece {
        let is_set = self.is_set & 1 << index(slot) != 0;
        self.slots.get(index(slot)).filter(|_| is_set).copied().unwrap_or_default()
    }

    /// Returns the bytes of a slot as they stand in the line.
    #[inline]
    pub(crate) fn raw<'a>(&self, slot: Slot, line: &'a [u8]) -> Option<&'a [u8]> {
        self.piece(slot).of(line)
    }

    /// Forgets what says that there is nothing. Marks stay: that they are there is all that they say.
    #[inline]
    pub(crate) fn strike(&mut self, line: &[u8], absent: &[Vec<u8>]) {
        for piece in self.slots.iter_mut().take(index(Slot::MarkA)) {
            let says_nothing = |bytes: &[u8]| absent.iter().any(|word| word == bytes);
            if piece.of(line).is_some_and(says_nothing) {
                *piece = Piece::default();
            }
        }
    }

    /// Adds one of several.
    #[inline]
    pub(crate) fn push(&mut self, many: Many, piece: Piece) {
        self.is_coded |= piece.coding != Coding::Plain;
        self.many.push((many, piece));
    }

    /// Undoes all codings, into `decoded`.
    #[inline]
    pub(crate) fn decode(&mut self, line: &[u8], decoded: &mut Vec<u8>) {
        decoded.clear();
        if self.is_coded {
            let is_set = |slot: &(usize, &mut Piece)| self.is_set & 1 << slot.0 != 0;
            let slots = self.slots.iter_mut().enumerate().filter(is_set).map(|(_, piece)| piece);
            let several = self.many.iter_mut().map(|(_, piece)| piece);
            for piece in slots.chain(several).filter(|piece| piece.coding != Coding::Plain) {
                let start = decoded.len();
                coding::decode(piece.of(line).unwrap_or_default(), piece.coding, decoded);
                *piece =
                    Piece { is_there: piece.is_there, ..Piece::new(start, decoded.len(), Coding::Undone) };
            }
        }
    }

    /// Whether something stands there.
    #[inline]
    pub(crate) fn has(&self, slot: Slot) -> bool {
        self.piece(slot).is_there
    }
}

#[inline]
#[expect(clippy::as_conversions, reason = "the discriminants are small and have no gap")]
fn index(slot: Slot) -> usize {
    slot as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_has_a_place() {
        let mut row = Row::default();
        for slot in [Slot::Time, Slot::MarkC] {
            row.put(slot, Piece::new(0, 1, Coding::Plain)).unwrap();
            assert_eq!(row.raw(slot, b"ab"), Some(&b"a"[..]));
            assert_eq!(row.put(slot, Piece::default()), Err(Fault::Twice));
        }
        row.clear();
        assert!(!row.has(Slot::Time) && row.see(Slot::Time).is_ok());
    }
}
