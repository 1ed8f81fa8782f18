//! Fingerprints of held content: by them a removed content is known again that comes back with other bytes.

use lazaret_core::Digest;
use lazaret_fingerprint::{BuildError, Class, Entry, Except, Floor, Scan, SegmentBuilder, Written};

use crate::scan::examine::is_binary;

/// The media type of a kept fingerprint: a segment of known text with one entry.
pub(super) const FINGERPRINT_MEDIA: &str = "application/vnd.lazaret.fingerprints";

/// The largest text that has a fingerprint, in bytes.
const TEXT_BYTES_MAX: usize = 16 << 20;

/// Returns the fingerprint of a text, the same whenever it is asked for; nothing where there is too little in it to know
/// it by, or it is no text.
pub(super) fn fingerprint(content: Digest, text: &[u8]) -> Result<Option<Vec<u8>>, BuildError> {
    let is_text = text.len() <= TEXT_BYTES_MAX && !is_binary(text);
    if !is_text || Scan::of(text).n_tokens < Floor::default().tokens_min {
        return Ok(None);
    }
    let entry = Entry {
        class: Class::Rival,
        name: content.to_string(),
        origin: String::new(),
        tool: String::new(),
        model: String::new(),
        recorded_at: 0,
    };
    let mut builder = SegmentBuilder::new();
    builder.add(&entry, &Written::whole(text), &Except::new())?;
    let mut bytes = Vec::new();
    builder.finish(&mut bytes)?;
    Ok(Some(bytes))
}
