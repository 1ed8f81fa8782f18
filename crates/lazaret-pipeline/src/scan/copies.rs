//! Finds copies of known text in the files at the revision.

use lazaret_core::{EntryKind, Evidence, Gap, GapKind};
use lazaret_evidence::Detectors;
use lazaret_evidence::known_text::Copied;
use lazaret_fingerprint::{Class, MatchKind};
use lazaret_intake::git::{ListedEntry, ObjectKind, ObjectReader, ObjectStore};

use super::examine::in_parallel;
use super::judging::printable;
use super::reading::gap;
use super::{RECENT_BYTES, ScanRequest};
use crate::known::{KnownMatch, SegmentError};
use crate::report::CopyReport;

/// What the files of a listing share with known text, in its order.
#[derive(Debug, Default)]
pub(crate) struct Copies {
    /// For each file the claims that follow; empty where no index was asked.
    pub(crate) claims: Vec<Vec<Evidence>>,
    /// Every match, of every class.
    pub(crate) found: Vec<CopyReport>,
    /// For each file why the index could not answer, where it could not: then nothing is proven of the file.
    pub(crate) gaps: Vec<Option<Gap>>,
}

/// Asks the index of known text about every file.
pub(crate) fn find(store: &ObjectStore, files: &[ListedEntry], request: &ScanRequest<'_>) -> Copies {
    let Some(known) = request.known else { return Copies::default() };
    let found = in_parallel(files.len(), request.n_threads, || {
        let mut reader = ObjectReader::new(store, RECENT_BYTES);
        move |file_ix| {
            let file = files.get(file_ix).filter(|file| file.entry.kind == EntryKind::File);
            // A file that cannot be read is a gap of its own already.
            let Some(text) = file.and_then(|file| reader.read_as(&file.entry.id, ObjectKind::Blob).ok())
            else {
                return Ok(Vec::new());
            };
            known.matches(&text)
        }
    });
    let paths = files.iter().map(|file| printable(&file.path));
    gather(found, paths, request.measure.detectors)
}

/// What the index answered about one file.
pub(crate) type Answer = Result<Vec<KnownMatch>, SegmentError>;

/// Writes matches down, and claims what follows from those with a tool's text.
pub(crate) fn gather(
    found: Vec<Answer>,
    paths: impl Iterator<Item = String>,
    detectors: &Detectors,
) -> Copies {
    let mut copies = Copies { claims: Vec::with_capacity(found.len()), ..Copies::default() };
    for (answer, path) in found.into_iter().zip(paths) {
        let why = "a segment of the index of known text is damaged, so copies were not looked for".to_owned();
        copies.gaps.push(answer.as_ref().err().map(|_damage| gap(GapKind::CorruptObject, why)));
        let matches = answer.unwrap_or_default();
        let claims = matches.iter().filter(|found| found.entry.class == Class::Rival);
        copies.claims.push(claims.flat_map(|found| claims_of(found, detectors)).collect());
        copies.found.extend(matches.iter().map(|found| report(found, &path)));
    }
    copies
}

/// Claims that follow from a match with a tool's text, one for each run of shared lines.
pub(crate) fn claims_of(found: &KnownMatch, detectors: &Detectors) -> Vec<Evidence> {
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
