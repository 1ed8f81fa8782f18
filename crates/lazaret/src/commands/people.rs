//! `lazaret people`: who works with a store, in which roles, and under which names they write.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use lazaret_core::{PersonId, PersonRole};
use lazaret_pipeline::docket::{Names, people};
use lazaret_pipeline::house::House;
use lazaret_seal::PublicKey;
use lazaret_store::{Act, MotionId, NewPerson, PublicKeyBytes, Question};

use super::motion::say_proposed;
use super::store::people::roles;
use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::commands::key::read_public;
use crate::exit::ExitCode;
use crate::house::{ActorArgs, StoreArgs, store_error};
use crate::output::Output;
use crate::runtime::block_on;
use crate::screen::Screen;
use crate::speech;
use crate::text::{count, plain};

/// Arguments of `lazaret people`.
#[derive(Debug, Args)]
pub(crate) struct PeopleArgs {
    #[command(subcommand)]
    command: PeopleCommand,
}

#[derive(Debug, Subcommand)]
enum PeopleCommand {
    /// List who works with the store
    List(StoreArgs),
    /// Propose to admit a person or a service; another admin seconds it
    Admit(AdmitArgs),
    /// Propose to grant a role; another admin seconds it
    Grant(RoleArgs),
    /// Propose to take a role away that takes two, such as an admin's
    Withdraw(RoleArgs),
    /// Take a role away at once
    Revoke(RoleArgs),
    /// Propose that a person is known to write under one more address
    Link {
        /// Who
        #[arg(value_name = "NAME")]
        person: String,
        /// The address or login
        #[arg(value_name = "IDENTITY")]
        identity: String,
        #[command(flatten)]
        by: ByArgs,
    },
    /// Propose that a person signs with another key from now on
    ReplaceKey {
        /// Who
        #[arg(value_name = "NAME")]
        person: String,
        /// The file of the new public key
        #[arg(value_name = "FILE")]
        public_key: PathBuf,
        #[command(flatten)]
        by: ByArgs,
    },
    /// Propose to erase a person's name and addresses for good
    Forget {
        /// Who
        #[arg(value_name = "NAME")]
        person: String,
        #[command(flatten)]
        by: ByArgs,
    },
}

/// In which store, and who asks.
#[derive(Debug, Args)]
struct ByArgs {
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    actor: ActorArgs,
}

/// Who is to be admitted.
#[derive(Debug, Args)]
struct AdmitArgs {
    /// The name
    #[arg(value_name = "NAME")]
    person: String,
    /// The file of the public key
    #[arg(long, value_name = "FILE")]
    public_key: PathBuf,
    /// The roles, joined by `+`
    #[arg(long, value_name = "ROLES", default_value = "")]
    roles: String,
    /// An address or login under which the person writes; may be given more than once
    #[arg(long = "identity", value_name = "IDENTITY")]
    identities: Vec<String>,
    /// It is a service: it may hold content and record, and decides nothing
    #[arg(long)]
    service: bool,
    #[command(flatten)]
    by: ByArgs,
}

/// A person and a role.
#[derive(Debug, Args)]
struct RoleArgs {
    /// Who
    #[arg(value_name = "NAME")]
    person: String,
    /// Which role
    #[arg(value_name = "ROLE")]
    role: String,
    #[command(flatten)]
    by: ByArgs,
}

/// What is to be done about people, read from the command line.
enum Wish<'a> {
    Admit { public_key: PublicKey, roles: BTreeSet<PersonRole>, args: &'a AdmitArgs },
    Grant(PersonRole),
    Withdraw(PersonRole),
    Link(&'a str),
    ReplaceKey(PublicKey),
    Forget,
}

/// Runs the command.
pub(crate) fn run(args: &PeopleArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    match &args.command {
        PeopleCommand::List(store) => list(store),
        PeopleCommand::Admit(args) => {
            let public_key = read_public(&args.public_key)?;
            let roles = roles(&args.roles)?;
            propose(&args.person, &Wish::Admit { public_key, roles, args }, &args.by, global)
        }
        PeopleCommand::Grant(args) => propose(&args.person, &Wish::Grant(role(args)?), &args.by, global),
        PeopleCommand::Withdraw(args) => {
            propose(&args.person, &Wish::Withdraw(role(args)?), &args.by, global)
        }
        PeopleCommand::Revoke(args) => revoke(args, global),
        PeopleCommand::Link { person, identity, by } => propose(person, &Wish::Link(identity), by, global),
        PeopleCommand::ReplaceKey { person, public_key, by } => {
            propose(person, &Wish::ReplaceKey(read_public(public_key)?), by, global)
        }
        PeopleCommand::Forget { person, by } => propose(person, &Wish::Forget, by, global),
    }
}

/// Returns the pseudonym of somebody whom the store knows.
pub(super) async fn known(house: &House, name: &str) -> Result<PersonId, CommandError> {
    let found = house.store.person_named(name).await.map_err(store_error)?;
    found.ok_or_else(|| {
        CommandError::new(ExitCode::Failure, format!("nobody named `{name}` works with this store"))
            .hint("`lazaret people list` tells who there is")
    })
}

fn role(args: &RoleArgs) -> Result<PersonRole, CommandError> {
    let read = roles(&args.role)?;
    let mut read = read.into_iter();
    match (read.next(), read.next()) {
        (Some(role), None) => Ok(role),
        _ => Err(CommandError::new(ExitCode::Usage, "name one role")),
    }
}

fn list(store: &StoreArgs) -> Result<ExitCode, CommandError> {
    let mut rows = block_on(async {
        let house = store.open().await?;
        let mut names = Names::of(&house.store);
        let mut rows = Vec::new();
        for person in people(&house.store).await.map_err(store_error)? {
            rows.push((names.person(person.person).await.map_err(store_error)?, person));
        }
        Ok(rows)
    })?;
    rows.sort_by(|(one, _), (other, _)| one.cmp(other));
    let wide = rows.iter().map(|(name, _)| crate::text::columns(&plain(name))).max().unwrap_or(0);
    Output::open(None)?.write(|out| {
        for (name, person) in &rows {
            let mut roles: Vec<&str> = person.roles.iter().map(|role| role.as_str()).collect();
            if person.service {
                roles.push("(service)");
            }
            if roles.is_empty() {
                roles.push("no role");
            }
            let identities = count(person.identities.len() as u64, "identity", "identities");
            let name = crate::text::pad(&plain(name), wide);
            writeln!(out, "{name}  {}; {identities}; key {}", roles.join(", "), person.key)?;
        }
        Ok(())
    })?;
    Ok(ExitCode::Success)
}

fn propose(
    person: &str,
    wish: &Wish<'_>,
    by: &ByArgs,
    global: &GlobalArgs,
) -> Result<ExitCode, CommandError> {
    let motion = block_on(async {
        let house = by.store.open().await?;
        let actor = by.actor.enter(&house).await?;
        let question = question(&house, person, wish).await?;
        let act = Act::ProposeMotion { question, remark: None };
        let done = house.store.apply(&actor, act, global.now()).await.map_err(store_error)?;
        Ok(MotionId(done.seq))
    })?;
    say_proposed(motion, "admin", global);
    Ok(ExitCode::Success)
}

async fn question(house: &House, name: &str, wish: &Wish<'_>) -> Result<Question, CommandError> {
    let bytes = |key: &PublicKey| PublicKeyBytes(*key.as_bytes());
    Ok(match wish {
        Wish::Admit { public_key, roles, args } => {
            let mut identities = BTreeSet::new();
            for identity in &args.identities {
                identities.insert(house.store.name_identity(identity).await.map_err(store_error)?);
            }
            Question::AdmitPerson(NewPerson {
                person: house.store.name_person(name).await.map_err(store_error)?,
                key: bytes(public_key),
                service: args.service,
                roles: roles.clone(),
                identities,
            })
        }
        Wish::Grant(role) => Question::GrantRole { person: known(house, name).await?, role: *role },
        Wish::Withdraw(role) => Question::WithdrawRole { person: known(house, name).await?, role: *role },
        Wish::Link(identity) => {
            let person = known(house, name).await?;
            let identity = house.store.name_identity(identity).await.map_err(store_error)?;
            Question::LinkIdentity { person, identity }
        }
        Wish::ReplaceKey(key) => Question::ReplaceKey { person: known(house, name).await?, key: bytes(key) },
        Wish::Forget => Question::Forget { person: known(house, name).await? },
    })
}

fn revoke(args: &RoleArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let role = role(args)?;
    block_on(async {
        let house = args.by.store.open().await?;
        let actor = args.by.actor.enter(&house).await?;
        let person = known(&house, &args.person).await?;
        let act = Act::RevokeRole { person, role };
        house.store.apply(&actor, act, global.now()).await.map_err(store_error)
    })?;
    if !global.quiet {
        speech::note(&format!("took the role {role} away"), &Screen::stderr(global.color));
    }
    Ok(ExitCode::Success)
}
