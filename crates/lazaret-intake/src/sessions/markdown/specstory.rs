//! Reads `SpecStory`'s histories: answers of an agent, with the tools it used as blocks.
//!
//! A history is made from another log for people to read. Uses of writing tools hold the text they wrote, or a
//! diff, or neither; code in answers was shown, and perhaps never written.

use jiff::Timestamp;

use super::super::diff::{Hunk, parse_diff};
use super::super::fields::name;
use super::super::input::FileChange;
use super::super::report::UnreadKind;
use super::super::scribe::{Scribe, Setting};
use super::super::writing::{Certainty, WrittenText};
use super::{Block, Markdown};

/// What a block takes beside its text, about.
const BLOCK_BYTES: usize = 300;

/// Where in a history a line stands.
#[derive(Debug, Default)]
pub(super) struct SpecStory {
    speaker: Speaker,
    is_thinking: bool,
    tool: Option<ToolUse>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Speaker {
    #[default]
    Person,
    Agent,
}

/// A use of a tool that is being read.
#[derive(Debug, Default)]
struct ToolUse {
    writes: bool,
    makes_whole_files: bool,
    is_refused: bool,
    /// The file that the blocks to come are about.
    path: Option<String>,
    changes: Vec<FileChange>,
    /// Of the blocks in it.
    bytes: usize,
}

impl Markdown for SpecStory {
    fn ends_block(&self, line: &str) -> bool {
        speaker(line).is_some() || (self.tool.is_some() && line.trim_end().ends_with("</tool-use>"))
    }

    fn line(&mut self, line: &str, setting: &mut Setting, scribe: &mut Scribe<'_>) {
        if let Some(comment) = line.strip_prefix("<!-- ") {
            remember_session(comment, setting);
        }
        if let Some((speaker, about)) = speaker(line) {
            self.end_tool(setting, scribe);
            self.speaker = speaker;
            self.is_thinking = false;
            if speaker == Speaker::Agent {
                remember_answer(about, setting);
            }
        }
        if line.contains("<tool-use ") {
            self.end_tool(setting, scribe);
            self.tool = Some(ToolUse::begin(line));
        }
        if let Some(tool) = &mut self.tool
            && let Some(path) = path_of(line)
        {
            tool.path = name(path);
        }
        self.is_thinking |= line.contains("<think>");
        if line.contains("</think>") {
            self.is_thinking = false;
        }
        if line.contains("</tool-use>") {
            self.end_tool(setting, scribe);
        }
    }

    fn block(&mut self, block: Block, setting: &mut Setting, scribe: &mut Scribe<'_>) {
        if self.speaker == Speaker::Person || self.is_thinking {
            return;
        }
        match &mut self.tool {
            Some(tool) => {
                tool.bytes += BLOCK_BYTES + block.text.len();
                if tool.bytes > scribe.waiting_bytes_max {
                    scribe.note(UnreadKind::OverLimit);
                } else {
                    tool.take(&block);
                }
            }
            None => {
                // "```python:src/a.py" names the file after the language; "```12:20:src/a.py" cites lines that
                // are there already.
                let (before, path) = block.info.split_once(':').unzip();
                if before.is_some_and(|before: &str| before.parse::<u32>().is_ok()) {
                    return;
                }
                let change = FileChange::new(path.and_then(name), texts(&block, false));
                scribe.tell(setting, vec![change], Certainty::Shown, false);
            }
        }
    }

    fn finish(&mut self, setting: &mut Setting, scribe: &mut Scribe<'_>) {
        self.end_tool(setting, scribe);
    }
}

impl SpecStory {
    fn end_tool(&mut self, setting: &Setting, scribe: &mut Scribe<'_>) {
        let Some(tool) = self.tool.take() else { return };
        if !tool.writes || self.speaker == Speaker::Person {
            return;
        }
        if tool.is_refused {
            scribe.report.refused += 1;
        } else if tool.changes.is_empty() {
            // The history tells that something was written, and not what.
            scribe.note(UnreadKind::UnreadCall);
        } else {
            scribe.tell(setting, tool.changes, Certainty::Unconfirmed, false);
        }
    }
}

impl ToolUse {
    fn begin(line: &str) -> Self {
        let name = attribute(line, "data-tool-name").unwrap_or_default().to_ascii_lowercase();
        Self {
            writes: attribute(line, "data-tool-type") == Some("write"),
            makes_whole_files: name.contains("write") || name.contains("create"),
            is_refused: attribute(line, "data-edit-status") == Some("rejected"),
            ..Self::default()
        }
    }

    fn take(&mut self, block: &Block) {
        if !self.writes {
            return;
        }
        if !matches!(block.info.as_str(), "text" | "") {
            let written = texts(block, self.makes_whole_files);
            if !written.is_empty() {
                self.changes.push(FileChange::new(self.path.clone(), written));
            }
            return;
        }
        // What the tool answered.
        let said = block.text.trim();
        let is_refused = [
            "The user doesn't want",
            "Error",
            "error",
            "Permission",
            "File has not been read",
            "String to replace not found",
            "User rejected",
        ]
        .iter()
        .any(|begin| said.starts_with(begin));
        self.is_refused |= is_refused;
        let made = said.strip_prefix("File created successfully at: ");
        let changed = said.strip_prefix("The file ").and_then(|rest| rest.split_once(" has been"));
        let path = made.or(changed.map(|(path, _)| path)).and_then(|path| path.lines().next());
        for change in &mut self.changes {
            change.path = change.path.take().or_else(|| path.and_then(name));
        }
    }
}

/// Reads the file out of a line that names one: `Edit file: …`, `**Update: …**`, `Path: …`.
fn path_of(line: &str) -> Option<&str> {
    if let Some((_, path)) = line.split_once("Edit file: ") {
        return path.split("</summary>").next().map(str::trim);
    }
    let line = line.trim();
    let quoted = ["**Update: `", "**Add: `", "Path: `"].iter().find_map(|begin| line.strip_prefix(begin))?;
    quoted.split('`').next()
}

/// Reads what a block holds: the lines a diff adds, or all of it.
fn texts(block: &Block, is_whole_file: bool) -> Vec<WrittenText> {
    if block.info == "diff" {
        let written: Vec<_> = parse_diff(&block.text).into_iter().flat_map(|file| file.written).collect();
        return if written.is_empty() { marked_lines(&block.text) } else { written };
    }
    let text = WrittenText::whole_file(block.text.clone());
    if is_whole_file { vec![text] } else { vec![text.as_lines()] }
}

/// Reads the lines of a diff that has no headers at all.
fn marked_lines(text: &str) -> Vec<WrittenText> {
    let mut hunk = Hunk::default();
    let is_diff = text.lines().all(|line| hunk.take(line));
    if is_diff { hunk.finish() } else { Vec::new() }
}

/// Reads `_**Agent (model 2026-01-02 03:04:05Z)**_`.
fn speaker(line: &str) -> Option<(Speaker, &str)> {
    let rest = line.strip_prefix("_**")?;
    if let Some(about) = rest.strip_prefix("User") {
        return Some((Speaker::Person, about));
    }
    let about = rest.strip_prefix("Agent").or_else(|| rest.strip_prefix("Assistant"))?;
    Some((Speaker::Agent, about))
}

fn remember_answer(about: &str, setting: &mut Setting) {
    let inner = about.split_once('(').map_or("", |(_, rest)| rest.split(')').next().unwrap_or(rest));
    let mut words = inner.split([' ', ',']).filter(|word| !word.is_empty() && *word != "model").peekable();
    if let Some(model) =
        words.next_if(|word| !word.starts_with(|c: char| c.is_ascii_digit()) && *word != "mode")
    {
        setting.model = name(model);
    }
    let words: Vec<&str> = words.collect();
    let times = words.iter().zip(words.iter().skip(1));
    let at = times.filter_map(|(day, time)| format!("{day}T{time}").parse::<Timestamp>().ok()).next();
    setting.at = at.or(setting.at);
}

/// Reads `Claude Code Session <id> (2026-01-02 …) -->`.
fn remember_session(comment: &str, setting: &mut Setting) {
    if let Some((harness, rest)) = comment.split_once(" Session ")
        && let Some(id) = rest.split_ascii_whitespace().next()
    {
        setting.harness = name(harness);
        setting.session = name(id).unwrap_or_default();
    }
}

fn attribute<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(&format!("{name}=\""))?;
    rest.split('"').next()
}
