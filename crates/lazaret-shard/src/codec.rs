//! Compressed bytes, read and written as streams: what ends too early or goes on too long is an error, never an end.

use std::fmt;
use std::io::{self, BufRead as _, BufReader, BufWriter, Read, Write};

use bzip2::bufread::MultiBzDecoder;
use bzip2::write::BzEncoder;
use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;
use liblzma::bufread::XzDecoder;
use liblzma::write::XzEncoder;

use crate::error::ShardError;
use crate::format::Codec;

/// How many compressed bytes are read at once.
const INPUT_BYTES: usize = 128 << 10;

/// A dictionary that asks for more memory than this is refused. The largest preset of `xz` asks for 65 MiB.
const XZ_MEMORY_BYTES_MAX: u64 = 256 << 20;

/// How hard gzip, bzip2 and xz try.
const LEVEL: u32 = 6;
/// How hard Zstandard tries: as Parquet's writer does. Level 3 would write about a tenth less in twice the time, and a
/// gate's output is read once or twice.
const ZSTD_LEVEL: i32 = 1;

/// Reads the bytes that a file of some codec holds.
pub(crate) struct Decoder {
    kind: Kind,
    codec: Codec,
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder").field("codec", &self.codec).finish_non_exhaustive()
    }
}

type Input = BufReader<Counted>;

enum Kind {
    Plain(Input),
    Gzip(Box<MultiGzDecoder<Input>>),
    Zstd(Box<zstd::Decoder<'static, Input>>),
    Bzip2(MultiBzDecoder<Input>),
    Xz(XzDecoder<Input>),
}

/// Counts the bytes of a file, and remembers whether it was the file that failed or what is made of its bytes.
struct Counted {
    file: Box<dyn Read + Send>,
    bytes: u64,
    has_failed: bool,
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.file.read(into) {
                Ok(n) => {
                    self.bytes += n as u64;
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

impl Decoder {
    /// Begins to read a file.
    ///
    /// # Errors
    /// [`ShardError::Compression`] when the codec has no memory to begin with.
    pub(crate) fn new(codec: Codec, file: Box<dyn Read + Send>) -> Result<Self, ShardError> {
        let input = BufReader::with_capacity(INPUT_BYTES, Counted { file, bytes: 0, has_failed: false });
        let error = |source| ShardError::Compression { offset: 0, source };
        let kind = match codec {
            Codec::Plain => Kind::Plain(input),
            Codec::Gzip => Kind::Gzip(Box::new(MultiGzDecoder::new(input))),
            Codec::Zstd => Kind::Zstd(Box::new(zstd::Decoder::with_buffer(input).map_err(error)?)),
            Codec::Bzip2 => Kind::Bzip2(MultiBzDecoder::new(input)),
            Codec::Xz => {
                let stream = liblzma::stream::Stream::new_stream_decoder(
                    XZ_MEMORY_BYTES_MAX,
                    liblzma::stream::CONCATENATED,
                )
                .map_err(|source| error(source.into()))?;
                Kind::Xz(XzDecoder::new_stream(input, stream))
            }
        };
        Ok(Self { kind, codec })
    }

    /// Returns how many bytes of the file were read, before decompression.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.counted().bytes
    }

    /// Reads some bytes; 0 at the end of the file and never before.
    ///
    /// # Errors
    /// [`ShardError::Read`] when the file cannot be read, [`ShardError::Compression`] when its bytes are damaged, end
    /// too early, or go on behind the last member, frame or stream.
    pub(crate) fn read(&mut self, into: &mut [u8]) -> Result<usize, ShardError> {
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

    /// Holds a decoder that says it is done to that: the file has ended too, and was a file of the codec.
    fn end(&mut self) -> Result<usize, ShardError> {
        let rest = match &mut self.kind {
            Kind::Plain(_) => return Ok(0),
            Kind::Gzip(decoder) => decoder.get_mut().fill_buf(),
            Kind::Zstd(decoder) => decoder.get_mut().fill_buf(),
            Kind::Bzip2(decoder) => decoder.get_mut().fill_buf(),
            Kind::Xz(decoder) => decoder.get_mut().fill_buf(),
        };
        match rest.map(<[u8]>::is_empty) {
            Ok(true) if self.bytes_read() == 0 => {
                Err(self.error(io::Error::new(io::ErrorKind::UnexpectedEof, "the file is empty")))
            }
            Ok(true) => Ok(0),
            Ok(false) => {
                Err(self
                    .error(io::Error::new(io::ErrorKind::InvalidData, "bytes follow the compressed ones")))
            }
            Err(source) => Err(self.error(source)),
        }
    }

    fn error(&self, source: io::Error) -> ShardError {
        let Counted { bytes: offset, has_failed, .. } = *self.counted();
        if has_failed || self.codec == Codec::Plain {
            ShardError::Read { offset, source }
        } else {
            ShardError::Compression { offset, source }
        }
    }

    fn counted(&self) -> &Counted {
        let input = match &self.kind {
            Kind::Plain(input) => input,
            Kind::Gzip(decoder) => decoder.get_ref(),
            Kind::Zstd(decoder) => decoder.get_ref(),
            Kind::Bzip2(decoder) => decoder.get_ref(),
            Kind::Xz(decoder) => decoder.get_ref(),
        };
        input.get_ref()
    }
}

type Output = Box<dyn Write + Send>;

/// Writes bytes as a file of some codec; the same bytes give the same file.
pub(crate) enum Encoder {
    Plain(BufWriter<Output>),
    Gzip(GzEncoder<Output>),
    Zstd(zstd::Encoder<'static, Output>),
    Bzip2(BzEncoder<Output>),
    Xz(XzEncoder<Output>),
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Encoder(..)")
    }
}

impl Encoder {
    /// Begins a file.
    ///
    /// # Errors
    /// [`ShardError::Write`] when the codec has no memory to begin with.
    pub(crate) fn new(codec: Codec, file: Output) -> Result<Self, ShardError> {
        Ok(match codec {
            Codec::Plain => Self::Plain(BufWriter::with_capacity(INPUT_BYTES, file)),
            // No name and no time in the header, so that the same bytes give the same file.
            Codec::Gzip => {
                Self::Gzip(flate2::GzBuilder::new().mtime(0).write(file, flate2::Compression::new(LEVEL)))
            }
            Codec::Zstd => {
                let mut encoder = zstd::Encoder::new(file, ZSTD_LEVEL).map_err(ShardError::Write)?;
                encoder.include_checksum(true).map_err(ShardError::Write)?;
                Self::Zstd(encoder)
            }
            Codec::Bzip2 => Self::Bzip2(BzEncoder::new(file, bzip2::Compression::new(LEVEL))),
            Codec::Xz => Self::Xz(XzEncoder::new(file, LEVEL)),
        })
    }

    /// Writes all of `bytes`.
    ///
    /// # Errors
    /// [`ShardError::Write`] when the file cannot be written.
    pub(crate) fn write_all(&mut self, bytes: &[u8]) -> Result<(), ShardError> {
        match self {
            Self::Plain(encoder) => encoder.write_all(bytes),
            Self::Gzip(encoder) => encoder.write_all(bytes),
            Self::Zstd(encoder) => encoder.write_all(bytes),
            Self::Bzip2(encoder) => encoder.write_all(bytes),
            Self::Xz(encoder) => encoder.write_all(bytes),
        }
        .map_err(ShardError::Write)
    }

    /// Writes what ends the file. Some codecs end it when they are dropped as well, so only this makes it whole.
    ///
    /// # Errors
    /// [`ShardError::Write`] when the file cannot be written.
    pub(crate) fn finish(self) -> Result<(), ShardError> {
        let file = match self {
            Self::Plain(encoder) => encoder.into_inner().map_err(io::IntoInnerError::into_error),
            Self::Gzip(encoder) => encoder.finish(),
            Self::Zstd(encoder) => encoder.finish(),
            Self::Bzip2(encoder) => encoder.finish(),
            Self::Xz(encoder) => encoder.finish(),
        };
        file.and_then(|mut file| file.flush()).map_err(ShardError::Write)
    }
}

#[cfg(test)]
mod tests;
