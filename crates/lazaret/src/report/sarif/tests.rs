//! The shape of the log, and that it leaves nothing out in silence.

use std::collections::HashSet;

use super::*;
use crate::report::sample;

#[test]
fn every_result_names_a_rule_a_place_and_a_fingerprint_of_its_own() {
    let log = scan_run(&sample::small(), RESULTS_MAX);
    let rules = log["tool"]["driver"]["rules"].as_array().unwrap();
    let results = log["results"].as_array().unwrap();
    assert!(!results.is_empty());
    let mut fingerprints = HashSet::new();
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(result["message"]["text"].as_str().is_some_and(|text| !text.is_empty()));
        let location = &result["locations"][0]["physicalLocation"];
        assert!(location["artifactLocation"]["uri"].as_str().is_some_and(|uri| !uri.starts_with('/')));
        assert!(fingerprints.insert(result["partialFingerprints"]["lazaretSpan/v1"].to_string()));
    }
}

#[test]
fn fingerprints_survive_a_shift_of_lines() {
    let before = sample::small();
    let mut after = before.clone();
    for span in after.files.iter_mut().flat_map(|file| &mut file.spans) {
        span.start += 7;
        span.end += 7;
    }
    let prints = |report: &Report| {
        let run = scan_run(report, RESULTS_MAX);
        let results = run["results"].as_array().unwrap().clone();
        results.into_iter().map(|result| result["partialFingerprints"].to_string()).collect::<Vec<_>>()
    };
    assert_eq!(prints(&before), prints(&after));
}

#[test]
fn what_is_left_out_is_said() {
    let report = sample::small();
    let all = finding::of_scan(&report).len();
    let log = scan_run(&report, 1);
    assert_eq!(log["results"].as_array().unwrap().len(), 1);
    let said = log["invocations"][0]["toolExecutionNotifications"].to_string();
    assert!(said.contains(&format!("{} results left out", all - 1)), "{said}");
    assert_eq!(log["results"][0]["level"], "error", "the worst stay");
}

#[test]
fn a_file_whose_lines_are_all_told_is_not_told_again() {
    let mut report = sample::small();
    report.files.retain(|file| file.path == "src/lexer.rs");
    let file = &mut report.files[0];
    file.spans.truncate(1);
    (file.spans[0].start, file.spans[0].end, file.base) = (1, file.lines, Verdict::Tainted);
    assert_eq!(finding::of_scan(&report).len(), 1);
    report.files[0].lines += 1;
    assert_eq!(finding::of_scan(&report).len(), 2, "a line that no span tells is told by the file");
}

#[test]
fn hostile_paths_are_percent_encoded() {
    assert_eq!(uri("a b/\"<é>:?#%.rs"), "a%20b/%22%3C%C3%A9%3E%3A%3F%23%25.rs");
}
