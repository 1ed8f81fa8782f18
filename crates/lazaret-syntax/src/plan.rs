//! Which nodes of a tree to cut: taint rises from the tokens of tainted lines to the nearest node that may go alone.
//!
//! The tree is walked once, along the tainted paths only, with a stack of [`Frame`]s instead of recursion: trees are as
//! deep as their author likes.

use std::collections::BTreeSet;
use std::ops::Range;

use tree_sitter::Tree;

use crate::cut::{Cut, Growth, LINES, PARAGRAPH};
use crate::grammar::{self, Grammar, Rank};
use crate::lines::{Lines, Taint};

mod frame;

use frame::{Frame, Lead, Part, Previous};

/// What a plan is made from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ground<'a> {
    pub(crate) lines: &'a Lines<'a>,
    pub(crate) tree: &'a Tree,
    pub(crate) grammar: &'static Grammar,
}

/// Which nodes may be cut.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// The least a node must be worth.
    pub(crate) rank: Rank,
    /// Nodes, by their ids in the tree, that must not be cut alone.
    pub(crate) blocked: BTreeSet<usize>,
    /// Whether nothing may be cut but children of the root.
    pub(crate) top_only: bool,
}

/// Returns cuts that cover every tainted character; `None` where only the whole text does.
///
/// A node in which the parser found an error is never cut, because nobody knows where it ends: what taint rises to it
/// becomes paragraphs.
pub(crate) fn plan(ground: Ground<'_>, taint: &Taint, limits: &Limits) -> Option<Vec<Cut>> {
    let mut planner = Planner { ground, taint, limits, cuts: Vec::new(), frames: Vec::new() };
    if !planner.walk() {
        return None;
    }
    let mut cuts = planner.cuts;
    cuts.extend(uncovered(ground.lines, taint, &cuts));
    Some(cuts)
}

/// Returns cuts of what is tainted and in no cut yet: characters that the parser passes over, outside of all nodes.
fn uncovered(lines: &Lines<'_>, taint: &Taint, cuts: &[Cut]) -> Vec<Cut> {
    let mut covered: Vec<Range<usize>> = cuts.iter().map(|cut| cut.bytes.clone()).collect();
    covered.sort_unstable_by_key(|bytes| bytes.start);
    let mut covered = covered.into_iter().peekable();
    let mut missed = Vec::new();
    for run in taint.runs() {
        let mut at = run.start;
        while at < run.end {
            let Some(next) = covered.next_if(|bytes| bytes.end <= at || bytes.start <= at) else {
                let end = covered.peek().map_or(run.end, |bytes| bytes.start.min(run.end));
                missed.push(lines.trimmed(at..end));
                at = end;
                continue;
            };
            at = at.max(next.end);
        }
    }
    let missed = missed.into_iter().filter(|bytes| !bytes.is_empty());
    missed.map(|bytes| Cut { bytes, kind: LINES, growth: Growth::Text }).collect()
}

struct Planner<'a> {
    ground: Ground<'a>,
    taint: &'a Taint,
    limits: &'a Limits,
    cuts: Vec<Cut>,
    frames: Vec<Frame>,
}

impl Planner<'_> {
    /// Walks the tree; whether something less than the whole text is enough.
    fn walk(&mut self) -> bool {
        let mut cursor = self.ground.tree.walk();
        let root = Part::of(&cursor, self.ground);
        let scope = self.ground.grammar.scope(None, cursor.node());
        if !cursor.goto_first_child() {
            return true;
        }
        let mut frame = Frame::new(root, scope, 0, Lead::default());
        loop {
            let node = cursor.node();
            let part = Part::of(&cursor, self.ground);
            self.look_between(&mut frame, node.start_byte());
            frame.at = node.end_byte();
            let is_tainted = self.taint.touches(&part.bytes);
            if is_tainted && !frame.is_tainted && cursor.goto_first_child() {
                let scope = self.ground.grammar.scope(Some(frame.scope), node);
                let below = Frame::new(part, scope, self.cuts.len(), frame.lead);
                self.frames.push(std::mem::replace(&mut frame, below));
                continue;
            }
            self.settle(&mut frame, &part, is_tainted, self.cuts.len());
            while frame.is_tainted || !cursor.goto_next_sibling() {
                let end = frame.end;
                self.look_between(&mut frame, end);
                if frame.binds_next {
                    self.rise(&mut frame, None);
                }
                let Some(above) = self.frames.pop() else { return !frame.is_tainted };
                cursor.goto_parent();
                let done = std::mem::replace(&mut frame, above);
                self.settle(&mut frame, &done.part, done.is_tainted, done.first_cut);
            }
        }
    }

    /// Looks at what lies between the last child and the next: white space, or something of the node's own.
    fn look_between(&mut self, frame: &mut Frame, end: usize) {
        let between = frame.at..end.max(frame.at);
        let is_own = self.taint.within(&between).any(|run| {
            let shared = run.start.max(between.start)..run.end.min(between.end);
            !self.ground.lines.get(shared).trim().is_empty()
        });
        // Outside of the root there is nothing to rise to; what is missed there is found at the end.
        if is_own && !self.frames.is_empty() {
            self.rise(frame, Some(&between));
        }
    }

    /// Decides on a child of which everything below is done.
    fn settle(&mut self, frame: &mut Frame, part: &Part, is_tainted: bool, first_cut: usize) {
        if part.bytes.is_empty() {
            return;
        }
        let grammar = self.ground.grammar;
        if frame.scope.is_sequence() && (part.is_separator() || grammar.tails.contains(&part.kind)) {
            self.settle_tail(frame, part, is_tainted, first_cut);
        } else if grammar::is_comment(part.kind) {
            self.settle_comment(frame, part, is_tainted, first_cut);
        } else if grammar.attributes.contains(&part.kind) {
            if is_tainted && self.limits.rank == Rank::Unit {
                // A function without its attribute is another function.
                self.cuts.truncate(first_cut);
                frame.binds_next = true;
            } else if is_tainted {
                self.cut(frame, part, first_cut);
            }
            frame.lead.attribute(part, self.ground.lines);
        } else if part.is_named {
            if std::mem::take(&mut frame.binds_next) || is_tainted {
                self.cut(frame, part, first_cut);
            } else {
                frame.previous = Some(Previous::kept(part, frame.lead.start(part, false, self.ground.lines)));
            }
            frame.lead.clear();
        } else {
            if is_tainted {
                self.rise(frame, Some(&part.bytes));
            }
            frame.lead.clear();
        }
    }

    /// A separator, or what else belongs to the child before it.
    fn settle_tail(&mut self, frame: &mut Frame, part: &Part, is_tainted: bool, first_cut: usize) {
        let Some(previous) = frame.previous.take() else {
            if is_tainted {
                self.rise(frame, Some(&part.bytes));
            }
            return;
        };
        let follows = self.ground.lines.get(previous.part.bytes.end..part.bytes.start).trim().is_empty();
        let mut whole = previous.part.clone();
        whole.bytes.end = part.bytes.end;
        match previous.cut {
            Some(nth) if is_tainted || follows => {
                if let Some(cut) = self.cuts.get_mut(nth) {
                    cut.bytes.end = part.bytes.end;
                }
                frame.previous = Some(Previous { part: whole, ..previous });
            }
            None if is_tainted => {
                frame.lead.clear();
                self.cut(frame, &whole, first_cut);
                if frame.previous.is_some()
                    && let Some(cut) = self.cuts.get_mut(first_cut)
                {
                    cut.bytes.start = cut.bytes.start.min(previous.start);
                }
            }
            Some(_) | None => frame.previous = Some(Previous { part: whole, ..previous }),
        }
    }

    fn settle_comment(&mut self, frame: &mut Frame, part: &Part, is_tainted: bool, first_cut: usize) {
        let lines = self.ground.lines;
        if is_tainted {
            let previous = frame.previous.take();
            let lead = std::mem::take(&mut frame.lead);
            self.cut(frame, part, first_cut);
            frame.previous = previous;
            frame.lead = lead;
        } else if let Some(Previous { part: before, cut: Some(nth), .. }) = &frame.previous
            && lines.line_of(before.bytes.end.saturating_sub(1)) == lines.line_of(part.bytes.start)
        {
            if let Some(cut) = self.cuts.get_mut(*nth) {
                cut.bytes.end = part.bytes.end;
            }
            return;
        }
        frame.lead.comment(part, lines);
    }

    /// Cuts the child with what belongs to it if that is allowed; else its taint rises to the frame's node.
    fn cut(&mut self, frame: &mut Frame, part: &Part, first_cut: usize) {
        let lines = self.ground.lines;
        let Some(rank) = self.rank(frame, part) else {
            return self.rise(frame, Some(&part.bytes));
        };
        let with_comment = rank == Rank::Unit && self.ground.grammar.is_documented(part.kind);
        let start = frame.lead.start(part, with_comment, lines);
        self.cuts.truncate(first_cut);
        let bytes = start..part.bytes.end;
        let growth = if self.frames.is_empty() { Growth::Text } else { Growth::Node(part.id) };
        self.cuts.push(Cut { bytes, kind: part.kind, growth });
        frame.previous = Some(Previous { part: part.clone(), start, cut: Some(first_cut) });
    }

    /// As what the child may be cut now, if at all.
    fn rank(&self, frame: &Frame, part: &Part) -> Option<Rank> {
        let field = part.field;
        let rank = self.ground.grammar.rank(frame.scope, part.kind, field).filter(|_| part.is_named)?;
        let is_allowed = rank >= self.limits.rank
            && !part.has_error
            && !self.limits.blocked.contains(&part.id)
            && (self.frames.is_empty() || !self.limits.top_only)
            && !joins(self.ground.lines.text(), &part.bytes);
        is_allowed.then_some(rank)
    }

    /// Lets the taint of a part of the frame's node rise to the node.
    fn rise(&mut self, frame: &mut Frame, from: Option<&Range<usize>>) {
        if !frame.part.has_error {
            frame.is_tainted = true;
            return;
        }
        frame.binds_next = false;
        let lines = self.ground.lines;
        for run in self.taint.within(from.unwrap_or(&frame.part.bytes)) {
            let bytes = lines.paragraph(run);
            self.cuts.push(Cut { bytes, kind: PARAGRAPH, growth: Growth::Text });
        }
    }
}

/// Whether the characters on both sides of the range would become one word or sign without it.
fn joins(text: &str, bytes: &Range<usize>) -> bool {
    let stands_alone = |character: char| character.is_whitespace() || "(){}[],;".contains(character);
    let before = text.get(..bytes.start).and_then(|before| before.chars().next_back());
    let after = text.get(bytes.end..).and_then(|after| after.chars().next());
    before.is_some_and(|before| !stands_alone(before)) && after.is_some_and(|after| !stands_alone(after))
}
