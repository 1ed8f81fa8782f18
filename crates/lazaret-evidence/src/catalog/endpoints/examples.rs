//! Holds every row of endpoints against its own examples and counter-examples, in the company of all other rows.

use lazaret_core::{AddressRange, EndpointId, EndpointPattern};

use super::super::Part;
use super::super::error::{CatalogError, Location};
use super::check::spelled;
use crate::endpoints::{EndpointIndex, Matches, SystemTable};

/// An address for documentation (RFC 5737), which an example's autonomous system is taken to announce.
const ANNOUNCED: &str = "192.0.2.0/24";

/// Returns the failures of a part's rows.
pub(in crate::catalog) fn check_part(part: &Part, index: &EndpointIndex) -> Vec<CatalogError> {
    let rows = part.data.endpoints.iter();
    rows.flat_map(|row| {
        let answers = |example: &str| {
            let found = found(index, example);
            found.iter().any(|id| id == row.id.get_ref())
        };
        let missed = row.examples.iter().filter(|example| !answers(example));
        let hit = row.counter_examples.iter().filter(|example| answers(example));
        let missed: Vec<_> = missed.map(|example| ("is not the answer for its example", example)).collect();
        let failures =
            missed.into_iter().chain(hit.map(|example| ("is the answer for its counter-example", example)));
        let failures: Vec<_> = failures
            .map(|(problem, example)| CatalogError::Example {
                location: Location::new(part, row.id.span()),
                id: row.id.get_ref().to_string(),
                problem,
                example: example.clone(),
            })
            .collect();
        failures
    })
    .collect()
}

/// Returns the first row of an added part that would take calls out of a row that blocks without blocking them itself.
pub(in crate::catalog) fn shadows(part: &Part, base: &EndpointIndex) -> Option<CatalogError> {
    part.data.endpoints.iter().find_map(|row| {
        let blocked = |text: &str| match_of(base, text, |matches| {
            matches.iter().find(|other| other.blocks_by_default()).map(|other| other.id.to_string())
        });
        let endpoint = row.endpoint();
        if endpoint.blocks_by_default() {
            return None;
        }
        let patterns = endpoint.patterns.iter().filter(|pattern| !matches!(pattern, EndpointPattern::Expression(_)));
        let patterns = patterns.map(|pattern| match pattern {
            EndpointPattern::Range(range) => range.address.to_string(),
            EndpointPattern::Suffix(name) => name.clone(),
            EndpointPattern::Exact(_) | EndpointPattern::Expression(_) | EndpointPattern::Asn(_) => {
                spelled(pattern)
            }
        });
        let paths = endpoint.paths.first().map(|path| path.replace('*', "x")).unwrap_or_default();
        let taken = patterns.map(|pattern| format!("{pattern}{paths}")).chain(row.examples.iter().cloned());
        let (taken, blocking) = taken.into_iter().find_map(|taken| {
            let blocking = blocked(&taken)?;
            Some((taken, blocking))
        })?;
        Some(CatalogError::EndpointField {
            endpoint: endpoint.id.to_string(),
            field: "names".to_owned(),
            problem: format!(
                "takes `{taken}` out of `{blocking}`, which blocks; grant an exemption, or say in the policy's `[egress]` what is allowed"
            ),
            location: Location::new(part, row.id.span()),
        })
    })
}

fn found(index: &EndpointIndex, example: &str) -> Vec<EndpointId> {
    match_of(index, example, |matches| Some(matches.iter().map(|row| row.id.clone()).collect()))
        .unwrap_or_default()
}

/// Looks an example up: an `AS` number, a host or address, or either with a path.
fn match_of<T>(
    index: &EndpointIndex,
    example: &str,
    with: impl FnOnce(Matches<'_>) -> Option<T>,
) -> Option<T> {
    let system = example.strip_prefix("AS").and_then(|number| number.parse::<u32>().ok());
    if let Some(system) = system {
        let announced: AddressRange = ANNOUNCED.parse().ok()?;
        let index = index.clone().with_announced(SystemTable::from_iter([(announced, system)]));
        return with(index.address(announced.address));
    }
    let at = example.find('/').unwrap_or(example.len());
    let (host, path) = example.split_at_checked(at)?;
    with(index.host(host.as_bytes(), (!path.is_empty()).then_some(path.as_bytes())))
}
