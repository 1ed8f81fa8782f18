//! `lazaret hold`: puts what was found where nobody trains on it by accident.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use lazaret_core::{Digest, Span, Verdict};
use lazaret_evidence::Detectors;
use lazaret_intake::git::Repository;
use lazaret_pipeline::house::House;
use lazaret_pipeline::quarantine::{Find, HoldReport, Left, Quarantine, QuarantineError, find_lines, finds};
use lazaret_pipeline::{Measure, ScanRequest, scan};
use lazaret_store::{Actor, Aggregate, CaseId, Custody, Key, Order, Query, Recipients, Vault};

use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::command_error::workflow::scan_error;
use crate::commands::gate::admission::ReportFormat;
use crate::exit::ExitCode;
use crate::history::HistoryArgs;
use crate::house::{ActorArgs, StoreArgs, environment, house_error, store_error};
use crate::output::Output;
use crate::progress::Progress;
use crate::report::json::write_line;
use crate::rulebook::Rulebook;
use crate::runtime::block_on;
use crate::screen::Screen;
use crate::speech;
use crate::text::{count, fit_end, pad, plain_line};

mod bytes;
mod records;

pub(crate) use bytes::{ReleaseArgs, read_identities, release};

/// Arguments of `lazaret hold`.
#[derive(Debug, Args)]
pub(crate) struct HoldArgs {
    #[command(subcommand)]
    command: HoldCommand,
}

#[derive(Debug, Subcommand)]
enum HoldCommand {
    /// Hold the tainted files of a repository
    ///
    /// The repository is scanned by the store's own policy. Every file with a tainted line is held whole: a case for
    /// each commit that such lines come from, the bytes sealed in the vault. What is held already is told where else it
    /// lies; what was removed and has come back opens its case again. Doing it again goes on where a killed run ended.
    Repo(Box<RepoArgs>),
    /// Hold lines of a file of a repository
    ///
    /// They are held as a content of their own, with the taints that stand against them, whatever the verdict.
    Span(Box<SpanArgs>),
    /// Hold the records that a gate held
    ///
    /// Reads what `lazaret gate` or `lazaret export` wrote: the records below `held/`, each with what stands against it.
    /// A case is opened for each commit that marks come from, and one for each shard where no commit is known.
    Gated(records::GatedArgs),
    /// Hold whole shards or other files, each as one content
    Shard(records::ShardArgs),
    /// List held contents
    List {
        /// Those of one case alone
        #[arg(long, value_name = "CASE", value_parser = parse_case)]
        case: Option<CaseId>,
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Write a sealed content to standard output
    ///
    /// The reading is an entry of the ledger, made before the first byte is decrypted.
    Read(bytes::ReadArgs),
    /// Say that a sealed content was taken out of its source
    Detach {
        /// The content, or enough of its digest to tell it from others
        #[arg(value_name = "CONTENT")]
        content: String,
        #[command(flatten)]
        store: StoreArgs,
        #[command(flatten)]
        actor: ActorArgs,
    },
    /// Remove from the vault what was decided to be destroyed
    Tidy {
        #[command(flatten)]
        store: StoreArgs,
        #[command(flatten)]
        actor: ActorArgs,
    },
}

/// What to hold.
#[derive(Debug, Args)]
struct RepoArgs {
    /// The repository, bare or with a work tree
    #[arg(value_name = "REPO")]
    repo: PathBuf,
    /// The revision whose files are held
    #[arg(long, default_value = "HEAD")]
    rev: String,
    /// Read marks of all branches and tags, not only of the revision's history
    #[arg(long)]
    all_refs: bool,
    /// Hold files with suspect lines as well
    #[arg(long)]
    suspect: bool,
    /// How to write what was done
    #[arg(long, value_enum, default_value = "human")]
    format: ReportFormat,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    actor: ActorArgs,
    #[command(flatten)]
    history: HistoryArgs,
}

/// Which lines to hold.
#[derive(Debug, Args)]
struct SpanArgs {
    /// The path of the file within the repository
    #[arg(long, value_name = "PATH")]
    path: String,
    /// The lines, such as 12-40, counted from 1
    #[arg(long, value_name = "FROM-TO", value_parser = parse_lines)]
    lines: Span,
    #[command(flatten)]
    repo: RepoArgs,
}

/// Reads a run of lines: `12-40`, or one line.
fn parse_lines(text: &str) -> Result<Span, String> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let span = from.parse().ok().zip(to.parse().ok()).and_then(|(from, to)| Span::new(from, to).ok());
    span.ok_or_else(|| "lines are written like 12-40, counted from 1".to_owned())
}

/// Runs the command.
pub(crate) fn run(args: &HoldArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    match &args.command {
        HoldCommand::Repo(args) => hold_repository(args, None, global),
        HoldCommand::Span(args) => hold_repository(&args.repo, Some((&args.path, args.lines)), global),
        HoldCommand::Gated(args) => records::gated(args, global),
        HoldCommand::Shard(args) => records::shards(args, global),
        HoldCommand::List { case, store } => list(*case, store),
        HoldCommand::Read(args) => bytes::read(args, global),
        HoldCommand::Detach { content, store, actor } => block_on(async {
            let house = store.open().await?;
            let (actor, vault) = (actor.enter(&house).await?, vault_of(&house)?);
            let content = find_content(&house, content).await?;
            by(&house, &vault, &actor, global).detach(content).await.map_err(quarantine_error)?;
            Ok(ExitCode::Success)
        }),
        HoldCommand::Tidy { store, actor } => block_on(async {
            let house = store.open().await?;
            let (actor, vault) = (actor.enter(&house).await?, vault_of(&house)?);
            let gone = by(&house, &vault, &actor, global).finish_destruction().await;
            say_removed(gone.map_err(quarantine_error)?, global);
            Ok(ExitCode::Success)
        }),
    }
}

fn say_removed(gone: u64, global: &GlobalArgs) {
    if !global.quiet {
        let message = format!("{} removed from the vault", count(gone, "object", "objects"));
        speech::note(&message, &Screen::stderr(global.color));
    }
}

fn hold_repository(
    args: &RepoArgs,
    lines: Option<(&str, Span)>,
    global: &GlobalArgs,
) -> Result<ExitCode, CommandError> {
    let screen = Screen::stderr(global.color);
    let report = block_on(async {
        let house = args.store.open().await?;
        let (actor, vault) = (args.actor.enter(&house).await?, vault_of(&house)?);
        let (catalog, (found, left)) = find_by_the_store(&house, args, lines, global).await?;
        let progress = Progress::start("holding", &screen, global.quiet);
        let held = by(&house, &vault, &actor, global).hold(found, catalog, left).await;
        drop(progress);
        held.map_err(quarantine_error)
    })?;
    if let Some((path, lines)) = lines
        && report.held + report.sighted + report.known == 0
    {
        let message = format!("`{}` has no lines {}-{}", plain_line(path), lines.start(), lines.end());
        return Err(CommandError::new(ExitCode::NothingExamined, message)
            .hint("name the path as `git ls-files` writes it, and lines that it has"));
    }
    finish(&report, args.format, &screen)
}

/// Writes what was done, and fails where something was left.
fn finish(report: &HoldReport, format: ReportFormat, screen: &Screen) -> Result<ExitCode, CommandError> {
    write_report(report, format)?;
    if !report.left.is_empty() {
        let message = format!("{} could not be held", count(report.left.len() as u64, "file", "files"));
        speech::error(&CommandError::new(ExitCode::Failure, message).hint("the report names each"), screen);
        return Ok(ExitCode::Failure);
    }
    Ok(if report.held + report.sighted + report.known == 0 {
        ExitCode::NothingExamined
    } else {
        ExitCode::Success
    })
}

/// The store's policy judges, and no other: a case is bound to it.
async fn find_by_the_store(
    house: &House,
    args: &RepoArgs,
    lines: Option<(&str, Span)>,
    global: &GlobalArgs,
) -> Result<(Digest, (Vec<Find>, Vec<Left>)), CommandError> {
    let policy = house.document(house.charter.basis.policy).await.map_err(house_error)?;
    let rulebook = Rulebook::parse(&policy, "the store's policy")?;
    let detectors = Detectors::new(&rulebook.catalog);
    Repository::open(&args.repo, &[]).map_err(|error| CommandError::from_error(ExitCode::Failure, error))?;
    let cache_dir = args.history.cache_dir();
    let request = ScanRequest {
        root: &args.repo,
        rev: &args.rev,
        all_refs: args.all_refs,
        measure: Measure {
            rules: &rulebook.rules,
            detectors: &detectors,
            brought: None,
            now: global.now(),
            holdings: None,
        },
        n_threads: args.history.n_threads(),
        cache_dir: cache_dir.as_deref(),
        bundle: false,
        known: None,
    };
    let screen = Screen::stderr(global.color);
    let progress = Progress::start(&format!("scanning {}", args.repo.display()), &screen, global.quiet);
    let scanned = scan(&request);
    drop(progress);
    let report = scanned.map_err(scan_error)?.report;
    let worst = if args.suspect { Verdict::Suspect } else { Verdict::Tainted };
    let found = match lines {
        Some((path, lines)) => find_lines(&request, &report, path, lines),
        None => finds(&request, &report, worst),
    };
    let found = found.map_err(|error| {
        CommandError::from_error(ExitCode::Failure, error).hint("name a repository; a folder has no history")
    })?;
    Ok((report.catalog, found))
}

fn write_report(report: &HoldReport, format: ReportFormat) -> Result<(), CommandError> {
    Output::open(None)?.write(|out| match format {
        ReportFormat::Json => write_line(report, out),
        ReportFormat::Human => {
            let cases: Vec<String> = report.opened.iter().map(|case| format!("C{case}")).collect();
            writeln!(out, "{} held, {} sealed", count(report.held, "content", "contents"), report.sealed)?;
            if !cases.is_empty() {
                writeln!(out, "opened   {}", cases.join(" "))?;
            }
            let known = report.known + report.sighted;
            if known > 0 {
                writeln!(out, "known    {known}, {} of them in a place that is new", report.sighted)?;
            }
            if report.came_back > 0 {
                writeln!(
                    out,
                    "BACK     {} that were removed",
                    count(report.came_back, "content", "contents")
                )?;
            }
            for author in &report.unknown_authors {
                writeln!(
                    out,
                    "UNKNOWN  {}: nobody of the store writes under this address",
                    plain_line(author)
                )?;
            }
            for left in &report.left {
                writeln!(out, "LEFT     {}: {}", plain_line(&left.path), left.why)?;
            }
            Ok(())
        }
    })
}

fn list(case: Option<CaseId>, store: &StoreArgs) -> Result<ExitCode, CommandError> {
    let rows = block_on(async {
        let house = store.open().await?;
        let mut query = Query::of("hold").order(Order::Id).limit(1000);
        if let Some(case) = case {
            query = query.owner(&Key::Case(case).id());
        }
        let mut rows = Vec::new();
        loop {
            let page =
                house.store.database().rows(&query).await.map_err(|error| store_error(error.into()))?;
            let Some(last) = page.last() else { return Ok(rows) };
            query = query.after(last.cursor(Order::Id));
            rows.extend(house.store.list_rows(&page).map_err(store_error)?);
        }
    })?;
    Output::open(None)?.write(|out| {
        for row in rows {
            let Aggregate::Hold(hold) = row else { continue };
            let digest = hold.content.to_string();
            let short = digest.get(..19).unwrap_or(&digest);
            let place = hold.places.first().map(|place| plain_line(&place.path)).unwrap_or_default();
            let case = hold.case.to_string();
            let custody = hold.custody.as_str();
            writeln!(
                out,
                "{short}  {}  {}  {:>9} B  {}",
                pad(&case, 7),
                pad(custody, 9),
                hold.bytes,
                fit_end(&place, 60)
            )?;
        }
        Ok(())
    })?;
    Ok(ExitCode::Success)
}

/// Returns who holds, and where.
pub(crate) fn by<'a>(
    house: &'a House,
    vault: &'a Vault,
    actor: &'a Actor,
    global: &GlobalArgs,
) -> Quarantine<'a> {
    Quarantine { store: &house.store, vault, actor, now: global.now() }
}

/// Opens the vault that the charter names.
pub(crate) fn vault_of(house: &House) -> Result<Vault, CommandError> {
    let shelf = house.vault_shelf(&environment()).map_err(house_error)?;
    let recipients = Recipients::parse(&house.charter.recipients.join("\n")).map_err(|error| {
        CommandError::from_error(ExitCode::Failure, error)
            .hint("the store's charter names for whom it encrypts")
    })?;
    Ok(Vault::new(shelf, recipients))
}

/// Finds a held content by its digest, or by enough of it to tell it from all others.
pub(crate) async fn find_content(house: &House, text: &str) -> Result<Digest, CommandError> {
    let prefix = if text.starts_with("sha256:") { text.to_owned() } else { format!("sha256:{text}") };
    let query = Query::of("hold").id_prefix(&prefix.to_lowercase()).limit(2);
    let rows = house.store.database().rows(&query).await.map_err(|error| store_error(error.into()))?;
    let ambiguous = |what: &str| {
        CommandError::new(ExitCode::Usage, format!("{what} `{}`", plain_line(text)))
            .hint("`lazaret hold list` tells what is held")
    };
    match rows.as_slice() {
        [row] => row.id.parse().map_err(|_other| ambiguous("no held content has a digest like")),
        [] => Err(ambiguous("no held content begins with")),
        _ => Err(ambiguous("more than one held content begins with")),
    }
}

/// Reads the name of a case: `C12`, `c12` or `12`.
fn parse_case(text: &str) -> Result<CaseId, String> {
    let number = text.strip_prefix(['C', 'c']).unwrap_or(text);
    number.parse().map(CaseId).map_err(|_other| "a case is named like C12".to_owned())
}

/// Returns an error of quarantine, for people.
pub(crate) fn quarantine_error(error: QuarantineError) -> CommandError {
    match error {
        QuarantineError::Store(error) => store_error(error),
        QuarantineError::Vault(error) => CommandError::from_error(ExitCode::Failure, error),
        QuarantineError::NotSealed { .. } => CommandError::from_error(ExitCode::Failure, error)
            .hint(format!("what is {} lies in the vault", Custody::Sealed.as_str())),
        QuarantineError::NotHeld { .. } => {
            CommandError::from_error(ExitCode::Failure, error).hint("`lazaret hold list` tells what is held")
        }
        QuarantineError::TooLarge { .. } => {
            CommandError::from_error(ExitCode::Failure, error).hint("have the whole content reviewed")
        }
        QuarantineError::Remembered { .. } => CommandError::from_error(ExitCode::Failure, error)
            .hint("the content is held, and a copy of it would not be known again: ask who recorded that"),
        QuarantineError::Fingerprint { .. }
        | QuarantineError::Changed { .. }
        | QuarantineError::Read { .. }
        | QuarantineError::Write { .. } => CommandError::from_error(ExitCode::Failure, error),
    }
}

/// Reads a file that must be there.
fn read_text(path: &Path, what: &str) -> Result<String, CommandError> {
    std::fs::read_to_string(path).map_err(|error| {
        CommandError::new(ExitCode::Failure, format!("cannot read the {what} `{}`", path.display()))
            .because(error)
    })
}
