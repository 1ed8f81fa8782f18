//! `lazaret store`: makes the store of people, cases and exemptions, and looks after it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use lazaret_authority::Duties;
use lazaret_pipeline::house::{DUTIES_MEDIA, FoundingRequest, House, HousePlace, POLICY_MEDIA, found};
use lazaret_policy::Policy;
use lazaret_store::{Act, Database, Document, Engine, Migrated, MotionId, PolicyBasis, Question, Recipients};

use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::commands::key::read_public;
use crate::commands::motion;
use crate::exit::ExitCode;
use crate::house::{ActorArgs, StoreArgs, environment, house_error, store_error};
use crate::output::Output;
use crate::rulebook::Rulebook;
use crate::runtime::block_on;
use crate::screen::Screen;
use crate::speech;
use crate::text::{count, plain};

pub(super) mod people;

/// Arguments of `lazaret store`.
#[derive(Debug, Args)]
pub(crate) struct StoreCommandArgs {
    #[command(subcommand)]
    command: StoreCommand,
}

#[derive(Debug, Subcommand)]
enum StoreCommand {
    /// Make a store
    ///
    /// A folder gets a database, a vault for held content and the public log of the ledger. On a PostgreSQL server the
    /// database must be there and empty, and `--vault` and `--ledger` say where the other two lie. A store needs two
    /// admins from the beginning, each with an own key.
    Create(Box<CreateArgs>),
    /// Say what there is in a store
    Status(StoreArgs),
    /// Bring an older store to the present format
    Migrate(StoreArgs),
    /// Propose that the store works under another policy
    ///
    /// Another policy owner seconds it with `lazaret motion second`. Decisions that freed content under the policy
    /// before do not stand then, and their cases are open again.
    Adopt {
        /// The policy
        #[arg(value_name = "FILE")]
        policy: PathBuf,
        /// Other policies in Cedar on who may do what; those that the store works under otherwise
        #[arg(long, value_name = "FILE")]
        duties: Option<PathBuf>,
        #[command(flatten)]
        store: StoreArgs,
        #[command(flatten)]
        actor: ActorArgs,
    },
    /// Copy the database into a new file while others go on
    ///
    /// For a store in a folder; one on a server is backed up with `pg_dump`. The vault and the public log are files
    /// that are written once: copy their folders after the database.
    Backup {
        /// The file to write
        #[arg(value_name = "FILE")]
        to: PathBuf,
        #[command(flatten)]
        store: StoreArgs,
    },
}

/// What a store is to be.
#[derive(Debug, Args)]
struct CreateArgs {
    /// A folder, or a `postgres://` URL
    #[arg(value_name = "PLACE")]
    place: String,
    /// The store's name, such as `acme.example/lazaret`: its ledger is known by it
    #[arg(long, value_name = "NAME")]
    name: String,
    /// The policy that it works under; the built-in one otherwise
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Policies in Cedar on who may do what; the built-in ones otherwise
    #[arg(long, value_name = "FILE")]
    duties: Option<PathBuf>,
    /// Who works with it: `NAME=PUBLICKEYFILE:role+role:address,address`; may be given more than once
    #[arg(long = "person", value_name = "PERSON")]
    person: Vec<String>,
    /// A file that names the people instead
    #[arg(long, value_name = "FILE")]
    people: Option<PathBuf>,
    /// The public key whose secret one will sign the ledger's checkpoints
    #[arg(long, value_name = "FILE")]
    ledger_key: PathBuf,
    /// For whom held content is encrypted, `age1…`; may be given more than once
    #[arg(long = "recipient", value_name = "AGE", required = true)]
    recipients: Vec<String>,
    /// Where held content lies: a path beside the database, or an address
    #[arg(long, value_name = "PLACE", default_value = "vault")]
    vault: String,
    /// Where the public log lies: a path beside the database, or an address
    #[arg(long, value_name = "PLACE", default_value = "ledger")]
    ledger: String,
    #[command(flatten)]
    actor: ActorArgs,
}

/// Runs the command.
pub(crate) fn run(args: &StoreCommandArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    match &args.command {
        StoreCommand::Create(args) => create(args, global),
        StoreCommand::Status(store) => status(store),
        StoreCommand::Migrate(store) => migrate(store, global),
        StoreCommand::Adopt { policy, duties, store, actor } => {
            adopt(policy, duties.as_deref(), store, actor, global)
        }
        StoreCommand::Backup { to, store } => backup(to, store, global),
    }
}

fn create(args: &CreateArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let place: HousePlace = args.place.parse().map_err(house_error)?;
    let policy = read_policy(args.policy.as_deref())?;
    let duties = read_duties(args.duties.as_deref())?;
    let people = people::read(&args.person, args.people.as_deref())?;
    let recipients = Recipients::parse(&args.recipients.join("\n")).map_err(|error| {
        CommandError::from_error(ExitCode::Usage, error)
            .hint("`lazaret key create --for vault FILE` makes a key and says its recipient")
    })?;
    let ledger_key = read_public(&args.ledger_key)?;
    let environment = environment();
    let request = FoundingRequest {
        place: &place,
        name: &args.name,
        policy: &policy,
        duties: &duties,
        people: &people,
        maker: (args.actor.name()?, Arc::new(args.actor.key()?)),
        ledger_key: &ledger_key,
        vault: &args.vault,
        ledger: &args.ledger,
        recipients: &recipients,
        environment: &environment,
        now: global.now(),
    };
    let house = block_on(async { found(request).await.map_err(house_error) })?;
    if !global.quiet {
        say_made(&house, people.len(), &Screen::stderr(global.color));
    }
    Ok(ExitCode::Success)
}

fn say_made(house: &House, n_people: usize, screen: &Screen) {
    let charter = &house.charter;
    let people = count(n_people as u64, "person", "people");
    let made = format!(
        "made the store `{}` at `{}`: {people}, vault `{}`, public log `{}`, policy {}",
        charter.name,
        house.place(),
        charter.vault,
        charter.ledger,
        charter.basis.policy
    );
    speech::note(&made, screen);
    speech::note("keep the secret keys of ledger and vault elsewhere; neither is part of the store", screen);
    let next = format!("next: `lazaret hold --store {} …` holds what a scan has found", house.place());
    speech::note(&next, screen);
}

/// Reads the policy that a store is to work under, and holds it against the catalog as a scan would.
pub(super) fn read_policy(path: Option<&Path>) -> Result<Policy, CommandError> {
    Ok(Rulebook::load(path)?.rules.policy().clone())
}

/// Reads policies on who may do what.
pub(super) fn read_duties(path: Option<&Path>) -> Result<Duties, CommandError> {
    let Some(path) = path else { return Ok(Duties::built_in()) };
    let text = fs::read_to_string(path).map_err(|error| {
        let message = format!("cannot read the duties `{}`", path.display());
        CommandError::new(ExitCode::PolicyInvalid, message).because(error)
    })?;
    Duties::parse(&text).map_err(|error| {
        CommandError::from_error(ExitCode::PolicyInvalid, error)
            .hint("docs/reference/authority.md tells of every word and of the ground rules")
    })
}

fn status(store: &StoreArgs) -> Result<ExitCode, CommandError> {
    let (charter, status) = block_on(async {
        let house = store.open().await?;
        let status = house.store.database().status().await.map_err(|error| store_error(error.into()))?;
        Ok((house.charter, status))
    })?;
    let engine = match status.engine {
        Engine::Sqlite => "SQLite",
        Engine::Postgres => "PostgreSQL",
    };
    let entries = count(status.entries, "entry", "entries");
    let last = status.last_time.map_or_else(String::new, |time| format!(", the last of {time:.0}"));
    Output::open(None)?.write(|out| {
        writeln!(out, "store    {}", plain(&charter.name))?;
        writeln!(out, "format   {} on {engine} {}", status.format, plain(&status.engine_version))?;
        writeln!(out, "policy   {}", charter.basis.policy)?;
        writeln!(out, "duties   {}", charter.basis.duties)?;
        writeln!(out, "vault    {}", plain(&charter.vault))?;
        writeln!(out, "ledger   {}: {entries}{last}", plain(&charter.ledger))?;
        for ((kind, status), number) in status.rows.iter().filter(|((kind, _), _)| kind != "charter") {
            writeln!(out, "{:<8} {} {}", plain(kind), crate::text::thousands(*number), plain(status))?;
        }
        Ok(())
    })?;
    Ok(ExitCode::Success)
}

fn migrate(store: &StoreArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let place = store.place()?;
    let migrated =
        block_on(async { Database::migrate(place.url()).await.map_err(|error| store_error(error.into())) })?;
    if !global.quiet {
        let Migrated { from, to } = &migrated;
        let message = if from == to {
            format!("the store at `{place}` has the format {to}, the newest, already")
        } else {
            format!("brought the store at `{place}` from format {from} to {to}")
        };
        speech::note(&message, &Screen::stderr(global.color));
    }
    Ok(ExitCode::Success)
}

fn adopt(
    policy: &Path,
    duties: Option<&Path>,
    store: &StoreArgs,
    actor: &ActorArgs,
    global: &GlobalArgs,
) -> Result<ExitCode, CommandError> {
    let policy = read_policy(Some(policy))?;
    let duties = duties.map(|path| read_duties(Some(path))).transpose()?;
    let motion = block_on(async {
        let house = store.open().await?;
        let actor = actor.enter(&house).await?;
        let kept = house.charter.basis.duties;
        let basis = PolicyBasis {
            policy: policy.digest(),
            terms: policy.terms(),
            duties: duties.as_ref().map_or(kept, Duties::digest),
        };
        let document =
            |media: &str, text: &str| Document { media: media.to_owned(), body: text.as_bytes().to_vec() };
        let mut documents = vec![document(POLICY_MEDIA, policy.text())];
        documents.extend(duties.iter().map(|duties| document(DUTIES_MEDIA, duties.text())));
        let act = Act::ProposeMotion { question: Question::AdoptPolicy(basis), remark: None };
        let done = house.store.apply_with(&actor, act, documents, global.now()).await.map_err(store_error)?;
        Ok(MotionId(done.seq))
    })?;
    motion::say_proposed(motion, "policy owner", global);
    Ok(ExitCode::Success)
}

fn backup(to: &Path, store: &StoreArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    block_on(async {
        let house = store.open().await?;
        house.store.database().backup(to).await.map_err(|error| store_error(error.into()))
    })?;
    if !global.quiet {
        let message =
            format!("copied the database to `{}`; copy the vault and the public log after it", to.display());
        speech::note(&message, &Screen::stderr(global.color));
    }
    Ok(ExitCode::Success)
}
