//! Texts out of a tiny alphabet of lines, and edits of their lines.

use proptest::prelude::*;

/// Lines that real files repeat: what makes diffs ambiguous and sliders slide.
const COMMON: [&[u8]; 12] =
    [b"", b"}", b"{", b"    }", b"    {", b"end", b"  a", b"\ta", b"a", b"b", b"return", b"// ---"];

/// Lines that stress what counts bytes: longer than the 64 bytes at which similarity cuts a chunk,
/// not UTF-8, a carriage return within, a zero byte (a file holding it counts as binary).
const ODD: [&[u8]; 5] = [
    b"a line of more than sixty-four bytes, which the similarity of two files counts in two chunks or more",
    b"a line of more than sixty-four bytes, which the similarity of two files counts in a different way",
    b"caf\xe9 \xff\xfe",
    b"half\rway",
    b"zero\0byte",
];

/// How many numbered lines there are: rarely repeated, so that similarity has something to hold on to.
const NUMBERED: u8 = 60;

/// A text, as its lines' places in the alphabet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    lines: Vec<u8>,
    /// How many further lines, unlike each other, stand before them: makes a file of many kilobytes.
    bulk: u16,
    crlf: bool,
    final_newline: bool,
}

impl Text {
    /// Returns the bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let end: &[u8] = if self.crlf { b"\r\n" } else { b"\n" };
        let mut bytes = Vec::new();
        for number in 0..self.bulk {
            bytes.extend(bulk_line(number));
            bytes.extend(end);
        }
        for &code in &self.lines {
            bytes.extend(line(code));
            bytes.extend(end);
        }
        if !self.final_newline {
            bytes.truncate(bytes.len().saturating_sub(end.len()));
        }
        bytes
    }
}

/// A change to the lines of a file. Places and counts are taken modulo what the file offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineEdit {
    /// Puts lines in at a place.
    Insert(u16, Vec<u8>),
    /// Takes a number of lines out at a place.
    Delete(u16, u8),
    /// Takes lines out and puts others in.
    Replace(u16, u8, Vec<u8>),
    /// Copies lines from the first place to the second.
    Duplicate(u16, u8, u16),
    /// Moves lines from the first place to the second.
    Move(u16, u8, u16),
    /// Indents lines by four spaces.
    Indent(u16, u8),
    /// Turns LF into CRLF on every line, or back if the first line has CRLF.
    ToggleCarriageReturns,
    /// Takes the last newline away, or adds it.
    ToggleFinalNewline,
    /// Takes everything away.
    Empty,
}

impl LineEdit {
    /// Returns the edited bytes.
    #[must_use]
    pub fn apply(&self, bytes: &[u8]) -> Vec<u8> {
        let mut lines: Vec<Vec<u8>> =
            bytes.split_inclusive(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
        match self {
            Self::Insert(at, codes) => splice(&mut lines, *at, 0, codes),
            Self::Delete(at, count) => splice(&mut lines, *at, *count, &[]),
            Self::Replace(at, count, codes) => splice(&mut lines, *at, *count, codes),
            Self::Duplicate(at, count, to) => {
                let copied = lines.get(range(lines.len(), *at, *count)).unwrap_or_default().to_vec();
                let to = place(lines.len(), *to);
                lines.splice(to..to, copied);
            }
            Self::Move(at, count, to) => {
                let moved: Vec<_> = lines.drain(range(lines.len(), *at, *count)).collect();
                let to = place(lines.len(), *to);
                lines.splice(to..to, moved);
            }
            Self::Indent(at, count) => {
                let range = range(lines.len(), *at, *count);
                for line in lines.get_mut(range).unwrap_or_default() {
                    line.splice(0..0, *b"    ");
                }
            }
            Self::ToggleCarriageReturns => toggle_carriage_returns(&mut lines),
            Self::ToggleFinalNewline => match lines.last_mut() {
                Some(last) if last.ends_with(b"\n") => drop(last.pop()),
                Some(last) => last.push(b'\n'),
                None => {}
            },
            Self::Empty => lines.clear(),
        }
        lines.concat()
    }
}

/// Returns texts of 0 to 60 lines; one in twenty has 2,000 lines or more before them.
pub(super) fn texts() -> impl Strategy<Value = Text> {
    let bulk = prop_oneof![19 => Just(0_u16), 1 => 2_000..3_000_u16];
    let lines = prop_oneof![
        1 => prop::collection::vec(codes(), 0..2),
        6 => prop::collection::vec(codes(), 3..16),
        3 => prop::collection::vec(codes(), 16..60),
    ];
    (lines, bulk, prop::bool::weighted(0.1), prop::bool::weighted(0.85))
        .prop_map(|(lines, bulk, crlf, final_newline)| Text { lines, bulk, crlf, final_newline })
}

/// Returns edits of every kind, the plain ones more often.
pub(super) fn line_edits() -> impl Strategy<Value = LineEdit> {
    let at = || any::<u16>();
    let count = || prop_oneof![12 => 1..4_u8, 1 => 4..40_u8];
    let some = || prop::collection::vec(codes(), 1..5);
    prop_oneof![
        12 => (at(), some()).prop_map(|(at, codes)| LineEdit::Insert(at, codes)),
        6 => (at(), count()).prop_map(|(at, count)| LineEdit::Delete(at, count)),
        12 => (at(), count(), some()).prop_map(|(at, count, codes)| LineEdit::Replace(at, count, codes)),
        6 => (at(), count(), at()).prop_map(|(at, count, to)| LineEdit::Duplicate(at, count, to)),
        4 => (at(), count(), at()).prop_map(|(at, count, to)| LineEdit::Move(at, count, to)),
        1 => (at(), count()).prop_map(|(at, count)| LineEdit::Indent(at, count)),
        1 => Just(LineEdit::ToggleCarriageReturns),
        1 => Just(LineEdit::ToggleFinalNewline),
        1 => Just(LineEdit::Empty),
    ]
}

fn codes() -> impl Strategy<Value = u8> {
    let common = u8::try_from(COMMON.len()).expect("the alphabet is small");
    let odd = u8::try_from(ODD.len()).expect("the alphabet is small");
    let numbered = common..common + NUMBERED;
    prop_oneof![6 => 0..common, 4 => numbered, 1 => common + NUMBERED..common + NUMBERED + odd]
}

fn line(code: u8) -> Vec<u8> {
    let code = usize::from(code);
    let after_common = code.checked_sub(COMMON.len());
    let after_numbered = after_common.and_then(|code| code.checked_sub(usize::from(NUMBERED)));
    match (COMMON.get(code), after_numbered.and_then(|code| ODD.get(code))) {
        (Some(line), _) | (None, Some(line)) => line.to_vec(),
        (None, None) => format!("line number {code}").into_bytes(),
    }
}

/// Nearly every bulk line differs from the others; every seventh is one of the common ones.
fn bulk_line(number: u16) -> Vec<u8> {
    match COMMON.get(usize::from(number / 7) % COMMON.len()) {
        Some(line) if number.is_multiple_of(7) => line.to_vec(),
        _ => format!("record {number} of a long file").into_bytes(),
    }
}

fn place(length: usize, at: u16) -> usize {
    usize::from(at) % (length + 1)
}

fn range(length: usize, at: u16, count: u8) -> std::ops::Range<usize> {
    let start = place(length, at);
    start..length.min(start + usize::from(count))
}

fn splice(lines: &mut Vec<Vec<u8>>, at: u16, count: u8, codes: &[u8]) {
    let inserted = codes.iter().map(|&code| [line(code).as_slice(), b"\n"].concat());
    lines.splice(range(lines.len(), at, count), inserted);
}

fn toggle_carriage_returns(lines: &mut [Vec<u8>]) {
    let had = lines.first().is_some_and(|line| line.ends_with(b"\r\n"));
    for line in lines {
        if line.ends_with(b"\r\n") == had && line.ends_with(b"\n") {
            line.truncate(line.len() - if had { 2 } else { 1 });
            line.extend(if had { b"\n".as_slice() } else { b"\r\n" });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(edit: &LineEdit, before: &str, after: &str) {
        assert_eq!(String::from_utf8(edit.apply(before.as_bytes())).unwrap(), after, "{edit:?}");
    }

    #[test]
    fn edits_do_what_their_names_say() {
        check(&LineEdit::Insert(1, vec![8]), "x\ny\n", "x\na\ny\n");
        check(&LineEdit::Delete(1, 9), "x\ny\nz\n", "x\n");
        check(&LineEdit::Replace(0, 1, vec![1, 1]), "x\ny\n", "}\n}\ny\n");
        check(&LineEdit::Duplicate(0, 1, 2), "x\ny\n", "x\ny\nx\n");
        check(&LineEdit::Move(0, 1, 1), "x\ny\n", "y\nx\n");
        check(&LineEdit::Indent(1, 1), "x\ny\n", "x\n    y\n");
        check(&LineEdit::ToggleCarriageReturns, "x\ny", "x\r\ny");
        check(&LineEdit::ToggleCarriageReturns, "x\r\ny\r\n", "x\ny\n");
        check(&LineEdit::ToggleFinalNewline, "x\ny\n", "x\ny");
        check(&LineEdit::ToggleFinalNewline, "x", "x\n");
        check(&LineEdit::Empty, "x\n", "");
    }

    #[test]
    fn edits_of_nothing_are_total() {
        for edit in [LineEdit::Delete(9, 9), LineEdit::Move(9, 9, 9), LineEdit::ToggleFinalNewline] {
            check(&edit, "", "");
        }
    }
}
