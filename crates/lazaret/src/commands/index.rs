//! `lazaret index`: builds, extends, merges, signs, asks and verifies the index of known text.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use lazaret_evidence::Detectors;
use lazaret_pipeline::known::{
    AddRepositoryError, AddedRepository, Class, KnownTextError, Merging, SegmentBuilder, SegmentFile,
    add_files, add_repository, merge_segments, write_segment,
};
use lazaret_pipeline::{Measure, ScanRequest};
use lazaret_seal::SecretKey;

use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::command_error::workflow::scan_error;
use crate::exit::ExitCode;
use crate::history::HistoryArgs;
use crate::output::Output;
use crate::progress::Progress;
use crate::rulebook::Rulebook;
use crate::screen::Screen;
use crate::speech;
use crate::text::{count, plain, thousands};

mod query;
mod sign;
mod verify;

pub(crate) use sign::SigningArgs;

/// Arguments of `lazaret index`.
#[derive(Debug, Args)]
pub(crate) struct IndexArgs {
    #[command(subcommand)]
    command: IndexCommand,
}

#[derive(Debug, Subcommand)]
enum IndexCommand {
    /// Add what tools wrote in the history of repositories
    Build {
        /// Repositories
        #[arg(value_name = "REPO", required = true)]
        repositories: Vec<PathBuf>,
        /// The revision whose history to read
        #[arg(long, default_value = "HEAD")]
        rev: String,
        /// The policy whose catalog names the tools
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
        #[command(flatten)]
        history: HistoryArgs,
        #[command(flatten)]
        signing: SigningArgs,
        #[command(flatten)]
        folder: FolderArgs,
    },
    /// Add files, such as text that may not be shipped
    ///
    /// Output of a tool, protected text, evaluation sets, or text that everybody has.
    Add {
        /// Files or folders
        #[arg(value_name = "FILE|DIR", required = true)]
        paths: Vec<PathBuf>,
        /// Why the text is known
        #[arg(long = "as", value_name = "CLASS", value_enum)]
        class: ClassArg,
        /// What the text belongs to, as matches will name it
        #[arg(long, value_name = "NAME")]
        name: String,
        #[command(flatten)]
        signing: SigningArgs,
        #[command(flatten)]
        folder: FolderArgs,
    },
    /// Make one segment of all that nobody has signed
    Merge {
        #[command(flatten)]
        folder: FolderArgs,
    },
    /// Sign every segment that the key has not signed yet
    ///
    /// The signature lies beside its segment, with `.sig` behind its name. Where others have signed a segment, yours joins
    /// theirs in the same file.
    Sign {
        /// The secret key, as `lazaret key create` made it
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        #[command(flatten)]
        folder: FolderArgs,
    },
    /// Show what files share with known text
    Query {
        /// Files
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        /// How to write the matches
        #[arg(long, value_enum, default_value = "human")]
        format: query::QueryFormat,
        #[command(flatten)]
        folder: FolderArgs,
    },
    /// Read every byte of the index, and say what it holds and who signed it
    ///
    /// With `--trust`, each segment must be signed by a trusted key.
    Verify(verify::VerifyArgs),
}

/// Where the index lies.
#[derive(Debug, Args)]
pub(crate) struct FolderArgs {
    /// The folder of the index
    #[arg(long = "index", value_name = "DIR")]
    pub(crate) folder: PathBuf,
}

/// Why a text is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ClassArg {
    /// A rival tool wrote it
    Rival,
    /// It may not be shipped
    Protected,
    /// It is held out for evaluation
    Eval,
    /// Everybody has it: what it shares with other known text counts nothing
    Commonplace,
}

impl From<ClassArg> for Class {
    fn from(class: ClassArg) -> Self {
        match class {
            ClassArg::Rival => Self::Rival,
            ClassArg::Protected => Self::Protected,
            ClassArg::Eval => Self::Eval,
            ClassArg::Commonplace => Self::Commonplace,
        }
    }
}

/// Runs the command.
pub(crate) fn run(args: &IndexArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let screen = Screen::stderr(global.color);
    match &args.command {
        IndexCommand::Build { repositories, rev, policy, history, signing, folder } => {
            let key = signing.read()?;
            let rulebook = Rulebook::load(policy.as_deref())?;
            let detectors = Detectors::new(&rulebook.catalog);
            let measure = Measure {
                rules: &rulebook.rules,
                detectors: &detectors,
                brought: None,
                now: global.now(),
                holdings: None,
            };
            let mut builder = SegmentBuilder::new();
            for root in repositories {
                let _progress =
                    Progress::start(&format!("reading {}", root.display()), &screen, global.quiet);
                add_one(&mut builder, root, rev, measure, history, global)?;
            }
            let file = write_segment(&folder.folder, builder).map_err(known_error)?;
            written(file.as_ref(), key.as_ref(), global)
        }
        IndexCommand::Add { paths, class, name, signing, folder } => {
            let key = signing.read()?;
            let (builder, exit) = add(paths, *class, name, global, &screen)?;
            let file = write_segment(&folder.folder, builder).map_err(known_error)?;
            Ok(exit.and(written(file.as_ref(), key.as_ref(), global)?))
        }
        IndexCommand::Merge { folder } => merge(folder, global),
        IndexCommand::Sign { key, folder } => sign::run(key, folder, global),
        IndexCommand::Query { files, format, folder } => query::run(files, *format, folder, global),
        IndexCommand::Verify(args) => verify::run(args, global),
    }
}

fn add_one(
    builder: &mut SegmentBuilder,
    root: &Path,
    rev: &str,
    measure: Measure<'_>,
    history: &HistoryArgs,
    global: &GlobalArgs,
) -> Result<(), CommandError> {
    let cache_dir = history.cache_dir();
    let request = ScanRequest {
        root,
        rev,
        all_refs: false,
        measure,
        n_threads: history.n_threads(),
        cache_dir: cache_dir.as_deref(),
        bundle: false,
        known: None,
    };
    let added = add_repository(builder, &request).map_err(|error| match error {
        AddRepositoryError::Scan(error) => scan_error(error),
        AddRepositoryError::Build(error) => CommandError::from_error(ExitCode::Failure, error),
    })?;
    let line = format!(
        "{}: {} in {} of {}",
        plain(&root.display().to_string()),
        count(added.n_lines, "line", "lines"),
        count(added.n_versions, "version", "versions"),
        count(added.n_commits, "commit", "commits"),
    );
    if let Some(warning) = unread(root, &added).filter(|_| !global.quiet) {
        speech::warning(&warning, &Screen::stderr(global.color));
    }
    say(&line, global).map(|_| ())
}

/// Says what could not be read of a repository that was added.
pub(crate) fn unread(root: &Path, added: &AddedRepository) -> Option<String> {
    let objects = count(added.n_unread, "object", "objects");
    let root = root.display();
    (added.n_unread > 0).then(|| {
        format!("{objects} of `{root}` could not be read: text in them that is older than a tool's counts as the tool's")
    })
}

fn add(
    paths: &[PathBuf],
    class: ClassArg,
    name: &str,
    global: &GlobalArgs,
    screen: &Screen,
) -> Result<(SegmentBuilder, ExitCode), CommandError> {
    let mut builder = SegmentBuilder::new();
    let mut exit = ExitCode::Success;
    for path in paths {
        let added = add_files(&mut builder, path, class.into(), name, global.now().as_second())
            .map_err(|error| CommandError::from_error(ExitCode::Failure, error))?;
        for unread in &added.unread {
            // What is not in the index matches nothing: that must not pass for success.
            exit = ExitCode::Failure;
            speech::warning(&format!("not added: {unread}"), screen);
        }
        let passed_over = match added.n_passed_over {
            0 => String::new(),
            number => format!("; {} passed over (binary, or links)", thousands(number)),
        };
        let path = plain(&path.display().to_string()).into_owned();
        say(&format!("{path}: {}{passed_over}", count(added.n_added, "file", "files")), global)?;
    }
    Ok((builder, exit))
}

fn merge(folder: &FolderArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let Merging { merged, n_signed } = merge_segments(&folder.folder).map_err(known_error)?;
    if n_signed > 0 {
        let signed = count(n_signed as u64, "segment is", "segments are");
        say(&format!("{signed} signed and left alone"), global)?;
    }
    match merged {
        Some(file) => written(Some(&file), None, global),
        None => say("nothing to merge: there are not two segments that nobody has signed", global),
    }
}

/// Says which segment was written, and signs it where there is a key. Nothing to write is not success: the index would
/// be taken for one that knows.
pub(crate) fn written(
    file: Option<&SegmentFile>,
    key: Option<&SecretKey>,
    global: &GlobalArgs,
) -> Result<ExitCode, CommandError> {
    let Some(file) = file else {
        say("there was nothing to add", global)?;
        return Ok(ExitCode::NothingExamined);
    };
    let path = plain(&file.path.display().to_string()).into_owned();
    say(&format!("wrote {path} ({})", count(file.bytes, "byte", "bytes")), global)?;
    if let Some(key) = key {
        sign::sign(&file.path, key, global)?;
    }
    Ok(ExitCode::Success)
}

fn say(line: &str, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    if !global.quiet {
        Output::open(None)?.write(|out| writeln!(out, "{line}"))?;
    }
    Ok(ExitCode::Success)
}

/// Returns an error of the index for people.
pub(crate) fn known_error(error: KnownTextError) -> CommandError {
    let hint = match &error {
        KnownTextError::List { .. } | KnownTextError::Empty { .. } => {
            "make one with `lazaret index build`, `lazaret index add` or `lazaret collect`"
        }
        KnownTextError::Read { .. } => "the file must be readable by whoever scans",
        KnownTextError::Segment { .. } | KnownTextError::Renamed { .. } => {
            "take the segment out of the folder and build it anew, or fetch it again from where it came from"
        }
        KnownTextError::Write { .. } => "name a folder that can be written to, with room for the segment",
    };
    CommandError::from_error(ExitCode::Failure, error).hint(hint)
}
