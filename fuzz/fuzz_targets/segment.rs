//! Any bytes as a segment of known text, and any text asked of a good one: nothing panics.
#![no_main]

use std::sync::LazyLock;

use lazaret_fingerprint::{Class, Entry, Except, Floor, Index, Segment, SegmentBuilder, Written};
use libfuzzer_sys::fuzz_target;

static KNOWN: LazyLock<Index<Vec<u8>>> = LazyLock::new(|| {
    let entry = Entry {
        class: Class::Rival,
        name: "session 1".to_owned(),
        origin: "session 1 gate.rs".to_owned(),
        tool: "some-tool".to_owned(),
        model: String::new(),
        recorded_at: 0,
    };
    let text: String = (0..200_u32).map(|n| format!("let word_{n} = other_{}(thing_{});\n", n / 3, n % 7)).collect();
    let mut builder = SegmentBuilder::new();
    builder.add(&entry, &Written::whole(text.as_bytes()), &Except::new()).expect("one entry fits");
    let mut bytes = Vec::new();
    builder.finish(&mut bytes).expect("memory can be written to");
    Index::new(vec![Segment::open(bytes).expect("what was written can be read")])
});

fuzz_target!(|data: &[u8]| {
    for found in KNOWN.matches(data, &Floor::default()).expect("a whole segment answers") {
        assert!(found.covered.iter().all(|lines| found.here.start() <= lines.start()));
    }
    let Ok(segment) = Segment::open_checked_before(data) else { return };
    let index = Index::new(vec![segment]);
    drop(index.matches(b"let word_1 = other_0(thing_1);\nlet word_2 = other_0(thing_2);\n", &Floor::default()));
});
