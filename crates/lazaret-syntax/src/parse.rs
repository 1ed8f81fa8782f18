//! Parsing within bounds, and the faults of what was parsed.

use std::ops::{ControlFlow, Range};

use tree_sitter::{Node, ParseOptions, ParseState, Parser, Tree};

use crate::cut::Removed;
use crate::grammar::{self, Grammar};
use crate::lines::Lines;

/// The longest text that is parsed, in bytes.
///
/// Data sets leave out longer files anyway, and what is made to be hard to parse takes ten microseconds a byte.
pub const TEXT_BYTES_MAX: usize = 2 << 20;

/// A text could not be parsed within bounds; the caller holds it whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// It is longer than [`TEXT_BYTES_MAX`].
    #[error("the text has {size_bytes} bytes, and at most {TEXT_BYTES_MAX} are parsed; hold it whole")]
    TooLarge {
        /// How long it is.
        size_bytes: usize,
    },
    /// Parsing took more steps than a text of its size is allowed.
    #[error("the text of {size_bytes} bytes takes too many steps to parse as {language}; hold it whole")]
    TooHard {
        /// How long it is.
        size_bytes: usize,
        /// As what it was parsed.
        language: &'static str,
    },
    /// The parser does not take the grammar, because the two were built for different versions of their interface.
    #[error("the grammar of {language} was built for another version of the parser; hold the text whole")]
    Grammar {
        /// Whose grammar.
        language: &'static str,
    },
}

/// How much of a text the parser is given at a time, so that what it reads again is counted.
const CHUNK_BYTES: usize = 4096;

/// A hundred of the parser's steps are allowed for so many bytes; of 21,000 texts none took a hundred for fewer than 63.
const BYTES_PER_HUNDRED_STEPS: usize = 16;

/// So many hundreds of steps are allowed for any text.
const HUNDRED_STEPS_MIN: usize = 1000;

/// How often a text may be read.
const READS_MAX: usize = 32;

/// Parses a text; the same text always gives the same tree or the same error.
pub(crate) fn parse(text: &str, grammar: &Grammar) -> Result<Tree, ParseError> {
    let size_bytes = text.len();
    let language = grammar.language.name();
    if size_bytes > TEXT_BYTES_MAX {
        return Err(ParseError::TooLarge { size_bytes });
    }
    let mut parser = Parser::new();
    let loaded = parser.set_language(&grammar.syntax);
    loaded.map_err(|_version| ParseError::Grammar { language })?;
    let mut hundreds_left = HUNDRED_STEPS_MIN + size_bytes / BYTES_PER_HUNDRED_STEPS;
    let mut reads_left = (size_bytes / CHUNK_BYTES + 16) * READS_MAX;
    let mut exhausted = false;
    let mut progress = |_: &ParseState| match hundreds_left.checked_sub(1) {
        Some(left) => {
            hundreds_left = left;
            ControlFlow::Continue(())
        }
        None => ControlFlow::Break(()),
    };
    let mut read = |at: usize, _| match reads_left.checked_sub(1) {
        Some(left) => {
            reads_left = left;
            let end = text.len().min(at.saturating_add(CHUNK_BYTES));
            text.as_bytes().get(at..end).unwrap_or_default()
        }
        None => {
            exhausted = true;
            &[]
        }
    };
    let options = ParseOptions::new().progress_callback(&mut progress);
    let tree = parser.parse_with_options(&mut read, None, Some(options));
    tree.filter(|_| !exhausted).ok_or(ParseError::TooHard { size_bytes, language })
}

/// Where a parsed text is not as its language wants it: what the parser skipped or missed, and empty bodies that the
/// grammar lets pass and the language does not. Each reaches to the tokens around it.
pub(crate) fn faults(text: &str, tree: &Tree, grammar: &Grammar) -> Vec<Range<usize>> {
    let mut faults: Vec<Range<usize>> = Vec::new();
    let looks_at_bodies = !grammar.bodies.is_empty();
    // Whether the last fault still waits for the token behind it. Asking a node for its neighbours would recurse.
    let mut is_open = false;
    let mut cursor = tree.walk();
    loop {
        let node = cursor.node();
        if is_open && !grammar::is_comment(node.kind()) {
            is_open = false;
            faults.last_mut().into_iter().for_each(|fault| fault.end = node.start_byte());
        }
        let fault = if node.is_error() || node.is_missing() {
            let before = text.get(..node.start_byte()).unwrap_or_default();
            Some((before.trim_end().len(), None))
        } else {
            empty_body(node, grammar)
        };
        let is_fault = fault.is_some();
        if let Some((start, end)) = fault {
            is_open = end.is_none();
            faults.push(start..end.unwrap_or(text.len()));
        }
        let descends = !is_fault && (node.has_error() || looks_at_bodies) && cursor.goto_first_child();
        while !descends && !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return faults;
            }
        }
    }
}

/// Where a body of the node starts that is empty, and where the node's next token stands, if it has one.
fn empty_body(node: Node<'_>, grammar: &Grammar) -> Option<(usize, Option<usize>)> {
    if grammar.bodies.is_empty() || !node.is_named() {
        return None;
    }
    let kind = node.kind();
    let &(_, opener) = grammar.bodies.iter().find(|(body, _)| *body == kind)?;
    let mut cursor = node.walk();
    let mut children = node.children(&mut cursor).filter(|child| !grammar::is_comment(child.kind()));
    let start = match opener {
        "" => node.start_byte(),
        opener => children.find(|child| child.kind() == opener)?.end_byte(),
    };
    match children.next() {
        Some(child) if child.is_named() && !child.kind().ends_with("_clause") => None,
        next => Some((start, next.map(|child| child.start_byte()))),
    }
}

/// Where the remainder is first read otherwise than the text was: a word that was a comment's, or text that was code.
///
/// Every token of the text of which something remains must be there in the remainder, as the same kind, and no other.
pub(crate) fn reread(
    text: &Lines<'_>,
    tree: &Tree,
    removed: &[Removed],
    remainder: &str,
    now: &Tree,
) -> Option<usize> {
    let mut removed = removed.iter().map(|one| &one.bytes).peekable();
    let mut was = tokens(tree, text.text()).filter(|(_, bytes)| {
        while removed.next_if(|one| one.end <= bytes.start).is_some() {}
        let mut at = bytes.start;
        let ahead = removed.clone().take_while(|one| one.start < bytes.end);
        let gaps = ahead.map(|one| std::mem::replace(&mut at, one.end)..one.start).collect::<Vec<_>>();
        gaps.into_iter().chain(std::iter::once(at..bytes.end)).any(|kept| !text.get(kept).trim().is_empty())
    });
    for (kind, bytes) in tokens(now, remainder) {
        if was.next().is_none_or(|(before, _)| before != kind) {
            return Some(bytes.start);
        }
    }
    was.next().map(|_| remainder.len())
}

/// The kind and the bytes of every token that is more than white space.
fn tokens<'t>(tree: &'t Tree, text: &'t str) -> impl Iterator<Item = (u16, Range<usize>)> + use<'t> {
    let mut cursor = tree.walk();
    let mut is_done = false;
    let next = move || {
        while !is_done {
            let node = cursor.node();
            if cursor.goto_first_child() {
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    is_done = true;
                    break;
                }
            }
            return Some((node.kind_id(), node.byte_range()));
        }
        None
    };
    let is_visible =
        |bytes: &Range<usize>| text.get(bytes.clone()).is_some_and(|token| !token.trim().is_empty());
    std::iter::from_fn(next).filter(move |(_, bytes)| is_visible(bytes))
}
