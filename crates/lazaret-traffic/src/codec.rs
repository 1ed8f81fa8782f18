//! Compressed bytes, told by how they begin and read as a stream: what ends too early or goes on too long is an error.

use std::fmt;
use std::io::{self, BufRead as _, BufReader, Read};

use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::MultiGzDecoder;
use liblzma::bufread::XzDecoder;

use crate::error::TrafficError;

/// How many bytes are read at once.
const INPUT_BYTES: usize = 256 << 10;

/// A dictionary that asks for more memory than this is refused. The largest preset of `xz` asks for 65 MiB.
const XZ_MEMORY_BYTES_MAX: u64 = 128 << 20;

/// The largest window that Zstandard may ask for, as a power of two: 128 MiB, as `zstd` itself takes without being told.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

type Input<'i> = BufReader<Counted<'i>>;

/// Reads what some bytes hold: themselves, or what they are the compression of.
pub struct Decoder<'i> {
    kind: Kind<'i>,
}

impl fmt::Debug for Decoder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decoder(..)")
    }
}

enum Kind<'i> {
    Plain(Input<'i>),
    Gzip(Box<MultiGzDecoder<Input<'i>>>),
    Zstd(Box<zstd::Decoder<'static, Input<'i>>>),
    Bzip2(MultiBzDecoder<Input<'i>>),
    Xz(XzDecoder<Input<'i>>),
}

/// Counts the bytes, and remembers whether it was they that failed or what is made of them.
struct Counted<'i> {
    from: Box<dyn Read + 'i>,
    bytes: u64,
    has_failed: bool,
}

impl Read for Counted<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.from.read(into) {
                Ok(n) => {
                    self.bytes += u64::try_from(n).unwrap_or_default();
                    return Ok(n);
                }
                // The decoders do not all go on after this themselves.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.has_failed = true;
                    return Err(error);
                }
            }
        }
    }
}

impl Read for Decoder<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        Decoder::read(self, into).map_err(io::Error::other)
    }
}

impl<'i> Decoder<'i> {
    /// Looks at the first bytes, and begins to read.
    ///
    /// # Errors
    /// [`TrafficError`] where not even the first bytes can be read.
    pub fn new(from: Box<dyn Read + 'i>) -> Result<Self, TrafficError> {
        let mut input = BufReader::with_capacity(INPUT_BYTES, Counted { from, bytes: 0, has_failed: false });
        let begin = input.fill_buf().map_err(|source| TrafficError::Read { offset: 0, source })?;
        let error = |source| TrafficError::Compression { offset: 0, source };
        let kind = match begin {
            [0x1f, 0x8b, ..] => Kind::Gzip(Box::new(MultiGzDecoder::new(input))),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => {
                let mut decoder = zstd::Decoder::with_buffer(input).map_err(error)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(error)?;
                Kind::Zstd(Box::new(decoder))
            }
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, ..] => Kind::Bzip2(MultiBzDecoder::new(input)),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => {
                let stream = liblzma::stream::Stream::new_stream_decoder(
                    XZ_MEMORY_BYTES_MAX,
                    liblzma::stream::CONCATENATED,
                );
                Kind::Xz(XzDecoder::new_stream(input, stream.map_err(|source| error(source.into()))?))
            }
            _ => Kind::Plain(input),
        };
        Ok(Self { kind })
    }

    /// Reads some bytes; 0 at the end and never before.
    pub(crate) fn read(&mut self, into: &mut [u8]) -> Result<usize, TrafficError> {
        let read = match &mut self.kind {
            Kind::Plain(input) => input.read(into),
            Kind::Gzip(decoder) => decoder.read(into),
            Kind::Zstd(decoder) => decoder.read(into),
            Kind::Bzip2(decoder) => decoder.read(into),
            Kind::Xz(decoder) => decoder.read(into),
        };
        match read {
            Ok(0) if !into.is_empty() => self.end(),
            Ok(n) => Ok(n),
            Err(source) => Err(self.error(source)),
        }
    }

    /// Holds a decoder that says it is done to that: the bytes have ended too.
    fn end(&mut self) -> Result<usize, TrafficError> {
        let rest = match &mut self.kind {
            Kind::Plain(_) => return Ok(0),
            Kind::Gzip(decoder) => decoder.get_mut().fill_buf(),
            Kind::Zstd(decoder) => decoder.get_mut().fill_buf(),
            Kind::Bzip2(decoder) => decoder.get_mut().fill_buf(),
            Kind::Xz(decoder) => decoder.get_mut().fill_buf(),
        };
        match rest.map(<[u8]>::is_empty) {
            Ok(true) => Ok(0),
            Ok(false) => {
                let why = "bytes follow the compressed ones";
                Err(self.error(io::Error::new(io::ErrorKind::InvalidData, why)))
            }
            Err(source) => Err(self.error(source)),
        }
    }

    fn error(&self, source: io::Error) -> TrafficError {
        let (input, is_plain) = match &self.kind {
            Kind::Plain(input) => (input, true),
            Kind::Gzip(decoder) => (decoder.get_ref(), false),
            Kind::Zstd(decoder) => (decoder.get_ref(), false),
            Kind::Bzip2(decoder) => (decoder.get_ref(), false),
            Kind::Xz(decoder) => (decoder.get_ref(), false),
        };
        let Counted { bytes: offset, has_failed, .. } = *input.get_ref();
        if has_failed || is_plain {
            TrafficError::Read { offset, source }
        } else {
            TrafficError::Compression { offset, source }
        }
    }
}
