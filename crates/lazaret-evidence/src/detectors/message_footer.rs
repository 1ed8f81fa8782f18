//! Detector `message-footer`: footers, session links, subject prefixes and disclosures in commit messages.

use aho_corasick::AhoCorasick;
use lazaret_core::{Directness, Evidence, Role, Strength, Taint, ToolId};

use crate::catalog::{Catalog, LinePattern, Mark, MarkKind, Pattern};
use crate::claim::{self, Sighting};
use crate::disclosure::{self, Answer};
use crate::message::{Line, Message, Standing};

/// The detector's id.
pub(crate) const ID: &str = "message-footer";

/// A longer text before a link's colon is a sentence, not a label.
const LABEL_BYTES_MAX: usize = 48;

#[derive(Debug, Clone)]
pub(crate) struct MessageFooter {
    catalog: Catalog,
    /// All needles of `lines`: most lines of most messages hold none.
    needles: AhoCorasick,
    lines: Vec<(Mark, LinePattern)>,
    links: Vec<(Mark, String)>,
    subjects: Vec<(Mark, String)>,
}

impl MessageFooter {
    pub(crate) fn new(catalog: &Catalog) -> Self {
        let (mut lines, mut links, mut subjects) = (Vec::new(), Vec::new(), Vec::new());
        for mark in catalog.marks() {
            match (mark.kind, &mark.pattern) {
                (MarkKind::Footer, Pattern::Line(line)) => lines.push((mark.clone(), line.clone())),
                (MarkKind::SessionLink, Pattern::Links(beginnings)) => {
                    links.extend(beginnings.iter().map(|link| (mark.clone(), link.clone())));
                }
                (MarkKind::Subject, Pattern::Prefixes(prefixes)) => {
                    subjects.extend(prefixes.iter().map(|prefix| (mark.clone(), prefix.clone())));
                }
                _ => {}
            }
        }
        lines.sort_by_key(|(mark, _): &(Mark, LinePattern)| mark.tool.is_none());
        let needles = automaton(lines.iter().flat_map(|(_, line)| &line.needles));
        Self { catalog: catalog.clone(), needles, lines, links, subjects }
    }

    /// Whether a line is nothing but a mark, so that it may stand between trailers.
    pub(crate) fn is_mark(&self, line: &[u8]) -> bool {
        self.footers(line).next().is_some()
            || has_link(line) && self.links.iter().any(|(_, link)| find_link(line, link) == Some(Link::Alone))
    }

    pub(crate) fn detect(&self, message: &Message<'_>, out: &mut Vec<Evidence>) {
        for (mark, prefix) in &self.subjects {
            let head = message.subject.get(..prefix.len());
            if head.is_some_and(|head| head.eq_ignore_ascii_case(prefix.as_bytes())) {
                let sighting = Sighting::new(mark, Role::Author);
                out.push(
                    sighting.evidence(ID, &format!("a subject that begins with `{}`", prefix.trim_end())),
                );
            }
        }
        for line in &message.lines {
            self.line(line, out);
        }
        if let Some(disclosure) = disclosure::read(&message.lines, self.catalog.names()) {
            out.push(self.disclosed(disclosure));
        }
    }

    fn footers<'a>(&'a self, line: &'a [u8]) -> impl Iterator<Item = &'a Mark> {
        let lines = if self.needles.is_match(line) { self.lines.as_slice() } else { &[] };
        lines.iter().filter(|(_, pattern)| pattern.matches(line)).map(|(mark, _)| mark)
    }

    fn line(&self, line: &Line<'_>, out: &mut Vec<Evidence>) {
        let mut told: Vec<Option<&ToolId>> = Vec::new();
        for mark in self.footers(line.text) {
            // One line is one claim about one tool, and none about an unnamed one where it names a tool.
            let tool = mark.tool.as_ref();
            if told.contains(&tool) || (tool.is_none() && !told.is_empty()) {
                continue;
            }
            told.push(tool);
            let sighting = Sighting::new(mark, Role::CoAuthor)
                .model(self.catalog.names().model(line.text))
                .weakened(claim::weakness(own_standing(line)));
            out.push(sighting.evidence(ID, "a footer"));
        }
        if !has_link(line.text) {
            return;
        }
        for (mark, link) in &self.links {
            let weakness = match find_link(line.text, link) {
                None => continue,
                Some(Link::InProse) => Some("within prose"),
                Some(Link::Alone) if line.standing == Standing::Quoted => claim::weakness(line.standing),
                Some(Link::Alone) => None,
            };
            let sighting = Sighting::new(mark, Role::CoAuthor).weakened(weakness);
            out.push(sighting.evidence(ID, &format!("a link to `{link}…`")));
        }
    }

    fn disclosed(&self, disclosure: disclosure::Disclosure) -> Evidence {
        let tool = disclosure.tool.as_ref().and_then(|tool| self.catalog.roster().tools.get(tool));
        let taint = Taint {
            provider: tool.map(|tool| tool.provider.clone()),
            tool: disclosure.tool,
            model_provider: disclosure.model.as_ref().map(|model| model.provider.clone()),
            model: disclosure.model.map(|model| model.model),
            role: disclosure.role,
            strength: match disclosure.answer {
                Answer::Used => Strength::Declared,
                Answer::Unclear => Strength::Circumstantial,
            },
            directness: Directness::Direct,
        };
        let why = match disclosure.answer {
            Answer::Used => "an AI disclosure that says a tool was used",
            Answer::Unclear => "an AI disclosure that says neither yes nor no plainly",
        };
        claim::evidence(ID, None, taint, why.to_owned())
    }
}

/// A footer that closes a paragraph stands for itself: where blank lines are stripped, it follows on prose.
fn own_standing(line: &Line<'_>) -> Standing {
    if line.standing == Standing::Embedded && line.closes_paragraph {
        Standing::Stands
    } else {
        line.standing
    }
}

/// How a link stands in its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    /// Alone, or behind a label.
    Alone,
    /// In a sentence.
    InProse,
}

fn has_link(line: &[u8]) -> bool {
    memchr::memmem::find(line, b"https://").is_some()
}

#[expect(clippy::expect_used, reason = "the catalog's needles are few and short; a test builds them all")]
fn automaton<'a>(needles: impl Iterator<Item = &'a String>) -> AhoCorasick {
    AhoCorasick::builder().ascii_case_insensitive(true).build(needles).expect("needles make an automaton")
}

fn find_link(line: &[u8], link: &str) -> Option<Link> {
    let at = memchr::memmem::find(line, link.as_bytes())?;
    let after = line.get(at + link.len()..).unwrap_or_default();
    let id_end = after.iter().position(|byte| !is_link_byte(*byte)).unwrap_or(after.len());
    if id_end == 0 {
        return None;
    }
    let is_quiet = |text: &[u8]| !text.iter().any(u8::is_ascii_alphanumeric);
    let alone =
        is_label(line.get(..at).unwrap_or_default()) && is_quiet(after.get(id_end..).unwrap_or_default());
    Some(if alone { Link::Alone } else { Link::InProse })
}

/// Whether the text before a link only introduces it: nothing, signs, `Label:`, one word, or `[text](`.
fn is_label(before: &[u8]) -> bool {
    let before = before.trim_ascii();
    let words = before
        .split(u8::is_ascii_whitespace)
        .filter(|word| word.iter().any(u8::is_ascii_alphanumeric))
        .count();
    let is_short = before.len() <= LABEL_BYTES_MAX;
    words <= 1 || (is_short && (before.ends_with(b":") || before.ends_with(b"](")))
}

fn is_link_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'_' | b'/' | b'?' | b'=' | b'#' | b'%' | b'.' | b'&')
}
