//! Which lines are to go: those that a scan condemns, or those that somebody names.

use lazaret_core::{Directness, EntryKind, GapKind, ObjectId, Span, Verdict};
use lazaret_intake::git::{ListedEntry, ObjectKind, ObjectReader};
use lazaret_policy::Rules;
use lazaret_syntax::Language;
use rustc_hash::{FxHashMap, FxHashSet};

use super::edit::Text;
use super::report::{Left, LeftReason};
use crate::bundle::{BundleRow, Statement};
use crate::report::FileReport;
use crate::scan::ScanOutcome;
use crate::scan::examine::is_binary;
use crate::scan::judging::printable;

/// Lines that are to go, whatever the scan holds of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// The files, each once.
    pub files: Vec<SelectedFile>,
}

/// Lines of one file that are to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectedFile {
    /// The path from the root of the tree.
    pub path: Vec<u8>,
    /// The blob whose lines are meant: those of another version are other lines.
    pub blob: ObjectId,
    /// The lines.
    pub spans: Vec<Span>,
    /// What speaks against them, by the ids of the scan's evidence; may be empty.
    pub evidence: Vec<String>,
}

/// What to take out.
#[derive(Debug, Clone, Copy)]
pub enum Take<'a> {
    /// Lines of that verdict or a worse one.
    Verdict(Verdict),
    /// These lines.
    These(&'a Selection),
}

impl Take<'_> {
    /// Whether a line of that verdict may not be there in the end.
    pub(super) fn condemns(self, verdict: Verdict) -> bool {
        match self {
            Self::Verdict(least) => verdict >= least,
            Self::These(_) => false,
        }
    }
}

/// What a file of the plan is.
#[derive(Debug)]
pub(super) enum Matter {
    /// Text of which lines go.
    Text(Text),
    /// A link, or a file of nothing, which goes as a whole.
    Whole,
}

/// A file from which something is to go.
#[derive(Debug)]
pub(super) struct Work {
    /// Where it lies in the list of files.
    pub(super) entry: ListedEntry,
    /// What it is.
    pub(super) matter: Matter,
    /// The lines that are to go.
    pub(super) spans: Vec<Span>,
    /// How many lines were selected at first.
    pub(super) n_selected: u64,
    /// How many were added in later passes.
    pub(super) n_added: u64,
    /// What speaks against them.
    pub(super) evidence: Vec<String>,
}

/// What is to be done, and what cannot be.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) works: Vec<Work>,
    pub(super) left: Vec<Left>,
}

impl Plan {
    /// Makes the plan. `files` are those of the revision that was scanned, in the order of the report's.
    pub(super) fn of(
        take: Take<'_>,
        scanned: &ScanOutcome,
        rules: &Rules,
        files: &[ListedEntry],
        reader: &mut ObjectReader<'_>,
    ) -> Self {
        let mut plan = Self::default();
        match take {
            Take::Verdict(least) => {
                let blind = Blind::of(&scanned.bundle, rules, least);
                for (file, entry) in scanned.report.files.iter().zip(files) {
                    if let Some((spans, evidence)) = condemned(file, take) {
                        plan.add(entry, spans, evidence, reader);
                    } else if let Some((lines, reason)) = blind.reason(file) {
                        plan.left.push(Left { path: file.path.clone(), lines, reason });
                    }
                }
            }
            Take::These(selection) => {
                let by_path: FxHashMap<&[u8], &ListedEntry> =
                    files.iter().map(|entry| (entry.path.as_slice(), entry)).collect();
                for file in &selection.files {
                    match by_path.get(file.path.as_slice()) {
                        Some(entry) if entry.entry.id != file.blob => {
                            plan.leave(&file.path, &file.spans, LeftReason::AnotherVersion);
                        }
                        Some(entry) => {
                            plan.add(entry, file.spans.clone(), file.evidence.clone(), reader);
                        }
                        None => plan.leave(&file.path, &file.spans, LeftReason::NotThere),
                    }
                }
            }
        }
        plan
    }

    fn add(
        &mut self,
        entry: &ListedEntry,
        spans: Vec<Span>,
        evidence: Vec<String>,
        reader: &mut ObjectReader<'_>,
    ) {
        match matter(entry, reader) {
            Ok(matter) => {
                let n_selected = spans.iter().map(|span| u64::from(span.lines())).sum();
                let entry = entry.clone();
                self.works.push(Work { entry, matter, spans, n_selected, n_added: 0, evidence });
            }
            Err(reason) => self.leave(&entry.path, &spans, reason),
        }
    }

    fn leave(&mut self, path: &[u8], spans: &[Span], reason: LeftReason) {
        let lines = spans.iter().map(|span| u64::from(span.lines())).sum();
        self.left.push(Left { path: printable(path), lines, reason });
    }
}

/// What is known of files into which a scan cannot look, so that it condemns none of their lines.
struct Blind<'b> {
    /// Lines that a tool wrote, by path and blob.
    written: FxHashMap<(&'b str, ObjectId), u64>,
}

impl<'b> Blind<'b> {
    fn of(rows: &'b [BundleRow], rules: &Rules, least: Verdict) -> Self {
        let mut written = FxHashMap::default();
        for row in rows {
            let Statement::Taint { taint, .. } = &row.statement else { continue };
            let stands = taint.directness == Directness::Direct || least <= Verdict::Suspect;
            if stands && taint.role.writes() && taint.strength.condemns() && rules.bans(taint) {
                *written.entry((row.path.as_str(), row.blob)).or_default() +=
                    row.lines.map_or(0, |lines| u64::from(lines.lines()));
            }
        }
        Self { written }
    }

    /// Returns why a file that is not condemned cannot pass for one from which nothing has to go.
    fn reason(&self, file: &FileReport) -> Option<(u64, LeftReason)> {
        if file.lines > 0 {
            return None;
        }
        file.gaps.iter().find_map(|gap| match gap.kind {
            GapKind::Binary => {
                let written = self.written.get(&(file.path.as_str(), file.blob?))?;
                Some((*written, LeftReason::Binary))
            }
            GapKind::MissingObject
            | GapKind::CorruptObject
            | GapKind::OverLimit
            | GapKind::UnreadableFile => Some((0, LeftReason::Unreadable)),
            GapKind::ShallowBoundary
            | GapKind::UntrustedDate
            | GapKind::Submodule
            | GapKind::NoHistory
            | GapKind::Altered => None,
        })
    }
}

/// Returns the condemned lines of a file with what speaks against them; `None` where there are none. A file of no lines
/// may be condemned as well.
fn condemned(file: &FileReport, take: Take<'_>) -> Option<(Vec<Span>, Vec<String>)> {
    if !take.condemns(file.verdict) {
        return None;
    }
    let mut spans = Vec::new();
    let mut evidence: Vec<String> = Vec::new();
    let mut next = 1;
    let rest = |from: u32, until: u32, spans: &mut Vec<Span>| {
        if take.condemns(file.base) {
            spans.extend(Span::new(from, until).ok());
        }
    };
    for span in &file.spans {
        rest(next, span.start.saturating_sub(1), &mut spans);
        next = span.end.saturating_add(1);
        if take.condemns(span.verdict) {
            spans.extend(Span::new(span.start, span.end).ok());
            evidence.extend(span.evidence.iter().cloned());
        }
    }
    rest(next, file.lines, &mut spans);
    evidence.extend(file.evidence.iter().cloned());
    let mut seen = FxHashSet::default();
    evidence.retain(|id| seen.insert(id.clone()));
    Some((spans, evidence))
}

fn matter(entry: &ListedEntry, reader: &mut ObjectReader<'_>) -> Result<Matter, LeftReason> {
    match entry.entry.kind {
        EntryKind::File => {}
        EntryKind::Link => return Ok(Matter::Whole),
        EntryKind::Submodule => return Err(LeftReason::Submodule),
    }
    let bytes =
        reader.read_as(&entry.entry.id, ObjectKind::Blob).map_err(|_unreadable| LeftReason::Unreadable)?;
    if bytes.is_empty() {
        return Ok(Matter::Whole);
    }
    if is_binary(&bytes) {
        return Err(LeftReason::Binary);
    }
    if is_large_file_pointer(&bytes) {
        return Err(LeftReason::LargeFilePointer);
    }
    Ok(Matter::Text(Text::new(&bytes, Language::of_path(&entry.path))))
}

/// Whether the bytes stand for a file that lies elsewhere
/// (the specification of Git LFS, `docs/spec.md`: pointers are shorter than 1,024 bytes and start with their version).
fn is_large_file_pointer(bytes: &[u8]) -> bool {
    bytes.len() < 1024 && bytes.starts_with(b"version https://git-lfs.github.com/spec/v")
}
