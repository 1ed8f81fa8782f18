//! Brings what a scan states of files to the records that are made of them.

use lazaret_core::{ObjectId, Span};
use rustc_hash::{FxHashMap, FxHashSet};

use super::revision::Revision;
use crate::bundle::{BundleRow, Statement};
use crate::gate::{Bundles, TooManyRows};
use crate::report::{FileReport, Report};

/// What a scan states of the files at a revision, and what follows for records.
#[derive(Debug)]
pub(super) struct Statements {
    of_files: FxHashMap<ObjectId, Vec<BundleRow>>,
    bundles: Bundles,
    /// What was added: files by name, parts of them by their lines.
    added: FxHashSet<(ObjectId, Option<Span>)>,
}

impl Statements {
    /// Keeps the rows that speak of files at the revision.
    pub(super) fn new(rows: Vec<BundleRow>, bundles: Bundles, revision: &Revision, report: &Report) -> Self {
        let blobs: FxHashSet<ObjectId> = revision.files.iter().map(|file| file.entry.id).collect();
        let mut of_files: FxHashMap<ObjectId, Vec<BundleRow>> = FxHashMap::default();
        for row in rows.into_iter().filter(|row| blobs.contains(&row.blob)) {
            of_files.entry(row.blob).or_default().push(row);
        }
        for file in &report.files {
            add_gaps(file, &mut of_files);
        }
        Self { of_files, bundles, added: FxHashSet::default() }
    }

    /// Adds a record: a file, or the lines of it that bear a name of their own.
    pub(super) fn add(
        &mut self,
        file: ObjectId,
        n_lines: u32,
        piece: Option<(Span, ObjectId)>,
    ) -> Result<(), TooManyRows> {
        if !self.added.insert((file, piece.map(|(lines, _)| lines))) {
            return Ok(());
        }
        let rows = self.of_files.get(&file).map_or(&[][..], Vec::as_slice);
        match piece {
            None => {
                rows.iter().try_for_each(|row| self.bundles.add_row(row.clone()))?;
                self.bundles.add_blob(file)
            }
            Some((piece, blob)) => {
                let rows = rows.iter().filter_map(|row| clipped(row, piece, n_lines));
                rows.into_iter().try_for_each(|row| {
                    self.bundles.add_row(BundleRow { blob, lines_sha256: None, ..row })
                })?;
                self.bundles.add_piece(blob)
            }
        }
    }

    /// Returns what the gate may ask.
    pub(super) fn bundles(&self) -> &Bundles {
        &self.bundles
    }
}

/// Adds what the scan could not examine of a file and no row tells: then nothing is proven of the whole.
fn add_gaps(file: &FileReport, of_files: &mut FxHashMap<ObjectId, Vec<BundleRow>>) {
    let Some(blob) = file.blob.filter(|_| !file.gaps.is_empty()) else { return };
    let rows = of_files.entry(blob).or_default();
    for gap in &file.gaps {
        let statement = Statement::Gap { kind: gap.kind };
        if !rows.iter().any(|row| row.statement == statement) {
            let path = file.path.clone();
            rows.push(BundleRow { blob, path, lines: None, commit: None, statement, lines_sha256: None });
        }
    }
}

/// Returns what a row states of a piece of its file, by the piece's own lines; `None` where it states nothing.
///
/// A taint or a gap that reaches beyond the end of the file says that the lines are not known well: it is taken for the
/// whole, and a date that does so proves nothing.
fn clipped(row: &BundleRow, piece: Span, n_lines: u32) -> Option<BundleRow> {
    let lines = match (row.lines, &row.statement) {
        (None, _) => None,
        (Some(lines), Statement::Predates { .. } | Statement::Attested { .. }) if lines.end() > n_lines => {
            return None;
        }
        (Some(lines), Statement::Taint { .. } | Statement::Gap { .. }) if lines.end() > n_lines => None,
        (Some(lines), _) if lines.overlaps(piece) => {
            let before = piece.start() - 1;
            let (start, end) = (lines.start().max(piece.start()), lines.end().min(piece.end()));
            Some(Span::new(start - before, end - before).ok()?)
        }
        (Some(_), _) => return None,
    };
    Some(BundleRow { lines, ..row.clone() })
}

#[cfg(test)]
mod tests {
    use lazaret_core::GapKind;

    use super::*;

    fn span(start: u32, end: u32) -> Span {
        Span::new(start, end).unwrap()
    }

    /// What becomes of lines of a file of 20 lines in a piece from line 5 to 8.
    fn in_part(lines: Option<Span>, statement: Statement) -> Option<Option<Span>> {
        let blob = ObjectId::Sha1([7; 20]);
        let path = "a".to_owned();
        let row = BundleRow { blob, path, lines, commit: None, statement, lines_sha256: None };
        clipped(&row, span(5, 8), 20).map(|row| row.lines)
    }

    #[test]
    fn lines_are_counted_from_the_start_of_the_part() {
        let gap = || Statement::Gap { kind: GapKind::MissingObject };
        let old = || Statement::Predates { on: "2019-01-01".parse().unwrap() };
        assert_eq!(in_part(None, gap()), Some(None));
        assert_eq!(in_part(Some(span(1, 4)), gap()), None);
        assert_eq!(in_part(Some(span(9, 20)), gap()), None);
        assert_eq!(in_part(Some(span(1, 5)), gap()), Some(Some(span(1, 1))));
        assert_eq!(in_part(Some(span(6, 7)), old()), Some(Some(span(2, 3))));
        assert_eq!(in_part(Some(span(8, 20)), old()), Some(Some(span(4, 4))));
        assert_eq!(in_part(Some(span(9, 21)), gap()), Some(None), "it is not known which lines are meant");
        assert_eq!(in_part(Some(span(1, 21)), old()), None);
    }
}
