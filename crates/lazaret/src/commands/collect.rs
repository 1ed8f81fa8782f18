//! `lazaret collect`: takes what agents wrote, by their own session logs, into the index before the logs are deleted.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use lazaret_intake::files::list_files;
use lazaret_intake::git::OpenRepositoryError;
use lazaret_intake::sessions::{FoundLog, SessionError, SessionLog, SessionReport, Surroundings, find_logs};
use lazaret_pipeline::known::{Collected, Collector, merge_small_segments, write_segment};
use lazaret_seal::SecretKey;

use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::commands::index::{FolderArgs, SigningArgs, known_error, written};
use crate::exit::ExitCode;
use crate::output::Output;
use crate::progress::Progress;
use crate::screen::Screen;
use crate::speech;
use crate::text::{count, plain, thousands};

/// How long a log must have been left alone for its session to count as ended.
const QUIET: Duration = Duration::from_secs(120);

/// How many of the things that could not be read are named one by one.
const FAILED_SHOWN_MAX: usize = 20;

/// Arguments of `lazaret collect`.
#[derive(Debug, Args)]
pub(crate) struct CollectArgs {
    /// Logs, folders of logs, or repositories with Entire's checkpoints; the logs in your home by default
    #[arg(value_name = "LOG|DIR|REPO")]
    sources: Vec<PathBuf>,
    /// Stay, and collect every session when it has ended
    #[arg(long, conflicts_with_all = ["sources", "key"])]
    watch: bool,
    /// How many seconds to wait between two looks
    #[arg(long, value_name = "SECONDS", default_value_t = 60, requires = "watch")]
    every: u64,
    // Segments that are signed are never merged, so whoever stays and writes many leaves them unsigned.
    #[command(flatten)]
    signing: SigningArgs,
    #[command(flatten)]
    folder: FolderArgs,
}

/// What happened to all logs together.
#[derive(Debug, Default)]
struct Tally {
    n_logs: u64,
    refused: u64,
    unread: BTreeMap<String, u64>,
    failed: Vec<String>,
}

impl Tally {
    fn add(&mut self, name: &str, report: Result<SessionReport, SessionError>) {
        match report {
            Ok(report) => {
                self.n_logs += 1;
                self.refused += report.refused;
                for (kind, number) in report.unread {
                    *self.unread.entry(kind.as_str().to_owned()).or_default() += number;
                }
            }
            Err(error) => self.failed.push(format!("{name}: {error}")),
        }
    }
}

/// Runs the command.
pub(crate) fn run(args: &CollectArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    if args.watch {
        return watch(args, global);
    }
    let key = args.signing.read()?;
    let screen = Screen::stderr(global.color);
    let progress = Progress::start("reading session logs", &screen, global.quiet);
    let mut collector = Collector::new();
    let mut tally = Tally::default();
    if args.sources.is_empty() {
        let found = find_logs(&surroundings()?);
        for unread in found.unread.iter().chain(&found.links) {
            tally.failed.push(format!("{}: not read", unread.display()));
        }
        tally.failed.extend(found.errors.iter().map(ToString::to_string));
        found.logs.iter().for_each(|log| read_found(&mut collector, log, &mut tally));
    }
    for source in &args.sources {
        read_source(&mut collector, source, &mut tally)?;
    }
    drop(progress);
    finish(collector, &tally, (&args.folder, key.as_ref()), global, &screen)
}

fn finish(
    collector: Collector,
    tally: &Tally,
    (folder, key): (&FolderArgs, Option<&SecretKey>),
    global: &GlobalArgs,
    screen: &Screen,
) -> Result<ExitCode, CommandError> {
    let (builder, collected) =
        collector.finish().map_err(|error| CommandError::from_error(ExitCode::Failure, error))?;
    let file = write_segment(&folder.folder, builder).map_err(known_error)?;
    if !global.quiet {
        let lines = summary(&collected, tally);
        Output::open(None)?.write(|out| lines.iter().try_for_each(|line| writeln!(out, "{line}")))?;
    }
    for failed in tally.failed.iter().take(FAILED_SHOWN_MAX) {
        speech::warning(&plain(failed), screen);
    }
    if let Some(more) = tally.failed.len().checked_sub(FAILED_SHOWN_MAX).filter(|more| *more > 0) {
        let more = count(more as u64, "more thing", "more things");
        speech::warning(&format!("{more} could not be read"), screen);
    }
    let exit = written(file.as_ref(), key, global)?;
    if tally.failed.is_empty() {
        return Ok(exit);
    }
    // What is not in the index matches nothing: that must not pass for success.
    let failed = count(tally.failed.len() as u64, "log or folder", "logs or folders");
    let error = CommandError::new(ExitCode::Failure, format!("{failed} could not be read"));
    let hint = "the others are collected; what agents wrote in these is not in the index, so mend them and collect again";
    speech::error(&error.hint(hint), screen);
    Ok(exit.and(ExitCode::Failure))
}

fn summary(collected: &Collected, tally: &Tally) -> Vec<String> {
    let by_format = collected.added.iter().map(|(format, number)| format!("{format} {}", thousands(*number)));
    let by_format: Vec<String> = by_format.collect();
    let mut lines = vec![format!(
        "{} read: {} of {} by {} ({})",
        count(tally.n_logs, "log", "logs"),
        count(collected.n_lines, "line", "lines"),
        count(collected.n_sessions, "session", "sessions"),
        count(collected.added.values().sum(), "writing", "writings"),
        if by_format.is_empty() { "none".to_owned() } else { by_format.join(", ") },
    )];
    let left_out = [
        (tally.refused, "refused or failed"),
        (collected.unconfirmed, "without a result"),
        (collected.shown, "shown and not written"),
        (collected.commonplace, "in licences and files that programs make"),
        (collected.edited, "changed by a person first"),
    ];
    let left_out = left_out.iter().filter(|(number, _)| *number > 0);
    let left_out: Vec<String> =
        left_out.map(|(number, why)| format!("{} {why}", thousands(*number))).collect();
    if !left_out.is_empty() {
        lines.push(format!("left out: {}", left_out.join(", ")));
    }
    let unread = tally.unread.iter().map(|(kind, number)| format!("{} {kind}", thousands(*number)));
    let unread: Vec<String> = unread.collect();
    if !unread.is_empty() {
        lines.push(format!("not read: {}", unread.join(", ")));
    }
    lines
}

fn read_found(collector: &mut Collector, log: &FoundLog, tally: &mut Tally) {
    let mut session = SessionLog::new(&log.name, Some(log.format));
    read_file(collector, &mut session, &log.location, tally);
}

fn read_file(collector: &mut Collector, session: &mut SessionLog, path: &Path, tally: &mut Tally) {
    let name = path.display().to_string();
    match File::open(path) {
        Ok(file) => tally.add(&name, collector.read(session, BufReader::new(file))),
        Err(error) => tally.failed.push(format!("{name}: {error}")),
    }
}

/// Reads a log, every file of a folder that is one, or the checkpoints of a repository.
fn read_source(collector: &mut Collector, source: &Path, tally: &mut Tally) -> Result<(), CommandError> {
    if source.is_file() {
        let name = source.file_stem().unwrap_or(source.as_os_str()).to_string_lossy().into_owned();
        read_file(collector, &mut SessionLog::new(name, None), source, tally);
        return Ok(());
    }
    match collector.read_checkpoints(source, &mut |name, report| tally.add(name, report)) {
        Ok(unread) => {
            tally.failed.extend(unread);
            return Ok(());
        }
        Err(OpenRepositoryError::NotARepository { .. }) => {}
        Err(error) => return Err(CommandError::from_error(ExitCode::Failure, error)),
    }
    if !source.is_dir() {
        let message = format!("`{}` does not exist", source.display());
        return Err(
            CommandError::new(ExitCode::Failure, message).hint("name a log, a folder or a repository")
        );
    }
    let (files, errors) = list_files(source);
    tally.failed.extend(errors.iter().map(ToString::to_string));
    for file in files.iter().filter(|file| !file.is_link) {
        let name = file.location.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        read_file(collector, &mut SessionLog::new(name, None), &file.location, tally);
    }
    Ok(())
}

/// Looks again and again, and collects the logs that have changed and then been left alone.
fn watch(args: &CollectArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let screen = Screen::stderr(global.color);
    let surroundings = surroundings()?;
    let mut collected: BTreeMap<PathBuf, u64> = BTreeMap::new();
    let mut told: BTreeSet<PathBuf> = BTreeSet::new();
    loop {
        let mut collector = Collector::new();
        let mut tally = Tally::default();
        let found = find_logs(&surroundings);
        for unread in found.unread.into_iter().chain(found.links).filter(|path| told.insert(path.clone())) {
            tally.failed.push(format!("{}: not read", unread.display()));
        }
        for log in found.logs {
            let Ok(metadata) = fs::metadata(&log.location) else { continue };
            let is_quiet = metadata
                .modified()
                .is_ok_and(|modified| modified.elapsed().is_ok_and(|elapsed| elapsed >= QUIET));
            if is_quiet && collected.get(&log.location) != Some(&metadata.len()) {
                let n_failed = tally.failed.len();
                read_found(&mut collector, &log, &mut tally);
                // A log that could not be read is tried again.
                if tally.failed.len() == n_failed {
                    collected.insert(log.location, metadata.len());
                }
            }
        }
        if tally.n_logs > 0 {
            finish(collector, &tally, (&args.folder, None), global, &screen)?;
            merge_when_many(&args.folder, global, &screen)?;
        } else {
            for failed in tally.failed.iter().filter(|failed| told.insert(PathBuf::from(failed))) {
                speech::warning(&plain(failed), &screen);
            }
        }
        std::thread::sleep(Duration::from_secs(args.every.max(1)));
    }
}

/// Merges what one collection after another has left; what cannot be merged today is merged another time.
fn merge_when_many(folder: &FolderArgs, global: &GlobalArgs, screen: &Screen) -> Result<(), CommandError> {
    match merge_small_segments(&folder.folder) {
        Ok(None) => {}
        Ok(Some(file)) if global.quiet => drop(file),
        Ok(Some(file)) => {
            let path = plain(&file.path.display().to_string()).into_owned();
            let line =
                format!("merged the smaller segments into {path} ({})", count(file.bytes, "byte", "bytes"));
            Output::open(None)?.write(|out| writeln!(out, "{line}"))?;
        }
        Err(error) => speech::error(&known_error(error), screen),
    }
    Ok(())
}

/// Returns where harnesses keep their logs on this machine.
#[expect(clippy::disallowed_methods, reason = "the command is the place that reads the environment")]
fn surroundings() -> Result<Surroundings, CommandError> {
    let folder = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = folder("HOME").ok_or_else(|| {
        CommandError::new(ExitCode::Usage, "the environment names no home").hint("name the logs to collect")
    })?;
    Ok(Surroundings {
        home,
        claude_config_dir: folder("CLAUDE_CONFIG_DIR"),
        codex_home: folder("CODEX_HOME"),
        xdg_data_home: folder("XDG_DATA_HOME"),
    })
}
