//! Parses the patches that `apply_patch` takes: `*** Begin Patch` … `*** End Patch`.
//!
//! The grammar is Codex's; other harnesses have taken it over. A patch names files, and for each adds, deletes or
//! updates it; updates are hunks of lines marked ` `, `-` and `+`, placed by their context and not by numbers.

use super::diff::Hunk;
use super::writing::WrittenText;

/// Where a patch begins.
pub(super) const BEGIN: &str = "*** Begin Patch";

const END: &str = "*** End Patch";

/// Files that one patch may name.
const FILES_MAX: usize = 10_000;

/// What a patch does to one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePatch {
    /// The file as the patch spells it; after a move, its new name.
    pub path: String,
    /// What becomes of it.
    pub action: PatchAction,
}

/// What becomes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PatchAction {
    /// It is created with this content.
    Add(WrittenText),
    /// These lines are put into it.
    Update(Vec<WrittenText>),
    /// It is deleted.
    Delete,
}

/// A patch could not be parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// It does not begin as patches do.
    #[error("the patch has no line `*** Begin Patch`")]
    NoBegin,
    /// It does not end as patches do: it was cut off.
    #[error("the patch has no line `*** End Patch`; it was cut off")]
    NoEnd,
    /// It names more files than anybody changes at once.
    #[error("the patch names more than {FILES_MAX} files")]
    TooManyFiles,
    /// A line is none of those the grammar knows.
    #[error("line {line} of the patch is not one that the grammar knows")]
    UnknownLine {
        /// The line, from 1.
        line: usize,
    },
}

impl FilePatch {
    /// Returns the texts that the patch puts into the file.
    #[must_use]
    pub fn written(self) -> Vec<WrittenText> {
        match self.action {
            PatchAction::Add(text) => vec![text],
            PatchAction::Update(texts) => texts,
            PatchAction::Delete => Vec::new(),
        }
    }
}

/// Parses a patch; lines before its beginning and after its end are passed over.
///
/// # Errors
///
/// Where the patch has no beginning or no end, or holds a line that means nothing.
pub fn parse_patch(text: &str) -> Result<Vec<FilePatch>, PatchError> {
    let mut lines = text.lines().enumerate().map(|(nth, line)| (nth + 1, line));
    lines.find(|(_, line)| line.trim() == BEGIN).ok_or(PatchError::NoBegin)?;
    let mut files = Vec::new();
    let mut open: Option<Open> = None;
    for (number, line) in lines {
        let mark = line.trim_end();
        if mark == END {
            files.extend(open.map(Open::close));
            return Ok(files);
        }
        if let Some(next) = Open::begin(mark) {
            if files.len() >= FILES_MAX {
                return Err(PatchError::TooManyFiles);
            }
            files.extend(open.replace(next).map(Open::close));
        } else if mark.starts_with("*** Environment ID: ") && open.is_none() {
            // Newer patches say where they are to be applied.
        } else if !open.as_mut().is_some_and(|open| open.take(line)) {
            return Err(PatchError::UnknownLine { line: number });
        }
    }
    Err(PatchError::NoEnd)
}

/// The file that is being read.
enum Open {
    Add { path: String, text: Vec<u8> },
    Update { path: String, hunk: Hunk },
    Delete { path: String },
}

impl Open {
    fn begin(line: &str) -> Option<Self> {
        let path = |mark| line.strip_prefix(mark).map(|path: &str| path.trim().to_owned());
        path("*** Add File: ")
            .map(|path| Self::Add { path, text: Vec::new() })
            .or_else(|| path("*** Update File: ").map(|path| Self::Update { path, hunk: Hunk::default() }))
            .or_else(|| path("*** Delete File: ").map(|path| Self::Delete { path }))
    }

    /// Takes a line of the file's part; answers `false` where it does not belong there.
    fn take(&mut self, line: &str) -> bool {
        match self {
            Self::Add { text, .. } => {
                let Some(line) = line.strip_prefix('+') else { return line.trim().is_empty() };
                text.extend_from_slice(line.as_bytes());
                text.push(b'\n');
                true
            }
            Self::Update { path, hunk } => {
                if let Some(moved_to) = line.strip_prefix("*** Move to: ") {
                    moved_to.trim().clone_into(path);
                } else if line.starts_with("@@") || line.trim_end() == "*** End of File" {
                    hunk.at(None);
                } else {
                    return hunk.take(line);
                }
                true
            }
            Self::Delete { .. } => line.trim().is_empty(),
        }
    }

    fn close(self) -> FilePatch {
        match self {
            Self::Add { path, text } => {
                FilePatch { path, action: PatchAction::Add(WrittenText::whole_file(text)) }
            }
            Self::Update { path, hunk } => FilePatch { path, action: PatchAction::Update(hunk.finish()) },
            Self::Delete { path } => FilePatch { path, action: PatchAction::Delete },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows what a patch does, one row to a file: path, what, and each text with what it replaces.
    fn shown(text: &str) -> Result<Vec<String>, PatchError> {
        let files = parse_patch(text)?;
        Ok(files
            .into_iter()
            .map(|file| {
                let action = match &file.action {
                    PatchAction::Add(_) => "add",
                    PatchAction::Update(_) => "update",
                    PatchAction::Delete => "delete",
                };
                let mut row = format!("{action} {}", file.path);
                for written in file.written() {
                    let new = String::from_utf8(written.text).unwrap();
                    let old = written.replaced.map(|old| String::from_utf8(old).unwrap());
                    row.push_str(&format!(" {new:?}<-{:?}", old.unwrap_or_default()));
                }
                row
            })
            .collect())
    }

    #[track_caller]
    fn check(body: &str, expected: &[&str]) {
        let patch = format!("*** Begin Patch\n{body}*** End Patch\n");
        assert_eq!(shown(&patch).unwrap(), expected, "{body}");
    }

    #[test]
    fn files_are_added_updated_moved_and_deleted() {
        check("*** Add File: a b.py\n+one\n+\n++two\n", &["add a b.py \"one\\n\\n+two\\n\"<-\"\""]);
        check("*** Delete File: a\n", &["delete a"]);
        check(
            "*** Update File: a\n*** Move to: b\n@@ def f():\n one\n-two\n+zwei\n+drei\n\n+four\n*** End of File\n",
            &["update b \"zwei\\ndrei\\n\"<-\"two\\n\" \"four\\n\"<-\"\""],
        );
        check("*** Update File: a\n@@\n-a\n@@\n+b\n", &["update a \"b\\n\"<-\"\""]);
        check(
            "*** Environment ID: here\n*** Add File: a\n+x\n*** Delete File: b\n*** Update File: c\n+*** End of Filet\n",
            &["add a \"x\\n\"<-\"\"", "delete b", "update c \"*** End of Filet\\n\"<-\"\""],
        );
        check("", &[]);
    }

    #[test]
    fn what_stands_around_a_patch_is_passed_over() {
        let patch = "apply_patch <<'EOF'\n*** Begin Patch\r\n*** Add File: a\r\n+x\r\n*** End Patch\r\nEOF\n";
        assert_eq!(shown(patch).unwrap(), ["add a \"x\\n\"<-\"\""]);
    }

    #[test]
    fn what_is_no_patch_is_refused() {
        assert_eq!(shown(""), Err(PatchError::NoBegin));
        assert_eq!(shown("*** Begin Patch\n*** Add File: a\n+x\n"), Err(PatchError::NoEnd));
        for (nth, body) in
            ["x\n", "*** Add File: a\nx\n", "*** Update File: a\nx\n", "*** Delete File: a\n+x\n"]
                .into_iter()
                .enumerate()
        {
            let patch = format!("*** Begin Patch\n{body}*** End Patch\n");
            let line = if nth == 0 { 2 } else { 3 };
            assert_eq!(shown(&patch), Err(PatchError::UnknownLine { line }), "{body}");
        }
    }
}
