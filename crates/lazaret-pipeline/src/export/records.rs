//! Makes records of a file: one, or one for each of its units.

use lazaret_core::{Digest, ObjectId, Span};
use lazaret_intake::git::ListedEntry;
use lazaret_syntax::Language;
use rustc_hash::FxHashSet;
use serde::Serialize;

use super::RecordsBy;
use super::hints::{LicenseFiles, spdx};
use super::pieces::{Piece, pieces};
use super::revision::{Revision, path_of};
use crate::gate::identity::{git_sha1, swhid};
use crate::report::CopyReport;
use crate::scan::examine::count_lines;

/// Makes records of the files of one revision.
#[derive(Debug)]
pub(super) struct Records<'a> {
    revision: &'a Revision,
    repository: &'a str,
    by: RecordsBy,
    licenses: LicenseFiles,
    /// Files of which some text may not be shipped or trained on: what is found in the whole might not be found in its
    /// parts, so they stay whole.
    reserved: FxHashSet<&'a str>,
}

/// A record, and what of its file it holds.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) record: ExportRecord,
    /// The lines and the name of its bytes, where it is a piece of the file.
    pub(super) piece: Option<(Span, ObjectId)>,
}

/// The columns of a record, in their order; `docs/reference/export.md` says what each means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct ExportRecord {
    pub(super) id: String,
    pub(super) content: String,
    pub(super) path: String,
    pub(super) repository: String,
    pub(super) commit: String,
    pub(super) git_blob: String,
    pub(super) swhid: String,
    pub(super) sha256: String,
    pub(super) language: Option<&'static str>,
    pub(super) license_files: Vec<String>,
    pub(super) spdx: Option<String>,
    pub(super) size_bytes: i64,
    pub(super) lines: i64,
    pub(super) committed_at: Option<String>,
    pub(super) unit_kind: Option<&'static str>,
    pub(super) unit_name: Option<String>,
    pub(super) first_line: Option<i64>,
    pub(super) last_line: Option<i64>,
}

impl<'a> Records<'a> {
    pub(super) fn new(
        revision: &'a Revision,
        repository: &'a str,
        by: RecordsBy,
        copies: &'a [CopyReport],
    ) -> Self {
        let paths: Vec<String> = revision.files.iter().map(path_of).collect();
        let may_go = |class: &str| class == "rival" || class == "commonplace";
        let reserved = copies.iter().filter(|copy| !may_go(&copy.class));
        Self {
            revision,
            repository,
            by,
            licenses: LicenseFiles::among(paths.iter().map(String::as_str)),
            reserved: reserved.map(|copy| copy.path.as_str()).collect(),
        }
    }

    /// Returns the records of a file: every line of it that is not blank is in exactly one.
    pub(super) fn of_file(&self, file: &ListedEntry, path: &str, text: &str) -> Vec<Made> {
        let language = Language::of_path(&file.path);
        let whole = self.whole(file, path, text, language);
        if self.by == RecordsBy::File {
            return vec![Made { record: whole, piece: None }];
        }
        let cut_by = language.filter(|_| !self.reserved.contains(path));
        let pieces = pieces(text, cut_by);
        pieces.into_iter().map(|piece| made(&whole, piece, text)).collect()
    }

    fn whole(&self, file: &ListedEntry, path: &str, text: &str, language: Option<Language>) -> ExportRecord {
        let commit = self.revision.commit.to_string();
        ExportRecord {
            id: format!("{}@{commit}:{path}", self.repository),
            content: text.to_owned(),
            path: path.to_owned(),
            repository: self.repository.to_owned(),
            commit,
            git_blob: file.entry.id.to_string(),
            swhid: swhid(&git_sha1(text.as_bytes()).0),
            sha256: hex(&Digest::of(text.as_bytes())),
            language: language.map(Language::name),
            license_files: self.licenses.nearest(path).to_vec(),
            spdx: spdx(text),
            size_bytes: size(text),
            lines: i64::from(count_lines(text.as_bytes())),
            committed_at: self.revision.committed_at.map(|time| time.to_string()),
            unit_kind: None,
            unit_name: None,
            first_line: None,
            last_line: None,
        }
    }
}

/// Returns the record of a piece. Its `swhid` names the file and its lines, its other names are those of its bytes.
fn made(whole: &ExportRecord, piece: Piece, text: &str) -> Made {
    let Piece { lines, bytes, kind, name } = piece;
    let unit = ExportRecord {
        unit_kind: Some(kind),
        unit_name: name,
        first_line: Some(i64::from(lines.start())),
        last_line: Some(i64::from(lines.end())),
        ..whole.clone()
    };
    if bytes == (0..text.len()) {
        return Made { record: unit, piece: None };
    }
    let content = text.get(bytes).unwrap_or_default();
    let (git_blob, _) = git_sha1(content.as_bytes());
    let (first, last) = (lines.start(), lines.end());
    let record = ExportRecord {
        id: format!("{}#L{first}-L{last}", whole.id),
        content: content.to_owned(),
        git_blob: git_blob.to_string(),
        swhid: format!("{};lines={first}-{last}", whole.swhid),
        sha256: hex(&Digest::of(content.as_bytes())),
        size_bytes: size(content),
        lines: i64::from(lines.lines()),
        ..unit
    };
    Made { record, piece: Some((lines, git_blob)) }
}

fn size(text: &str) -> i64 {
    i64::try_from(text.len()).unwrap_or(i64::MAX)
}

/// Returns a digest without the name of its algorithm.
fn hex(digest: &Digest) -> String {
    let text = digest.to_string();
    text.strip_prefix("sha256:").map_or_else(|| text.clone(), str::to_owned)
}
