//! Parses JSON of strangers into values of bounded depth and number of parts.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::report::UnreadKind;

/// Deepest nesting that is followed. `serde_json` itself stops at 128; ours is lower, so that ours is the reason.
const DEPTH_MAX: usize = 100;

/// Parts (values and keys) of one record. A value takes up to a hundred bytes however short its text is, so that
/// the length of a line alone does not bound what it takes in memory.
const PARTS_MAX: usize = 1 << 20;

/// Parses the values in `text`, one after the other, and hands on each; the first that cannot be parsed ends it.
pub(super) fn parse_each(text: &str, mut each: impl FnMut(Value)) -> Result<(), UnreadKind> {
    let budget = Budget::default();
    let mut rest = text;
    while !rest.trim_start().is_empty() {
        let (value, used) = parse_first(rest, &budget)?;
        each(value);
        rest = rest.get(used..).unwrap_or_default();
    }
    Ok(())
}

/// Parses one value that is all of `text`.
pub(super) fn parse(text: &str) -> Result<Value, UnreadKind> {
    let budget = Budget::default();
    let (value, used) = parse_first(text, &budget)?;
    let is_all = text.get(used..).is_none_or(|rest| rest.trim_start().is_empty());
    if is_all { Ok(value) } else { Err(UnreadKind::Malformed) }
}

/// Puts the replacement character in place of escaped halves of characters, which JSON written by JavaScript may
/// hold where a text was cut; `None` where there are none.
pub(super) fn mend_surrogates(text: &str) -> Option<String> {
    let mut mended = String::new();
    let mut rest = text;
    let mut is_mended = false;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        mended.push_str(before);
        let unit = code_unit(escape);
        let pair = unit.zip(escape.get(6..).and_then(code_unit));
        let taken = match (unit, pair) {
            (_, Some((0xD800..=0xDBFF, 0xDC00..=0xDFFF))) => 12,
            (Some(0xD800..=0xDFFF), _) => {
                is_mended = true;
                mended.push_str("\\ufffd");
                rest = escape.get(6..).unwrap_or_default();
                continue;
            }
            _ => escape.char_indices().nth(2).map_or(escape.len(), |(at, _)| at),
        };
        let (escape, after) = escape.split_at_checked(taken).unwrap_or((escape, ""));
        mended.push_str(escape);
        rest = after;
    }
    mended.push_str(rest);
    is_mended.then_some(mended)
}

/// Returns the number of an escape `\uXXXX`.
fn code_unit(escape: &str) -> Option<u16> {
    u16::from_str_radix(escape.strip_prefix("\\u")?.get(..4)?, 16).ok()
}

fn parse_first(text: &str, budget: &Budget) -> Result<(Value, usize), UnreadKind> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Part { budget, depth: 0 }
        .deserialize(&mut deserializer)
        .map_err(|_quotes_content| budget.reason.get().unwrap_or(UnreadKind::Malformed))?;
    // Only a stream tells how far its deserializer has come.
    let used = deserializer.into_iter::<IgnoredAny>().byte_offset();
    Ok((value, used))
}

#[derive(Default)]
struct Budget {
    parts: Cell<usize>,
    reason: Cell<Option<UnreadKind>>,
}

impl Budget {
    fn take<E: Error>(&self, depth: usize) -> Result<(), E> {
        let parts = self.parts.get() + 1;
        self.parts.set(parts);
        let reason = if depth > DEPTH_MAX {
            UnreadKind::TooDeep
        } else if parts > PARTS_MAX {
            UnreadKind::OverLimit
        } else {
            return Ok(());
        };
        self.reason.set(Some(reason));
        Err(E::custom("over the limit"))
    }
}

#[derive(Clone, Copy)]
struct Part<'a> {
    budget: &'a Budget,
    depth: usize,
}

impl Part<'_> {
    fn below(self) -> Self {
        Self { budget: self.budget, depth: self.depth + 1 }
    }
}

impl<'de> DeserializeSeed<'de> for Part<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.budget.take(self.depth)?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Part<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self.below())? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            self.budget.take::<A::Error>(self.depth)?;
            let value = entries.next_value_seed(self.below())?;
            map.insert(key, value);
        }
        // In one order, whether or not the build has a JSON library that keeps keys as they come.
        map.sort_keys();
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_in_a_row_are_told_apart() {
        let mut seen = Vec::new();
        parse_each(" {\"a\":1}{\"b\":[true,null,-1,1.5]}\n\"c\" ", |value| seen.push(value)).unwrap();
        assert_eq!(seen, [json!({"a": 1}), json!({"b": [true, null, -1, 1.5]}), json!("c")]);
    }

    #[test]
    fn what_cannot_be_parsed_is_named() {
        let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
        assert_eq!(parse(&deep), Err(UnreadKind::TooDeep));
        let wide = format!("[{}0]", "0,".repeat(PARTS_MAX));
        assert_eq!(parse(&wide), Err(UnreadKind::OverLimit));
        for text in ["", "{", "{\"a\":", "{} x", "\u{0}", "{\"a\":1}}"] {
            assert_eq!(parse(text), Err(UnreadKind::Malformed), "{text:?}");
        }
    }

    #[test]
    fn halves_of_characters_are_mended() {
        assert_eq!(mend_surrogates(r#""\ud83d\ude00 \n \\ud83d""#), None);
        assert_eq!(mend_surrogates(r#""a\ud83d""#).unwrap(), r#""a\ufffd""#);
        assert_eq!(
            mend_surrogates(r#""\ude00\ud83d\ud83d\ude00""#).unwrap(),
            r#""\ufffd\ufffd\ud83d\ude00""#
        );
        assert_eq!(parse(&mend_surrogates(r#""x\udead""#).unwrap()), Ok(json!("x\u{fffd}")));
    }
}
