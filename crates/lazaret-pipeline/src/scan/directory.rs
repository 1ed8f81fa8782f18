//! Scans a folder without history: marks in files are read, and everything else stays unproven.

use std::io::Read as _;

use lazaret_core::{EntryKind, Gap, GapKind, ObjectId, OriginKind, TreeEntry};
use lazaret_intake::files::{FoundFile, list_files};
use lazaret_intake::git::{ListedEntry, OBJECT_BYTES_MAX};

use super::copies::Answer;
use super::examine::{FileFacts, examine_text, in_parallel};
use super::judging::{Judge, printable};
use super::reading::gap;
use super::{ScanOutcome, ScanRequest, copies, tally};

/// Looks into every file below the folder.
pub(super) fn scan_directory(request: &ScanRequest<'_>) -> ScanOutcome {
    // sources
    let origin = super::origin(OriginKind::Directory, request.root, None);
    let (files, errors) = list_files(request.root);
    let mut gaps: Vec<Gap> =
        errors.iter().map(|error| gap(GapKind::UnreadableFile, error.to_string())).collect();
    // evidence
    let looked = in_parallel(files.len(), request.n_threads, || {
        |file_ix| {
            let nothing = || (FileFacts::default(), Ok(Vec::new()));
            files.get(file_ix).map_or_else(nothing, |file| examine_file(file, request))
        }
    });
    let (facts, found): (Vec<FileFacts>, Vec<_>) = looked.into_iter().unzip();
    let paths = files.iter().map(|file| printable(&file.path));
    let copies = copies::gather(found, paths, request.measure.detectors);
    // verdict
    let mut judge = Judge::without_history(&origin, &request.measure);
    let copied = copies.claims.iter().zip(&copies.gaps);
    for ((file, facts), (claims, gap_of)) in files.into_iter().zip(&facts).zip(copied) {
        let no_history = gap(GapKind::NoHistory, "a folder has no history to attribute lines by".to_owned());
        let id = ObjectId::Sha1([0; 20]);
        let listed = ListedEntry { path: file.path, entry: TreeEntry { kind: EntryKind::File, id } };
        judge.file_without_history(&listed, facts, (claims, gap_of.as_ref()), no_history);
    }
    let judged = judge.finish();
    gaps.retain(|gap| gap.kind != GapKind::NoHistory);
    let report = tally::report_without_history(origin.clone(), &request.measure, copies.found, judged, &gaps);
    // action, ledger: none
    ScanOutcome { report, marked_commits: Vec::new(), bundle: Vec::new(), index_note: None }
}

fn examine_file(file: &FoundFile, request: &ScanRequest<'_>) -> (FileFacts, Answer) {
    let read = if file.is_link {
        std::fs::read_link(&file.location).map(|target| target.as_os_str().as_encoded_bytes().to_vec())
    } else {
        read_file(file)
    };
    let unexamined =
        |kind, why| (FileFacts { gap: Some(gap(kind, why)), ..FileFacts::default() }, Ok(Vec::new()));
    match read {
        Ok(text) if text.len() > OBJECT_BYTES_MAX => {
            let why = format!("`{}` is larger than {OBJECT_BYTES_MAX} bytes", printable(&file.path));
            unexamined(GapKind::OverLimit, why)
        }
        Ok(text) => {
            let found = request.known.map_or_else(|| Ok(Vec::new()), |known| known.matches(&text));
            (examine_text(&file.path, &text, request.measure.detectors), found)
        }
        Err(error) => {
            let why = format!("cannot read `{}`: {error}", printable(&file.path));
            unexamined(GapKind::UnreadableFile, why)
        }
    }
}

fn read_file(file: &FoundFile) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let limit = OBJECT_BYTES_MAX as u64 + 1;
    std::fs::File::open(&file.location)?.take(limit).read_to_end(&mut text)?;
    Ok(text)
}
