//! By what calls are decided: the policy and the exemptions that the command line names.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use lazaret_pipeline::egress::{Decider, KeptExemptions, SnapshotError};
use lazaret_pipeline::house::House;

use crate::command_error::CommandError;
use crate::exit::ExitCode;
use crate::house::{StoreArgs, house_error, store_error};
use crate::rulebook::Rulebook;

/// By what to decide.
#[derive(Debug, Args)]
pub(crate) struct DecidingArgs {
    /// The policy; the store's otherwise, or the built-in one where there is no store either
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    store: StoreArgs,
}

/// What decides, and what it was made of.
pub(crate) struct Deciding {
    pub(crate) decider: Decider,
    pub(crate) house: Option<House>,
    /// The file of the policy, where one is named.
    pub(crate) policy: Option<PathBuf>,
}

impl DecidingArgs {
    /// Returns which store is named.
    pub(super) fn store(&self) -> &StoreArgs {
        &self.store
    }

    /// Reads policy and exemptions. Without a store there are no exemptions.
    pub(crate) async fn open(&self, now: Timestamp) -> Result<Deciding, CommandError> {
        let (rulebook, house) = self.rulebook().await?;
        let exemptions = active(&rulebook, house.as_ref(), now).await?;
        let policy = self.policy.clone();
        Ok(Deciding { decider: decider(&rulebook, exemptions)?, house, policy })
    }

    /// Reads the policy, and every exemption that ever was approved, to hold calls of the past against.
    pub(crate) async fn open_for_logs(
        &self,
        now: Timestamp,
    ) -> Result<(Rulebook, KeptExemptions), CommandError> {
        let (rulebook, house) = self.rulebook().await?;
        let exemptions = match &house {
            Some(house) => KeptExemptions::read_all(house, now).await.map_err(store_error)?,
            None => KeptExemptions::none(rulebook.rules.policy().terms(), now),
        };
        Ok((rulebook, exemptions))
    }

    /// Reads the policy with its catalog, and the exemptions that are active or will be.
    pub(crate) async fn open_for_exports(
        &self,
        now: Timestamp,
    ) -> Result<(Rulebook, KeptExemptions), CommandError> {
        let (rulebook, house) = self.rulebook().await?;
        let exemptions = active(&rulebook, house.as_ref(), now).await?;
        Ok((rulebook, exemptions))
    }

    async fn rulebook(&self) -> Result<(Rulebook, Option<House>), CommandError> {
        let house = match self.store.is_named() {
            true => Some(self.store.open().await?),
            false => None,
        };
        let rulebook = match (&self.policy, &house) {
            (None, Some(house)) => {
                let digest = house.charter.basis.policy;
                let text = house.document(digest).await.map_err(house_error)?;
                Rulebook::parse(&text, "the store's policy")?
            }
            (path, _) => Rulebook::load(path.as_deref())?,
        };
        Ok((rulebook, house))
    }
}

/// Reads the exemptions that are active or will be; there are none without a store.
async fn active(
    rulebook: &Rulebook,
    house: Option<&House>,
    now: Timestamp,
) -> Result<KeptExemptions, CommandError> {
    match house {
        Some(house) => KeptExemptions::read(house, now).await.map_err(store_error),
        None => Ok(KeptExemptions::none(rulebook.rules.policy().terms(), now)),
    }
}

/// Returns what decides by a policy and exemptions.
pub(super) fn decider(rulebook: &Rulebook, exemptions: KeptExemptions) -> Result<Decider, CommandError> {
    let endpoints = rulebook.catalog.endpoints().rows().iter().cloned();
    Decider::new(rulebook.rules.egress().clone(), endpoints, exemptions)
        .map_err(|error| CommandError::from_error(ExitCode::PolicyInvalid, error))
}

/// Returns an error of a snapshot, for people.
pub(super) fn snapshot_error(error: SnapshotError) -> CommandError {
    CommandError::from_error(ExitCode::Failure, error).hint("`lazaret egress snapshot --out FILE` writes one")
}
