//! Reads a commit message as bytes: its lines, its trailers, and how much each of them stands for itself.
//!
//! The final trailer block follows the rules that git-interpret-trailers(1) states. Squash merges concatenate
//! messages, so a paragraph in the middle that holds nothing but trailers and marks counts like a final one.
//! A trailer that is quoted, indented, fenced or part of a paragraph of prose is a mention: [`Standing`] says so.

use std::borrow::Cow;

/// How much a line of a message stands for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// It is quoted, indented, in a code fence, or part of a message that this one repeats.
    Quoted,
    /// It is part of a paragraph of prose.
    Embedded,
    /// It is part of a block of trailers and marks.
    Stands,
}

/// A line of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line<'a> {
    /// The line without its ending and without blanks around it.
    pub text: &'a [u8],
    /// How much it stands for itself.
    pub standing: Standing,
    /// Whether nothing but marks, trailers and rules follow it in its paragraph.
    pub closes_paragraph: bool,
    /// Where its paragraph begins, in lines of the message; equal for lines of one paragraph.
    pub paragraph: usize,
}

/// A trailer, or a line that has a trailer's form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trailer<'a> {
    /// The key as written.
    pub key: &'a [u8],
    /// The value, its continuation lines joined by blanks.
    pub value: Cow<'a, [u8]>,
    /// How much it stands for itself.
    pub standing: Standing,
}

/// A message, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message<'a> {
    /// The first line.
    pub subject: &'a [u8],
    /// All lines that are not blank.
    pub lines: Vec<Line<'a>>,
    /// All lines that have a trailer's form.
    pub trailers: Vec<Trailer<'a>>,
}

impl<'a> Message<'a> {
    /// Reads a message. `is_mark` tells whether a line, without blanks around it, is a mark of its own, such as a
    /// footer: such lines may stand between trailers.
    #[must_use]
    pub fn read(message: &'a [u8], is_mark: &dyn Fn(&[u8]) -> bool) -> Self {
        let raw = raw_lines(message);
        let last = last_paragraph_start(&raw);
        let mut out = Self {
            subject: raw.first().map_or(b"", |line| line.text),
            lines: Vec::new(),
            trailers: Vec::new(),
        };
        let mut at = 0;
        for paragraph in raw.split(|line| line.text.is_empty()) {
            let is_own = |line: &RawLine<'_>| !line.is_quoted() && is_own_line(line.text, is_mark);
            let closing = paragraph.iter().rev().take_while(|line| is_own(line)).count();
            let standing = if at == 0 {
                Standing::Embedded
            } else if is_block(paragraph, is_mark) || (at == last && is_final_trailer_block(paragraph)) {
                Standing::Stands
            } else {
                Standing::Embedded
            };
            out.push_paragraph(paragraph, standing, paragraph.len() - closing, at);
            at += paragraph.len() + 1;
        }
        out
    }

    fn push_paragraph(
        &mut self,
        paragraph: &[RawLine<'a>],
        standing: Standing,
        closing: usize,
        start: usize,
    ) {
        let mut may_continue = false;
        for (at, line) in paragraph.iter().enumerate() {
            let quoted = line.is_quoted() || (line.is_indented && !may_continue);
            let unless = |quoted: bool| if quoted { Standing::Quoted } else { standing };
            // git allows a trailer no blank before its key; people indent whole messages by two.
            let is_code = line.is_quoted() || (line.is_code && !may_continue);
            self.lines.push(Line {
                text: line.text,
                standing: unless(is_code),
                closes_paragraph: at >= closing,
                paragraph: start,
            });
            if line.is_indented && may_continue && !line.is_quoted() {
                if let Some(trailer) = self.trailers.last_mut() {
                    let value = trailer.value.to_mut();
                    value.push(b' ');
                    value.extend_from_slice(line.text);
                }
                continue;
            }
            may_continue = false;
            if let Some((key, value)) = split_trailer(line.unquoted()) {
                self.trailers.push(Trailer { key, value: Cow::Borrowed(value), standing: unless(quoted) });
                may_continue = !quoted;
            }
        }
    }
}

/// Returns the branch that a merge commit's subject says it merged, without the name of a fork or remote:
/// `Merge pull request #1 from owner/BRANCH`, `Merge branch 'BRANCH'`, `Merge remote-tracking branch 'origin/BRANCH'`.
#[must_use]
pub fn merged_branch(message: &[u8]) -> Option<&[u8]> {
    let subject = message.split(|byte| *byte == b'\n').next()?.trim_ascii();
    if let Some(rest) = subject.strip_prefix(b"Merge pull request #") {
        let from = memchr::memmem::find(rest, b" from ")?;
        let head = rest.get(from + b" from ".len()..)?.split(|byte| *byte == b' ').next()?;
        let slash = memchr::memchr(b'/', head)?;
        return head.get(slash + 1..).filter(|branch| !branch.is_empty());
    }
    let quoted = |rest: &'_ [u8]| memchr::memchr(b'\'', rest);
    if let Some(rest) = subject.strip_prefix(b"Merge branch '") {
        return rest.get(..quoted(rest)?).filter(|branch| !branch.is_empty());
    }
    let rest = subject.strip_prefix(b"Merge remote-tracking branch '")?;
    let name = rest.get(..quoted(rest)?)?;
    let slash = memchr::memchr(b'/', name)?;
    name.get(slash + 1..).filter(|branch| !branch.is_empty())
}

/// Returns the number of the request that a commit says it took in: `Subject (#123)`,
/// `Merge pull request #123 from owner/branch`, or a line `See merge request group/project!123`.
///
/// The first two are what GitHub writes into squashes and merges, the third what GitLab writes.
#[must_use]
pub fn request_number(message: &[u8]) -> Option<u64> {
    let subject = message.split(|byte| *byte == b'\n').next()?.trim_ascii();
    if let Some(rest) = subject.strip_prefix(b"Merge pull request #") {
        return number_of(rest.split(|byte| *byte == b' ').next()?);
    }
    if let Some(rest) = subject.strip_suffix(b")")
        && let Some(open) = memchr::memmem::rfind(rest, b"(#")
    {
        return number_of(rest.get(open + 2..)?);
    }
    let mut lines = message.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let request = lines.find_map(|line| line.strip_prefix(b"See merge request "))?;
    number_of(request.get(memchr::memrchr(b'!', request)? + 1..)?)
}

fn number_of(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?.parse().ok()
}

/// Splits a line at a trailer's separator; the key is letters, digits and `-` alone, blanks may follow it.
#[must_use]
pub fn split_trailer(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr::memchr(b':', line)?;
    let key = line.get(..colon)?.trim_ascii_end();
    let value = line.get(colon + 1..)?.trim_ascii();
    let ok = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    (!key.is_empty() && key.iter().all(ok)).then_some((key, value))
}

#[derive(Debug, Clone, Copy)]
struct RawLine<'a> {
    text: &'a [u8],
    is_indented: bool,
    /// Indented as far as Markdown has it for code.
    is_code: bool,
    is_fenced: bool,
}

impl<'a> RawLine<'a> {
    fn is_quoted(self) -> bool {
        self.is_fenced || self.text.starts_with(b">")
    }

    /// The text behind the signs of a quotation, so that a quoted trailer is seen as one.
    fn unquoted(self) -> &'a [u8] {
        let signs = |byte: &u8| matches!(byte, b'>' | b' ' | b'\t' | b'`' | b'*' | b'-' | b'"');
        let start = self.text.iter().position(|byte| !signs(byte)).unwrap_or(self.text.len());
        self.text.get(start..).unwrap_or_default()
    }
}

fn raw_lines(message: &[u8]) -> Vec<RawLine<'_>> {
    let is_squash_log = memchr::memmem::find(message, b"Squashed commit of the following:").is_some();
    let mut lines: Vec<_> = message
        .split(|byte| *byte == b'\n')
        .map(|line| {
            let line = if is_squash_log { line.strip_prefix(b"    ").unwrap_or(line) } else { line };
            RawLine {
                text: line.trim_ascii(),
                is_indented: line.first().is_some_and(|byte| matches!(byte, b' ' | b'\t')),
                is_code: line.starts_with(b"    ") || line.starts_with(b"\t"),
                is_fenced: false,
            }
        })
        .collect();
    mark_fences(&mut lines);
    mark_repeated_message(&mut lines);
    lines
}

/// Marks everything between two code fences; a fence that nothing closes opens nothing.
fn mark_fences(lines: &mut [RawLine<'_>]) {
    let is_fence = |line: &RawLine<'_>| line.text.starts_with(b"```") || line.text.starts_with(b"~~~");
    let fences: Vec<_> =
        lines.iter().enumerate().filter(|(_, line)| is_fence(line)).map(|(at, _)| at).collect();
    for pair in fences.chunks_exact(2) {
        if let [open, close] = *pair {
            lines.iter_mut().take(close + 1).skip(open).for_each(|line| line.is_fenced = true);
        }
    }
}

/// Marks what follows a line such as `Original message:` in a commit that reverts another.
fn mark_repeated_message(lines: &mut [RawLine<'_>]) {
    let is_revert = lines.first().is_some_and(|line| line.text.starts_with(b"Revert"))
        || lines.iter().any(|line| line.text.starts_with(b"This reverts commit "));
    let begins = |line: &RawLine<'_>| {
        let lower = line.text.to_ascii_lowercase();
        lower.ends_with(b":")
            && (lower.starts_with(b"original ")
                || lower.starts_with(b"> original ")
                || lower.ends_with(b" wrote:"))
    };
    if !is_revert {
        return;
    }
    if let Some(start) = lines.iter().position(begins) {
        lines.iter_mut().skip(start).for_each(|line| line.is_fenced = true);
    }
}

fn last_paragraph_start(lines: &[RawLine<'_>]) -> usize {
    let Some(last) = lines.iter().rposition(|line| !line.text.is_empty()) else { return 0 };
    let before = lines.get(..last).unwrap_or_default();
    before.iter().rposition(|line| line.text.is_empty()).map_or(0, |blank| blank + 1)
}

/// Whether every line of a paragraph is a trailer, its continuation, a mark or a rule, and none is quoted.
fn is_block(paragraph: &[RawLine<'_>], is_mark: &dyn Fn(&[u8]) -> bool) -> bool {
    let mut after_trailer = false;
    !paragraph.is_empty()
        && paragraph.iter().all(|line| {
            if line.is_quoted() {
                return false;
            }
            if line.is_indented {
                return after_trailer;
            }
            after_trailer = is_trailer(line.text);
            after_trailer || is_own_line(line.text, is_mark)
        })
}

/// git-interpret-trailers(1): all lines are trailers, or at least one is generated by git itself and at least a
/// quarter are trailers.
fn is_final_trailer_block(paragraph: &[RawLine<'_>]) -> bool {
    let (mut trailers, mut others, mut generated) = (0_usize, 0_usize, false);
    let mut last_was_trailer = false;
    for line in paragraph {
        if line.is_indented && (trailers + others) > 0 {
            trailers += usize::from(last_was_trailer);
            others += usize::from(!last_was_trailer);
            continue;
        }
        let by_git = line.text.starts_with(b"Signed-off-by: ")
            || line.text.starts_with(b"(cherry picked from commit ");
        last_was_trailer = !line.is_quoted() && (by_git || is_trailer(line.text));
        generated |= by_git;
        trailers += usize::from(last_was_trailer);
        others += usize::from(!last_was_trailer);
    }
    trailers > 0 && (others == 0 || (generated && trailers * 3 >= others))
}

/// Whether a line has a trailer's form; a bare link has not.
fn is_trailer(line: &[u8]) -> bool {
    split_trailer(line).is_some_and(|(_, value)| !value.starts_with(b"//"))
}

/// Whether a line is a trailer, a mark, or what scripts leave between them.
fn is_own_line(line: &[u8], is_mark: &dyn Fn(&[u8]) -> bool) -> bool {
    is_trailer(line) || is_debris(line) || is_mark(line)
}

/// A rule, an HTML comment, or the end of the shell's here-document that a message was meant to come from.
fn is_debris(line: &[u8]) -> bool {
    let is_rule = line.len() >= 3 && line.iter().all(|byte| matches!(byte, b'-' | b'=' | b'_' | b'*'));
    let is_comment = line.starts_with(b"<!--") && line.ends_with(b"-->");
    is_rule || is_comment || matches!(line, b"EOF" | b"EOF)" | b")" | b"\"" | b"'")
}
