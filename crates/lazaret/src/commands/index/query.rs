//! `lazaret index query`: shows what files share with known text.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::ValueEnum;
use lazaret_pipeline::known::{Class, KnownMatch, KnownText};
use serde_json::json;

use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::exit::ExitCode;
use crate::output::Output;
use crate::report::json::write_line;
use crate::screen::{Ink, Screen};
use crate::text::{count, plain};

use super::{FolderArgs, known_error};

/// How to write matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum QueryFormat {
    /// For people
    Human,
    /// One line of JSON for each match
    Jsonl,
}

/// Runs the command.
pub(super) fn run(
    files: &[PathBuf],
    format: QueryFormat,
    folder: &FolderArgs,
    global: &GlobalArgs,
) -> Result<ExitCode, CommandError> {
    let known = KnownText::open(std::slice::from_ref(&folder.folder)).map_err(known_error)?;
    let mut all = Vec::new();
    for path in files {
        let text = std::fs::read(path).map_err(|error| {
            CommandError::new(ExitCode::Failure, format!("cannot read `{}`", path.display()))
                .because(error)
                .hint("name a file; `lazaret scan --index` takes folders and repositories")
        })?;
        let found = known.matches(&text).map_err(|error| {
            CommandError::from_error(ExitCode::Failure, error)
                .hint("`lazaret index verify` names the segment")
        })?;
        all.extend(found.into_iter().map(|found| (path.display().to_string(), found)));
    }
    let screen = Screen::stdout(global.color);
    Output::open(None)?.write(|out| match format {
        QueryFormat::Human => write_matches(&all, out, &screen),
        QueryFormat::Jsonl => all.iter().try_for_each(|(path, found)| write_line(&as_json(path, found), out)),
    })?;
    let is_rival = |(_, found): &(String, KnownMatch)| found.entry.class == Class::Rival;
    Ok(if all.iter().any(is_rival) { ExitCode::Tainted } else { ExitCode::Success })
}

fn write_matches(all: &[(String, KnownMatch)], out: &mut dyn Write, screen: &Screen) -> io::Result<()> {
    if all.is_empty() {
        return writeln!(
            out,
            "Nothing is shared with known text. That proves nothing of where it comes from."
        );
    }
    for (path, KnownMatch { found, entry }) in all {
        let (here, there) = (found.here, found.there);
        writeln!(
            out,
            "{}:{}-{}  {}  {} shared with {}:{}-{}",
            plain(path),
            here.start(),
            here.end(),
            screen.paint(Ink::Heading, entry.class.as_str()),
            count(u64::from(found.n_tokens), "token", "tokens"),
            plain(&entry.origin),
            there.start(),
            there.end(),
        )?;
    }
    Ok(())
}

fn as_json(path: &str, KnownMatch { found, entry }: &KnownMatch) -> serde_json::Value {
    json!({
        "path": path,
        "start": found.here.start(),
        "end": found.here.end(),
        "class": entry.class.as_str(),
        "tokens": found.n_tokens,
        "name": entry.name,
        "origin": entry.origin,
        "origin_start": found.there.start(),
        "origin_end": found.there.end(),
        "tool": entry.tool,
        "model": entry.model,
    })
}
