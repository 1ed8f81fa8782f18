//! How documents become bytes, and maps that name nothing twice.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// Writes a document on one line, without a final newline: the same value gives the same bytes.
pub(crate) fn to_line<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    #[expect(
        clippy::expect_used,
        reason = "our documents have texts as keys and a vector never fails to grow"
    )]
    serde_json::to_vec(value).expect("a document of this crate can be written as JSON")
}

/// Writes a document for people to read, with a final newline: the same value gives the same bytes.
pub(crate) fn to_page<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    #[expect(
        clippy::expect_used,
        reason = "our documents have texts as keys and a vector never fails to grow"
    )]
    let mut page = serde_json::to_vec_pretty(value).expect("a document of this crate can be written as JSON");
    page.push(b'\n');
    page
}

/// Reads a map and refuses one that names a key twice: two readers could take two different values for it.
pub(crate) fn unique_map<'de, D, K, V>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
where
    D: Deserializer<'de>,
    K: Deserialize<'de> + Ord,
    V: Deserialize<'de>,
{
    deserializer.deserialize_map(UniqueMap(PhantomData))
}

struct UniqueMap<K, V>(PhantomData<(K, V)>);

impl<'de, K: Deserialize<'de> + Ord, V: Deserialize<'de>> Visitor<'de> for UniqueMap<K, V> {
    type Value = BTreeMap<K, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map that names nothing twice")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut map = BTreeMap::new();
        while let Some((key, value)) = access.next_entry()? {
            if map.insert(key, value).is_some() {
                return Err(A::Error::custom("a key stands twice"));
            }
        }
        Ok(map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_stands_twice_is_refused() {
        let read = |text: &str| {
            let mut deserializer = serde_json::Deserializer::from_str(text);
            unique_map::<_, String, u64>(&mut deserializer)
        };
        assert_eq!(read(r#"{"b":1,"a":2}"#).unwrap().len(), 2);
        assert!(read(r#"{"a":1,"a":1}"#).unwrap_err().to_string().contains("stands twice"));
    }

    #[test]
    fn pages_end_with_a_newline_and_lines_do_not() {
        assert_eq!(to_line(&[1]), b"[1]");
        assert_eq!(to_page(&[1]), b"[\n  1\n]\n");
    }
}
