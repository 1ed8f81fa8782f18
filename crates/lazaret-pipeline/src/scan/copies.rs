//! Finds copies of known text in the files at the revision.

use std::sync::atomic::{AtomicBool, Ordering};

use lazaret_core::{EntryKind, Evidence, Gap, GapKind};
use lazaret_evidence::Detectors;
use lazaret_evidence::known_text::Copied;
use lazaret_fingerprint::{Class, MatchKind};
use lazaret_intake::git::{ListedEntry, ObjectKind, ObjectReader, ObjectStore};

use super::examine::in_parallel;
use super::judging::printable;
use super::reading::gap;
use super::{RECENT_BYTES, ScanRequest};
use crate::known::{KnownMatch, KnownText};
use crate::report::CopyReport;

/// What the files of a listing share with known text, in its order.
#[derive(Debug, Default)]
pub(crate) struct Copies {
    /// For each file the claims that follow; empty where no index was asked.
    pub(crate) claims: Vec<Vec<Evidence>>,
    /// Every match, of every class.
    pub(crate) found: Vec<CopyReport>,
    /// Why not all could be asked, where it could not.
    pub(crate) gap: Option<Gap>,
}

/// Asks the index of known text about every file.
pub(crate) fn find(store: &ObjectStore, files: &[ListedEntry], request: &ScanRequest<'_>) -> Copies {
    let Some(known) = request.known else { return Copies::default() };
    let damaged = AtomicBool::new(false);
    let found = in_parallel(files.len(), request.n_threads, || {
        let mut reader = ObjectReader::new(store, RECENT_BYTES);
        let damaged = &damaged;
        move |file_ix| {
            let file = files.get(file_ix).filter(|file| file.entry.kind == EntryKind::File);
            // A file that cannot be read is a gap of its own already.
            let Some(text) = file.and_then(|file| reader.read_as(&file.entry.id, ObjectKind::Blob).ok())
            else {
                return Vec::new();
            };
            matches(known, &text, damaged)
        }
    });
    let paths = files.iter().map(|file| printable(&file.path));
    gather(found, paths, request.measure.detectors, damaged.into_inner())
}

/// Asks the index about one text that is not in a repository.
pub(crate) fn matches(known: &KnownText, text: &[u8], damaged: &AtomicBool) -> Vec<KnownMatch> {
    known.matches(text).unwrap_or_else(|_damage| {
        damaged.store(true, Ordering::Relaxed);
        Vec::new()
    })
}

/// Writes matches down, and claims what follows from those with a tool's text.
pub(crate) fn gather(
    found: Vec<Vec<KnownMatch>>,
    paths: impl Iterator<Item = String>,
    detectors: &Detectors,
    damaged: bool,
) -> Copies {
    let mut copies = Copies { claims: Vec::with_capacity(found.len()), ..Copies::default() };
    for (matches, path) in found.into_iter().zip(paths) {
        let claims = matches.iter().filter(|found| found.entry.class == Class::Rival);
        copies.claims.push(claims.flat_map(|found| claims_of(found, detectors)).collect());
        copies.found.extend(matches.iter().map(|found| report(found, &path)));
    }
    if damaged {
        let why = "a segment of the index of known text turned out to be damaged".to_owned();
        copies.gap = Some(gap(GapKind::CorruptObject, why));
    }
    copies
}

fn claims_of(found: &KnownMatch, detectors: &Detectors) -> Vec<Evidence> {
    let KnownMatch { found, entry } = found;
    let claim = |&here| {
        detectors.copied(&Copied {
            here,
            tool: &entry.tool,
            model: &entry.model,
            origin: &entry.origin,
            there: found.there,
            n_tokens: found.n_tokens,
            is_renamed: found.kind == MatchKind::Renamed,
        })
    };
    found.covered.iter().map(claim).collect()
}

fn report(found: &KnownMatch, path: &str) -> CopyReport {
    let KnownMatch { found, entry } = found;
    CopyReport {
        path: path.to_owned(),
        start: found.here.start(),
        end: found.here.end(),
        class: entry.class.as_str().to_owned(),
        kind: match found.kind {
            MatchKind::Exact => "exact",
            MatchKind::Normalised => "normalised",
            MatchKind::Fingerprints => "fingerprints",
            MatchKind::Lines => "lines",
            MatchKind::Renamed => "renamed",
        }
        .to_owned(),
        tokens: found.n_tokens,
        name: entry.name.clone(),
        origin: entry.origin.clone(),
        origin_start: found.there.start(),
        origin_end: found.there.end(),
        tool: Some(entry.tool.clone()).filter(|tool| !tool.is_empty()),
        model: Some(entry.model.clone()).filter(|model| !model.is_empty()),
    }
}
