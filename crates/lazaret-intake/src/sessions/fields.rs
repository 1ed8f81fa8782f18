//! Takes fields out of JSON whose shape is not promised.

use jiff::Timestamp;
use serde_json::Value;

/// Returns the text under `key`.
pub(super) fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str()
}

/// Returns the text under the first of `keys` that has one.
pub(super) fn first_text<'a>(value: &'a Value, keys: &[&str]) -> Option<&'a str> {
    keys.iter().find_map(|key| text(value, key))
}

/// The longest name of a session, a model, a folder and the like; a longer one is none.
const NAME_BYTES_MAX: usize = 4096;

/// Returns the name under `key` as an own string, where it is not empty.
pub(super) fn named(value: &Value, key: &str) -> Option<String> {
    name(text(value, key)?)
}

/// Returns a name as an own string, where it is not empty and not longer than names are.
pub(super) fn name(name: &str) -> Option<String> {
    (1..=NAME_BYTES_MAX).contains(&name.len()).then(|| name.to_owned())
}

/// Returns the items of the list under `key`; none where there is no list.
pub(super) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Returns the time under `key`: RFC 3339, or milliseconds since 1970.
pub(super) fn time(value: &Value, key: &str) -> Option<Timestamp> {
    let value = value.get(key)?;
    match value.as_str() {
        Some(text) => text.parse().ok(),
        None => Timestamp::from_millisecond(value.as_i64()?).ok(),
    }
}

/// Returns an address without the user and password before its host.
pub(super) fn without_credentials(address: String) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return address };
    let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_are_read_in_both_spellings() {
        let value =
            json!({"a": "2026-02-03T04:05:06.789Z", "b": 1_770_091_506_789_i64, "c": "soon", "d": null});
        assert_eq!(time(&value, "a"), time(&value, "b"));
        assert!(time(&value, "a").is_some());
        assert_eq!((time(&value, "c"), time(&value, "d"), time(&value, "e")), (None, None, None));
    }

    #[test]
    fn credentials_in_addresses_are_cut() {
        assert_eq!(
            without_credentials("https://robin:secret@git.example/a/b.git".to_owned()),
            "https://git.example/a/b.git"
        );
        assert_eq!(without_credentials("https://git.example/a@b".to_owned()), "https://git.example/a@b");
        assert_eq!(without_credentials("git@git.example:a/b.git".to_owned()), "git@git.example:a/b.git");
    }
}
