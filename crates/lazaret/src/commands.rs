//! The commands, one file each: arguments, and what is done with them.

use crate::args::{Cli, Command};
use crate::command_error::CommandError;
use crate::exit::ExitCode;

pub(crate) mod attest;
pub(crate) mod blame;
pub(crate) mod case;
pub(crate) mod catalog;
pub(crate) mod check;
pub(crate) mod collect;
pub(crate) mod egress;
pub(crate) mod exempt;
pub(crate) mod export;
pub(crate) mod gate;
pub(crate) mod generate;
pub(crate) mod hold;
pub(crate) mod index;
pub(crate) mod key;
pub(crate) mod ledger;
pub(crate) mod motion;
pub(crate) mod people;
pub(crate) mod policy;
pub(crate) mod remove;
pub(crate) mod scan;
pub(crate) mod store;
pub(crate) mod suggest;

/// Runs the command that the command line names.
pub(crate) fn run(cli: Cli) -> Result<ExitCode, CommandError> {
    let Cli { global, command } = cli;
    match command {
        Command::Scan(args) => scan::run(&args, &global),
        Command::Blame(args) => blame::run(&args, &global),
        Command::Check(args) => check::run(&args, &global),
        Command::Export(args) => export::run(&args, &global),
        Command::Remove(args) => remove::run(&args, &global),
        Command::Gate(args) => gate::run(&args, &global),
        Command::Suggest(args) => suggest::run(&args, &global),
        Command::Attest(args) => attest::run(&args, &global),
        Command::Key(args) => key::run(&args, &global),
        Command::Index(args) => index::run(&args, &global),
        Command::Collect(args) => collect::run(&args, &global),
        Command::Hold(args) => hold::run(&args, &global),
        Command::Release(args) => hold::release(&args, &global),
        Command::Ledger(args) => ledger::run(&args, &global),
        Command::People(args) => people::run(&args, &global),
        Command::Motion(args) => motion::run(&args, &global),
        Command::Case(args) => case::run(&args, &global),
        Command::Egress(args) => egress::run(&args, &global),
        Command::Exempt(args) => exempt::run(&args, &global),
        Command::Store(args) => store::run(&args, &global),
        Command::Policy(args) => policy::run(&args, &global),
        Command::Catalog(args) => catalog::run(&args, &global),
        Command::Generate(args) => generate::run(&args),
    }
}
