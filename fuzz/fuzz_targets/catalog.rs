//! Any text as an addition to the catalog: reading and compiling never panic, and detectors can be made of what is accepted.
#![no_main]

use std::sync::LazyLock;

use lazaret_evidence::catalog::Catalog;
use lazaret_evidence::detectors::{DETECTORS, Detectors};
use libfuzzer_sys::fuzz_target;

static CATALOG: LazyLock<Catalog> = LazyLock::new(Catalog::built_in);

fuzz_target!(|text: &str| {
    if let Ok(catalog) = CATALOG.with_additions(text) {
        let detectors = Detectors::new(&catalog);
        let mut evidence = detectors.content(b"README.md", text.as_bytes());
        evidence.extend(detectors.branch(text.as_bytes()));
        assert!(evidence.iter().all(|one| DETECTORS.contains(&one.detector.as_str())));
    }
});
