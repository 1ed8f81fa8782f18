//! Which store a command works with, who works with it, and what is said when the store refuses.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use lazaret_pipeline::holdings::{Holdings, HoldingsError};
use lazaret_pipeline::house::{House, HouseError, HousePlace};
use lazaret_store::{Actor, DatabaseError, ExemptionStatus, Key, Refusal, StoreError};

use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::commands::key::read_secret;
use crate::exit::ExitCode;
use crate::rulebook::Rulebook;
use crate::runtime::block_on;
use crate::screen::Screen;
use crate::speech;
use crate::text::count;

/// Which store.
#[derive(Debug, Args)]
pub(crate) struct StoreArgs {
    /// The store: the folder that `lazaret store create` made, or a `postgres://` URL
    #[arg(long, value_name = "PLACE", env = "LAZARET_STORE", hide_env_values = true, help_heading = "Store")]
    store: Option<String>,
}

/// Whose decisions a judgement takes into account. No variable of the environment names the store here: a verdict
/// hangs on nothing that is not written on the command line.
#[derive(Debug, Args)]
pub(crate) struct HoldingsArgs {
    /// Take into account what this store holds and people decided: its folder, or a `postgres://` URL. Without
    /// `--policy` its policy judges
    #[arg(long = "store", value_name = "PLACE")]
    store: Option<String>,
}

/// What a store holds, and the policy that it works under.
#[derive(Debug)]
pub(crate) struct Asked {
    /// What it holds.
    pub(crate) holdings: Holdings,
    /// The text of its policy.
    policy: Vec<u8>,
}

impl HoldingsArgs {
    /// Asks the store, where one is named. One that cannot be read or does not verify is an error.
    pub(crate) fn ask(&self, global: &GlobalArgs) -> Result<Option<Asked>, CommandError> {
        let Some(store) = &self.store else { return Ok(None) };
        let place: HousePlace = store.parse().map_err(house_error)?;
        block_on(async {
            let house = House::open(&place).await.map_err(house_error)?;
            let holdings = Holdings::of(&house).await.map_err(holdings_error)?;
            let policy = house.document(house.charter.basis.policy).await.map_err(house_error)?;
            let unknown = holdings.n_unrecognisable();
            if unknown > 0 && !global.quiet {
                let text = format!(
                    "no fingerprint is kept of {} that were removed: copies of them are not found, only their very bytes",
                    count(unknown, "content", "contents")
                );
                speech::warning(&text, &Screen::stderr(global.color));
            }
            Ok(Some(Asked { holdings, policy }))
        })
    }
}

impl Asked {
    /// Reads the policy that is named, or that of the store where none is, or the built-in one where there is no store.
    pub(crate) fn rulebook(asked: Option<&Self>, path: Option<&Path>) -> Result<Rulebook, CommandError> {
        match (asked, path) {
            (Some(asked), None) => Rulebook::parse(&asked.policy, "the store's policy"),
            (_, path) => Rulebook::load(path),
        }
    }
}

fn holdings_error(error: HoldingsError) -> CommandError {
    match error {
        HoldingsError::House(error) => house_error(error),
        HoldingsError::Fingerprint { .. } => CommandError::from_error(ExitCode::Failure, error)
            .hint("somebody recorded a statement of the kind `fingerprint` that is none; its entry says who"),
        HoldingsError::Snapshot { .. } => {
            let exit = if error.is_of_the_ledger() { ExitCode::LedgerInvalid } else { ExitCode::Failure };
            CommandError::from_error(exit, error).hint("`lazaret ledger verify` tells what is wrong with it")
        }
    }
}

/// Who acts.
#[derive(Debug, Args)]
pub(crate) struct ActorArgs {
    /// Who you are: the name under which the store knows you
    #[arg(
        id = "as",
        long = "as",
        value_name = "NAME",
        env = "LAZARET_AS",
        hide_env_values = true,
        help_heading = "Store"
    )]
    actor_name: Option<String>,
    /// The file of your secret key
    #[arg(long, value_name = "FILE", env = "LAZARET_KEY", hide_env_values = true, help_heading = "Store")]
    key: Option<PathBuf>,
}

impl StoreArgs {
    /// Whether a store is named at all.
    pub(crate) fn is_named(&self) -> bool {
        self.store.is_some()
    }

    /// Returns where the store lies.
    pub(crate) fn place(&self) -> Result<HousePlace, CommandError> {
        let Some(store) = &self.store else {
            return Err(CommandError::new(ExitCode::Usage, "no store is named")
                .hint("give `--store PLACE`, or set LAZARET_STORE"));
        };
        store.parse().map_err(house_error)
    }

    /// Opens the store.
    pub(crate) async fn open(&self) -> Result<House, CommandError> {
        House::open(&self.place()?).await.map_err(house_error)
    }
}

impl ActorArgs {
    /// Returns the name under which somebody acts.
    pub(crate) fn name(&self) -> Result<&str, CommandError> {
        self.actor_name.as_deref().ok_or_else(|| {
            CommandError::new(ExitCode::Usage, "nobody is named to act")
                .hint("give `--as NAME`, or set LAZARET_AS")
        })
    }

    /// Reads the secret key.
    pub(crate) fn key(&self) -> Result<lazaret_seal::SecretKey, CommandError> {
        let Some(path) = &self.key else {
            return Err(CommandError::new(ExitCode::Usage, "no key is given to sign with").hint(
                "give `--key FILE`, or set LAZARET_KEY; `lazaret key create FILE` makes one, and whoever is \
                 admitted is admitted with its public key",
            ));
        };
        read_secret(path)
    }

    /// Returns who acts in a store.
    pub(crate) async fn enter(&self, house: &House) -> Result<Actor, CommandError> {
        house.actor(self.name()?, self.key()?).await.map_err(house_error)
    }
}

/// Returns what object stores take their credentials from.
pub(crate) fn environment() -> BTreeMap<String, String> {
    env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Returns an error of opening or making a store, for people.
pub(crate) fn house_error(error: HouseError) -> CommandError {
    if let HouseError::Store(error) = error {
        return store_error(error);
    }
    let is_usage = matches!(
        error,
        HouseError::NotAPlace { .. } | HouseError::Relative { .. } | HouseError::NamedTwice { .. }
    );
    let hint = way_out(&error);
    let exit = if is_usage { ExitCode::Usage } else { ExitCode::Failure };
    let error = CommandError::from_error(exit, error);
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

fn way_out(error: &HouseError) -> Option<String> {
    let hint = if let HouseError::Missing { place } = error {
        return Some(format!("`lazaret store create {place}` makes one; its `--help` says what it takes"));
    } else if let HouseError::Shelf { .. } = error {
        "name an empty folder, or an object store of which the environment says how it is reached"
    } else if let HouseError::Nobody { .. } = error {
        "`lazaret people list` tells who there is; two admins admit people with `lazaret people admit`"
    } else if let HouseError::OtherKey { .. } = error {
        "name the file of the secret key with `--key`; who lost it gets another by `lazaret people replace-key`"
    } else {
        return None;
    };
    Some(hint.to_owned())
}

/// Returns an error of a store, for people: a denial with everything that is unmet.
pub(crate) fn store_error(error: StoreError) -> CommandError {
    if let StoreError::Refused { refusal } = error {
        return refused(*refusal);
    }
    if let StoreError::Database { source } = error {
        let exists = matches!(*source, DatabaseError::Exists { .. });
        let error = CommandError::from_error(ExitCode::Failure, *source);
        return if exists {
            error.hint("name another place, or work with the store that is there")
        } else {
            error
        };
    }
    CommandError::from_error(ExitCode::Failure, error)
}

/// Returns a refusal, for people.
fn refused(refusal: Refusal) -> CommandError {
    match refusal {
        Refusal::Denied { action, unmet, .. } => {
            let denied = CommandError::new(ExitCode::Denied, format!("`{action}` is denied"));
            unmet.iter().fold(denied, |error, need| error.hint(format!("it needs {need}")))
        }
        Refusal::NotAdmitted { .. } => CommandError::from_error(ExitCode::Denied, refusal),
        Refusal::Terms { against } => {
            let refused =
                CommandError::new(ExitCode::ExemptionInvalid, "the policy does not allow the exemption");
            against.iter().fold(refused, |error, why| error.hint(why.clone()))
        }
        Refusal::Unrefuted { case, evidence } => {
            let message = format!("case {case}: {} of the taints are not refuted", evidence.len());
            let refused = CommandError::new(ExitCode::Failure, message);
            evidence
                .iter()
                .fold(refused, |error, one| error.hint(format!("add `--refute {one}=WHY`")))
                .hint(format!("`lazaret case show {case}` tells of each taint"))
        }
        Refusal::Unready { what: Key::Exemption(_), ref is, .. } => {
            let over = [ExemptionStatus::Expired, ExemptionStatus::OutOfTerms].map(ExemptionStatus::as_str);
            let exit =
                if over.contains(&is.as_str()) { ExitCode::ExemptionInvalid } else { ExitCode::Failure };
            CommandError::from_error(exit, refusal)
        }
        Refusal::NoSuch { .. }
        | Refusal::Exists { .. }
        | Refusal::Unready { .. }
        | Refusal::Held { .. }
        | Refusal::Idle { .. }
        | Refusal::Senseless { .. } => CommandError::from_error(ExitCode::Failure, refusal),
    }
}

/// How to write lists and sheets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DocketFormat {
    /// For people
    Human,
    /// One line of JSON
    Json,
}

/// Reads a name such as `C12`; small letters and the bare number do too.
pub(crate) fn parse_number(letter: char, text: &str) -> Result<u64, CommandError> {
    let digits = text.strip_prefix([letter, letter.to_ascii_lowercase()]).unwrap_or(text);
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number).ok_or_else(|| {
        CommandError::new(ExitCode::Usage, format!("`{text}` is no name of this kind"))
            .hint(format!("write it as `{letter}12`, as lists show it"))
    })
}
