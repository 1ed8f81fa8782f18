//! Hostile content made inert: a line of bytes becomes text that steers no terminal, cut to the columns that are seen.

use lazaret_pipeline::steers;
use unicode_width::UnicodeWidthChar as _;

use crate::text::plain;

/// How far tabs reach.
const TAB_COLUMNS: usize = 4;
/// So many marks without width may sit on one character; more would grow over the lines around it.
const MARKS_MAX: usize = 2;

/// A run of text of one nature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// What is shown.
    pub(super) text: String,
    /// Whether it stands for something that is not shown: an escape that the program wrote, not the content.
    pub(super) is_escape: bool,
}

/// Returns the part of a line that is seen in `width` columns from column `left` on. Nothing behind it is looked at.
pub(super) fn cut(line: &[u8], left: usize, width: usize) -> Vec<Piece> {
    let mut cutter = Cutter { left, end: left.saturating_add(width), column: 0, pieces: Vec::new() };
    let mut marks = 0;
    for chunk in line.utf8_chunks() {
        for c in chunk.valid().chars() {
            let columns = c.width().unwrap_or(0);
            marks = if columns == 0 { marks + 1 } else { 0 };
            let goes_on = if c == '\t' {
                let to = (cutter.column / TAB_COLUMNS + 1) * TAB_COLUMNS;
                (cutter.column..to).all(|_| cutter.put(" ", 1, false))
            } else if steers(c) || marks > MARKS_MAX {
                marks = 0;
                cutter.escape(&escaped(c))
            } else {
                cutter.put(c.encode_utf8(&mut [0; 4]), columns, false)
            };
            if !goes_on {
                return cutter.pieces;
            }
        }
        for byte in chunk.invalid() {
            if !cutter.escape(&format!("\\x{byte:02x}")) {
                return cutter.pieces;
            }
        }
    }
    cutter.pieces
}

/// Returns a row of binary content: its place, its bytes, and those of them that are letters.
pub(super) fn hex(place: usize, bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut row = format!("{place:08x} ");
    for ix in 0..super::document::HEX_BYTES {
        match bytes.get(ix) {
            Some(byte) => write!(row, " {byte:02x}").unwrap_or_default(),
            None => row.push_str("   "),
        }
    }
    row.push_str("  ");
    row.extend(bytes.iter().map(|&byte| if (0x20..0x7f).contains(&byte) { char::from(byte) } else { '.' }));
    row
}

fn escaped(c: char) -> String {
    if steers(c) {
        plain(c.encode_utf8(&mut [0; 4])).into_owned()
    } else {
        format!("\\u{{{:x}}}", u32::from(c))
    }
}

struct Cutter {
    left: usize,
    end: usize,
    column: usize,
    pieces: Vec<Piece>,
}

impl Cutter {
    /// Puts what takes so many columns, and says whether there may be room for more.
    fn put(&mut self, text: &str, columns: usize, is_escape: bool) -> bool {
        let (from, to) = (self.column, self.column + columns);
        if to > self.end {
            return false;
        }
        self.column = to;
        if from >= self.left {
            // A mark whose character is left of the edge has nothing to sit on.
            if columns > 0 || !self.pieces.is_empty() {
                self.push(text, is_escape);
            }
        } else if to > self.left {
            self.push(&" ".repeat(to - self.left), is_escape);
        }
        true
    }

    fn escape(&mut self, text: &str) -> bool {
        text.chars().all(|c| self.put(c.encode_utf8(&mut [0; 4]), 1, true))
    }

    fn push(&mut self, text: &str, is_escape: bool) {
        match self.pieces.last_mut() {
            Some(last) if last.is_escape == is_escape => last.text.push_str(text),
            _ => self.pieces.push(Piece { text: text.to_owned(), is_escape }),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::columns;

    fn shown(line: &[u8], left: usize, width: usize) -> String {
        cut(line, left, width)
            .iter()
            .map(|piece| if piece.is_escape { format!("<{}>", piece.text) } else { piece.text.clone() })
            .collect()
    }

    #[test]
    fn what_steers_is_written_out_and_told_from_what_is_written_so() {
        assert_eq!(shown("a\u{1b}[2Jb".as_bytes(), 0, 40), "a<\\u{1b}>[2Jb");
        assert_eq!(shown("if \u{202e}x\u{2066}".as_bytes(), 0, 40), "if <\\u{202e}>x<\\u{2066}>");
        assert_eq!(shown("zero\u{200b}width".as_bytes(), 0, 40), "zero<\\u{200b}>width");
        assert_eq!(shown("tag\u{e0041}".as_bytes(), 0, 40), "tag<\\u{e0041}>");
        assert_eq!(shown(b"lone\rcr", 0, 40), "lone<\\r>cr");
        assert_eq!(shown(b"\xff\xfeA", 0, 40), "<\\xff\\xfe>A");
        assert_eq!(shown(br"\u{202e}", 0, 40), r"\u{202e}");
    }

    #[test]
    fn marks_without_end_do_not_grow_over_the_screen() {
        let line = format!("e{}x", "\u{301}".repeat(4));
        assert_eq!(shown(line.as_bytes(), 0, 40), "e\u{301}\u{301}<\\u{301}>\u{301}x");
    }

    #[test]
    fn wide_characters_are_never_halved() {
        let line = "漢字かな".as_bytes();
        assert_eq!(shown(line, 0, 5), "漢字");
        assert_eq!(shown(line, 1, 5), " 字か");
        assert_eq!(shown(b"\tx", 2, 10), "  x");
    }

    #[test]
    fn binary_content_is_shown_by_its_bytes() {
        assert_eq!(hex(16, b"\x7fELF\x1b"), format!("00000010  7f 45 4c 46 1b{}  .ELF.", "   ".repeat(11)));
    }

    proptest! {
        #[test]
        fn a_cut_fits_and_steers_nothing(line in any::<Vec<u8>>(), left in 0usize..20, width in 0usize..40) {
            let pieces = cut(&line, left, width);
            let text: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
            prop_assert!(!text.chars().any(steers));
            let each: usize = text.chars().map(|c| c.width().unwrap_or(0)).sum();
            prop_assert!(each <= width, "{text:?}");
            prop_assert!(columns(&text) <= width, "{text:?}");
        }

        #[test]
        fn text_of_any_script_fits(line in any::<String>(), left in 0usize..20, width in 0usize..40) {
            let text: String = cut(line.as_bytes(), left, width).into_iter().map(|piece| piece.text).collect();
            prop_assert!(!text.chars().any(steers));
            prop_assert!(columns(&text) <= width, "{text:?}");
        }
    }
}
