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
}

impl Text {
    /// How many lines there are; a last line without a newline counts.
    pub(super) fn n_lines(&self) -> u32 {
        u32::try_from(self.tokens.len()).unwrap_or(u32::MAX)
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

    /// Returns a content's lines as tokens. Where `near` is a version with much in common, only what differs in
    /// the middle is looked at line by line.
    pub(super) fn text(&mut self, bytes: Rc<Vec<u8>>, near: Option<&Text>) -> Text {
        let mut tokens;
        match near {
            Some(near) if !near.tokens.is_empty() => {
                let same = Same::of(&bytes, &near.bytes);
                let middle = bytes.get(same.prefix..bytes.len() - same.suffix).unwrap_or_default();
                tokens = Vec::with_capacity(near.tokens.len() + 64);
                tokens.extend_from_slice(near.tokens.get(..same.prefix_lines).unwrap_or_default());
                self.push_lines(middle, &mut tokens);
                let tail = near.tokens.len().saturating_sub(same.suffix_lines);
                tokens.extend_from_slice(near.tokens.get(tail..).unwrap_or_default());
            }
            _ => {
                tokens = Vec::new();
                self.push_lines(&bytes, &mut tokens);
            }
        }
        Text { bytes, tokens }
    }

    fn push_lines(&mut self, bytes: &[u8], tokens: &mut Vec<Token>) {
        let mut start = 0;
        for newline in memchr::memchr_iter(b'\n', bytes) {
            tokens.push(self.token(bytes.get(start..=newline).unwrap_or_default()));
            start = newline + 1;
        }
        if let Some(rest) = bytes.get(start..).filter(|rest| !rest.is_empty()) {
            tokens.push(self.token(rest));
        }
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

/// Whole lines that two contents have in common at their beginning and end.
struct Same {
    prefix: usize,
    prefix_lines: usize,
    suffix: usize,
    suffix_lines: usize,
}

impl Same {
    fn of(a: &[u8], b: &[u8]) -> Self {
        let common = common_prefix(a, b);
        let prefix_bytes = a.get(..common).unwrap_or_default();
        let prefix = memchr::memrchr(b'\n', prefix_bytes).map_or(0, |newline| newline + 1);
        let prefix_lines = count_newlines(a.get(..prefix).unwrap_or_default());
        let (a_rest, b_rest) = (a.get(prefix..).unwrap_or_default(), b.get(prefix..).unwrap_or_default());
        let common = common_suffix(a_rest, b_rest);
        let tail = a.get(a.len() - common..).unwrap_or_default();
        // A line of the tail is whole in both only after a newline that both have.
        let suffix = memchr::memchr(b'\n', tail).map_or(0, |newline| tail.len() - newline - 1);
        let suffix_lines = count_lines(a.get(a.len() - suffix..).unwrap_or_default());
        Self { prefix, prefix_lines, suffix, suffix_lines }
    }
}

fn count_newlines(bytes: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', bytes).count()
}

/// Counts lines; a last line without a newline counts.
pub(super) fn count_lines(bytes: &[u8]) -> usize {
    count_newlines(bytes) + usize::from(bytes.last().is_some_and(|&last| last != b'\n'))
}

/// Compared at once before single bytes are looked at.
const BLOCK: usize = 256;

fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    let blocks = a.chunks_exact(BLOCK).zip(b.chunks_exact(BLOCK)).take_while(|(a, b)| a == b).count() * BLOCK;
    let rest = |bytes: &'_ [u8]| -> usize { blocks.min(bytes.len()) };
    let (a, b) = (a.split_at(rest(a)).1, b.split_at(rest(b)).1);
    blocks + a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// Returns how many bytes at the end are the same.
pub(super) fn common_suffix(a: &[u8], b: &[u8]) -> usize {
    let blocks = a.rchunks_exact(BLOCK).zip(b.rchunks_exact(BLOCK)).take_while(|(a, b)| a == b).count() * BLOCK;
    let (a, b) = (a.split_at(a.len() - blocks).0, b.split_at(b.len() - blocks).0);
    blocks + a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines() -> impl Strategy<Value = String> {
        proptest::collection::vec(prop_oneof!["a\n", "b\n", "\n", "a", "cc\r\n"], 0..40).prop_map(|lines| lines.concat())
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
