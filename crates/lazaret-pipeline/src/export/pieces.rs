//! Cuts a file into its units: whole lines, disjoint, and together everything in it but blank lines.

use std::ops::Range;

use lazaret_core::Span;
use lazaret_syntax::{Language, units};

/// The kind of a piece that is a whole file.
const WHOLE: &str = "file";

/// The kind of lines that no unit of the grammar holds.
const REST: &str = "rest";

/// What is in the names that grammars give to nodes which say something of the node after them.
const LEADING: [&str; 3] = ["comment", "attribute", "decorator"];

/// A piece of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// Its lines.
    pub(super) lines: Span,
    /// Its bytes: whole lines with what ends them.
    pub(super) bytes: Range<usize>,
    /// The kind of node in the grammar, or `file`, or `rest`.
    pub(super) kind: &'static str,
    /// The name that the unit declares.
    pub(super) name: Option<String>,
}

/// A run of lines on its way to a piece; lines count from 0.
#[derive(Debug, Clone)]
struct Run {
    first: usize,
    last: usize,
    kind: &'static str,
    name: Option<String>,
}

impl Run {
    /// Whether it belongs to what follows on the next line: a comment, an attribute.
    fn leads(&self) -> bool {
        self.kind == REST || LEADING.iter().any(|kind| self.kind.contains(kind))
    }
}

/// Returns the pieces of a text, in order; one where it has no grammar, cannot be parsed, or holds no unit.
pub(super) fn pieces(text: &str, language: Option<Language>) -> Vec<Piece> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let found = language.map(|language| outer_units(text, language)).unwrap_or_default();
    let runs = if found.is_empty() {
        let last = lines.len().saturating_sub(1);
        vec![Run { first: 0, last, kind: WHOLE, name: None }]
    } else {
        joined(with_rest(found, &lines))
    };
    let mut starts = Vec::with_capacity(lines.len() + 1);
    starts.push(0);
    for line in &lines {
        starts.push(starts.last().copied().unwrap_or(0) + line.len());
    }
    runs.into_iter().filter_map(|run| piece(run, &starts)).collect()
}

fn piece(run: Run, starts: &[usize]) -> Option<Piece> {
    let number = |line: usize| u32::try_from(line + 1).ok();
    Some(Piece {
        lines: Span::new(number(run.first)?, number(run.last)?).ok()?,
        bytes: *starts.get(run.first)?..*starts.get(run.last + 1)?,
        kind: run.kind,
        name: run.name,
    })
}

/// Returns the units that lie in no other, as runs of whole lines; those that share a line are one run.
fn outer_units(text: &str, language: Language) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for unit in units(text, language).unwrap_or_default().into_iter().filter(|unit| unit.depth == 0) {
        let at = |line: u32| (line as usize).saturating_sub(1);
        let name = unit.name.and_then(|name| text.get(name)).map(str::to_owned);
        let run = Run { first: at(unit.lines.start()), last: at(unit.lines.end()), kind: unit.kind, name };
        match runs.last_mut().filter(|before| before.last >= run.first) {
            // A comment behind an item is about the item.
            Some(before) if run.leads() || !before.leads() => before.last = before.last.max(run.last),
            Some(before) => *before = Run { first: before.first, last: before.last.max(run.last), ..run },
            None => runs.push(run),
        }
    }
    runs
}

/// Adds the lines that no unit holds, from blank line to blank line.
fn with_rest(units: Vec<Run>, lines: &[&str]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::with_capacity(units.len());
    let mut line = 0;
    for unit in units {
        add_rest(line..unit.first, lines, &mut runs);
        line = unit.last + 1;
        runs.push(unit);
    }
    add_rest(line..lines.len(), lines, &mut runs);
    runs
}

fn add_rest(range: Range<usize>, lines: &[&str], runs: &mut Vec<Run>) {
    let mut is_open = false;
    for line in range {
        let is_blank = lines.get(line).is_none_or(|line| line.trim().is_empty());
        match runs.last_mut().filter(|_| is_open && !is_blank) {
            Some(run) => run.last = line,
            None if is_blank => {}
            None => runs.push(Run { first: line, last: line, kind: REST, name: None }),
        }
        is_open = !is_blank;
    }
}

/// Joins comments and attributes with what they stand directly above.
fn joined(runs: Vec<Run>) -> Vec<Run> {
    let mut out: Vec<Run> = Vec::with_capacity(runs.len());
    for run in runs {
        match out.last_mut().filter(|above| above.leads() && above.last + 1 == run.first) {
            Some(above) => *above = Run { first: above.first, ..run },
            None => out.push(run),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str, language: Option<Language>) -> String {
        let line = |piece: Piece| {
            let name = piece.name.unwrap_or_default();
            format!("{}-{} {} {name}", piece.lines.start(), piece.lines.end(), piece.kind)
        };
        pieces(text, language).into_iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_unit_brings_what_stands_directly_above_it() {
        let text = "//! About ships.\n\nuse a::b;\nuse c;\n\n/// Counts.\n#[inline]\nfn count() -> u32 {\n\n    3\n}\n\n\
                    struct Ship;\n// the end";
        assert_snapshot!(shown(text, Some(Language::Rust)), @r"
        1-1 line_comment 
        3-3 use_declaration 
        4-4 use_declaration 
        6-11 function_item count
        13-13 struct_item Ship
        14-14 line_comment
        ");
    }

    #[test]
    fn lines_end_as_they_end() {
        let text = "import os\r\n\r\n# why\r\ndef f():\r\n    return 1\r\n\r\nf()\r\n";
        let found = pieces(text, Some(Language::Python));
        let texts: Vec<&str> = found.iter().map(|piece| text.get(piece.bytes.clone()).unwrap()).collect();
        assert_eq!(texts, ["import os\r\n", "# why\r\ndef f():\r\n    return 1\r\n", "f()\r\n"]);
    }

    #[test]
    fn what_has_no_grammar_or_no_unit_is_one_piece() {
        assert_eq!(shown("some prose\n\nand more\n", None), "1-3 file ");
        assert_eq!(shown("((((((\n\n))", Some(Language::Rust)), "1-3 file ");
        assert_eq!(shown("\n\n", Some(Language::Python)), "1-2 file ");
    }

    proptest! {
        #[test]
        fn every_line_is_in_one_piece(
            lines in prop::collection::vec(prop::sample::select(vec![
                "", "  ", "# why", "import os", "def f():", "    return 1", "class A:", "    x = 1", "@deco", "}", "f(); g()",
            ]), 1..24),
            crlf in any::<bool>(),
        ) {
            let text = lines.join(if crlf { "\r\n" } else { "\n" });
            prop_assume!(!text.is_empty());
            let found = pieces(&text, Some(Language::Python));
            let mut next = 1;
            for piece in &found {
                prop_assert!(piece.lines.start() >= next);
                for line in next..piece.lines.start() {
                    prop_assert!(lines[line as usize - 1].trim().is_empty());
                }
                next = piece.lines.end() + 1;
            }
            for line in lines.iter().skip(next as usize - 1) {
                prop_assert!(line.trim().is_empty());
            }
        }
    }
}
