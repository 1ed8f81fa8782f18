//! Findings as Detection Findings of the Open Cybersecurity Schema Framework, class 2004, version 1.8.
//!
//! Source: <https://schema.ocsf.io/1.8.0/classes/detection_finding>, with the profile of controls, which has what became
//! of a call. Callers are under the names of the report.

use jiff::Timestamp;
use lazaret_core::{Outcome, Response};
use lazaret_evidence::traffic::{Extent, Precision};
use serde_json::{Map, Value, json};

use super::report::{EgressReport, FindingReport};

/// The version of the schema.
const SCHEMA_VERSION: &str = "1.8.0";
/// Category Findings, class Detection Finding, activity Create.
const CATEGORY: u32 = 2;
const CLASS: u32 = 2004;
const ACTIVITY: u32 = 1;
/// The profile that says what a control did about an event.
const PROFILE: &str = "security_control";
/// A kind of endpoint that the schema has no number for, such as a person's.
const OTHER: u32 = 99;

/// Writes each finding of a report as a Detection Finding, created at the time given.
#[must_use]
pub fn detection_findings(report: &EgressReport, now: Timestamp) -> Vec<Value> {
    report.findings.iter().map(|finding| detection_finding(report, finding, now)).collect()
}

fn detection_finding(report: &EgressReport, finding: &FindingReport, now: Timestamp) -> Value {
    let now = now.as_millisecond();
    let millis = |time: &Option<String>| {
        time.as_ref().and_then(|time| time.parse::<Timestamp>().ok()).map(Timestamp::as_millisecond)
    };
    let (severity_id, severity) = severity(finding);
    let (confidence_id, confidence) = match finding.precision {
        Precision::Weak => (1, "Low"),
        Precision::Likely => (2, "Medium"),
        Precision::Exact => (3, "High"),
    };
    let (action_id, action, disposition) = match finding.outcome {
        Outcome::Passed => (1, "Allowed", "Allowed"),
        Outcome::Blocked => (2, "Denied", "Blocked"),
        Outcome::Unstated => (0, "Unknown", "Unknown"),
    };
    let types = [json!(finding.detector)];
    let mut info = without_absent(json!({
        "uid": uid(report, finding),
        "title": finding.title,
        "types": types,
        "created_time": now,
        "first_seen_time": millis(&finding.first),
        "last_seen_time": millis(&finding.last),
        "analytic": {
            "name": finding.detector,
            "type": "Rule",
            "type_id": 1,
            "uid": finding.endpoint,
            "version": report.catalog.to_string(),
        },
    }));
    if let Some(Value::Object(analytic)) = info.get_mut("analytic") {
        analytic.retain(|_, value| !value.is_null());
    }
    Value::Object(without_absent(json!({
        "activity_id": ACTIVITY,
        "activity_name": "Create",
        "category_uid": CATEGORY,
        "category_name": "Findings",
        "class_uid": CLASS,
        "class_name": "Detection Finding",
        "type_uid": CLASS * 100 + ACTIVITY,
        "time": now,
        "count": finding.calls,
        "severity_id": severity_id,
        "severity": severity,
        "confidence_id": confidence_id,
        "confidence": confidence,
        "status_id": 1,
        "status": "New",
        "is_alert": finding.response >= Response::Alert && finding.exemption.is_none(),
        "action_id": action_id,
        "action": action,
        "disposition_id": action_id,
        "disposition": disposition,
        "finding_info": info,
        "evidences": [evidence(finding)],
        "metadata": {
            "version": SCHEMA_VERSION,
            "profiles": [PROFILE],
            "uid": uid(report, finding),
            "product": {
                "name": "Lazaret",
                "vendor_name": "Lazaret",
                "version": report.version,
            },
        },
        "unmapped": unmapped(report, finding),
    })))
}

/// The name of a finding beyond its report: the same for the same policy, catalog and place.
fn uid(report: &EgressReport, finding: &FindingReport) -> String {
    let catalog: String = report.catalog.to_string().chars().take(23).collect();
    format!(
        "{catalog}/{}/{}/{}:{}",
        finding.detector,
        finding.endpoint.as_deref().unwrap_or("-"),
        finding.first_line.input,
        finding.first_line.line
    )
}

/// What a finding is worth at first sight. A call that an exemption covers is information and no more.
fn severity(finding: &FindingReport) -> (u32, &'static str) {
    if finding.exemption.is_some() {
        return (1, "Informational");
    }
    match (finding.response, finding.extent) {
        (Response::Score, _) => (1, "Informational"),
        (Response::Alert, _) | (Response::Block, Extent::LookedUp) => (2, "Low"),
        (Response::Block, _) if finding.outcome == Outcome::Blocked => (2, "Low"),
        (Response::Block, Extent::Connected) => (3, "Medium"),
        (Response::Block, Extent::Exchanged) => (4, "High"),
    }
}

fn evidence(finding: &FindingReport) -> Value {
    let kind = finding.caller_kind;
    let source =
        finding.caller.as_ref().map(|caller| json!({ "name": caller, "type": kind, "type_id": OTHER }));
    Value::Object(without_absent(json!({
        "src_endpoint": source,
        "dst_endpoint": finding.host.as_ref().map(|host| json!({ "hostname": host })),
        "data": {
            "first_line": finding.first_line,
            "last_line": finding.last_line,
        },
    })))
}

fn unmapped(report: &EgressReport, finding: &FindingReport) -> Value {
    Value::Object(without_absent(json!({
        "policy": report.policy,
        "catalog": report.catalog,
        "endpoint": finding.endpoint,
        "provider": finding.provider,
        "product": finding.product,
        "tools": finding.tools,
        "precision": finding.precision,
        "response": finding.response,
        "extent": finding.extent,
        "visibility": finding.visibility,
        "sent": finding.sent,
        "received": finding.received,
        "decided": finding.decided,
        "exemption": finding.exemption,
    })))
}

fn without_absent(value: Value) -> Map<String, Value> {
    let Value::Object(mut object) = value else { return Map::new() };
    object.retain(|_, value| !value.is_null());
    object.sort_keys();
    object
}
