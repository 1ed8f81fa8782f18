//! Endpoints as entries of `lazaret catalog`, and those whose source was looked at too long ago.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use lazaret_core::{Endpoint, EndpointPattern};
use lazaret_evidence::Catalog;
use lazaret_evidence::catalog::EndpointData;
use serde_json::json;

use super::Entry;
use crate::command_error::CommandError;
use crate::exit::ExitCode;

/// All endpoints, by id.
pub(super) fn entries(catalog: &Catalog) -> Vec<Entry> {
    let notes: Vec<&EndpointData> = catalog.endpoint_rows().map(|(_, row)| row).collect();
    let entry = |endpoint: &Endpoint| {
        let row = notes.iter().find(|row| *row.id.get_ref() == endpoint.id);
        entry(endpoint, row.and_then(|row| row.note.as_deref()))
    };
    catalog.endpoints().rows().iter().map(entry).collect()
}

/// The endpoints whose source was last looked at more than so many days ago, the oldest first.
pub(super) fn stale(catalog: &Catalog, days: u16, now: Timestamp) -> Result<Vec<Entry>, CommandError> {
    let today = now.to_zoned(TimeZone::UTC).date();
    let limit = today.checked_sub(i64::from(days).days()).map_err(|error| {
        CommandError::new(ExitCode::Usage, format!("no day lies {days} days back: {error}"))
    })?;
    let mut stale: Vec<&Endpoint> =
        catalog.endpoints().rows().iter().filter(|endpoint| endpoint.verified < limit).collect();
    stale.sort_by(|a, b| (a.verified, &a.id).cmp(&(b.verified, &b.id)));
    Ok(stale
        .into_iter()
        .map(|endpoint| {
            let mut entry = entry(endpoint, None);
            entry.summary = vec![
                endpoint.verified.to_string(),
                endpoint.confidence.to_string(),
                endpoint.provider.to_string(),
                endpoint.source.clone(),
            ];
            entry
        })
        .collect())
}

fn entry(endpoint: &Endpoint, note: Option<&str>) -> Entry {
    let patterns: Vec<String> = endpoint.patterns.iter().map(spelled).collect();
    let tools: Vec<&str> = endpoint.tools.iter().map(|tool| tool.as_str()).collect();
    let blocks = if endpoint.blocks_by_default() { "blocks" } else { "" };
    Entry {
        id: endpoint.id.to_string(),
        summary: vec![
            endpoint.provider.to_string(),
            endpoint.role.to_string(),
            endpoint.exclusivity.to_string(),
            endpoint.visibility.to_string(),
            blocks.to_owned(),
        ],
        fields: vec![
            ("endpoint", endpoint.product.clone()),
            ("provider", endpoint.provider.to_string()),
            ("tools", tools.join(", ")),
            ("role", endpoint.role.to_string()),
            ("serves", format!("{} ({})", endpoint.exclusivity, endpoint.confidence)),
            ("needs", format!("an observer of `{}` or more", endpoint.visibility)),
            ("reached at", patterns.join("   ")),
            ("paths", endpoint.paths.join("   ")),
            ("plan", endpoint.plan.clone().unwrap_or_default()),
            ("known from", format!("{} ({})", endpoint.source, endpoint.verified)),
            ("note", note.unwrap_or_default().to_owned()),
        ],
        value: json!({
            "kind": "endpoint", "id": endpoint.id, "product": endpoint.product, "provider": endpoint.provider,
            "tools": endpoint.tools, "role": endpoint.role, "exclusivity": endpoint.exclusivity,
            "visibility": endpoint.visibility, "reached_at": patterns, "paths": endpoint.paths,
            "plan": endpoint.plan, "confidence": endpoint.confidence, "source": endpoint.source,
            "verified": endpoint.verified, "blocks": endpoint.blocks_by_default(), "note": note,
        }),
    }
}

fn spelled(pattern: &EndpointPattern) -> String {
    match pattern {
        EndpointPattern::Exact(name) | EndpointPattern::Expression(name) => name.clone(),
        EndpointPattern::Suffix(name) => format!("*.{name}"),
        EndpointPattern::Range(range) => range.to_string(),
        EndpointPattern::Asn(system) => format!("AS{system}"),
    }
}
