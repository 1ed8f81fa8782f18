//! Motions as people read them: what is proposed, by whom, and what became of it.

use jiff::Timestamp;
use lazaret_store::{Aggregate, Motion, Order, Query, Question, StoreError};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Names, every};
use crate::house::House;

/// The name of the format of lists of motions.
pub const MOTION_LIST_FORMAT: &str = "lazaret.motion-list/1";

/// Motions, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MotionList {
    /// Always `lazaret.motion-list/1`.
    pub format: &'static str,
    /// The store's name.
    pub store: String,
    /// The motions.
    pub motions: Vec<MotionSheet>,
}

/// A motion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MotionSheet {
    /// Its name, such as `M3`.
    pub motion: String,
    /// Where it stands: `open`, `carried` or `lapsed`.
    pub status: String,
    /// What is to be done, in one line.
    pub question: String,
    /// Who proposed it.
    pub proposer: String,
    /// When.
    pub proposed: String,
    /// Until when it can be seconded.
    pub open_until: String,
    /// Who seconded it.
    pub seconder: Option<String>,
}

/// Lists motions.
///
/// # Errors
/// [`StoreError`] when they cannot be read.
pub async fn motion_list(house: &House, now: Timestamp) -> Result<MotionList, StoreError> {
    let mut names = Names::of(&house.store);
    let mut motions = Vec::new();
    for row in every(&house.store, Query::of("motion"), Order::Id).await? {
        let Aggregate::Motion(motion) = row else { continue };
        motions.push(sheet(&motion, &mut names, now).await?);
    }
    Ok(MotionList { format: MOTION_LIST_FORMAT, store: house.charter.name.clone(), motions })
}

async fn sheet(motion: &Motion, names: &mut Names<'_>, now: Timestamp) -> Result<MotionSheet, StoreError> {
    let seconder = match motion.seconded {
        Some((person, _)) => Some(names.person(person).await?),
        None => None,
    };
    Ok(MotionSheet {
        motion: motion.motion.to_string(),
        status: motion.status(now).as_str().to_owned(),
        question: question(&motion.question, names).await?,
        proposer: names.person(motion.proposer).await?,
        proposed: motion.proposed.to_string(),
        open_until: motion.open_until().to_string(),
        seconder,
    })
}

async fn question(question: &Question, names: &mut Names<'_>) -> Result<String, StoreError> {
    Ok(match question {
        Question::AdmitPerson(new) => {
            let roles: Vec<&str> = new.roles.iter().map(|role| role.as_str()).collect();
            let kind = if new.service { "service" } else { "person" };
            let name = names.person(new.person).await?;
            let mut written = Vec::new();
            for identity in &new.identities {
                written.extend(names.words(&identity.to_string()).await?);
            }
            format!(
                "admit the {kind} {name} with the key {} as {}; writes as {}",
                new.key,
                listed(&roles),
                listed(&written.iter().map(String::as_str).collect::<Vec<_>>())
            )
        }
        Question::GrantRole { person, role } => {
            format!("grant {} the role {role}", names.person(*person).await?)
        }
        Question::WithdrawRole { person, role } => {
            format!("take the role {role} from {}", names.person(*person).await?)
        }
        Question::LinkIdentity { person, identity } => {
            let words = names.words(&identity.to_string()).await?;
            let identity = words.unwrap_or_else(|| "a forgotten identity".to_owned());
            format!("{} also writes as {identity}", names.person(*person).await?)
        }
        Question::ReplaceKey { person, key } => {
            format!("{} signs with the key {key} from now on", names.person(*person).await?)
        }
        Question::AdoptPolicy(basis) => {
            format!("work under the policy {} and the duties {}", basis.policy, basis.duties)
        }
        Question::DestroyContent { content } => format!("destroy the content {content}"),
        Question::Forget { person } => format!("forget {}", names.person(*person).await?),
        Question::RevealCaller { pseudonym, reason } => {
            let reason = names.words(&reason.to_string()).await?;
            let reason = reason.unwrap_or_else(|| "an erased reason".to_owned());
            format!("reveal who is behind {pseudonym}: {reason}")
        }
    })
}

fn listed(words: &[&str]) -> String {
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}
