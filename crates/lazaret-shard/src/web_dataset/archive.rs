//! Reads a tar archive file by file, with the bytes of its headers as they stood.
//!
//! Crates that unpack archives throw away what a writer needs to write them again byte for byte: extension headers,
//! padding, and what follows the end. So the blocks are read here, and the `tar` crate says what a header means.

use lazaret_core::Digest;
use sha2::{Digest as _, Sha256};
use tar::{EntryType, Header};

use crate::codec::Decoder;
use crate::error::ShardError;

const BLOCK_BYTES: usize = 512;

/// An extension header holds a name or two; what is larger than this is none.
const EXTENSION_BYTES_MAX: u64 = 1 << 20;

/// Archives are padded with zeros to a multiple of some blocks; more than this is no padding.
const END_BYTES_MAX: usize = 1 << 20;

/// How many bytes are asked for at once, so that a size that lies takes no memory.
const READ_BYTES: usize = 256 << 10;

/// What a file of an archive is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileKind {
    Regular,
    Folder,
    /// A link or a device: it has no bytes of its own, or not only these.
    Other,
}

/// A part of an archive.
pub(super) enum Part {
    File(File),
    /// A header about all files that follow.
    Global(Vec<u8>),
    /// The zeros at the end.
    End(Vec<u8>),
}

/// A file of an archive.
pub(super) struct File {
    pub(super) kind: FileKind,
    pub(super) name: Vec<u8>,
    pub(super) header: Vec<u8>,
    pub(super) bytes: Vec<u8>,
    pub(super) padding: Vec<u8>,
    /// How many bytes and their digest, where they were too many.
    pub(super) long: Option<(u64, Digest)>,
}

/// Reads archives.
#[derive(Debug)]
pub(super) struct ArchiveReader {
    decoder: Decoder,
    offset: u64,
}

impl ArchiveReader {
    pub(super) fn new(decoder: Decoder) -> Self {
        Self { decoder, offset: 0 }
    }

    pub(super) fn bytes_read(&self) -> u64 {
        self.decoder.bytes_read()
    }

    /// Returns the next part. After [`Part::End`] there is none. A file of more than `room` bytes is not kept.
    pub(super) fn next_part(&mut self, room: usize) -> Result<Part, ShardError> {
        let mut header = Vec::new();
        let (mut name, mut size) = (None, None);
        loop {
            let start = header.len();
            if !self.read_onto(&mut header, BLOCK_BYTES)? {
                return Err(self.error("it ends without the zeros that end an archive"));
            }
            let block = header.get(start..).unwrap_or_default();
            if block.iter().all(|byte| *byte == 0) {
                return if start == 0 { self.end(header) } else { Err(self.error("a header is missing")) };
            }
            let fields = Header::from_byte_slice(block);
            if fields.cksum().ok() != Some(checksum(block)) {
                return Err(self.error("the checksum of a header is not that of its bytes"));
            }
            let Ok(own_size) = fields.entry_size() else {
                return Err(self.error("the size of a file is no number"));
            };
            let (kind, own_name) = (fields.entry_type(), fields.path_bytes().into_owned());
            if is_extension(kind) {
                let extension = self.extension(own_size, &mut header)?;
                if kind == EntryType::XGlobalHeader {
                    self.check_global(&extension, start)?;
                    return Ok(Part::Global(header));
                }
                self.read_extension(kind, &extension, &mut name, &mut size)?;
                continue;
            }
            let size = size.unwrap_or(own_size);
            return self.file(kind, name.unwrap_or(own_name), size, header, room);
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "whatever else there is, it is no file to be read")]
    fn file(
        &mut self,
        kind: EntryType,
        name: Vec<u8>,
        size: u64,
        header: Vec<u8>,
        room: usize,
    ) -> Result<Part, ShardError> {
        let kind = match kind {
            EntryType::Regular | EntryType::Continuous => FileKind::Regular,
            EntryType::Directory => FileKind::Folder,
            EntryType::GNUSparse => {
                return Err(ShardError::Unsupported { what: "an archive with sparse files".to_owned() });
            }
            _ => FileKind::Other,
        };
        let mut file = File { kind, name, header, bytes: Vec::new(), padding: Vec::new(), long: None };
        match usize::try_from(size).ok().filter(|size| *size <= room) {
            Some(size) => self.exactly(&mut file.bytes, size)?,
            None => file.long = Some((size, self.digest(size)?)),
        }
        self.exactly(&mut file.padding, padding_of(size))?;
        Ok(Part::File(file))
    }

    /// Reads what an extension header holds, and adds it to `header` with its padding.
    fn extension(&mut self, size: u64, header: &mut Vec<u8>) -> Result<Vec<u8>, ShardError> {
        let size = usize::try_from(size.min(EXTENSION_BYTES_MAX + 1)).unwrap_or(usize::MAX);
        if size as u64 > EXTENSION_BYTES_MAX {
            return Err(self.error("an extension header is too large to be one"));
        }
        let start = header.len();
        self.exactly(header, size)?;
        let extension = header.get(start..).unwrap_or_default().to_vec();
        self.exactly(header, padding_of(size as u64))?;
        Ok(extension)
    }

    fn read_extension(
        &self,
        kind: EntryType,
        extension: &[u8],
        name: &mut Option<Vec<u8>>,
        size: &mut Option<u64>,
    ) -> Result<(), ShardError> {
        if kind == EntryType::GNULongName {
            let end = extension.iter().position(|byte| *byte == 0).unwrap_or(extension.len());
            *name = extension.get(..end).map(<[u8]>::to_vec);
        } else if kind == EntryType::XHeader {
            for (key, value) in self.pax(extension)? {
                match key {
                    "path" => *name = Some(value.to_vec()),
                    "size" => {
                        let number = str::from_utf8(value).ok().and_then(|value| value.parse().ok());
                        *size = Some(number.ok_or_else(|| self.error("the size of a file is no number"))?);
                    }
                    key if key.starts_with("GNU.sparse.") => {
                        return Err(ShardError::Unsupported {
                            what: "an archive with sparse files".to_owned(),
                        });
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// A header about all files may say when they were made, but not what they are.
    fn check_global(&self, extension: &[u8], start: usize) -> Result<(), ShardError> {
        let tells = |key: &str| key == "path" || key == "size" || key.starts_with("GNU.sparse.");
        if start > 0 || self.pax(extension)?.iter().any(|(key, _)| tells(key)) {
            return Err(self.error("a global header stands where it cannot, or names or sizes all files"));
        }
        Ok(())
    }

    fn pax<'e>(&self, extension: &'e [u8]) -> Result<Vec<(&'e str, &'e [u8])>, ShardError> {
        let error = || self.error("an extension header cannot be read");
        let mut pairs = Vec::new();
        for pair in tar::PaxExtensions::new(extension) {
            let pair = pair.map_err(|_unreadable| error())?;
            pairs.push((pair.key().map_err(|_no_utf8| error())?, pair.value_bytes()));
        }
        Ok(pairs)
    }

    /// Reads the zeros to the end of the file.
    fn end(&mut self, mut zeros: Vec<u8>) -> Result<Part, ShardError> {
        let mut block = vec![0; READ_BYTES];
        loop {
            let read = self.decoder.read(&mut block)?;
            let read = block.get(..read).unwrap_or_default();
            if read.is_empty() {
                break;
            }
            self.offset += read.len() as u64;
            zeros.extend_from_slice(read);
            if zeros.len() > END_BYTES_MAX || read.iter().any(|byte| *byte != 0) {
                return Err(self.error("bytes follow the end of the archive"));
            }
        }
        if zeros.len() < 2 * BLOCK_BYTES {
            return Err(self.error("it ends within the zeros that end an archive"));
        }
        Ok(Part::End(zeros))
    }

    fn exactly(&mut self, out: &mut Vec<u8>, n_bytes: usize) -> Result<(), ShardError> {
        if n_bytes > 0 && !self.read_onto(out, n_bytes)? {
            return Err(self.error("it ends within a file"));
        }
        Ok(())
    }

    /// Reads so many bytes onto the end of `out`; whether there was any.
    fn read_onto(&mut self, out: &mut Vec<u8>, n_bytes: usize) -> Result<bool, ShardError> {
        let first = out.len();
        let end = first + n_bytes;
        while out.len() < end {
            let old = out.len();
            out.resize(end.min(old + READ_BYTES), 0);
            let read = self.decoder.read(out.get_mut(old..).unwrap_or_default());
            out.truncate(old + read.as_ref().copied().unwrap_or_default());
            let read = read?;
            self.offset += read as u64;
            if read == 0 {
                return if old == first { Ok(false) } else { Err(self.error("it ends too early")) };
            }
        }
        Ok(true)
    }

    /// Reads so many bytes and keeps their digest alone.
    fn digest(&mut self, n_bytes: u64) -> Result<Digest, ShardError> {
        let mut hasher = Sha256::new();
        let mut block = Vec::new();
        let mut left = n_bytes;
        while left > 0 {
            block.clear();
            self.exactly(&mut block, usize::try_from(left).unwrap_or(READ_BYTES).min(READ_BYTES))?;
            hasher.update(&block);
            left -= block.len() as u64;
        }
        Ok(Digest::from_bytes(hasher.finalize().into()))
    }

    fn error(&self, why: &'static str) -> ShardError {
        ShardError::Archive { offset: self.offset, why }
    }
}

fn is_extension(kind: EntryType) -> bool {
    matches!(
        kind,
        EntryType::XHeader | EntryType::XGlobalHeader | EntryType::GNULongName | EntryType::GNULongLink
    )
}

/// Returns how many bytes fill the last block of so many.
pub(super) fn padding_of(n_bytes: u64) -> usize {
    let block = BLOCK_BYTES as u64;
    usize::try_from((block - n_bytes % block) % block).unwrap_or_default()
}

/// Returns the sum of a header's bytes, with spaces for the eight that hold the sum (POSIX.1-2017, ustar).
fn checksum(block: &[u8]) -> u32 {
    let bytes = block.iter().enumerate();
    bytes.map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u32::from(*byte) }).sum()
}
