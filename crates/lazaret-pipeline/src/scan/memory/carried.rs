//! What became of marks beside the revision, as a segment of the index.

use lazaret_core::{Evidence, Gap, ObjectId, Span};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::super::carrying::Carried;
use crate::report::ElsewhereCounts;

/// The same evidence stands for many lines, so it is written once.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredCarried {
    evidence: Vec<Evidence>,
    claims: Vec<StoredClaim>,
    gaps: Vec<Gap>,
    beside: ElsewhereCounts,
    of_records: ElsewhereCounts,
}

/// The commit, the path, the lines, and which evidence.
type StoredClaim = (ObjectId, Option<Vec<u8>>, Option<Vec<Span>>, usize);

/// Writes it as JSON.
pub(super) fn encode(carried: &Carried) -> Vec<u8> {
    let mut numbers: FxHashMap<&Evidence, usize> = FxHashMap::default();
    let mut evidence = Vec::new();
    let mut claims = Vec::with_capacity(carried.claims.len());
    for (landed, path, lines, claim) in &carried.claims {
        let number = *numbers.entry(claim).or_insert_with(|| {
            evidence.push(claim.clone());
            evidence.len() - 1
        });
        claims.push((*landed, path.clone(), lines.clone(), number));
    }
    let Carried { gaps, beside, of_records, .. } = carried;
    let (gaps, beside, of_records) = (gaps.clone(), *beside, *of_records);
    serde_json::to_vec(&StoredCarried { evidence, claims, gaps, beside, of_records }).unwrap_or_default()
}

/// Reads it; `None` for what makes no sense.
pub(super) fn decode(payload: &[u8]) -> Option<Carried> {
    let stored: StoredCarried = serde_json::from_slice(payload).ok()?;
    let StoredCarried { evidence, claims, gaps, beside, of_records } = stored;
    let claim = |(landed, path, lines, number): StoredClaim| {
        Some((landed, path, lines, evidence.get(number)?.clone()))
    };
    let claims = claims.into_iter().map(claim).collect::<Option<Vec<_>>>()?;
    Some(Carried { claims, gaps, beside, of_records })
}
