//! How logs are named on the command line, and how callers are named in what is told about them.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use clap::Args;
use lazaret_evidence::endpoints::SystemTable;
use lazaret_pipeline::egress::{
    InputReport, Log, LogError, Naming, Opener, PSEUDONYM_PERIOD_DAYS, PeriodKeys, RecordReport,
};
use lazaret_traffic::{Decoder, Format};

use crate::command_error::CommandError;
use crate::exit::ExitCode;
use crate::screen::Screen;
use crate::speech;

/// The bytes of a pseudonym key.
const SECRET_BYTES: usize = 32;

/// As what logs are read.
#[derive(Debug, Args)]
pub(super) struct LogFormatArgs {
    /// Read all logs as this format instead of telling it from their first lines
    #[arg(long, value_name = "NAME", conflicts_with_all = ["squid_logformat", "field_map"])]
    log_format: Option<String>,
    /// Read all logs as Squid writes them by this line of squid.conf
    #[arg(long, value_name = "LINE", conflicts_with = "field_map")]
    squid_logformat: Option<String>,
    /// Read all logs by a field map, for equipment that no format is known of
    #[arg(long, value_name = "FILE")]
    field_map: Option<PathBuf>,
}

impl LogFormatArgs {
    /// Returns the format that was named or described, if one was.
    pub(super) fn read(&self) -> Result<Option<Format>, CommandError> {
        format(self.log_format.as_deref(), self.squid_logformat.as_deref(), self.field_map.as_deref())
    }
}

/// Returns the format that was named or described, if one was.
pub(super) fn format(
    name: Option<&str>,
    squid_logformat: Option<&str>,
    field_map: Option<&Path>,
) -> Result<Option<Format>, CommandError> {
    let format = if let Some(name) = name {
        Format::named(name)
    } else if let Some(line) = squid_logformat {
        Format::squid_logformat(line)
    } else if let Some(path) = field_map {
        let text = std::fs::read_to_string(path).map_err(|error| {
            let message = format!("cannot read the field map `{}`", path.display());
            CommandError::new(ExitCode::Failure, message).because(error)
        })?;
        Format::from_field_map(&text)
    } else {
        return Ok(None);
    };
    format.map(Some).map_err(|error| CommandError::from_error(ExitCode::Usage, error))
}

/// Returns the logs in the order of their names, each once.
pub(super) fn logs<'a>(paths: &'a [PathBuf], format: Option<&Format>) -> Result<Vec<Log<'a>>, CommandError> {
    let mut paths: Vec<&PathBuf> = paths.iter().collect();
    paths.sort();
    paths.dedup();
    let mut logs = Vec::new();
    for path in paths {
        let (name, open) = if path == Path::new("-") {
            let input: Box<dyn io::Read> = Box::new(io::stdin().lock());
            ("standard input".to_owned(), Opener::Once(input))
        } else {
            if path.is_dir() {
                let message = format!("`{}` is a folder, not a log", path.display());
                return Err(CommandError::new(ExitCode::Usage, message).hint("name the files in it"));
            }
            let open = move || -> io::Result<Box<dyn io::Read>> { Ok(Box::new(File::open(path)?)) };
            (path.display().to_string(), Opener::Again(Box::new(open)))
        };
        logs.push(Log { name, format: format.cloned(), open });
    }
    Ok(logs)
}

/// Returns how callers are named: by numbers, or by pseudonyms where a key is given.
pub(super) fn naming(key: Option<&Path>) -> Result<Naming, CommandError> {
    Ok(match key {
        Some(path) => Naming::Pseudonyms(period_keys(path)?),
        None => Naming::Numbered,
    })
}

/// Reads the secret that pseudonyms are made with.
pub(super) fn period_keys(path: &Path) -> Result<PeriodKeys, CommandError> {
    Ok(PeriodKeys::new(read_secret(path)?, PSEUDONYM_PERIOD_DAYS))
}

fn read_secret(path: &Path) -> Result<[u8; SECRET_BYTES], CommandError> {
    let name = path.display();
    let bytes = std::fs::read(path).map_err(|error| {
        CommandError::new(ExitCode::Failure, format!("cannot read the pseudonym key `{name}`")).because(error)
    })?;
    bytes.try_into().map_err(|bytes: Vec<u8>| {
        let message =
            format!("the pseudonym key `{name}` has {} bytes, and {SECRET_BYTES} are needed", bytes.len());
        CommandError::new(ExitCode::Failure, message)
            .hint("make one with `head -c 32 /dev/urandom > FILE`, readable by its owner alone")
    })
}

/// Reads a table of which autonomous system announces which addresses.
pub(super) fn systems(path: &Path) -> Result<SystemTable, CommandError> {
    let name = path.display();
    let unread = || format!("cannot read the table of systems `{name}`");
    let failed = |message: String| CommandError::new(ExitCode::Failure, message);
    let file = File::open(path).map_err(|error| failed(unread()).because(error))?;
    let mut decoder = Decoder::new(Box::new(file)).map_err(|error| failed(unread()).because(error))?;
    let mut text = String::new();
    decoder.read_to_string(&mut text).map_err(|error| failed(unread()).because(error))?;
    SystemTable::parse(&text).map_err(|error| {
        failed(format!("`{name}` is no table of systems"))
            .because(error)
            .hint("give one as iptoasn.com, CAIDA or pyasn publish it; `lazaret help egress scan` says which lines it may have")
    })
}

/// Says on standard error what of a log could not be read.
pub(super) fn warn_of_unread(input: &InputReport, screen: &Screen) {
    let unread: u64 = input.not_understood.iter().map(|fault| fault.count).sum();
    if unread > 0 {
        let text = format!("`{}`: {unread} of {} lines were not understood", input.name, input.lines);
        speech::warning(&text, screen);
    }
    if let Some(why) = &input.cut_short {
        speech::warning(&format!("`{}` was not read to its end: {why}", input.name), screen);
    }
}

/// Whether nothing is known of some calls of a log: their lines were not understood, or not reached.
pub(super) fn is_unread(input: &InputReport) -> bool {
    input.cut_short.is_some() || !input.not_understood.is_empty()
}

/// Says on standard error what of a record of decisions could not be read.
pub(super) fn warn_of_unread_record(record: &RecordReport, screen: &Screen) {
    let unread: u64 = record.not_understood.iter().map(|fault| fault.count).sum();
    if unread > 0 {
        let text = format!("`{}`: {unread} of {} lines were not understood", record.name, record.lines);
        speech::warning(&text, screen);
    }
    if let Some(why) = &record.cut_short {
        speech::warning(&format!("`{}` was not read to its end: {why}", record.name), screen);
    }
}

/// Whether nothing is known of some decisions of a record.
pub(super) fn is_unread_record(record: &RecordReport) -> bool {
    record.cut_short.is_some() || !record.not_understood.is_empty()
}

/// Returns what to do about a log that cannot be read.
pub(super) fn log_hint(error: &LogError) -> &'static str {
    match error {
        LogError::Open { .. } => "name a file that you may read, or `-` for standard input",
        LogError::Read { .. } => "name the format with `--log-format`; `lazaret help egress scan` lists them",
    }
}
