//! Lines of a content as numbers: equal lines of one file's versions have equal numbers.

use std::rc::Rc;

use gix_imara_diff::Token;
use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

/// A content and its lines as tokens.
#[derive(Debug, Clone)]
pub(super) struct Text {
    pub(super) bytes: Rc<Vec<u8>>,
    pub(super) tokens: Vec<Token>,
    /// Where each line ends, newline included.
    ends: Vec<u32>,
    /// The content it was read beside, and how many bytes at the end are the same.
    tail: Option<(Rc<Vec<u8>>, usize)>,
}

impl Text {
    /// Returns how many bytes at the end are the same as in another text.
    pub(super) fn common_suffix(&self, other: &Self) -> usize {
        let known = |text: &Self, beside: &Self| {
            let (bytes, same) = text.tail.as_ref()?;
            Rc::ptr_eq(bytes, &beside.bytes).then_some(*same)
        };
        known(self, other)
            .or_else(|| known(other, self))
            .unwrap_or_else(|| common_suffix(&self.bytes, &other.bytes))
    }

    /// How many lines there are; a last line without a newline counts.
    pub(super) fn n_lines(&self) -> u32 {
        u32::try_from(self.tokens.len()).unwrap_or(u32::MAX)
    }

    /// Where a line starts.
    fn start(&self, line: usize) -> usize {
        line.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |&end| end as usize)
    }

    /// How many lines end at or before a byte.
    fn lines_before(&self, byte: usize) -> usize {
        self.ends.partition_point(|&end| end as usize <= byte)
    }

    /// How many lines start at or after a byte.
    pub(super) fn lines_from(&self, byte: usize) -> usize {
        if byte == 0 {
            self.ends.len()
        } else {
            self.ends.len().saturating_sub(self.ends.partition_point(|&end| (end as usize) < byte) + 1)
        }
    }
}

/// Gives each distinct line a number, newline included. Lines are compared byte for byte, never by hash alone.
#[derive(Debug, Default)]
pub(super) struct LineTable {
    table: HashTable<u32>,
    /// All distinct lines one after the other.
    arena: Vec<u8>,
    ends: Vec<usize>,
}

impl LineTable {
    /// How many distinct lines there are.
    pub(super) fn n_tokens(&self) -> u32 {
        u32::try_from(self.ends.len()).unwrap_or(u32::MAX)
    }

    /// How many bytes the distinct lines take.
    pub(super) fn n_bytes(&self) -> usize {
        self.arena.len()
    }

    /// Forgets all lines; tokens given out before mean nothing any more.
    pub(super) fn clear(&mut self) {
        self.table.clear();
        self.arena.clear();
        self.ends.clear();
    }

    /// Returns the bytes of a token's line.
    pub(super) fn line(&self, token: Token) -> &[u8] {
        line_at(&self.arena, &self.ends, token.0)
    }

    /// Returns a content's lines as tokens. Where `near` is a version with much in common, lines that stand in
    /// both in the same order are mostly recognised by comparing the two contents, not one by one.
    pub(super) fn text(&mut self, bytes: Rc<Vec<u8>>, near: Option<&Text>) -> Text {
        let mut lines = Lines::default();
        match near {
            Some(near) => {
                let same = common_suffix(&bytes, &near.bytes);
                self.push_lines_near(&bytes, near, same, &mut lines);
                let tail = Some((Rc::clone(&near.bytes), same));
                Text { bytes, tokens: lines.tokens, ends: lines.ends, tail }
            }
            None => {
                self.push_lines(&bytes, 0, &mut lines);
                Text { bytes, tokens: lines.tokens, ends: lines.ends, tail: None }
            }
        }
    }

    fn push_lines(&mut self, bytes: &[u8], offset: usize, lines: &mut Lines) {
        let mut start = 0;
        for newline in memchr::memchr_iter(b'\n', bytes) {
            lines.push(self.token(bytes.get(start..=newline).unwrap_or_default()), offset + newline + 1);
            start = newline + 1;
        }
        if let Some(rest) = bytes.get(start..).filter(|rest| !rest.is_empty()) {
            lines.push(self.token(rest), offset + bytes.len());
        }
    }

    fn push_lines_near(&mut self, bytes: &[u8], near: &Text, common: usize, lines: &mut Lines) {
        lines.tokens.reserve(near.tokens.len() + 64);
        lines.ends.reserve(near.tokens.len() + 64);
        let tail = common_tail_start(bytes, near, common);
        let mut position = 0;
        let mut near_line = 0;
        let mut window = WINDOW_MIN;
        while position < tail {
            let near_start = near.start(near_line);
            let here = bytes.get(position..tail).unwrap_or_default();
            let common = common_prefix(here, near.bytes.get(near_start..).unwrap_or_default());
            let same_end = near_start + common;
            // Most often nothing is the same here, or a lot is.
            let some_line = near.ends.get(near_line).is_some_and(|&end| end as usize <= same_end);
            let mut same_until = if some_line { near.lines_before(same_end) } else { near_line };
            // The last line of `near` may lack the newline that the line here has.
            if same_until > near_line && near.bytes.get(near.start(same_until) - 1) != Some(&b'\n') {
                same_until -= usize::from(near.start(same_until) - near_start + position != bytes.len());
            }
            if same_until > near_line {
                let shift = position as isize - near_start as isize;
                lines.copy(near, near_line..same_until, shift);
                position += near.start(same_until) - near_start;
                near_line = same_until;
                window = WINDOW_MIN;
                continue;
            }
            let end = memchr::memchr(b'\n', here).map_or(here.len(), |newline| newline + 1);
            let n_known = self.n_tokens();
            let token = self.token(here.get(..end).unwrap_or_default());
            position += end;
            lines.push(token, position);
            // Where the same line comes soon in `near`, what follows it may be the same too.
            if token.0 < n_known {
                let ahead = near.tokens.get(near_line..).unwrap_or_default();
                match find(token, ahead.get(..window).unwrap_or(ahead)) {
                    Some(found) => near_line += found + 1,
                    None => window = (window * 2).min(WINDOW_MAX),
                }
            }
        }
        let near_tail = near.bytes.len() - (bytes.len() - tail);
        let first = near.tokens.len() - if tail == bytes.len() { 0 } else { near.lines_from(near_tail) };
        lines.copy(near, first..near.tokens.len(), tail as isize - near_tail as isize);
    }

    fn token(&mut self, line: &[u8]) -> Token {
        let Self { table, arena, ends } = self;
        let hash = xxh3_64(line);
        if let Some(&token) = table.find(hash, |&token| line_at(arena, ends, token) == line) {
            return Token(token);
        }
        let token = u32::try_from(ends.len()).unwrap_or(u32::MAX);
        arena.extend_from_slice(line);
        ends.push(arena.len());
        table.insert_unique(hash, token, |&token| xxh3_64(line_at(arena, ends, token)));
        Token(token)
    }
}

fn line_at<'a>(arena: &'a [u8], ends: &[usize], token: u32) -> &'a [u8] {
    let token = token as usize;
    let start = token.checked_sub(1).and_then(|before| ends.get(before).copied()).unwrap_or(0);
    let end = ends.get(token).copied().unwrap_or(start);
    arena.get(start..end).unwrap_or_default()
}

/// How many lines ahead a line is looked for, at least and at most.
const WINDOW_MIN: usize = 16;
const WINDOW_MAX: usize = 1024;

/// Returns where a token first stands among others, which are compared many at once.
fn find(token: Token, tokens: &[Token]) -> Option<usize> {
    let (chunks, rest) = tokens.as_chunks::<16>();
    let in_chunk = |chunk: &[Token; 16]| chunk.iter().fold(false, |found, other| found | (*other == token));
    let n_before = chunks.iter().take_while(|chunk| !in_chunk(chunk)).count();
    let chunk = chunks.get(n_before).map_or(rest, |chunk| chunk);
    Some(n_before * 16 + chunk.iter().position(|other| *other == token)?)
}

/// Lines on the way to a [`Text`].
#[derive(Debug, Default)]
struct Lines {
    tokens: Vec<Token>,
    ends: Vec<u32>,
}

impl Lines {
    fn push(&mut self, token: Token, end: usize) {
        self.tokens.push(token);
        self.ends.push(u32::try_from(end).unwrap_or(u32::MAX));
    }

    /// Copies lines of another text whose bytes stand `shift` bytes further on here.
    fn copy(&mut self, near: &Text, lines: std::ops::Range<usize>, shift: isize) {
        self.tokens.extend_from_slice(near.tokens.get(lines.clone()).unwrap_or_default());
        let shift = i32::try_from(shift).unwrap_or(0);
        let ends = near.ends.get(lines).unwrap_or_default();
        self.ends.extend(ends.iter().map(|&end| end.wrapping_add_signed(shift)));
    }
}

/// Returns where, in `bytes`, the whole lines begin that both contents end with; `common` bytes are the same.
fn common_tail_start(bytes: &[u8], near: &Text, common: usize) -> usize {
    let tail = bytes.get(bytes.len() - common..).unwrap_or_default();
    if common == bytes.len() && common == near.bytes.len() {
        return 0;
    }
    // A line of the tail is whole in both only after a newline that both have.
    memchr::memchr(b'\n', tail).map_or(bytes.len(), |newline| bytes.len() - common + newline + 1)
}

fn count_newlines(bytes: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', bytes).count()
}

/// Counts lines; a last line without a newline counts.
pub(super) fn count_lines(bytes: &[u8]) -> usize {
    count_newlines(bytes) + usize::from(bytes.last().is_some_and(|&last| last != b'\n'))
}

/// How many items are compared at once, first by the system's own comparison, then in registers.
const BLOCK: usize = 1024;
const SMALL_BLOCK: usize = 32;

/// Returns how many items at the start are the same.
pub(super) fn common_prefix<T: PartialEq>(a: &[T], b: &[T]) -> usize {
    let same = same_blocks::<T, BLOCK>(a, b);
    let same = same + same_blocks::<T, SMALL_BLOCK>(after(a, same), after(b, same));
    same + after(a, same).iter().zip(after(b, same)).take_while(|(a, b)| a == b).count()
}

fn same_blocks<T: PartialEq, const N: usize>(a: &[T], b: &[T]) -> usize {
    let (a, b) = (a.as_chunks::<N>().0, b.as_chunks::<N>().0);
    N * a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

fn after<T>(items: &[T], n_items: usize) -> &[T] {
    items.get(n_items..).unwrap_or_default()
}

/// Returns how many items at the end are the same.
pub(super) fn common_suffix<T: PartialEq>(a: &[T], b: &[T]) -> usize {
    let same = same_blocks_at_end::<T, BLOCK>(a, b);
    let same = same + same_blocks_at_end::<T, SMALL_BLOCK>(before(a, same), before(b, same));
    same + before(a, same).iter().rev().zip(before(b, same).iter().rev()).take_while(|(a, b)| a == b).count()
}

fn same_blocks_at_end<T: PartialEq, const N: usize>(a: &[T], b: &[T]) -> usize {
    let (a, b) = (a.as_rchunks::<N>().1, b.as_rchunks::<N>().1);
    N * a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count()
}

fn before<T>(items: &[T], n_items: usize) -> &[T] {
    items.get(..items.len().saturating_sub(n_items)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines() -> impl Strategy<Value = String> {
        proptest::collection::vec(prop_oneof!["a\n", "b\n", "\n", "a", "cc\r\n"], 0..40)
            .prop_map(|lines| lines.concat())
    }

    proptest! {
        #[test]
        fn a_near_version_changes_nothing(a in lines(), b in lines(), long in any::<bool>()) {
            let pad = if long { "x\n".repeat(300) } else { String::new() };
            let (a, b) = (format!("{pad}{a}{pad}"), format!("{pad}{b}{pad}"));
            let mut table = LineTable::default();
            let near = table.text(Rc::new(a.into_bytes()), None);
            let with = table.text(Rc::new(b.clone().into_bytes()), Some(&near));
            let without = table.text(Rc::new(b.clone().into_bytes()), None);
            prop_assert_eq!(&with.tokens, &without.tokens);
            prop_assert_eq!(with.tokens.len(), count_lines(b.as_bytes()));
            let joined: Vec<u8> = with.tokens.iter().flat_map(|&token| table.line(token).to_vec()).collect();
            prop_assert_eq!(joined, b.into_bytes());
        }
    }
}
