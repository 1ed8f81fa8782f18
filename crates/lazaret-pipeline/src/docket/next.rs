//! Who may do what next about a case: found out by trying it on a copy of the rows, so that it is what would happen.

use jiff::Timestamp;
use lazaret_store::{Act, Case, CaseStatus, Person, Resolution, StoreError};
use schemars::JsonSchema;
use serde::Serialize;

use super::Names;
use super::trial::Trial;
use crate::house::House;

/// Something that people may do about a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NextStep {
    /// The act, such as `claim-case`.
    pub act: String,
    /// Who may do it now; where nobody may, somebody has to be admitted or granted a role.
    pub people: Vec<String>,
}

/// Returns what may be done next about a case, and by whom.
///
/// # Errors
/// [`StoreError`] when a row cannot be read.
pub async fn next_steps(
    house: &House,
    case: &Case,
    people: &[Person],
    names: &mut Names<'_>,
    now: Timestamp,
) -> Result<Vec<NextStep>, StoreError> {
    let id = case.case;
    let acts = match case.status(house.charter.basis.policy) {
        CaseStatus::Open | CaseStatus::Reopened => vec![Act::ClaimCase { case: id }],
        // Whether a clearing would be complete is for who proposes it; who may propose at all is the question here.
        CaseStatus::Claimed => vec![
            Act::ProposeResolution { case: id, resolution: Resolution::KeptHeld, remark: None },
            Act::ClaimCase { case: id },
        ],
        CaseStatus::Proposed => {
            vec![
                Act::AgreeResolution { case: id, resolution: None },
                Act::RejectResolution { case: id, remark: None },
            ]
        }
        CaseStatus::Decided => vec![Act::ReopenCase { case: id, remark: None }],
    };
    let mut steps = Vec::new();
    let mut trial = Trial::new(house, now);
    trial.know(case);
    for act in acts {
        let mut able = Vec::new();
        for person in people.iter().filter(|person| !person.forgotten) {
            if trial.refusal(person.person, std::slice::from_ref(&act)).await?.is_none() {
                able.push(names.person(person.person).await?);
            }
        }
        able.sort();
        steps.push(NextStep { act: act.as_str().to_owned(), people: able });
    }
    Ok(steps)
}
