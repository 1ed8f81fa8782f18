//! Reads aider's chat histories: the person's lines after `####`, aider's own after `>`, the rest the model's.
//!
//! aider says `> Applied edit to <file>` after it has written; blocks for that file before it are then confirmed.

use super::super::diff::parse_diff;
use super::super::fields::name;
use super::super::input::FileChange;
use super::super::scribe::{Scribe, Setting};
use super::super::writing::{Certainty, WrittenText};
use super::{Block, Markdown};

/// What a block takes beside its text, about.
const BLOCK_BYTES: usize = 300;

/// The blocks of the current answer.
#[derive(Debug, Default)]
pub(super) struct Aider {
    waiting: Vec<Proposed>,
    waiting_bytes: usize,
}

#[derive(Debug)]
struct Proposed {
    change: FileChange,
    /// What it is worth where aider does not say that it was applied.
    otherwise: Certainty,
}

impl Markdown for Aider {
    fn ends_block(&self, line: &str) -> bool {
        line.starts_with("#### ") || line.starts_with("# aider chat started at ")
    }

    fn line(&mut self, line: &str, setting: &mut Setting, scribe: &mut Scribe<'_>) {
        if let Some(begun) = line.strip_prefix("# aider chat started at ") {
            self.end_answer(setting, scribe);
            setting.session = name(begun.trim()).unwrap_or_default();
            setting.model = None;
        } else if line.starts_with("#### ") {
            self.end_answer(setting, scribe);
        } else if let Some(said) = line.strip_prefix("> ") {
            self.take_notice(said.trim(), setting, scribe);
        }
    }

    fn block(&mut self, block: Block, setting: &mut Setting, scribe: &mut Scribe<'_>) {
        self.waiting_bytes += BLOCK_BYTES + block.text.len();
        if self.waiting_bytes > scribe.waiting_bytes_max {
            self.end_answer(setting, scribe);
        }
        let heading = path_of(&block.heading);
        if block.text.lines().any(is_search) {
            self.waiting.extend(replacements(&block.text, heading));
        } else if block.info == "diff" {
            let files = parse_diff(&block.text).into_iter();
            self.waiting.extend(files.map(|file| Proposed {
                change: FileChange::new(file.path.or_else(|| heading.clone()), file.written),
                otherwise: Certainty::Unconfirmed,
            }));
        } else {
            let text = WrittenText::whole_file(block.text);
            let text = if heading.is_some() { text } else { text.as_lines() };
            let change = FileChange::new(heading, vec![text]);
            self.waiting.push(Proposed { change, otherwise: Certainty::Shown });
        }
    }

    fn finish(&mut self, setting: &mut Setting, scribe: &mut Scribe<'_>) {
        self.end_answer(setting, scribe);
    }
}

impl Aider {
    /// Takes a line in which aider itself speaks.
    fn take_notice(&mut self, said: &str, setting: &mut Setting, scribe: &mut Scribe<'_>) {
        let model = ["Model: ", "Main model: ", "Models: "].iter().find_map(|begin| said.strip_prefix(begin));
        if let Some(model) = model {
            setting.model = model.split([' ', ',']).next().and_then(name);
        } else if let Some(version) = said.strip_prefix("Aider v") {
            setting.harness_version = name(version);
        } else if let Some(path) = said.strip_prefix("Applied edit to ") {
            let is_applied = |proposed: &mut Proposed| proposed.change.path.as_deref() == Some(path);
            let applied: Vec<_> =
                self.waiting.extract_if(.., is_applied).map(|proposed| proposed.change).collect();
            scribe.tell(setting, applied, Certainty::Confirmed, false);
        }
    }

    fn end_answer(&mut self, setting: &Setting, scribe: &mut Scribe<'_>) {
        self.waiting_bytes = 0;
        for proposed in std::mem::take(&mut self.waiting) {
            scribe.tell(setting, vec![proposed.change], proposed.otherwise, false);
        }
    }
}

/// Reads the replacements of a block; a line before the first mark names the file, else the heading does.
fn replacements(text: &str, heading: Option<String>) -> Vec<Proposed> {
    let mut found = Vec::new();
    let mut path = heading;
    let (mut old, mut new) = (String::new(), String::new());
    let mut part = Part::Outside;
    for line in text.lines() {
        let next = match part {
            _ if is_search(line) => Part::Old,
            Part::Old if is_mark(line, '=') => Part::New,
            Part::New if is_mark(line, '>') => {
                let (old, new) = (std::mem::take(&mut old), std::mem::take(&mut new));
                let text = WrittenText::fragment(new, Some(old.into_bytes())).as_lines();
                found.push(Proposed {
                    change: FileChange::new(path.clone(), vec![text]),
                    otherwise: Certainty::Unconfirmed,
                });
                Part::Outside
            }
            Part::Outside => {
                path = path_of(line).or(path);
                continue;
            }
            Part::Old | Part::New => {
                let text = if part == Part::Old { &mut old } else { &mut new };
                text.push_str(line);
                text.push('\n');
                continue;
            }
        };
        part = next;
    }
    found
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Outside,
    Old,
    New,
}

fn is_search(line: &str) -> bool {
    is_mark(line, '<') && line.trim_end().ends_with("SEARCH")
}

/// Tells whether a line begins with five to nine of the mark and holds no more than a word beside.
fn is_mark(line: &str, mark: char) -> bool {
    let rest = line.trim_start_matches(mark);
    (5..=9).contains(&(line.len() - rest.len()))
        && matches!(rest.trim(), "" | "SEARCH" | "REPLACE" | "UPDATED")
}

/// Takes a line for a path where it looks like one: no blanks, and a dot or a slash in it.
fn path_of(line: &str) -> Option<String> {
    let path = line.trim().trim_matches(['*', '`', ':', '#']).trim();
    let is_path = !path.is_empty() && !path.contains(char::is_whitespace) && path.contains(['.', '/']);
    is_path.then(|| path.to_owned())
}
