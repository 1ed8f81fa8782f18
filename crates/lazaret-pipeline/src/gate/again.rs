//! Looks once more at a record that would go on: for other names of its lines, and for its other strings.

use lazaret_core::Span;
use lazaret_shard::{BESIDE_SEPARATOR, Record};
use memchr::memmem;

use super::bundles::Stated;
use super::identity::git_sha1;
use super::record::Found;
use super::snapshot::Snapshot;
use crate::bundle::Statement;

/// A longer name may hold somebody's expression; paths have up to some hundred bytes.
const NAME_BYTES_MAX: usize = 512;

/// A shorter line is written by everybody, without the white space around it.
const LINE_BYTES_MIN: usize = 8;

impl Found {
    /// Looks once more at a record that would go on, for what takes longer: whether an earlier scan knows its lines
    /// under the name they had before a tool rewrote their ends, and whether it knows another of its strings. Returns
    /// whether anything was found.
    pub(crate) fn look_again(&mut self, record: &Record<'_>, text: &[u8], snapshot: &Snapshot<'_>) -> bool {
        if snapshot.bundles.is_empty() {
            return false;
        }
        let n_before = (self.evidence.len(), self.gaps.len());
        if !self.is_known {
            for stated in snapshot.bundles.of_lines(text) {
                self.add_against(&stated, stated.lines);
            }
        }
        for string in beside_strings(record) {
            for stated in
                snapshot.bundles.of_blob(&git_sha1(string).0).chain(snapshot.bundles.of_lines(string))
            {
                self.add_against(&stated, None);
            }
        }
        n_before != (self.evidence.len(), self.gaps.len())
    }

    /// Adds what a scan states against bytes that are not the record's own; what it states for them proves nothing here.
    fn add_against(&mut self, stated: &Stated<'_>, lines: Option<Span>) {
        match stated.statement {
            Some(Statement::Taint { .. } | Statement::Gap { .. }) => {
                self.add_stated(&Stated { lines, ..*stated });
            }
            Some(Statement::Predates { .. } | Statement::Attested { .. }) | None => {}
        }
    }
}

/// Returns the strings beside the text, one by one, and names that are too long to be names.
fn beside_strings<'a>(record: &Record<'a>) -> impl Iterator<Item = &'a [u8]> {
    let beside = record.beside.unwrap_or_default();
    let ends = memmem::find_iter(beside, BESIDE_SEPARATOR).chain(std::iter::once(beside.len()));
    let mut start = 0;
    let strings = ends.map(move |end| {
        let string = beside.get(start..end).unwrap_or_default();
        start = end + BESIDE_SEPARATOR.len();
        string
    });
    strings.chain(long_names(record)).filter(|string| !string.is_empty())
}

/// Returns the values of columns that hold names and hold more: a column that means something is no place to hide in.
pub(crate) fn long_names<'a>(record: &Record<'a>) -> impl Iterator<Item = &'a [u8]> {
    let several = record.repositories.iter().chain(record.generators).copied();
    let names = record.strings().into_iter().flatten().chain(several).map(str::as_bytes);
    names.filter(|name| name.len() > NAME_BYTES_MAX || memchr::memchr2(b'\n', b'\r', name).is_some())
}

/// Whether a string beside the text, or a name, repeats one of the lines.
pub(crate) fn repeats(record: &Record<'_>, text: &str, refused: &[Span]) -> bool {
    let strings: Vec<&[u8]> = beside_strings(record).collect();
    let is_refused = |number: u32| refused.iter().any(|span| span.start() <= number && number <= span.end());
    let lines = text.lines().zip(1_u32..).filter(|(_, number)| is_refused(*number));
    let mut long = lines.map(|(line, _)| line.trim()).filter(|line| line.len() >= LINE_BYTES_MIN);
    !strings.is_empty()
        && long.any(|line| strings.iter().any(|string| memmem::find(string, line.as_bytes()).is_some()))
}
