//! A content that was opened: its bytes, and where its lines begin. Nothing of it is laid out before it is seen.

use std::fmt;

use zeroize::Zeroizing;

/// How many bytes of binary content a row shows.
pub(super) const HEX_BYTES: usize = 16;

/// A NUL within so many bytes makes content binary, as for git.
const BINARY_WITHIN: usize = 8000;

/// The bytes of a content.
pub(super) struct Document {
    bytes: Zeroizing<Vec<u8>>,
    /// Where each line begins; empty where it is binary.
    starts: Vec<usize>,
    is_binary: bool,
    n_crlf: usize,
}

impl Document {
    /// Takes over the bytes of a content.
    pub(super) fn new(bytes: Zeroizing<Vec<u8>>) -> Self {
        let is_binary = bytes.iter().take(BINARY_WITHIN).any(|&byte| byte == 0);
        let (mut starts, mut n_crlf) = (Vec::new(), 0);
        if !is_binary {
            let mut last = 0;
            starts.extend((!bytes.is_empty()).then_some(0));
            for (ix, &byte) in bytes.iter().enumerate() {
                if byte == b'\n' {
                    n_crlf += usize::from(last == b'\r');
                    starts.extend((ix + 1 < bytes.len()).then_some(ix + 1));
                }
                last = byte;
            }
        }
        Self { bytes, starts, is_binary, n_crlf }
    }

    /// Whether it is shown by its bytes.
    pub(super) fn is_binary(&self) -> bool {
        self.is_binary
    }

    /// How many lines end with CR LF.
    pub(super) fn n_crlf(&self) -> usize {
        self.n_crlf
    }

    /// How many rows it has: lines, or bytes by the row.
    pub(super) fn n_rows(&self) -> usize {
        if self.is_binary { self.bytes.len().div_ceil(HEX_BYTES) } else { self.starts.len() }
    }

    /// Returns the bytes of a row, without the line's end.
    pub(super) fn row(&self, row: usize) -> &[u8] {
        if self.is_binary {
            return self.bytes.chunks(HEX_BYTES).nth(row).unwrap_or_default();
        }
        let Some(&start) = self.starts.get(row) else { return &[] };
        let end = self.starts.get(row + 1).copied().unwrap_or(self.bytes.len());
        let line = self.bytes.get(start..end).unwrap_or_default();
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        if end > start + line.len() { line.strip_suffix(b"\r").unwrap_or(line) } else { line }
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").field("rows", &self.n_rows()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(bytes: &[u8]) -> Vec<Vec<u8>> {
        let document = Document::new(Zeroizing::new(bytes.to_vec()));
        (0..document.n_rows()).map(|row| document.row(row).to_vec()).collect()
    }

    #[test]
    fn lines_end_as_git_ends_them() {
        assert_eq!(rows(b""), Vec::<Vec<u8>>::new());
        assert_eq!(rows(b"a\nb"), [b"a", b"b"]);
        assert_eq!(rows(b"a\n\n"), [b"a".to_vec(), Vec::new()]);
        assert_eq!(rows(b"a\r\nb\r"), [b"a".to_vec(), b"b\r".to_vec()]);
        assert_eq!(Document::new(Zeroizing::new(b"a\r\nb\n".to_vec())).n_crlf(), 1);
    }

    #[test]
    fn a_nul_makes_it_binary() {
        assert_eq!(rows(&[0; 17]), [vec![0; 16], vec![0]]);
    }
}
