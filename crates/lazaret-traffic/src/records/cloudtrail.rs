//! The files that `CloudTrail` delivers: one JSON object, whose `Records` are a list.

use super::{Step, Transcribe};

/// Where it stands in a document.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Document {
    /// Before the list, or between two documents that were put together.
    #[default]
    Outside,
    /// In the list.
    InList,
    /// Behind the list.
    Behind,
}

/// Goes past white space and then past `expected`; `None` where something else stands there.
fn past(bytes: &[u8], at: usize, expected: &[u8]) -> Option<usize> {
    let rest = bytes.get(at..)?;
    let space = rest.len() - rest.trim_ascii_start().len();
    rest.get(space..)?.starts_with(expected).then_some(at + space + expected.len())
}

/// Returns where the first record begins.
fn begin(bytes: &[u8]) -> Option<usize> {
    [&b"{"[..], b"\"Records\"", b":", b"["].iter().try_fold(0, |at, expected| past(bytes, at, expected))
}

/// Whether some first bytes are of such a document.
pub(crate) fn is_document(first: &[u8]) -> bool {
    begin(first).is_some()
}

/// Returns where the object ends that begins with `bytes`.
fn end_of_object(bytes: &[u8]) -> Option<usize> {
    let (mut depth, mut is_text, mut is_escaped) = (0_usize, false, false);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            b'{' if !is_text => depth += 1,
            b'}' if !is_text => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

impl Transcribe for Document {
    fn next(&mut self, bytes: &[u8], line: &mut Vec<u8>) -> Step {
        let space = bytes.len() - bytes.trim_ascii_start().len();
        if space > 0 {
            return Step::Frame(space);
        }
        match (*self, bytes.first()) {
            (_, None) => Step::More,
            (Self::Outside, Some(_)) => match begin(bytes) {
                Some(start) => {
                    *self = Self::InList;
                    Step::Frame(start)
                }
                None if bytes.len() < 64 => Step::More,
                None => Step::Broken,
            },
            (Self::InList, Some(b',')) => Step::Frame(1),
            (Self::InList, Some(b']')) => {
                *self = Self::Behind;
                Step::Frame(1)
            }
            (Self::InList, Some(b'{')) => {
                let Some(end) = end_of_object(bytes) else { return Step::More };
                // Line ends within a string are no JSON; what stands for them makes the line one that is not understood.
                let (mut is_text, mut is_escaped) = (false, false);
                line.extend(bytes.iter().take(end).map(|byte| {
                    is_text ^= *byte == b'"' && !is_escaped;
                    is_escaped = is_text && *byte == b'\\' && !is_escaped;
                    match byte {
                        b'\n' | b'\r' if is_text => 0,
                        b'\n' | b'\r' => b' ',
                        byte => *byte,
                    }
                }));
                Step::Record(end)
            }
            (Self::Behind, Some(b'}')) => {
                *self = Self::Outside;
                Step::Frame(1)
            }
            (Self::InList | Self::Behind, Some(_)) => Step::Broken,
        }
    }
}
