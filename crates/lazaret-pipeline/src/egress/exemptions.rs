//! Exemptions as decisions about calls take them: read from the store, with names in the place of pseudonyms.

use jiff::{SignedDuration, Timestamp};
use lazaret_core::Terms;
use lazaret_policy::egress::{Beneficiary, EgressExemption};
use lazaret_store::{Aggregate, Exemption, ExemptionStatus, Key, Order, Query, Store, StoreError};
use serde::{Deserialize, Serialize};

use crate::docket::{Names, every};
use crate::house::House;

/// The exemptions that are active or will be, as they stood when they were read.
///
/// Whether one is active is asked of the store's own rule each time, at the time of the decision, so that one that ends
/// helps no longer whenever it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct KeptExemptions {
    /// When they were read.
    pub read: Timestamp,
    /// What the policy demands of exemptions.
    terms: Terms,
    kept: Vec<KeptExemption>,
}

/// An exemption as the store has it, and as decisions take it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct KeptExemption {
    stored: Exemption,
    plain: EgressExemption,
}

impl KeptExemptions {
    /// Returns that there are none: where no store is used.
    #[must_use]
    pub fn none(terms: Terms, now: Timestamp) -> Self {
        Self { read: now, terms, kept: Vec::new() }
    }

    /// Reads them from a store, under the terms it works under now.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    pub async fn read(house: &House, now: Timestamp) -> Result<Self, StoreError> {
        let terms = house.store.charter().await?.basis.terms;
        let mut names = Names::of(&house.store);
        let mut kept = Vec::new();
        for row in every(&house.store, Query::of("exemption"), Order::Id).await? {
            let Aggregate::Exemption(stored) = row else { continue };
            if matches!(stored.status(&terms, now), ExemptionStatus::Active | ExemptionStatus::Pending) {
                let plain = plain(&house.store, &mut names, &stored).await?;
                kept.push(KeptExemption { stored, plain });
            }
        }
        Ok(Self { read: now, terms, kept })
    }

    /// Reads those that were ever approved, to say of calls that were made what was permitted then.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    pub async fn read_all(house: &House, now: Timestamp) -> Result<Self, StoreError> {
        let terms = house.store.charter().await?.basis.terms;
        let mut names = Names::of(&house.store);
        let mut kept = Vec::new();
        for row in every(&house.store, Query::of("exemption"), Order::Id).await? {
            let Aggregate::Exemption(stored) = row else { continue };
            if stored.approved.is_some() {
                let plain = plain(&house.store, &mut names, &stored).await?;
                kept.push(KeptExemption { stored, plain });
            }
        }
        Ok(Self { read: now, terms, kept })
    }

    /// Returns those that were active at a time: approved by then, and not yet revoked.
    pub(super) fn active_at(&self, time: Timestamp) -> Vec<&EgressExemption> {
        let was_active = |one: &&KeptExemption| {
            let mut then = one.stored.clone();
            then.approved = then.approved.filter(|(_, at)| *at <= time);
            then.revoked = then.revoked.filter(|(_, at)| *at <= time);
            then.status(&self.terms, time) == ExemptionStatus::Active
        };
        self.kept.iter().filter(was_active).map(|one| &one.plain).collect()
    }

    /// Returns when an exemption ended or will end: at its term, or when it was revoked before.
    pub(super) fn end_of(&self, number: u32) -> Option<Timestamp> {
        let stored = &self.kept.get(usize::try_from(number).ok()?)?.stored;
        Some(stored.revoked.map_or(stored.request.until, |(_, at)| at.min(stored.request.until)))
    }

    /// Returns the number of the exemption of a name.
    pub(super) fn number_of(&self, name: &str) -> Option<u32> {
        u32::try_from(self.kept.iter().position(|one| one.plain.name == name)?).ok()
    }

    /// Returns the name of an exemption by its number.
    pub(super) fn name_of(&self, number: u32) -> Option<&str> {
        Some(&self.kept.get(usize::try_from(number).ok()?)?.plain.name)
    }

    /// Returns those that are active, and still are when an answer that is given now has been kept for so long.
    pub(super) fn active(&self, now: Timestamp, kept_for: SignedDuration) -> Vec<&EgressExemption> {
        let then = now.checked_add(kept_for).unwrap_or(Timestamp::MAX);
        let is_active =
            |one: &KeptExemption, at| one.stored.status(&self.terms, at) == ExemptionStatus::Active;
        let active = self.kept.iter().filter(|one| is_active(one, now) && is_active(one, then));
        active.map(|one| &one.plain).collect()
    }

    /// Returns what the policy demands of exemptions.
    #[must_use]
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Returns how many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.kept.len()
    }
}

/// Returns an exemption with names for pseudonyms. Who was forgotten is nobody whom a proxy could name.
async fn plain(
    store: &Store,
    names: &mut Names<'_>,
    exemption: &Exemption,
) -> Result<EgressExemption, StoreError> {
    let request = &exemption.request;
    let mut beneficiaries = std::collections::BTreeSet::new();
    for person in &request.beneficiaries {
        let is_service = match store.get(Key::Person(*person)).await? {
            Some(Aggregate::Person(known)) if known.forgotten => continue,
            Some(Aggregate::Person(known)) => known.service,
            Some(_) | None => false,
        };
        let name = names.person(*person).await?;
        beneficiaries.insert(if is_service { Beneficiary::Group(name) } else { Beneficiary::Person(name) });
    }
    Ok(EgressExemption {
        name: exemption.exemption.to_string(),
        beneficiaries,
        tools: request.tools.clone(),
        purpose: request.purpose,
        networks: request.scope.networks.clone(),
        until: request.until,
    })
}
