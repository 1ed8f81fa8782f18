//! Lines of fields with something between them, quoted or not.

use memchr::memchr;

use super::file::FieldMap;
use crate::counts::Fault;
use crate::json::Target;
use crate::row::{Coding, Piece, Row};

/// How a line is cut, and what its fields are for.
#[derive(Debug, Clone)]
pub(super) struct Separated {
    separator: u8,
    quote: Option<u8>,
    percent: bool,
    /// The name that a header begins with, once one is known; any first line before that.
    header: Option<Vec<u8>>,
    has_header: bool,
    named: Vec<(Vec<u8>, Target)>,
    /// What each column is for; empty before the header.
    columns: Vec<Vec<Target>>,
}

impl Separated {
    pub(super) fn new(map: &FieldMap, rows: &[(Vec<&str>, Target)]) -> Result<Self, String> {
        let byte = |name: &str, text: &str| match text.as_bytes() {
            [byte] => Ok(*byte),
            _ => Err(format!("`{name}` is not one byte")),
        };
        let separator = map.separator.as_deref().ok_or("`separated` needs a `separator`")?;
        let mut named = Vec::new();
        for (path, target) in rows {
            let [name] = path.as_slice() else { return Err("only JSON has fields within fields".to_owned()) };
            if !map.header && !map.columns.iter().any(|column| column == name) {
                return Err(format!("`columns` does not have `{name}`"));
            }
            named.push((name.as_bytes().to_vec(), *target));
        }
        if map.header != map.columns.is_empty() {
            return Err("give either `header = true` or `columns`".to_owned());
        }
        let mut separated = Self {
            separator: byte("separator", separator)?,
            quote: map.quote.as_deref().map(|quote| byte("quote", quote)).transpose()?,
            percent: map.percent,
            header: None,
            has_header: map.header,
            named,
            columns: Vec::new(),
        };
        let columns: Vec<&[u8]> = map.columns.iter().map(|column| column.as_bytes()).collect();
        separated.columns = separated.targets(&columns);
        Ok(separated)
    }

    fn targets(&self, columns: &[&[u8]]) -> Vec<Vec<Target>> {
        let of = |column: &&[u8]| {
            self.named.iter().filter(|(name, _)| name == column).map(|(_, target)| *target).collect()
        };
        columns.iter().map(of).collect()
    }

    pub(super) fn has_header(&self) -> bool {
        self.has_header
    }

    pub(super) fn is_header(&self, line: &[u8]) -> bool {
        let first = self.field(line, 0).map(|(piece, _)| piece.of(line).unwrap_or_default());
        match &self.header {
            _ if !self.has_header => false,
            None => true,
            Some(name) => first.is_ok_and(|first| first == name),
        }
    }

    /// Returns how lines are read after a header.
    pub(super) fn after(&self, line: &[u8]) -> Self {
        let mut next = self.clone();
        let mut names: Vec<&[u8]> = Vec::new();
        let mut at = Some(0);
        while let Some((piece, after)) = at.and_then(|at| self.field(line, at).ok()) {
            names.push(piece.of(line).unwrap_or_default());
            at = after;
        }
        next.columns = self.targets(&names);
        next.header = names.first().map(|name| name.to_vec());
        next
    }

    /// Reads the field at `at`, and returns where the next one begins.
    fn field(&self, line: &[u8], at: usize) -> Result<(Piece, Option<usize>), Fault> {
        let rest = line.get(at..).unwrap_or_default();
        if let Some(quote) = self.quote.filter(|quote| rest.first() == Some(quote)) {
            let mut end = at + 1;
            let mut coding = Coding::Plain;
            loop {
                let more = line.get(end..).unwrap_or_default();
                end += memchr(quote, more).ok_or(Fault::Malformed)?;
                match line.get(end + 1) {
                    Some(next) if *next == quote => (coding, end) = (Coding::Doubled, end + 2),
                    None => return Ok((Piece::new(at + 1, end, coding), None)),
                    Some(next) if *next == self.separator => {
                        return Ok((Piece::new(at + 1, end, coding), Some(end + 2)));
                    }
                    Some(_) => return Err(Fault::Malformed),
                }
            }
        }
        let length = memchr(self.separator, rest);
        let end = at + length.unwrap_or(rest.len());
        let is_coded = self.percent && memchr(b'%', line.get(at..end).unwrap_or_default()).is_some();
        let coding = if is_coded { Coding::Percent } else { Coding::Plain };
        Ok((Piece::new(at, end, coding), length.map(|_| end + 1)))
    }

    pub(super) fn read(&self, line: &[u8], row: &mut Row, absent: &[Vec<u8>]) -> Result<(), Fault> {
        if self.columns.is_empty() {
            return Err(Fault::NoHeader);
        }
        let mut columns = self.columns.iter();
        let mut at = Some(0);
        while let Some(start) = at {
            let targets = columns.next().ok_or(Fault::Fields)?;
            let (piece, next) = self.field(line, start)?;
            at = next;
            let bytes = piece.of(line).unwrap_or_default();
            if bytes.is_empty() || absent.iter().any(|word| word == bytes) {
                continue;
            }
            for target in targets {
                match *target {
                    Target::One(slot) => row.put(slot, piece)?,
                    Target::Many(many) => row.push(many, piece),
                    Target::Header(header) => row.headers.push(header),
                    Target::Mark(slot) => row.set(slot, piece),
                }
            }
        }
        if columns.next().is_some() { Err(Fault::Fields) } else { Ok(()) }
    }
}
