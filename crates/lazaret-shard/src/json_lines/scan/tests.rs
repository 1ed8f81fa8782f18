//! What the scanner accepts is what `serde_json` accepts, and it says the same of strings.

use proptest::prelude::*;
use serde_json::Value;

use crate::facts::Fault;
use crate::json_lines::plan::Plan;
use crate::json_lines::walk::Row;
use crate::profile::Profile;

fn plan() -> Plan {
    Plan::new(&Profile::parse("version = 1\nname = \"a\"\n[columns]\ntext = \"text\"").unwrap())
}

/// Whether both accept, and whether they agree on the text.
#[track_caller]
fn agree(json: &[u8]) {
    let mut row = Row::default();
    row.read(&plan(), json, 0);
    let is_read = !matches!(row.found.fault, Some(Fault::Malformed | Fault::NotUtf8));
    match serde_json::from_slice::<Value>(json) {
        Ok(value) => {
            assert!(is_read, "refused: {}", json.escape_ascii());
            if let (Some(text), None) = (value.get("text").and_then(Value::as_str), row.found.fault) {
                assert_eq!(
                    row.found.text.escape_ascii().to_string(),
                    text.as_bytes().escape_ascii().to_string()
                );
                let range = row.found.text_range.unwrap();
                let again: String = serde_json::from_slice(&json[range]).unwrap();
                assert_eq!(again, text);
            }
        }
        // It reads numbers into 64 bits, which the grammar does not ask for.
        Err(error) if error.to_string().starts_with("number out of range") => {}
        Err(error) => assert!(!is_read, "accepted, though {error}: {}", json.escape_ascii()),
    }
}

/// Bytes that mean something to JSON, and some that are no UTF-8.
fn sign() -> impl Strategy<Value = u8> {
    prop_oneof![
        6 => proptest::sample::select(&b"{}[],:\"\\ \t\r\n0123456789-+.eEtrufalsn/bdDcC"[..]),
        1 => any::<u8>(),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    let name = prop_oneof![Just("text".to_owned()), "[a-c]", any::<String>()];
    leaf.prop_recursive(4, 30, 6, move |below| {
        prop_oneof![
            proptest::collection::vec(below.clone(), 0..5).prop_map(Value::from),
            proptest::collection::btree_map(name.clone(), below, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

#[test]
fn nesting_is_bounded_where_the_oracle_bounds_it() {
    for depth in [1, 100, 126, 127, 128, 129, 1000, 100_000] {
        agree(&[vec![b'['; depth], vec![b']'; depth]].concat());
        agree(&vec![b'['; depth]);
        agree("{\"a\":".repeat(depth).as_bytes());
        agree(&[b"{\"a\":".repeat(depth), b"1".to_vec(), vec![b'}'; depth]].concat());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn soup_is_judged_as_by_the_oracle(soup in proptest::collection::vec(sign(), 0..40)) {
        agree(&soup);
        agree(&[b"\"", &soup[..], b"\""].concat());
        agree(&[b"{\"text\":\"", &soup[..], b"\"}"].concat());
        agree(&[b"{\"text\":", &soup[..], b"}"].concat());
    }

    #[test]
    fn values_are_read_as_by_the_oracle(value in value(), at in any::<usize>(), sign in sign()) {
        let mut json = serde_json::to_vec(&value).unwrap();
        agree(&json);
        let at = at % json.len();
        let old = std::mem::replace(&mut json[at], sign);
        agree(&json);
        json[at] = old;
        json.insert(at, sign);
        agree(&json);
        json.truncate(at);
        agree(&json);
    }
}
