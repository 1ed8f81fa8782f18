//! Formats whose records are no lines: each record is written again as one line, with the place where it stood.

pub(crate) mod cloudtrail;
pub(crate) mod dnstap;

use std::fmt::Debug;

/// What comes next in the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// This many bytes are no record: they frame others.
    Frame(usize),
    /// This many bytes are a record; it was written as a line, without its end.
    Record(usize),
    /// The next thing is not whole yet.
    More,
    /// What follows is none of the format.
    Broken,
}

/// Writes records as lines.
pub(crate) trait Transcribe: Debug + Send {
    /// Looks at the first thing in `bytes`, and adds the line of a record to `line`.
    fn next(&mut self, bytes: &[u8], line: &mut Vec<u8>) -> Step;
}

/// Returns who writes the records of a format as lines, if it needs anybody to.
pub(crate) fn transcriber(format: &str, first: &[u8]) -> Option<Box<dyn Transcribe>> {
    match format {
        "dnstap" => Some(Box::new(dnstap::Frames)),
        "cloudtrail" if cloudtrail::is_document(first) => Some(Box::new(cloudtrail::Document::default())),
        _ => None,
    }
}
