//! Cuts an input into chunks of whole lines, each with the place where it begins and the way its lines are read.

use std::sync::Arc;

use memchr::{memchr, memchr_iter, memrchr};

use crate::Place;
use crate::codec::Decoder;
use crate::counts::{Counts, Fault};
use crate::error::TrafficError;
use crate::grammar::Grammar;
use crate::records::{Step, Transcribe, transcriber};

/// A line, or a record of a format without lines, that is longer than this is counted and not looked at.
pub const LINE_BYTES_MAX: usize = 1 << 20;

/// How many bytes are read before a chunk is cut off.
const CHUNK_BYTES: usize = 1 << 20;

/// How many bytes are asked for at once.
const READ_BYTES: usize = 256 << 10;

/// A run of whole lines.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) bytes: Vec<u8>,
    /// Where its first line begins.
    pub(crate) place: Place,
    /// How its lines are read.
    pub(crate) grammar: Arc<dyn Grammar>,
    /// Whether the input ends within its last line.
    pub(crate) is_cut: bool,
    /// Where each line stood as a record, in a format without lines.
    pub(crate) places: Option<Vec<Place>>,
}

/// Reads an input chunk by chunk.
#[derive(Debug)]
pub(crate) struct Chunks<'i> {
    decoder: Decoder<'i>,
    /// Bytes that were read and not given.
    waiting: Vec<u8>,
    /// Where the first of them stands.
    place: Place,
    grammar: Option<Arc<dyn Grammar>>,
    /// Who writes records as lines, in a format without lines.
    transcriber: Option<Box<dyn Transcribe>>,
    has_ended: bool,
    /// Why the input could not be read to its end.
    error: Option<TrafficError>,
    /// Lines that no chunk holds: headers, and those that are too long.
    pub(crate) counts: Counts,
}

impl<'i> Chunks<'i> {
    pub(crate) fn new(decoder: Decoder<'i>) -> Self {
        Self {
            decoder,
            waiting: Vec::new(),
            place: Place { line: 1, offset: 0 },
            grammar: None,
            transcriber: None,
            has_ended: false,
            error: None,
            counts: Counts::default(),
        }
    }

    /// Reads enough to tell the format, and returns it. Nothing of it is gone.
    pub(crate) fn first_bytes(&mut self) -> Result<&[u8], TrafficError> {
        self.fill();
        if self.waiting.is_empty() {
            return Err(self.error.take().unwrap_or(TrafficError::Empty));
        }
        let mark = self.waiting.strip_prefix(b"\xef\xbb\xbf").map(<[u8]>::len);
        if let Some(rest) = mark.filter(|_| self.place.offset == 0) {
            self.take(self.waiting.len() - rest, 0);
        }
        Ok(&self.waiting)
    }

    /// Says how lines are read.
    pub(crate) fn read_as(&mut self, grammar: Arc<dyn Grammar>, format: &str) {
        self.grammar = Some(grammar);
        self.transcriber = transcriber(format, &self.waiting);
    }

    /// Returns why the input could not be read to its end, once there are no more chunks.
    pub(crate) fn error(&mut self) -> Option<TrafficError> {
        self.error.take()
    }

    /// Whether there is more to read from the input.
    fn goes_on(&self) -> bool {
        !self.has_ended && self.error.is_none()
    }

    /// Reads until a chunk is full or the input ends. An error is kept: what was read before it counts.
    fn fill(&mut self) {
        while self.waiting.len() < CHUNK_BYTES && self.goes_on() {
            let filled = self.waiting.len();
            self.waiting.resize(CHUNK_BYTES.min(filled + READ_BYTES), 0);
            let read = self.decoder.read(self.waiting.get_mut(filled..).unwrap_or_default());
            self.waiting.truncate(filled + read.as_ref().copied().unwrap_or_default());
            match read {
                Ok(0) => self.has_ended = true,
                Ok(_) => {}
                Err(error) => self.error = Some(error),
            }
        }
    }

    /// Strikes bytes that hold this many line ends from those that wait.
    fn take(&mut self, bytes: usize, lines: u64) {
        self.waiting.drain(..bytes);
        self.place.offset += u64::try_from(bytes).unwrap_or_default();
        self.place.line += lines;
    }

    /// Returns the next chunk; its bytes are put where those of an earlier one were.
    pub(crate) fn next(&mut self, mut bytes: Vec<u8>) -> Option<Chunk> {
        if let Some(mut transcriber) = self.transcriber.take() {
            let chunk = self.next_records(&mut *transcriber, bytes);
            self.transcriber = Some(transcriber);
            return chunk;
        }
        loop {
            self.fill();
            let mut grammar = self.grammar.clone()?;
            let (end, is_cut) = match memrchr(b'\n', &self.waiting) {
                Some(at) => (at + 1, false),
                None if self.waiting.is_empty() => return None,
                None if self.goes_on() => {
                    self.pass_long_line();
                    continue;
                }
                None => (self.waiting.len(), true),
            };
            let end = if grammar.has_headers() { self.before_header(end, &*grammar) } else { end };
            if end == 0 {
                self.take_header(&mut grammar);
                self.grammar = Some(grammar);
                continue;
            }
            let is_cut = is_cut && end == self.waiting.len();
            let place = self.place;
            let rest = self.waiting.split_off(end);
            bytes.clear();
            std::mem::swap(&mut bytes, &mut self.waiting);
            self.waiting.extend_from_slice(&rest);
            let lines = u64::try_from(memchr_iter(b'\n', &bytes).count()).unwrap_or_default();
            self.place.line += lines;
            self.place.offset += u64::try_from(end).unwrap_or_default();
            return Some(Chunk { bytes, place, grammar, is_cut, places: None });
        }
    }

    /// Writes the records that wait as lines.
    fn next_records(&mut self, transcriber: &mut dyn Transcribe, mut bytes: Vec<u8>) -> Option<Chunk> {
        bytes.clear();
        let mut places = Vec::new();
        let grammar = self.grammar.clone()?;
        let mut place = self.place;
        let first = place;
        loop {
            self.fill();
            let mut at = 0;
            let step = loop {
                let rest = self.waiting.get(at..).unwrap_or_default();
                let written = bytes.len();
                let step = if rest.is_empty() { Step::More } else { transcriber.next(rest, &mut bytes) };
                let taken = match step {
                    Step::Frame(taken) => taken,
                    Step::Record(taken) => {
                        places.push(place);
                        place.line += 1;
                        bytes.push(b'\n');
                        taken
                    }
                    Step::More | Step::Broken => {
                        bytes.truncate(written);
                        break step;
                    }
                };
                at += taken.max(1);
                place.offset += u64::try_from(taken.max(1)).unwrap_or_default();
            };
            self.take(at.min(self.waiting.len()), place.line - self.place.line);
            let is_stuck = step == Step::Broken || (step == Step::More && self.waiting.len() >= CHUNK_BYTES);
            let is_short = !self.goes_on() && !self.waiting.is_empty();
            if is_stuck || is_short {
                // An earlier error says more.
                self.error.get_or_insert(TrafficError::Records { offset: self.place.offset });
                self.waiting.clear();
            }
            if !places.is_empty() {
                return Some(Chunk { bytes, place: first, grammar, is_cut: false, places: Some(places) });
            }
            if !self.goes_on() {
                return None;
            }
        }
    }

    /// Returns where the first line begins that says how others are read, or `end`.
    fn before_header(&self, end: usize, grammar: &dyn Grammar) -> usize {
        let mut start = 0;
        while start < end {
            let rest = self.waiting.get(start..end).unwrap_or_default();
            let length = memchr(b'\n', rest).unwrap_or(rest.len());
            if grammar.is_header(rest.get(..length).unwrap_or_default()) {
                return start;
            }
            start += length + 1;
        }
        end
    }

    fn take_header(&mut self, grammar: &mut Arc<dyn Grammar>) {
        let end = memchr(b'\n', &self.waiting).unwrap_or(self.waiting.len());
        let line = self.waiting.get(..end).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        self.counts.lines += 1;
        self.counts.beside(b"header");
        if let Some(next) = grammar.after(line) {
            *grammar = next;
        }
        let has_end = end < self.waiting.len();
        self.take(end + usize::from(has_end), u64::from(has_end));
    }

    /// Reads past a line that fills a whole chunk, without keeping it.
    fn pass_long_line(&mut self) {
        let place = self.place;
        loop {
            if let Some(end) = memchr(b'\n', &self.waiting) {
                self.take(end + 1, 1);
                break;
            }
            let all = self.waiting.len();
            self.take(all, 0);
            if !self.goes_on() {
                break;
            }
            self.fill();
        }
        self.counts.long(place);
    }
}

/// Calls `each` with every line of a chunk, its place, and whether it is the one that the input ends within.
#[inline]
pub(crate) fn for_each_line(chunk: &Chunk, mut each: impl FnMut(&[u8], Place, bool)) {
    let bytes = chunk.bytes.as_slice();
    let mut place = chunk.place;
    let (mut start, mut nth) = (0, 0);
    let last = if chunk.is_cut { Some(bytes.len()) } else { None };
    for end in memchr_iter(b'\n', bytes).chain(last) {
        let line = bytes.get(start..end).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let record = chunk.places.as_ref().and_then(|places| places.get(nth)).copied();
        each(line, record.unwrap_or(place), chunk.is_cut && end == bytes.len());
        nth += 1;
        place.line += 1;
        place.offset += u64::try_from(end + 1 - start).unwrap_or_default();
        start = end + 1;
    }
}

/// Whether bytes hold what no text does: control characters other than tabs and line ends.
pub(crate) fn is_binary(bytes: &[u8]) -> bool {
    let is_control = |byte: &u8| *byte < 0x20 && !matches!(*byte, b'\t' | b'\n' | b'\r');
    // Without an early exit, so that it is done for many bytes at once.
    bytes.iter().fold(false, |found, byte| found | is_control(byte))
}

/// Whether something is wrong with a line before any format looks at it.
pub(crate) fn fault_of_text(line: &[u8], grammar: &dyn Grammar) -> Option<Fault> {
    if is_binary(line) {
        return Some(Fault::Binary);
    }
    (grammar.is_utf8() && str::from_utf8(line).is_err()).then_some(Fault::NotUtf8)
}
