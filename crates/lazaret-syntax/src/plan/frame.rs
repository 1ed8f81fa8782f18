//! A node whose children are being walked, and what stands before and after each of them.

use std::ops::Range;

use tree_sitter::TreeCursor;

use crate::grammar::{self, Scope};
use crate::lines::Lines;
use crate::plan::Ground;

/// What a plan needs to know of a node.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) id: usize,
    pub(super) kind: &'static str,
    pub(super) field: Option<&'static str>,
    /// Without white space at its ends.
    pub(super) bytes: Range<usize>,
    pub(super) is_named: bool,
    pub(super) has_error: bool,
}

/// A node whose children are being walked.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) part: Part,
    pub(super) scope: Scope,
    /// How many cuts there were before its first child.
    pub(super) first_cut: usize,
    /// Up to where it has been walked, and where it ends.
    pub(super) at: usize,
    pub(super) end: usize,
    /// Whether it must go whole, or something around it.
    pub(super) is_tainted: bool,
    /// Whether the next child must go because its attribute does.
    pub(super) binds_next: bool,
    pub(super) lead: Lead,
    pub(super) previous: Option<Previous>,
}

/// The last named child that is neither comment nor attribute.
#[derive(Debug, Clone)]
pub(super) struct Previous {
    pub(super) part: Part,
    /// Where it starts with the attributes that belong to it.
    pub(super) start: usize,
    /// The number of its cut, if it was cut.
    pub(super) cut: Option<usize>,
}

/// What stands right above the next child, with no blank line between.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Lead {
    all: Option<Stretch>,
    attributes: Option<Stretch>,
}

#[derive(Debug, Clone, Copy)]
struct Stretch {
    start: usize,
    last_line: usize,
}

impl Part {
    pub(super) fn of(cursor: &TreeCursor<'_>, ground: Ground<'_>) -> Self {
        let node = cursor.node();
        Self {
            id: node.id(),
            kind: ground.grammar.kind_of(node),
            field: ground.grammar.field_of(cursor),
            bytes: ground.lines.trimmed(node.byte_range()),
            is_named: node.is_named(),
            has_error: node.has_error(),
        }
    }

    pub(super) fn is_separator(&self) -> bool {
        !self.is_named && grammar::is_separator(self.kind)
    }
}

impl Frame {
    pub(super) fn new(part: Part, scope: Scope, first_cut: usize, lead: Lead) -> Self {
        let Range { start: at, end } = part.bytes;
        let (is_tainted, binds_next) = (false, false);
        Self { part, scope, first_cut, at, end, is_tainted, binds_next, lead, previous: None }
    }
}

impl Previous {
    pub(super) fn kept(part: &Part, start: usize) -> Self {
        Self { part: part.clone(), start, cut: None }
    }
}

impl Lead {
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn comment(&mut self, part: &Part, lines: &Lines<'_>) {
        self.attributes = None;
        // A comment behind something is about that, and not about what follows.
        self.all = lines.starts_its_line(part.bytes.start).then(|| stretched(self.all, part, lines));
    }

    pub(super) fn attribute(&mut self, part: &Part, lines: &Lines<'_>) {
        self.all = Some(stretched(self.all, part, lines));
        self.attributes = Some(stretched(self.attributes, part, lines));
    }

    /// Where the part starts with what stands right above it.
    pub(super) fn start(&self, part: &Part, with_comment: bool, lines: &Lines<'_>) -> usize {
        let stretch = if with_comment { self.all } else { self.attributes };
        stretch.filter(|stretch| reaches(*stretch, part, lines)).map_or(part.bytes.start, |found| found.start)
    }
}

fn stretched(stretch: Option<Stretch>, part: &Part, lines: &Lines<'_>) -> Stretch {
    let start = match stretch {
        Some(stretch) if reaches(stretch, part, lines) => stretch.start,
        _ => part.bytes.start,
    };
    Stretch { start, last_line: lines.line_of(part.bytes.end.saturating_sub(1)) }
}

fn reaches(stretch: Stretch, part: &Part, lines: &Lines<'_>) -> bool {
    lines.line_of(part.bytes.start) <= stretch.last_line + 1
}
