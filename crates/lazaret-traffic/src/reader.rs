//! Reads one input to its end: pushes glimpses and facts to whoever watches, and counts every line.

use core::net::IpAddr;
use std::io::Read;

use lazaret_core::TrafficFact;
use serde::Serialize;

use crate::chunks::{Chunk, Chunks, fault_of_text, for_each_line, is_binary};
use crate::codec::Decoder;
use crate::counts::{Counts, Fault};
use crate::detect::{detect, is_of_another};
use crate::error::TrafficError;
use crate::fact::{Glimpse, View, read_answers};
use crate::format::Format;
use crate::grammar::{Grammar, Taken};
use crate::row::Row;

/// Where a line stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Place {
    /// The number of the line, counted from one; of the record, where the format has no lines.
    pub line: u64,
    /// Its first byte, after decompression.
    pub offset: u64,
}

/// Who is shown what a log says.
pub trait Watch {
    /// Whether a line is of interest. It is called for every line that tells of a call, and should be cheap.
    fn is_of_interest(&mut self, place: Place, glimpse: &Glimpse<'_>) -> bool;

    /// Takes a fact. It is called right after the glimpse of the same line was found to be of interest, unless the rest
    /// of the line turns out not to be understood.
    fn fact(&mut self, place: Place, fact: &TrafficFact<'_>);
}

/// What became of one input.
#[derive(Debug)]
pub struct Reading {
    /// The name of the format that it was read as.
    pub format: String,
    /// The account of its lines.
    pub counts: Counts,
    /// Why it was not read to its end, if it was not: then nothing is known of what would follow.
    pub broken: Option<TrafficError>,
}

/// Reads an input, as a format or as the one that its first lines have.
///
/// # Errors
/// [`TrafficError`] where nothing could be read: no format understands the first lines, several do, or there are none.
/// An input that breaks off later is no error but [`Reading::broken`].
pub fn read(
    input: impl Read,
    format: Option<&Format>,
    watch: &mut (impl Watch + ?Sized),
) -> Result<Reading, TrafficError> {
    let (mut chunks, format) = begin(Box::new(input), format)?;
    let mut counts = Counts::default();
    let mut worker = Worker::default();
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.next(bytes) {
        worker.read(&chunk, watch, &mut counts);
        bytes = chunk.bytes;
    }
    counts.join(std::mem::take(&mut chunks.counts));
    Ok(Reading { format, counts, broken: chunks.error() })
}

/// Opens an input and settles its format.
pub(crate) fn begin<'i>(
    input: Box<dyn Read + 'i>,
    format: Option<&Format>,
) -> Result<(Chunks<'i>, String), TrafficError> {
    let mut chunks = Chunks::new(Decoder::new(input)?);
    let first = chunks.first_bytes()?;
    let (grammar, name) = match format {
        Some(format) => (format.grammar(), format.name().to_owned()),
        None => detect(first)?,
    };
    chunks.read_as(grammar, &name);
    Ok((chunks, name))
}

/// The memory that reading takes, kept from line to line.
#[derive(Debug, Default)]
pub(crate) struct Worker {
    row: Row,
    decoded: Vec<u8>,
    answers: Vec<IpAddr>,
}

impl Worker {
    /// Reads a chunk.
    pub(crate) fn read(&mut self, chunk: &Chunk, watch: &mut (impl Watch + ?Sized), counts: &mut Counts) {
        let grammar = &*chunk.grammar;
        // Most chunks are plain text throughout, and their lines need not be asked one by one.
        // What is JSON refuses control characters itself.
        let is_plain =
            if grammar.is_utf8() { str::from_utf8(&chunk.bytes).is_ok() } else { !is_binary(&chunk.bytes) };
        for_each_line(chunk, |line, place, is_cut| {
            counts.lines += 1;
            if line.iter().all(u8::is_ascii_whitespace) {
                counts.blank += 1;
                return;
            }
            let wrong = if is_plain { None } else { fault_of_text(line, grammar) };
            let read = match wrong {
                Some(fault) => Err(fault),
                None if is_cut && grammar.hides_a_cut() => Err(Fault::Cut),
                None => self.line(line, place, grammar, watch, counts),
            };
            if let Err(fault) = read {
                let is_settled = matches!(fault, Fault::Binary | Fault::NotUtf8 | Fault::Cut);
                let fault = if is_settled {
                    fault
                } else if is_binary(line) {
                    Fault::Binary
                } else if is_cut {
                    Fault::Cut
                } else if is_of_another(line, grammar) {
                    Fault::OtherFormat
                } else {
                    fault
                };
                counts.fault(fault, place);
            }
        });
    }

    #[inline]
    fn line(
        &mut self,
        line: &[u8],
        place: Place,
        grammar: &dyn Grammar,
        watch: &mut (impl Watch + ?Sized),
        counts: &mut Counts,
    ) -> Result<(), Fault> {
        self.row.clear();
        let told = match grammar.take(line, &mut self.row)? {
            Taken::Call(told) => told,
            Taken::Beside(kind) => {
                counts.beside(kind);
                return Ok(());
            }
        };
        self.row.decode(line, &mut self.decoded);
        read_answers(&self.row, line, &self.decoded, &mut self.answers);
        let view = View {
            row: &self.row,
            line,
            decoded: &self.decoded,
            answers: &self.answers,
            headers: grammar.headers(),
        };
        let glimpse = view.glimpse(told, grammar.manner())?;
        if watch.is_of_interest(place, &glimpse) {
            view.fact(told, grammar.manner(), &mut |fact| watch.fact(place, fact))?;
            counts.facts += 1;
        } else {
            counts.passed += 1;
        }
        counts.untimed += u64::from(glimpse.time.is_none());
        Ok(())
    }
}
