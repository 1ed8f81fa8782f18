//! Zeek's tab-separated values: lines that begin with `#` say which columns those after them have.

use std::sync::Arc;

use memchr::{memchr, memchr_iter};

use super::{COLUMNS, manner, told};
use crate::counts::Fault;
use crate::grammar::{Grammar, Manner, Taken, Told};
use crate::json::Target;
use crate::row::{Coding, Piece, Row, Slot};

/// The header as far as it was read.
#[derive(Debug, Clone)]
pub(crate) struct ZeekTsv {
    separator: u8,
    set_separator: u8,
    empty: Vec<u8>,
    unset: Vec<u8>,
    path: Vec<u8>,
    told: Option<Told>,
    columns: Vec<Option<Target>>,
    manner: Manner,
}

impl ZeekTsv {
    /// Before a header.
    pub(crate) fn new() -> Self {
        Self {
            separator: b'\t',
            set_separator: b',',
            empty: b"(empty)".to_vec(),
            unset: b"-".to_vec(),
            path: Vec::new(),
            told: None,
            columns: Vec::new(),
            manner: manner(),
        }
    }

    fn coding(bytes: &[u8]) -> Coding {
        if memchr(b'\\', bytes).is_some() { Coding::Hex } else { Coding::Plain }
    }

    fn put(&self, line: &[u8], start: usize, end: usize, target: Target, row: &mut Row) -> Result<(), Fault> {
        let bytes = line.get(start..end).unwrap_or_default();
        if bytes == self.unset || bytes == self.empty || bytes.is_empty() {
            return Ok(());
        }
        match target {
            Target::One(slot) => row.put(slot, Piece::new(start, end, Self::coding(bytes)))?,
            Target::Many(many) => {
                let mut from = start;
                for to in memchr_iter(self.set_separator, bytes).map(|at| start + at).chain([end]) {
                    let one = line.get(from..to).unwrap_or_default();
                    row.push(many, Piece::new(from, to, Self::coding(one)));
                    from = to + 1;
                }
            }
            Target::Mark(slot) => row.set(slot, Piece::new(start, end, Coding::Plain)),
            Target::Header(_) => {}
        }
        Ok(())
    }
}

impl Grammar for ZeekTsv {
    fn take<'l>(&'l self, line: &'l [u8], row: &mut Row) -> Result<Taken<'l>, Fault> {
        if self.columns.is_empty() || self.path.is_empty() {
            return Err(Fault::NoHeader);
        }
        let mut columns = self.columns.iter();
        let mut start = 0;
        for end in memchr_iter(self.separator, line).chain([line.len()]) {
            if let Some(target) = columns.next().ok_or(Fault::Fields)? {
                self.put(line, start, end, *target, row)?;
            }
            start = end + 1;
        }
        if columns.next().is_some() {
            return Err(Fault::Fields);
        }
        let Some(told) = self.told else {
            return Ok(Taken::Beside(&self.path));
        };
        if row.has(Slot::Time) { Ok(Taken::Call(told)) } else { Err(Fault::Value) }
    }

    fn manner(&self) -> &Manner {
        &self.manner
    }

    fn hides_a_cut(&self) -> bool {
        true
    }

    fn has_headers(&self) -> bool {
        true
    }

    fn is_header(&self, line: &[u8]) -> bool {
        line.first() == Some(&b'#')
    }

    fn after(&self, line: &[u8]) -> Option<Arc<dyn Grammar>> {
        let mut next = self.clone();
        let end = line.iter().position(|byte| *byte == b' ' || *byte == self.separator).unwrap_or(line.len());
        let value = line.get(end + 1..).unwrap_or_default();
        match line.get(..end)? {
            // A file begins here: what was said of another one is forgotten.
            b"#separator" => {
                next = Self::new();
                next.separator = byte(value)?;
            }
            b"#set_separator" => next.set_separator = byte(value)?,
            b"#empty_field" => next.empty = value.to_vec(),
            b"#unset_field" => next.unset = value.to_vec(),
            b"#path" => {
                next.told = told(value);
                next.path = value.to_vec();
                next.columns.clear();
            }
            b"#fields" => {
                let names = value.split(|byte| *byte == self.separator);
                let known = |name: &[u8]| COLUMNS.iter().find(|(known, _)| known.as_bytes() == name);
                next.columns = names.map(|name| known(name).map(|(_, target)| *target)).collect();
            }
            // The file ends here, and nothing may follow but another header.
            b"#close" => next = Self::new(),
            _ => return None,
        }
        Some(Arc::new(next))
    }
}

/// Reads one byte, as it is or as `\xHH`.
fn byte(value: &[u8]) -> Option<u8> {
    match value {
        [byte] => Some(*byte),
        [b'\\', b'x', digits @ ..] => crate::values::coding::byte_of(digits),
        _ => None,
    }
}
