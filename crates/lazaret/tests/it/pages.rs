//! Pages and schemas that are written by the program and lie in the repository: a test holds them together.

use std::fs;
use std::path::Path;

use lazaret_pipeline::docket::{CaseList, CaseSheet, ExemptionList, MotionList};
use lazaret_pipeline::egress::{
    CorrelationReport, EgressReport, FindingList, ReconciliationReport, RetentionSheet,
};
use lazaret_pipeline::export::ExportReport;
use lazaret_pipeline::gate::{GateReport, VerifyReport};
use lazaret_pipeline::removal::RemovalReport;
use lazaret_pipeline::suggest::Suggestions;
use lazaret_pipeline::{Blame, CheckReport, MarkedCommit, Report};

/// Compares a file of the repository with what it should hold; with `UPDATE_PAGES=1` it is written instead.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "a test that writes pages must be asked to")]
pub(crate) fn compare_page(path: &str, expected: &str) {
    let full = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    if std::env::var_os("UPDATE_PAGES").is_some() {
        fs::write(&full, expected).unwrap();
        return;
    }
    let actual = fs::read_to_string(&full).unwrap_or_default();
    assert!(
        actual == expected,
        "`{path}` is out of date: run this test with UPDATE_PAGES=1 and review the change"
    );
}

#[test]
fn the_schema_of_reports_is_up_to_date() {
    let mut schema = schemars::schema_for!(Report);
    let commit = schemars::schema_for!(MarkedCommit);
    // One file describes both kinds of object that a scan writes.
    let definitions = schema.ensure_object().entry("$defs").or_insert_with(|| serde_json::json!({}));
    definitions["MarkedCommit"] = inner(commit.to_value(), definitions);
    compare_page("docs/reference/report.schema.json", &sorted(schema.to_value()));
}

#[test]
fn the_schemas_of_the_other_reports_are_up_to_date() {
    for (name, schema) in [
        ("check", schemars::schema_for!(CheckReport).to_value()),
        ("blame", schemars::schema_for!(Blame).to_value()),
        ("gate", schemars::schema_for!(GateReport).to_value()),
        ("export", schemars::schema_for!(ExportReport).to_value()),
        ("removal", schemars::schema_for!(RemovalReport).to_value()),
        ("egress-report", schemars::schema_for!(EgressReport).to_value()),
        ("egress-correlation", schemars::schema_for!(CorrelationReport).to_value()),
        ("egress-reconciliation", schemars::schema_for!(ReconciliationReport).to_value()),
        ("suggest", schemars::schema_for!(Suggestions).to_value()),
        ("gate-verify", schemars::schema_for!(VerifyReport).to_value()),
    ] {
        compare_page(&format!("docs/reference/{name}.schema.json"), &sorted(schema));
    }
}

#[test]
fn the_schemas_of_what_a_store_lists_are_up_to_date() {
    for (name, schema) in [
        ("case", schemars::schema_for!(CaseSheet).to_value()),
        ("case-list", schemars::schema_for!(CaseList).to_value()),
        ("exemption-list", schemars::schema_for!(ExemptionList).to_value()),
        ("egress-findings", schemars::schema_for!(FindingList).to_value()),
        ("egress-retention", schemars::schema_for!(RetentionSheet).to_value()),
        ("motion-list", schemars::schema_for!(MotionList).to_value()),
    ] {
        compare_page(&format!("docs/reference/{name}.schema.json"), &sorted(schema));
    }
}

/// Returns a schema as its page has it: keys in order, whatever order the build's JSON library keeps them in.
fn sorted(mut schema: serde_json::Value) -> String {
    schema.sort_all_objects();
    format!("{schema:#}\n")
}

/// Moves the definitions of a schema to those of another and returns what is left.
fn inner(mut schema: serde_json::Value, definitions: &mut serde_json::Value) -> serde_json::Value {
    let object = schema.as_object_mut().unwrap();
    object.remove("$schema");
    if let Some(serde_json::Value::Object(own)) = object.remove("$defs") {
        definitions.as_object_mut().unwrap().extend(own);
    }
    schema
}

#[test]
fn the_page_on_reports_explains_every_field() {
    let page = include_str!("../../../../docs/reference/report.md");
    let schema = schemars::schema_for!(Report).to_value();
    let commit = schemars::schema_for!(MarkedCommit).to_value();
    let mut missing = Vec::new();
    for schema in [&schema, &commit] {
        let own = std::iter::once(schema);
        for object in own.chain(schema["$defs"].as_object().unwrap().values()) {
            let Some(fields) = object["properties"].as_object() else { continue };
            missing.extend(fields.keys().filter(|field| !page.contains(&format!("`{field}`"))));
        }
    }
    assert!(missing.is_empty(), "docs/reference/report.md does not explain {missing:?}");
}
