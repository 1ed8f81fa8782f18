//! Narrows a message's mark where a record of the same tool says which lines of a file a person typed.
//!
//! A trailer speaks of its whole commit, because it does not say which lines it means. A record that gives the same tool
//! some lines of a file and a person others knows better there, and only there: lines that it does not mention stay
//! under the mark, since absence proves nothing.

use std::collections::BTreeMap;

use lazaret_core::{
    Claim, Evidence, RecordedSpan, Recorder, Recording, RevisionMeaning, Role, Span, Strength, ToolId, Writer,
};

use crate::recorded::{Spellings, disjoint, short};

/// Lines of one file on which a mark is worth less than on the rest of its commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Narrowed {
    /// The path in the commit's tree.
    pub path: Vec<u8>,
    /// The lines, sorted and disjoint.
    pub lines: Vec<Span>,
    /// The mark that is narrowed, as it stands on the rest of the commit.
    pub mark: Evidence,
    /// What is left of it on these lines: a hint, whose reason names the mark and the record.
    pub left: Evidence,
}

/// Returns the lines on which the marks of one commit are narrowed by recordings of the same commit, which must have
/// been held against its tree by [`Recording::clip`].
///
/// Everything in doubt narrows nothing: a mark by which a tool says it is the author, or which names no tool; a record
/// with any fault, or that may mean another commit; lines that any record gives to anybody but a known human; a file
/// that any record gives to a tool without lines.
pub(crate) fn narrow(marks: &[Evidence], recordings: &[Recording], spellings: &Spellings) -> Vec<Narrowed> {
    let mut narrowed = Vec::new();
    for witness in recordings.iter().filter(|recording| is_witness(recording)) {
        for (path, spans) in by_path(witness) {
            let tools: Vec<&ToolId> = spans.iter().filter_map(|span| tool(span, spellings)).collect();
            let lines = typed_lines(path, &spans, recordings);
            if lines.is_empty() {
                continue;
            }
            for mark in
                marks.iter().filter(|mark| marked_tool(mark).is_some_and(|tool| tools.contains(&tool)))
            {
                let (path, lines) = (path.to_vec(), lines.clone());
                narrowed.push(Narrowed { path, lines, mark: mark.clone(), left: left(mark, witness) });
            }
        }
    }
    narrowed
}

/// Only Git AI states that it saw a person type; others call a person's what they saw no tool write.
fn is_witness(recording: &Recording) -> bool {
    recording.recorder == Recorder::GitAi
        && recording.revision == RevisionMeaning::Commit
        && recording.faults.is_empty()
}

fn by_path(recording: &Recording) -> BTreeMap<&[u8], Vec<&RecordedSpan>> {
    let mut by_path: BTreeMap<&[u8], Vec<&RecordedSpan>> = BTreeMap::new();
    for file in &recording.files {
        by_path.entry(&file.path).or_default().extend(&file.spans);
    }
    by_path
}

fn tool<'a>(span: &RecordedSpan, spellings: &'a Spellings) -> Option<&'a ToolId> {
    match &span.writer {
        Writer::Tool(tool) | Writer::Mixed(tool) => spellings.tool(tool).filter(|_| span.lines.is_some()),
        Writer::Named(_) | Writer::KnownHuman | Writer::Unknown => None,
    }
}

/// The tool of a mark that may be narrowed: a message's, about the whole commit, that names a co-author.
fn marked_tool(mark: &Evidence) -> Option<&ToolId> {
    let taint = mark.taint()?;
    let in_message = matches!(mark.detector.as_str(), "commit-trailer" | "message-footer");
    let may_be_narrowed = in_message
        && mark.span.is_none()
        && taint.role == Role::CoAuthor
        && taint.strength == Strength::Declared;
    taint.tool.as_ref().filter(|_| may_be_narrowed)
}

/// The lines that the witness saw a person type, without those that any record says anything else of.
fn typed_lines(path: &[u8], spans: &[&RecordedSpan], recordings: &[Recording]) -> Vec<Span> {
    let typed = spans.iter().filter(|span| span.writer == Writer::KnownHuman).filter_map(|span| span.lines);
    let mut lines = disjoint(typed.collect());
    let about = recordings.iter().flat_map(|recording| &recording.files).filter(|file| file.path == path);
    for span in about.flat_map(|file| &file.spans).filter(|span| span.writer != Writer::KnownHuman) {
        match span.lines {
            Some(other) => lines = without(&lines, other),
            None => return Vec::new(),
        }
    }
    lines
}

/// Takes the lines of `other` out of `spans`.
fn without(spans: &[Span], other: Span) -> Vec<Span> {
    let mut left = Vec::with_capacity(spans.len());
    for span in spans {
        if !span.overlaps(other) {
            left.push(*span);
            continue;
        }
        left.extend(Span::new(span.start(), other.start() - 1));
        left.extend(other.end().checked_add(1).and_then(|start| Span::new(start, span.end()).ok()));
    }
    left
}

fn left(mark: &Evidence, witness: &Recording) -> Evidence {
    let mut left = mark.clone();
    if let Claim::Taint(taint) = &mut left.claim {
        taint.strength = Strength::Circumstantial;
    }
    let (recorder, record) = (witness.recorder, short(witness));
    left.why = format!("{}, on lines that {recorder} saw a person type (record {record})", mark.why);
    left
}
