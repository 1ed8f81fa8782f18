//! Detector `file-mark`: marks within files: citations of a chat, headers that name a tool, embedded manifests.

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use lazaret_core::{Directness, Evidence, Role, Span, Strength, Taint, ToolId};
use rustc_hash::FxHashSet;

use crate::catalog::{Catalog, LinePattern, Mark, MarkKind, Passage, Place};
use crate::claim::{self, Sighting};
use crate::identity::{Identities, Person};
use crate::manifest::{self, Manifest};
use crate::needles::Words;
use crate::passage::{Passages, Stand};

/// The detector's id.
pub(crate) const ID: &str = "file-mark";

/// The tag of a copyright line, as the SPDX specification writes it.
const COPYRIGHT_TAG: &str = "SPDX-FileCopyrightText:";

/// A file that carries marks of so many tools is about marks.
const TOOLS_MAX: usize = 2;

/// More claims of one mark in one file are told as one, from the first line to the last.
const SPANS_MAX: usize = 100;

#[derive(Debug, Clone)]
pub(crate) struct FileMark {
    marks: Vec<(Mark, LinePattern)>,
    names: Catalog,
    words: Words,
    needles: AhoCorasick,
}

impl FileMark {
    pub(crate) fn new(catalog: &Catalog) -> Self {
        let marks: Vec<_> = catalog
            .marks()
            .iter()
            .filter(|mark| mark.kind == MarkKind::FileText)
            .filter_map(|mark| mark.pattern.line().map(|line| (mark.clone(), line.clone())))
            .collect();
        let needles = marks.iter().flat_map(|(_, line)| line.needles.iter().cloned());
        let needles: Vec<String> = needles.chain([COPYRIGHT_TAG.to_ascii_lowercase()]).collect();
        let words = Words::of(&needles.iter().map(String::as_bytes).collect::<Vec<_>>());
        Self { marks, names: catalog.clone(), words, needles: automaton(&needles) }
    }

    pub(crate) fn detect(&self, path: &[u8], text: &[u8], identities: &Identities, out: &mut Vec<Evidence>) {
        if let Some(manifest) = manifest::find(text) {
            out.push(manifest_evidence(manifest));
        }
        // The automaton waits for memory at every byte; nearly every text is ruled out before.
        if !self.words.may_stand_in(&text.to_ascii_lowercase()) || !self.needles.is_match(text) {
            return;
        }
        let passages = Passages::new(path, text);
        let mut sightings = Vec::new();
        for at in 0..passages.len() {
            let line = passages.text(at);
            if self.needles.is_match(line) {
                self.line(line, passages.stand(at), at, &mut sightings);
                copyright(line, passages.stand(at), identities, &mut sightings);
            }
        }
        let tools: FxHashSet<Option<&ToolId>> =
            sightings.iter().map(|sighting| sighting.mark.tool.as_ref()).collect();
        let is_list = tools.len() > TOOLS_MAX;
        for sighting in merged(sightings) {
            let weakened =
                if is_list { Some("in a file that lists marks of several tools") } else { sighting.weakened };
            out.push(sighting.weakened(weakened).evidence(ID, "a mark in the file's text"));
        }
    }

    fn line<'a>(&'a self, line: &[u8], stand: Stand, at: usize, out: &mut Vec<Sighting<'a>>) {
        for (mark, pattern) in self.marks.iter().filter(|(_, pattern)| pattern.matches(line)) {
            let span = line_span(at);
            let (span, weakened) = match (pattern.passage, stand) {
                (_, Stand::Mention) => (span, Some("mentioned in code, data or an example")),
                (Passage::Line, Stand::Open | Stand::Edge) => (span, None),
                (Passage::HeaderOrEnd, Stand::Edge) => (None, None),
                (Passage::HeaderOrEnd, Stand::Open) => {
                    (span, Some("neither at the head nor at the end of the file"))
                }
            };
            let model = self.names.names().model(line);
            out.push(Sighting::new(mark, Role::Author).model(model).span(span).weakened(weakened));
        }
    }
}

/// A copyright line that names a machine identity: a claim about the whole file where it stands at its head.
fn copyright<'a>(line: &[u8], stand: Stand, identities: &'a Identities, out: &mut Vec<Sighting<'a>>) {
    let head = line.get(..COPYRIGHT_TAG.len());
    if !head.is_some_and(|head| head.eq_ignore_ascii_case(COPYRIGHT_TAG.as_bytes())) {
        return;
    }
    let value = line.get(COPYRIGHT_TAG.len()..).unwrap_or_default();
    for mark in identities.find(Person::read(value), Place::Author) {
        let weakened = (stand != Stand::Edge).then_some("not at the head of the file");
        out.push(Sighting::new(mark, Role::Author).weakened(weakened));
    }
}

/// One sighting per mark and circumstance where there are too many to list.
fn merged(sightings: Vec<Sighting<'_>>) -> Vec<Sighting<'_>> {
    if sightings.len() <= SPANS_MAX {
        return sightings;
    }
    let mut out: Vec<Sighting<'_>> = Vec::new();
    for sighting in sightings {
        let same = |other: &&mut Sighting<'_>| {
            other.mark.id == sighting.mark.id && other.weakened == sighting.weakened
        };
        match out.iter_mut().find(same) {
            Some(other) => {
                other.span = match (other.span, sighting.span) {
                    (Some(a), Some(b)) => Span::new(a.start().min(b.start()), a.end().max(b.end())).ok(),
                    (None, _) | (_, None) => None,
                };
            }
            None => out.push(sighting),
        }
    }
    out
}

fn line_span(at: usize) -> Option<Span> {
    let line = u32::try_from(at).ok()?.checked_add(1)?;
    Span::new(line, line).ok()
}

fn manifest_evidence(manifest: Manifest) -> Evidence {
    let (strength, why) = match manifest {
        Manifest::SaysGenerated => {
            (Strength::Declared, "a C2PA manifest that says the content was generated")
        }
        Manifest::Unread => (Strength::Circumstantial, "a C2PA manifest whose assertions were not verified"),
    };
    let taint = Taint {
        tool: None,
        provider: None,
        model: None,
        model_provider: None,
        role: Role::Author,
        strength,
        directness: Directness::Direct,
    };
    claim::evidence(ID, None, taint, why.to_owned())
}

#[expect(clippy::expect_used, reason = "the catalog's needles are few and short; a test builds them all")]
fn automaton(needles: &[String]) -> AhoCorasick {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        // Every byte of what was not ruled out goes through it: the largest automaton is the fastest.
        .kind(Some(AhoCorasickKind::DFA))
        .build(needles)
        .expect("needles make an automaton")
}
