//! Reads logs in Markdown line by line: code blocks, and the lines between them.

mod aider;
mod specstory;

use std::io::{self, BufRead};

use super::format::LogFormat;
use super::lines::{Line, read_line};
use super::report::UnreadKind;
use super::scribe::{Scribe, Setting};

/// A code block.
#[derive(Debug, Default)]
struct Block {
    /// What follows the opening marks.
    info: String,
    text: String,
    /// The last line before it that is not blank.
    heading: String,
}

/// What a reader of one Markdown format does with what stands in it.
trait Markdown {
    /// Tells whether a line ends a block although its marks are still open: blocks that hold blocks are not
    /// told apart by their marks, and nothing a person wrote may be taken for part of one.
    fn ends_block(&self, line: &str) -> bool;

    /// Takes a line that stands in no block.
    fn line(&mut self, line: &str, setting: &mut Setting, scribe: &mut Scribe<'_>);

    /// Takes a block.
    fn block(&mut self, block: Block, setting: &mut Setting, scribe: &mut Scribe<'_>);

    /// Ends.
    fn finish(&mut self, setting: &mut Setting, scribe: &mut Scribe<'_>);
}

/// Reads a log in Markdown.
pub(super) fn read(
    reader: &mut impl BufRead,
    setting: &mut Setting,
    scribe: &mut Scribe<'_>,
    bytes_max: usize,
) -> io::Result<()> {
    if setting.format == LogFormat::SpecStory {
        walk(reader, &mut specstory::SpecStory::default(), setting, scribe, bytes_max)
    } else {
        walk(reader, &mut aider::Aider::default(), setting, scribe, bytes_max)
    }
}

fn walk(
    reader: &mut impl BufRead,
    markdown: &mut impl Markdown,
    setting: &mut Setting,
    scribe: &mut Scribe<'_>,
    bytes_max: usize,
) -> io::Result<()> {
    let mut buffer = Vec::new();
    let mut open: Option<(Fence, Block)> = None;
    let mut heading = String::new();
    loop {
        match read_line(reader, &mut buffer, bytes_max)? {
            Line::End => break,
            Line::OverLimit => {
                scribe.line += 1;
                scribe.note(UnreadKind::OverLimit);
                continue;
            }
            Line::Whole => scribe.line += 1,
        }
        if std::str::from_utf8(&buffer).is_err() {
            scribe.note(UnreadKind::NotUtf8);
        }
        let line = String::from_utf8_lossy(&buffer);
        let line = line.trim_start_matches('\u{feff}');
        if let Some((fence, block)) = &mut open {
            if fence.is_closed_by(line) {
                let (_, block) = open.take().unwrap_or_default();
                scribe.report.records += 1;
                markdown.block(block, setting, scribe);
                continue;
            }
            if block.text.len() + line.len() > bytes_max {
                scribe.note(UnreadKind::OverLimit);
                open = None;
                continue;
            }
            if !markdown.ends_block(line) {
                block.text.push_str(line);
                block.text.push('\n');
                continue;
            }
            scribe.note(UnreadKind::Malformed);
            open = None;
        }
        if let Some((fence, info)) = Fence::opened_by(line) {
            let heading = std::mem::take(&mut heading);
            open = Some((fence, Block { info: info.to_owned(), text: String::new(), heading }));
            continue;
        }
        markdown.line(line, setting, scribe);
        if !line.trim().is_empty() && line.len() < 4096 {
            line.trim().clone_into(&mut heading);
        }
    }
    if open.is_some() {
        scribe.note(UnreadKind::Malformed);
    }
    markdown.finish(setting, scribe);
    Ok(())
}

/// The marks that open a block.
#[derive(Debug, Default, Clone, Copy)]
struct Fence {
    mark: char,
    length: usize,
}

impl Fence {
    fn opened_by(line: &str) -> Option<(Self, &str)> {
        let line = line.trim_start();
        let mark = line.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
        let info = line.trim_start_matches(mark);
        let length = line.len() - info.len();
        (length >= 3 && !info.contains('`')).then_some((Self { mark, length }, info.trim()))
    }

    fn is_closed_by(self, line: &str) -> bool {
        let line = line.trim();
        line.len() >= self.length && line.chars().all(|character| character == self.mark)
    }
}
