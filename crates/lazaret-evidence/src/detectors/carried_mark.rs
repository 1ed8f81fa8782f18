//! Detector `carried-mark`: marks and records of commits that did not land, on the lines that did.

use lazaret_core::{Evidence, Strength, Taint};

use crate::carrying::{Doubt, Landing, Link};
use crate::claim;

/// The detector's id.
pub(crate) const ID: &str = "carried-mark";

/// So many digits of a commit's name tell it from all others.
const COMMIT_DIGITS: usize = 12;

/// Claims of the lines that landed what a mark of their original says.
///
/// Tool, model and role are the mark's own. So is the strength, unless something makes it doubtful that these are the
/// marked commit's lines.
pub(crate) fn detect(mark: &Evidence, landing: &Landing) -> Option<Evidence> {
    let taint = mark.taint().filter(|taint| taint.role.writes())?;
    let strength = match landing.doubt {
        None => taint.strength,
        Some(_) => taint.strength.min(Strength::Circumstantial),
    };
    let original: String = landing.original.to_string().chars().take(COMMIT_DIGITS).collect();
    let how = match landing.link {
        Link::Patch => format!("the patch of commit {original}"),
        Link::Lines { n_same, n_marked } => {
            format!("{n_same} of {n_marked} marked lines of a branch, by commit {original}")
        }
        Link::NumberedLines { number, n_same, n_marked } => {
            format!("{n_same} of {n_marked} marked lines of pull request {number}, by commit {original}")
        }
    };
    let doubt = landing.doubt.map(doubt_told).unwrap_or_default();
    let why = format!("{how}, which is not in this history{doubt}: {}", mark.why);
    Some(claim::evidence(ID, None, Taint { strength, ..taint.clone() }, why))
}

fn doubt_told(doubt: Doubt) -> &'static str {
    match doubt {
        Doubt::Older => ", and which is dated later than this one",
        Doubt::Several => ", and several commits fit",
        Doubt::SmallShare => ", too small a share to be sure",
        Doubt::Commonplace => ", lines that anybody may have written",
        Doubt::Derived => ", lines that replaced its own",
    }
}
