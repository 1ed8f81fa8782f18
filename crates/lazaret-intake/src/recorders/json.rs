//! Reads JSON that others wrote: odd values where a name or a number belongs cost that value, not the record.

use std::fmt;
use std::sync::Arc;

use lazaret_core::{Digest, RecordedTool, Recording, RecordingFault};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::RecordingError;

/// The largest record that is parsed; the largest met in use, which kept whole conversations, had three megabytes.
pub(super) const RECORD_BYTES_MAX: usize = 64 << 20;

/// The most runs of lines that one record may give.
pub(super) const SPANS_MAX: usize = 1 << 20;

/// No tool, model or session has a longer name.
const NAME_BYTES_MAX: usize = 200;

/// Parses one JSON object; nesting beyond 128 levels is refused by the parser.
pub(super) fn read<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, RecordingError> {
    check_size(bytes)?;
    // The parser would take a list for an object with its fields in order.
    if bytes.trim_ascii_start().starts_with(b"[") {
        return Err(RecordingError::WrongShape { line: 1, column: 1 });
    }
    Ok(serde_json::from_slice(bytes)?)
}

/// Refuses what is too large to parse.
pub(super) fn check_size(bytes: &[u8]) -> Result<(), RecordingError> {
    if bytes.len() > RECORD_BYTES_MAX {
        return Err(RecordingError::OverLimit { what: "bytes", max: RECORD_BYTES_MAX });
    }
    Ok(())
}

/// Refuses one run of lines too many.
pub(super) fn check_spans(n_spans: usize) -> Result<(), RecordingError> {
    if n_spans > SPANS_MAX {
        return Err(RecordingError::OverLimit { what: "runs of lines", max: SPANS_MAX });
    }
    Ok(())
}

/// Returns a tool by its spellings.
pub(super) fn tool(
    recording: &mut Recording,
    tool: &Name,
    model: &Name,
    session: &Name,
) -> Arc<RecordedTool> {
    let [tool, model, session] = [tool, model, session].map(|name| name.take(recording));
    Arc::new(RecordedTool { tool, model, session })
}

/// A name where one may stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Name {
    /// There is none, or something else stands there.
    #[default]
    Absent,
    /// It is longer than names are.
    Overlong,
    /// The name.
    Given(String),
}

impl Name {
    /// Returns the name; one that is too long is a fault of the recording.
    pub(super) fn take(&self, recording: &mut Recording) -> Option<String> {
        match self {
            Self::Absent => None,
            Self::Overlong => {
                recording.fault(RecordingFault::OverlongName);
                None
            }
            Self::Given(name) => Some(name.clone()),
        }
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        if let Self::Given(name) = self { Some(name) } else { None }
    }

    /// Returns this name, or the other where there is none.
    pub(super) fn or<'a>(&'a self, other: &'a Self) -> &'a Self {
        if *self == Self::Absent { other } else { self }
    }

    fn of(text: &str) -> Self {
        match text {
            "" => Self::Absent,
            text if text.len() > NAME_BYTES_MAX => Self::Overlong,
            text => Self::Given(text.to_owned()),
        }
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let scalar = deserializer.deserialize_any(ScalarVisitor { of_text: Self::of })?;
        Ok(if let Scalar::Text(name) = scalar { name } else { Self::Absent })
    }
}

/// A count where one may stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Count(pub(super) Option<u64>);

impl Count {
    /// Returns the count as the number of a line.
    pub(super) fn line(self) -> Option<u32> {
        self.0.and_then(|count| u32::try_from(count).ok())
    }

    /// Returns this count, or the other where there is none.
    pub(super) fn or(self, other: Self) -> Self {
        Self(self.0.or(other.0))
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let scalar = deserializer.deserialize_any(ScalarVisitor { of_text: |_: &str| () })?;
        Ok(Self(if let Scalar::Count(count) = scalar { Some(count) } else { None }))
    }
}

/// A text of which the digest alone is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Hashed(pub(super) Option<Digest>);

impl<'de> Deserialize<'de> for Hashed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let of_text = |text: &str| Digest::of(text.as_bytes());
        let scalar = deserializer.deserialize_any(ScalarVisitor { of_text })?;
        Ok(Self(if let Scalar::Text(digest) = scalar { Some(digest) } else { None }))
    }
}

/// A flag where one may stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Flag(pub(super) Option<bool>);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let scalar = deserializer.deserialize_any(ScalarVisitor { of_text: |_: &str| () })?;
        Ok(Self(if let Scalar::Flag(flag) = scalar { Some(flag) } else { None }))
    }
}

enum Scalar<T> {
    Text(T),
    Count(u64),
    Flag(bool),
    Other,
}

/// Takes any JSON value and keeps what is a text, a count or a flag.
struct ScalarVisitor<F> {
    of_text: F,
}

impl<'de, T, F: FnOnce(&str) -> T> Visitor<'de> for ScalarVisitor<F> {
    type Value = Scalar<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Scalar::Text((self.of_text)(text)))
    }

    fn visit_u64<E>(self, count: u64) -> Result<Self::Value, E> {
        Ok(Scalar::Count(count))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Scalar::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Scalar::Other)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(Scalar::Flag(flag))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Scalar::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }
}
