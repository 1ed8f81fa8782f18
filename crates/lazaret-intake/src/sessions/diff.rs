//! Reads the lines that a diff adds, with what they take the place of.

use super::writing::{Extent, WrittenText};

/// Texts that one file's diff is told as. What comes after is added to the last: a text takes a hundred bytes
/// beside its own, and a hostile diff has one for every six.
const TEXTS_MAX: usize = 10_000;

/// What a diff does to one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffFile {
    /// The file after the change, without the prefix `b/`; `None` where the diff has no header.
    pub path: Option<String>,
    /// The added lines.
    pub written: Vec<WrittenText>,
}

/// Gathers neighbouring added and removed lines into one text each.
#[derive(Debug, Default)]
pub(super) struct Hunk {
    written: Vec<WrittenText>,
    added: Vec<u8>,
    removed: Vec<u8>,
    first_line: Option<u64>,
    line: Option<u64>,
}

impl Hunk {
    /// Begins at a line, from 1, of the file after the change.
    pub(super) fn at(&mut self, line: Option<u64>) {
        self.close();
        self.line = line;
    }

    /// Passes a line that was there before and stays.
    pub(super) fn keep(&mut self) {
        self.close();
        self.line = self.line.and_then(|line| line.checked_add(1));
    }

    /// Takes a line that was added.
    pub(super) fn add(&mut self, line: &str) {
        if self.added.is_empty() {
            self.first_line = self.line;
        }
        self.line = self.line.and_then(|line| line.checked_add(1));
        push_line(&mut self.added, line);
    }

    /// Takes a line that was removed.
    pub(super) fn remove(&mut self, line: &str) {
        push_line(&mut self.removed, line);
    }

    /// Takes a line by its first character, as all diffs mark it; answers `false` where it has no mark.
    pub(super) fn take(&mut self, line: &str) -> bool {
        let mut characters = line.chars();
        match characters.next() {
            Some('+') => self.add(characters.as_str()),
            Some('-') => self.remove(characters.as_str()),
            // Some writers drop the blank of a context line that is empty.
            Some(' ') | None => self.keep(),
            // "\ No newline at end of file"
            Some('\\') => {}
            Some(_) => return false,
        }
        true
    }

    /// Returns the texts.
    pub(super) fn finish(mut self) -> Vec<WrittenText> {
        self.close();
        self.written
    }

    fn close(&mut self) {
        let (added, removed) = (std::mem::take(&mut self.added), std::mem::take(&mut self.removed));
        if self.written.len() >= TEXTS_MAX
            && let Some(last) = self.written.last_mut()
        {
            last.text.extend_from_slice(&added);
            last.replaced.get_or_insert_default().extend_from_slice(&removed);
            return;
        }
        if !added.is_empty() {
            self.written.push(WrittenText {
                text: added,
                replaced: Some(removed),
                first_line: self.first_line,
                extent: Extent::Lines,
            });
        }
    }
}

fn push_line(text: &mut Vec<u8>, line: &str) {
    text.extend_from_slice(line.as_bytes());
    text.push(b'\n');
}

/// Reads a unified diff, with or without headers; what is no part of a hunk is passed over.
///
/// The hunks' own counts say where they end, so that a removed line `-- a` is not taken for a header. A hunk
/// whose header gives no counts ends at the next header.
#[must_use]
pub fn parse_diff(text: &str) -> Vec<DiffFile> {
    let mut files: Vec<DiffFile> = Vec::new();
    let mut open: Option<(Option<String>, Hunk)> = None;
    let mut left = Left::Nothing;
    for line in text.lines() {
        if left.expects(line) {
            let (_, hunk) = open.get_or_insert_default();
            if hunk.take(line) {
                left.count(line);
                continue;
            }
        }
        if let Some(path) = line.strip_prefix("+++ ") {
            files.extend(open.take().map(closed));
            open = Some((new_path(path), Hunk::default()));
            left = Left::Nothing;
        } else if line.starts_with("diff --git ") {
            files.extend(open.take().map(closed));
            left = Left::Nothing;
        } else if let Some(header) = line.strip_prefix("@@") {
            let (_, hunk) = open.get_or_insert_default();
            let (first_line, counts) = Left::read(header);
            hunk.at(first_line);
            left = counts;
        }
    }
    files.extend(open.map(closed));
    files.retain(|file| !file.written.is_empty());
    files
}

fn closed((path, hunk): (Option<String>, Hunk)) -> DiffFile {
    DiffFile { path, written: hunk.finish() }
}

/// Returns the path of a `+++` header; `None` for `/dev/null`.
fn new_path(header: &str) -> Option<String> {
    let path = header.split('\t').next().unwrap_or(header).trim_end();
    let path = path.strip_prefix('"').and_then(|path| path.strip_suffix('"')).unwrap_or(path);
    (path != "/dev/null").then(|| path.strip_prefix("b/").unwrap_or(path).to_owned())
}

/// How many lines of a hunk are still to come.
#[derive(Debug, Clone, Copy)]
enum Left {
    Nothing,
    Counted { old: u64, new: u64 },
    UntilHeader,
}

impl Left {
    /// Reads what follows `@@`: ` -a,b +c,d @@ …`. A bare `@@` has no counts.
    fn read(header: &str) -> (Option<u64>, Self) {
        let mut words = header.split_ascii_whitespace();
        let old = words.next().and_then(|word| range(word, '-'));
        let new = words.next().and_then(|word| range(word, '+'));
        match old.zip(new) {
            Some(((_, old), (first_line, new))) => (Some(first_line), Self::Counted { old, new }),
            None => (None, Self::UntilHeader),
        }
    }

    fn expects(self, line: &str) -> bool {
        match self {
            Self::Nothing => false,
            Self::Counted { old, new } => {
                old > 0 && !line.starts_with('+') || new > 0 && !line.starts_with('-')
            }
            Self::UntilHeader => {
                !["@@", "--- ", "+++ ", "diff --git "].iter().any(|mark| line.starts_with(mark))
            }
        }
    }

    fn count(&mut self, line: &str) {
        if let Self::Counted { old, new } = self {
            if !line.starts_with(['+', '\\']) {
                *old = old.saturating_sub(1);
            }
            if !line.starts_with(['-', '\\']) {
                *new = new.saturating_sub(1);
            }
        }
    }
}

/// Reads `-12,3` or `-12`.
fn range(word: &str, sign: char) -> Option<(u64, u64)> {
    let word = word.strip_prefix(sign)?;
    let (first, count) = word.split_once(',').unwrap_or((word, "1"));
    Some((first.parse().ok()?, count.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Added text, replaced text, first line.
    fn seen(written: &[WrittenText]) -> Vec<(&str, &str, Option<u64>)> {
        let text = |bytes: &'static [u8]| std::str::from_utf8(bytes).unwrap();
        written
            .iter()
            .map(|written| {
                let leak = |bytes: &Vec<u8>| text(Vec::leak(bytes.clone()));
                (leak(&written.text), leak(written.replaced.as_ref().unwrap()), written.first_line)
            })
            .collect()
    }

    #[test]
    fn added_lines_are_gathered_with_what_they_replace() {
        let files = parse_diff("@@ -1,4 +1,5 @@ fn f()\n one\n-two\n+zwei\n+drei\n four\n+five\n-- end\n");
        assert_eq!(files.len(), 1);
        assert_eq!(files[0].path, None);
        assert_eq!(
            seen(&files[0].written),
            [("zwei\ndrei\n", "two\n", Some(2)), ("five\n", "- end\n", Some(5))]
        );
    }

    #[test]
    fn files_are_told_apart_by_their_headers() {
        let diff = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n\\ No newline at end of file\n\
                    diff --git a/y b/y\n--- /dev/null\n+++ b/dir/y\t2026\n@@ -0,0 +1,2 @@\n+--- c\n++++ d\n";
        let files = parse_diff(diff);
        let paths: Vec<_> = files.iter().map(|file| file.path.as_deref()).collect();
        assert_eq!(paths, [Some("x"), Some("dir/y")]);
        assert_eq!(seen(&files[1].written), [("--- c\n+++ d\n", "", Some(1))]);
    }

    #[test]
    fn a_hunk_without_counts_ends_at_the_next_header() {
        let files = parse_diff("@@\n-a\n+b\n@@\n+c\n--- old\n+++ new\n@@\n+d\n");
        assert_eq!(seen(&files[0].written), [("b\n", "a\n", None), ("c\n", "", None)]);
        assert_eq!(files[1].path.as_deref(), Some("new"));
    }

    #[test]
    fn nothing_is_made_of_text_that_is_no_diff() {
        for text in ["", "+a\n-b\n", "@@ -99999999999999999999 +1 @@", "+++ \n", "no diff at all"] {
            assert_eq!(parse_diff(text), [], "{text:?}");
        }
    }
}
