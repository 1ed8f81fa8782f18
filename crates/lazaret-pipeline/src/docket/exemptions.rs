//! Exemptions as people read them: who may use what, where and until when, and what became of it.

use jiff::{SignedDuration, Timestamp};
use lazaret_core::Terms;
use lazaret_store::{Aggregate, Exemption, ExemptionId, ExemptionStatus, Key, Order, Query, StoreError};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Names, every};
use crate::house::House;

/// The name of the format of lists of exemptions.
pub const EXEMPTION_LIST_FORMAT: &str = "lazaret.exemption-list/1";

/// How many days before its end an exemption is said to expire.
pub const EXPIRING_DAYS: i64 = 7;

/// Exemptions, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ExemptionList {
    /// Always `lazaret.exemption-list/1`.
    pub format: &'static str,
    /// The store's name.
    pub store: String,
    /// The time that they were looked at.
    pub time: String,
    /// The exemptions.
    pub exemptions: Vec<ExemptionSheet>,
}

/// An exemption.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ExemptionSheet {
    /// Its name, such as `E5`.
    pub exemption: String,
    /// Where it stands.
    pub status: String,
    /// Who asked for it.
    pub requester: String,
    /// Who may use the tools.
    pub beneficiaries: Vec<String>,
    /// Which tools.
    pub tools: Vec<String>,
    /// What for.
    pub purpose: String,
    /// Origins of the content that may come of it.
    pub origins: Vec<String>,
    /// Paths below them; all where there is none.
    pub paths: Vec<String>,
    /// Groups of the network.
    pub networks: Vec<String>,
    /// From when.
    pub from: String,
    /// Until when, that moment excluded.
    pub until: String,
    /// Why.
    pub reason: Option<String>,
    /// Under which condition.
    pub condition: Option<String>,
    /// Who approved it.
    pub approver: Option<String>,
    /// Who revoked it or turned it down.
    pub revoker: Option<String>,
    /// How often its use was recorded.
    pub uses: u64,
    /// When its use was last recorded.
    pub last_use: Option<String>,
    /// Whether it is active and ends within seven days.
    pub expiring: bool,
    /// Whether it is active or over, and was never used.
    pub unused: bool,
    /// What the policy has against it now.
    pub against: Vec<String>,
}

/// Lists exemptions.
///
/// # Errors
/// [`StoreError`] when they cannot be read.
pub async fn exemption_list(house: &House, now: Timestamp) -> Result<ExemptionList, StoreError> {
    let mut names = Names::of(&house.store);
    let mut exemptions = Vec::new();
    for row in every(&house.store, Query::of("exemption"), Order::Id).await? {
        let Aggregate::Exemption(exemption) = row else { continue };
        exemptions.push(sheet(&exemption, &house.charter.basis.terms, &mut names, now).await?);
    }
    let store = house.charter.name.clone();
    Ok(ExemptionList { format: EXEMPTION_LIST_FORMAT, store, time: now.to_string(), exemptions })
}

/// Returns one exemption; `None` where there is no such one.
///
/// # Errors
/// [`StoreError`] when it cannot be read.
pub async fn exemption_sheet(
    house: &House,
    id: ExemptionId,
    now: Timestamp,
) -> Result<Option<ExemptionSheet>, StoreError> {
    let Some(Aggregate::Exemption(exemption)) = house.store.get(Key::Exemption(id)).await? else {
        return Ok(None);
    };
    let mut names = Names::of(&house.store);
    sheet(&exemption, &house.charter.basis.terms, &mut names, now).await.map(Some)
}

async fn sheet(
    exemption: &Exemption,
    terms: &Terms,
    names: &mut Names<'_>,
    now: Timestamp,
) -> Result<ExemptionSheet, StoreError> {
    let request = &exemption.request;
    let status = exemption.status(terms, now);
    let name = async |names: &mut Names<'_>, who: Option<(lazaret_core::PersonId, Timestamp)>| match who {
        Some((person, _)) => names.person(person).await.map(Some),
        None => Ok(None),
    };
    let soon = SignedDuration::from_hours(EXPIRING_DAYS * 24);
    let is_active = status == ExemptionStatus::Active;
    let ran = is_active || (status == ExemptionStatus::Expired && exemption.approved.is_some());
    Ok(ExemptionSheet {
        exemption: exemption.exemption.to_string(),
        status: status.as_str().to_owned(),
        requester: names.person(exemption.requester).await?,
        beneficiaries: names.people(request.beneficiaries.iter().copied()).await?,
        tools: request.tools.iter().map(ToString::to_string).collect(),
        purpose: request.purpose.to_string(),
        origins: request.scope.origins.iter().cloned().collect(),
        paths: request.scope.paths.iter().cloned().collect(),
        networks: request.scope.networks.iter().cloned().collect(),
        from: request.from.to_string(),
        until: request.until.to_string(),
        reason: names.remark(Some(request.reason)).await?,
        condition: names.remark(request.condition).await?,
        approver: name(names, exemption.approved).await?,
        revoker: name(names, exemption.revoked).await?,
        uses: exemption.uses,
        last_use: exemption.last_use.map(|time| time.to_string()),
        expiring: is_active && request.until.duration_since(now) <= soon,
        unused: ran && exemption.uses == 0,
        against: request.against(terms),
    })
}
