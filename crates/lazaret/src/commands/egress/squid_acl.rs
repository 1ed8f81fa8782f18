//! `lazaret egress squid-helper`: the program that squid.conf names.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use lazaret_pipeline::egress::KeptExemptions;
use lazaret_policy::OnFailure;
use lazaret_server::Recorder;
use lazaret_server::asking::{self, HelperSettings};

use super::deciding::decider;
use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::exit::ExitCode;
use crate::rulebook::Rulebook;
use crate::runtime::block_on;

/// Holds where there is no snapshot: whoever asks, exclusive inference hosts of the built-in catalog are denied.
const WITHOUT_SNAPSHOT: &str =
    "version = 1\nname = \"no snapshot\"\nban.rivals = true\negress.mode = \"enforce\"\n";

/// Arguments of `lazaret egress squid-helper`.
#[derive(Debug, Args)]
pub(crate) struct SquidHelperArgs {
    /// The socket of `lazaret egress serve`
    #[arg(long, value_name = "PATH")]
    socket: PathBuf,
    /// How long the service may take to answer
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    deadline: u64,
    /// The snapshot that the service keeps
    #[arg(long, value_name = "FILE")]
    snapshot: Option<PathBuf>,
    /// What to do while the service does not answer; as the snapshot's policy says otherwise
    #[arg(long, value_enum)]
    on_failure: Option<OnFailureArg>,
    /// Add a line to this file for each call that matches and that the service did not decide about
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

/// What to do while the service does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OnFailureArg {
    /// Decide by the snapshot; without one, deny exclusive inference hosts and allow the others
    DenyInference,
    /// Deny everything
    Deny,
    /// Allow everything
    Allow,
}

impl From<OnFailureArg> for OnFailure {
    fn from(arg: OnFailureArg) -> Self {
        match arg {
            OnFailureArg::DenyInference => Self::DenyInference,
            OnFailureArg::Deny => Self::Deny,
            OnFailureArg::Allow => Self::Allow,
        }
    }
}

/// Runs the command.
pub(crate) fn run(args: &SquidHelperArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let rulebook = Rulebook::parse(WITHOUT_SNAPSHOT.as_bytes(), "built-in policy of the helper")?;
    let none = KeptExemptions::none(rulebook.rules.policy().terms(), global.now());
    let settings = HelperSettings {
        socket: args.socket.clone(),
        deadline: Duration::from_millis(args.deadline),
        snapshot: args.snapshot.clone(),
        on_failure: args.on_failure.map(OnFailure::from),
        without_snapshot: Arc::new(decider(&rulebook, none)?),
        clock: Arc::new(Timestamp::now),
        // A helper that ends takes Squid with it: what cannot be recorded is not, and the call is decided all the same.
        recorder: Arc::new(
            args.record.as_deref().and_then(|path| Recorder::open(path).ok()).unwrap_or_else(Recorder::none),
        ),
    };
    block_on(async {
        asking::run(settings, tokio::io::stdin(), tokio::io::stdout()).await.map_err(|error| {
            CommandError::new(ExitCode::Failure, "Squid no longer reads the answers").because(error)
        })
    })?;
    Ok(ExitCode::Success)
}
