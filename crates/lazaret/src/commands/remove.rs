//! `lazaret remove`: takes what a tool wrote out of a repository, as a branch or a patch, and shows that it is gone.

use std::env;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use lazaret_core::Verdict;
use lazaret_evidence::Detectors;
use lazaret_intake::git::{BranchError, Person, Repository};
use lazaret_pipeline::known::KnownText;
use lazaret_pipeline::removal::{
    Granularity, RemovalError, RemovalOutcome, RemovalReport, RemovalRequest, RemovalTo, Take, remove,
};
use lazaret_pipeline::{Measure, ScanRequest};

use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::command_error::workflow::{resolve_way_out, scan_error};
use crate::commands::gate::admission::ReportFormat;
use crate::commands::index::known_error;
use crate::exit::ExitCode;
use crate::history::HistoryArgs;
use crate::output::Output;
use crate::progress::Progress;
use crate::report::json::write_line;
use crate::rulebook::Rulebook;
use crate::screen::Screen;
use crate::speech;
use crate::text::count;

mod human;

/// Arguments of `lazaret remove`.
#[derive(Debug, Args)]
pub(crate) struct RemoveArgs {
    /// The repository, bare or with a work tree
    #[arg(long, value_name = "REPO")]
    from: PathBuf,
    /// The revision to take lines out of
    #[arg(long, default_value = "HEAD")]
    rev: String,
    /// Read marks of all branches and tags, not only of the revision's history
    #[arg(long)]
    all_refs: bool,
    /// The policy to judge by; the built-in one bans every listed tool and trusts nothing
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Hold every file against the index of known text in this folder; may be given more than once
    #[arg(long = "index", value_name = "DIR")]
    index: Vec<PathBuf>,
    /// Take suspect lines out as well as tainted ones
    #[arg(long)]
    suspect: bool,
    /// Leave lines that git takes for lines of the same text that went, and name them; they go as well by default
    #[arg(long)]
    keep_same_text: bool,
    /// How much goes with a line
    #[arg(long, value_enum, default_value = "unit")]
    by: By,
    /// The branch to make; `lazaret/remove-` and the revision by default
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,
    /// Write a patch for `git apply` to a file, or to standard output for `-`, and nothing to the repository
    #[arg(long, value_name = "FILE", conflicts_with = "branch")]
    patch: Option<PathBuf>,
    /// Author and committer of the commit, as `Name <address>`; whom git's configuration names by default
    #[arg(long, value_name = "PERSON", value_parser = Person::parse)]
    author: Option<Person>,
    /// How to write the report
    #[arg(long, value_enum, default_value = "human")]
    format: ReportFormat,
    /// Write the report to a file, which appears only when it is whole, instead of standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    history: HistoryArgs,
}

/// How much goes with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum By {
    /// The function, type, member or other item that holds it
    Unit,
    /// The statement that holds it
    Statement,
    /// Nothing, where the rest still parses
    Line,
}

/// Runs the command.
pub(crate) fn run(args: &RemoveArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let rulebook = Rulebook::load(args.policy.as_deref())?;
    let detectors = Detectors::new(&rulebook.catalog);
    let known = match args.index.as_slice() {
        [] => None,
        folders => Some(KnownText::open(folders).map_err(known_error)?),
    };
    let person = person(args)?;
    let cache_dir = args.history.cache_dir();
    let request = RemovalRequest {
        scan: ScanRequest {
            root: &args.from,
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
            known: known.as_ref(),
        },
        keeps_same_text: args.keep_same_text,
        take: Take::Verdict(if args.suspect { Verdict::Suspect } else { Verdict::Tainted }),
        by: match args.by {
            By::Unit => Granularity::Unit,
            By::Statement => Granularity::Statement,
            By::Line => Granularity::Line,
        },
        to: match args.patch {
            Some(_) => RemovalTo::Patch,
            None => RemovalTo::Branch(args.branch.as_deref()),
        },
        person: &person,
    };
    let screen = Screen::stderr(global.color);
    let progress = Progress::start(&format!("taking out of {}", args.from.display()), &screen, global.quiet);
    let removal = remove(&request);
    drop(progress);
    let removal = removal.map_err(removal_error)?;
    if let (Some(path), Some(patch)) = (&args.patch, &removal.patch) {
        Output::open(Some(path))?.write(|out| out.write_all(patch))?;
    }
    write_report(&removal.report, args, global, &screen)?;
    Ok(match removal.report.outcome {
        RemovalOutcome::Removed => ExitCode::Success,
        RemovalOutcome::Nothing => ExitCode::NothingExamined,
        RemovalOutcome::Incomplete => ExitCode::Tainted,
    })
}

/// Writes the report; where the patch has standard output, a report without a file of its own is said in short.
fn write_report(
    report: &RemovalReport,
    args: &RemoveArgs,
    global: &GlobalArgs,
    screen: &Screen,
) -> Result<(), CommandError> {
    if report.outcome == RemovalOutcome::Incomplete {
        let places = report.left.len() + report.remaining.len();
        let places = count(places as u64, "place", "places");
        let error = CommandError::new(ExitCode::Tainted, format!("{places} could not be taken out"))
            .hint("the report names each, with the reason");
        speech::error(&error, screen);
    }
    let is_taken = args.patch.as_deref() == Some(Path::new("-"));
    if is_taken && args.output.is_none() {
        if !global.quiet {
            speech::note("standard output has the patch; `--output` takes the report", screen);
        }
        return Ok(());
    }
    let page = if args.output.is_some() { Screen::file() } else { Screen::stdout(global.color) };
    Output::open(args.output.as_deref())?.write(|out| match args.format {
        ReportFormat::Human => human::write(report, &page, out),
        ReportFormat::Json => write_line(report, out),
    })
}

/// Returns whom the commit is by. Nobody sees the commit behind a patch, so it may be by nobody.
fn person(args: &RemoveArgs) -> Result<Person, CommandError> {
    let unknown = || {
        CommandError::new(ExitCode::Failure, "nobody is known to make the commit")
            .hint("name one with `--author 'Name <address>'`, or set `user.name` and `user.email` in git's configuration")
    };
    if let Some(person) = args.author.clone().or_else(named_by_environment) {
        return Ok(person);
    }
    let repository = Repository::open(&args.from, &[]).ok();
    let configured = repository.and_then(|repository| repository.configured_person(&configuration_files()));
    match configured {
        Some(person) => Ok(person),
        None if args.patch.is_some() => {
            Person::new("Nobody", "nobody@lazaret.example").map_err(|_unusable| unknown())
        }
        None => Err(unknown()),
    }
}

/// Returns the person that git's own variables name (git(1)).
fn named_by_environment() -> Option<Person> {
    Person::new(&variable("GIT_AUTHOR_NAME")?, &variable("GIT_AUTHOR_EMAIL")?).ok()
}

/// Returns the files of git's configuration outside of repositories, the strongest first (git-config(1), "FILES").
fn configuration_files() -> Vec<PathBuf> {
    if let Some(global) = variable("GIT_CONFIG_GLOBAL") {
        return vec![global.into()];
    }
    let home = variable("HOME").map(PathBuf::from);
    let folder = variable("XDG_CONFIG_HOME").map(PathBuf::from);
    let folder = folder.or_else(|| home.as_ref().map(|home| home.join(".config")));
    let own = home.map(|home| home.join(".gitconfig"));
    let files = own.into_iter().chain(folder.map(|folder| folder.join("git/config")));
    files.chain(std::iter::once(PathBuf::from("/etc/gitconfig"))).collect()
}

#[expect(clippy::disallowed_methods, reason = "the command is the place that reads the environment")]
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn removal_error(error: RemovalError) -> CommandError {
    let (exit, hint) = match error {
        RemovalError::Scan(error) => return scan_error(error),
        RemovalError::Open { .. } => (ExitCode::Failure, "name a git repository, bare or with a work tree"),
        RemovalError::Resolve { ref source, .. } => resolve_way_out(source),
        RemovalError::Commit { .. } | RemovalError::Rewrite(_) => {
            (ExitCode::Failure, "`git fsck` in the repository may say more")
        }
        RemovalError::Write(_) => (ExitCode::Failure, "see that there is space and that you may write there"),
        RemovalError::Branch(BranchError::Exists { .. } | BranchError::Name { .. }) => {
            (ExitCode::Failure, "give another name with `--branch`")
        }
        RemovalError::Branch(BranchError::Storage { .. }) => (ExitCode::Failure, "add `--patch FILE`"),
        RemovalError::Branch(BranchError::Write { .. }) => {
            (ExitCode::Failure, "give the same command again when nobody else is at work in the repository")
        }
    };
    CommandError::from_error(exit, error).hint(hint)
}
