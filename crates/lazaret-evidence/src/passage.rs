//! Tells passages of a file that speak for themselves from passages that speak about marks.
//!
//! A file that documents, detects or tests marks holds them in code spans, strings, fences and examples. Only a
//! line of prose or a comment can carry a mark in full; anything else mentions it.

/// The comment that a file begins with is not longer than this.
const HEADER_LINES_MAX: usize = 30;

/// A footer is among the last lines that are not blank.
const END_LINES_MAX: usize = 3;

/// How a line of a file stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stand {
    /// A comment at the head of the file, or the end of a prose file.
    Edge,
    /// A line of prose or a comment elsewhere.
    Open,
    /// Code, data, a string, a fence: a mention.
    Mention,
}

/// A file cut into lines, with what is needed to tell how each stands.
#[derive(Debug)]
pub(crate) struct Passages<'a> {
    lines: Vec<&'a [u8]>,
    mention: Vec<bool>,
    header_end: usize,
    footer_start: usize,
    is_prose: bool,
}

impl<'a> Passages<'a> {
    pub(crate) fn new(path: &[u8], text: &'a [u8]) -> Self {
        let lines: Vec<_> = text.split(|byte| *byte == b'\n').collect();
        let is_prose = is_prose_path(path);
        let header_end = lines.iter().take(HEADER_LINES_MAX).take_while(|line| is_header_line(line)).count();
        let filled = lines.iter().enumerate().rev().filter(|(_, line)| !line.trim_ascii().is_empty());
        let footer_start = filled.take(END_LINES_MAX).last().map_or(lines.len(), |(at, _)| at);
        let mention = mentions(&lines, is_prose);
        Self { lines, mention, header_end, footer_start, is_prose }
    }

    pub(crate) fn len(&self) -> usize {
        self.lines.len()
    }

    /// The line at `at`, without a comment's signs and blanks around it.
    pub(crate) fn text(&self, at: usize) -> &'a [u8] {
        let line = self.lines.get(at).copied().unwrap_or_default().trim_ascii();
        if self.is_prose && !line.starts_with(b"<!--") { line } else { uncommented(line).unwrap_or(line) }
    }

    pub(crate) fn stand(&self, at: usize) -> Stand {
        let line = self.lines.get(at).copied().unwrap_or_default();
        if self.mention.get(at).copied().unwrap_or(true) {
            return Stand::Mention;
        }
        let is_comment = uncommented(line.trim_ascii()).is_some();
        if at < self.header_end && (is_comment || self.is_prose) || (self.is_prose && at >= self.footer_start)
        {
            return Stand::Edge;
        }
        if self.is_prose || is_comment { Stand::Open } else { Stand::Mention }
    }
}

/// Marks lines within fences, indented code blocks, and strings of several lines.
fn mentions(lines: &[&[u8]], is_prose: bool) -> Vec<bool> {
    let (mut fenced, mut in_string) = (false, false);
    let read = lines.iter().map(|line| {
        let text = line.trim_ascii();
        if text.starts_with(b"```") || text.starts_with(b"~~~") {
            fenced = !fenced;
            return true;
        }
        let opened = in_string;
        if !is_prose {
            let quotes = memchr::memmem::find_iter(line, b"\"\"\"").count()
                + memchr::memmem::find_iter(line, b"'''").count();
            in_string ^= quotes % 2 == 1;
        }
        let is_indented = is_prose && (line.starts_with(b"    ") || line.starts_with(b"\t"));
        let is_example = text.starts_with(b">") || text.starts_with(b"<pre") || text.starts_with(b"<code");
        fenced || opened || in_string || is_indented || (is_prose && is_example)
    });
    read.collect()
}

fn is_prose_path(path: &[u8]) -> bool {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default().to_ascii_lowercase();
    match name.iter().rposition(|byte| *byte == b'.') {
        None | Some(0) => matches!(&*name, b"readme" | b"notes" | b"changelog" | b"news" | b"todo"),
        Some(dot) => matches!(
            name.get(dot + 1..).unwrap_or_default(),
            b"md" | b"markdown" | b"mdx" | b"txt" | b"rst" | b"adoc" | b"org" | b"tex" | b"html" | b"htm"
        ),
    }
}

/// A blank line, a comment, or what may stand before one.
fn is_header_line(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    line.is_empty()
        || line.starts_with(b"#!")
        || line.starts_with(b"<?xml")
        || line.eq_ignore_ascii_case(b"<!doctype html>")
        || line == b"*/"
        || uncommented(line).is_some()
}

/// Returns the text of a line that is a comment in some common language.
fn uncommented(line: &[u8]) -> Option<&[u8]> {
    const LEADERS: [&[u8]; 12] =
        [b"<!--", b"/**", b"/*", b"///", b"//!", b"//", b"--", b"#", b";;", b";", b"%", b"*"];
    let leader = LEADERS.iter().find(|leader| line.starts_with(leader))?;
    let text = line.get(leader.len()..)?.trim_ascii();
    let text = text.strip_suffix(b"-->").or_else(|| text.strip_suffix(b"*/")).unwrap_or(text);
    Some(text.trim_ascii())
}
