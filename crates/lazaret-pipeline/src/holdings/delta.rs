//! Clearings of changes: whether the versions that they rest on are still cleared, and how many lines were read in all.

use std::collections::BTreeSet;

use lazaret_core::Digest;
use lazaret_store::{Aggregate, Case, Decision, Hold, Key, Replay, Resolution};

/// How many changes may lie between a content and the last version that people read whole.
const STEPS_MAX: usize = 64;

/// Returns how many lines came in since the last version that people read whole; `None` where this one was.
///
/// # Errors
/// Why the clearing does not stand: a version that it rests on, by however many steps, is not cleared any more.
pub(super) fn lines(
    hold: &Hold,
    case: &Case,
    replay: &Replay<'_>,
    policy: Digest,
) -> Result<Option<u64>, String> {
    let (mut content, mut case) = (hold.content, case);
    let (mut total, mut seen) = (None, BTreeSet::from([content]));
    while let Some(deltas) = clearing(case, policy).and_then(|decision| decision.resolution.deltas()) {
        let Some(delta) = deltas.iter().find(|delta| delta.content == content) else {
            return Err("it was cleared as a change, and what changed is not said".to_owned());
        };
        let fallen =
            || format!("it was cleared as a change of {}, which is not cleared any more", delta.base);
        let Some((Aggregate::Hold(base), _)) = replay.row(Key::Hold(delta.base)) else {
            return Err(fallen());
        };
        let Some((Aggregate::Case(next), _)) = replay.row(Key::Case(base.case)) else {
            return Err(fallen());
        };
        if clearing(next, policy).is_none() {
            return Err(fallen());
        }
        case = next;
        if !seen.insert(delta.base) || seen.len() > STEPS_MAX {
            return Err("too many changes rest on one another; have the whole content reviewed".to_owned());
        }
        total = Some(delta.lines.saturating_add(total.unwrap_or(0)));
        content = delta.base;
    }
    Ok(total)
}

fn clearing(case: &Case, policy: Digest) -> Option<&Decision> {
    let decision = case.standing(policy)?;
    matches!(decision.resolution, Resolution::Cleared { .. }).then_some(decision)
}
