//! Every detector of traffic has a page that states its precision, its response and what it needs, as the code does.

#![expect(clippy::unwrap_used, reason = "a test that cannot read the pages has to stop")]

use std::fs;
use std::path::Path;

use lazaret_core::Response;
use lazaret_evidence::traffic::{Precision, TrafficDetector};

fn word<T: serde::Serialize>(value: T) -> String {
    serde_json::to_string(&value).unwrap().trim_matches('"').to_owned()
}

fn pages() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/detectors/traffic")
}

#[test]
fn every_detector_has_a_page_that_agrees_with_it() {
    let overview = fs::read_to_string(pages().join("README.md")).unwrap();
    for detector in TrafficDetector::ALL {
        let page = fs::read_to_string(pages().join(format!("{detector}.md"))).unwrap();
        assert!(page.starts_with(&format!("# {detector}\n")), "{detector}: the title");
        let precision = word::<Precision>(detector.precision());
        let response = word::<Response>(detector.response());
        assert!(page.contains(&format!("Precision `{precision}`")), "{detector}: precision");
        assert!(page.contains(&format!("by default `{response}`")), "{detector}: response");
        assert!(page.contains("How it may be wrong"), "{detector}: how it may be wrong");
        let needs: Vec<&str> = detector.needs().iter().map(|visibility| visibility.as_str()).collect();
        let row = format!(
            "| [{detector}]({detector}.md) | {} | {precision} | {response} | {} |",
            detector.title(),
            needs.join(", ")
        );
        assert!(overview.contains(&row), "the overview lacks: {row}");
    }
}

#[test]
fn no_page_is_without_a_detector() {
    for entry in fs::read_dir(pages()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let known = |detector: TrafficDetector| name == format!("{detector}.md");
        assert!(name == "README.md" || TrafficDetector::ALL.into_iter().any(known), "{name}");
    }
}
