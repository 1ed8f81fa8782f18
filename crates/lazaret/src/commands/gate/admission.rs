//! What `gate` and `export` ask alike: by what to judge, where to write and with which key, and how to report.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use lazaret_pipeline::known::KnownText;
use lazaret_seal::SecretKey;
use lazaret_shard::Place;
use serde::Serialize;

use super::input;
use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::commands::index::known_error;
use crate::commands::key::read_secret;
use crate::house::HoldingsArgs;
use crate::output::Output;
use crate::proofs::ProofArgs;
use crate::report::json::write_line;
use crate::screen::Screen;

/// Who runs the gate where nobody says so.
const SOMEBODY: &str = "urn:lazaret:gate";

/// Arguments of whatever admits records.
#[derive(Debug, Args)]
pub(in crate::commands) struct AdmissionArgs {
    /// The class of data set that admitted records are for, as the policy names it
    #[arg(long, value_name = "CLASS", default_value = "training")]
    pub(in crate::commands) class: String,
    /// The policy to judge by; the built-in one bans every listed tool and trusts nothing
    #[arg(long, value_name = "FILE")]
    pub(in crate::commands) policy: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::commands) held: HoldingsArgs,
    /// Hold everything that is read against the index of known text in this folder; may be given more than once
    #[arg(long = "index", value_name = "DIR")]
    index: Vec<PathBuf>,
    /// The folder or address to write to; a run that was interrupted goes on there
    #[arg(long, value_name = "DIR", required_unless_present = "dry_run")]
    out: Option<String>,
    /// The secret key that signs receipts, as `lazaret key create` made it
    #[arg(long, value_name = "FILE", required_unless_present = "dry_run")]
    key: Option<PathBuf>,
    /// Who runs this: an address that receipts name
    #[arg(long, value_name = "URI", default_value = SOMEBODY)]
    pub(in crate::commands) verifier: String,
    /// Judge everything and write nothing
    #[arg(long, conflicts_with_all = ["out", "key"])]
    dry_run: bool,
    /// Count the tokens that holding records, and cutting out functions, statements or lines, would keep
    #[arg(long)]
    pub(in crate::commands) retention: bool,
    #[command(flatten)]
    pub(in crate::commands) proofs: ProofArgs,
    /// How to write the report
    #[arg(long, value_enum, default_value = "human")]
    format: ReportFormat,
    /// Write the report to a file, which appears only when it is whole, instead of standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// How to write a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::commands) enum ReportFormat {
    /// A summary for people
    Human,
    /// The whole report as one line of JSON
    Json,
}

impl AdmissionArgs {
    /// Opens the known text, where any is named.
    pub(in crate::commands) fn known(&self) -> Result<Option<KnownText>, CommandError> {
        match self.index.as_slice() {
            [] => Ok(None),
            folders => KnownText::open(folders).map(Some).map_err(known_error),
        }
    }

    /// Returns where to write and the key to sign with; `None` where nothing is written.
    pub(in crate::commands) fn signed_place(&self) -> Result<Option<(Place, SecretKey)>, CommandError> {
        let key = self.key.as_deref().map(read_secret).transpose()?;
        let out = self.out.as_deref().map(input::place).transpose()?;
        Ok(out.zip(key))
    }

    /// Writes a report, by `human` where people read it.
    pub(in crate::commands) fn write_report<R: Serialize>(
        &self,
        report: &R,
        global: &GlobalArgs,
        human: fn(&R, &Screen, &mut dyn Write) -> io::Result<()>,
    ) -> Result<(), CommandError> {
        let screen = if self.output.is_some() { Screen::file() } else { Screen::stdout(global.color) };
        Output::open(self.output.as_deref())?.write(|out| match self.format {
            ReportFormat::Human => human(report, &screen, out),
            ReportFormat::Json => write_line(report, out),
        })
    }
}
