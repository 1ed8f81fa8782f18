//! Finds C2PA manifests that are written into text as invisible variation selectors.
//!
//! The C2PA specification (2.1 and later, "Embedding manifests into unstructured text") encodes a byte below 16 as
//! U+FE00 plus its value and any other as U+E0100 plus its value minus 16; the wrapper's magic is `C2PATXT` and 0.

use memchr::memmem;

/// The wrapper's magic.
const MAGIC: &[u8; 8] = b"C2PATXT\0";

/// No manifest within a text is longer.
const MANIFEST_BYTES_MAX: usize = 1 << 20;

/// IPTC's digital source types for what a model made, alone or with other material.
const GENERATED: [&[u8]; 2] = [b"trainedAlgorithmicMedia", b"compositeWithTrainedAlgorithmicMedia"];

/// What a manifest says, as far as it can be read without verifying it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manifest {
    /// Its digital source type is that of a model's output.
    SaysGenerated,
    /// It is there.
    Unread,
}

/// Returns what the text's manifest says, if it has one.
pub(crate) fn find(text: &[u8]) -> Option<Manifest> {
    let magic: Vec<u8> = MAGIC.iter().flat_map(|byte| selector(*byte).to_string().into_bytes()).collect();
    let at = memmem::find(text, &magic)?;
    let rest = String::from_utf8_lossy(text.get(at..)?.chunks(MANIFEST_BYTES_MAX).next()?);
    let bytes: Vec<u8> = rest.chars().map_while(byte).collect();
    let says = GENERATED.iter().any(|kind| memmem::find(&bytes, kind).is_some());
    Some(if says { Manifest::SaysGenerated } else { Manifest::Unread })
}

fn selector(byte: u8) -> char {
    let code = if byte < 16 { 0xFE00 + u32::from(byte) } else { 0xE0100 + u32::from(byte) - 16 };
    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn byte(selector: char) -> Option<u8> {
    match u32::from(selector) {
        code @ 0xFE00..=0xFE0F => u8::try_from(code - 0xFE00).ok(),
        code @ 0xE0100..=0xE01EF => u8::try_from(code - 0xE0100 + 16).ok(),
        _ => None,
    }
}
