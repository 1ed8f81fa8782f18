//! `lazaret egress serve`: decides about calls for enforcement points, until it is told to stop.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use lazaret_server::{Faces, Recorder, ServeError, Service, serve};
use tokio::signal::unix::{SignalKind, signal};

use super::deciding::{Deciding, DecidingArgs};
use super::renewing::Renewal;
use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::exit::ExitCode;
use crate::runtime::block_on;
use crate::screen::Screen;
use crate::speech;

/// Arguments of `lazaret egress serve`.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Answer Envoy at this loopback address with a port, or at `unix:PATH`
    #[arg(long, value_name = "ADDRESS")]
    grpc: Option<String>,
    /// Answer Squid's helper, and questions of operators, at this socket
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Answer the same at this loopback address with a port
    #[arg(long, value_name = "ADDRESS")]
    tcp: Option<String>,
    /// Keep the snapshot for Squid's helper in this file
    #[arg(long, value_name = "FILE")]
    snapshot: Option<PathBuf>,
    /// Add a line to this file for each call that matches, and for no other
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// How long to wait between readings of the policy and the exemptions; SIGHUP has them read at once
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3600))]
    refresh: u64,
    #[command(flatten)]
    deciding: DecidingArgs,
}

/// Runs the command.
pub(crate) fn run(args: &ServeArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    if args.grpc.is_none() && args.socket.is_none() && args.tcp.is_none() {
        return Err(CommandError::new(ExitCode::Usage, "nowhere is named to answer at")
            .hint("give `--grpc ADDRESS` for Envoy, `--socket PATH` for Squid's helper, or both"));
    }
    let recorder = match &args.record {
        Some(path) => Recorder::open(path).map_err(|error| {
            CommandError::new(ExitCode::Failure, format!("cannot record in `{}`", path.display()))
                .because(error)
        })?,
        None => Recorder::none(),
    };
    block_on(async {
        let Deciding { decider, house, policy } = args.deciding.open(global.now()).await?;
        let clock = Arc::new(Timestamp::now);
        let service = Arc::new(Service::new(Arc::new(decider), clock, Arc::new(recorder)));
        let faces = Faces {
            grpc: args.grpc.clone(),
            socket: args.socket.clone(),
            tcp: args.tcp.clone(),
            snapshot: args.snapshot.clone(),
            refresh: Duration::from_secs(args.refresh),
            nudge: Arc::default(),
        };
        let renewal = Arc::new(Renewal::new(house, policy, global));
        let read = move |in_force| {
            let renewal = Arc::clone(&renewal);
            async move { renewal.read(in_force).await }
        };
        let nudge = Arc::clone(&faces.nudge);
        let opened = || {
            if !global.quiet {
                speech::note("deciding; stop with SIGTERM", &Screen::stderr(global.color));
            }
        };
        let mut terminate = signal(SignalKind::terminate()).map_err(no_signals)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(no_signals)?;
        let mut hang_up = signal(SignalKind::hangup()).map_err(no_signals)?;
        let stopped = async {
            loop {
                tokio::select! {
                    _ = terminate.recv() => break,
                    _ = interrupt.recv() => break,
                    Some(()) = hang_up.recv() => nudge.notify_one(),
                }
            }
        };
        serve(service, faces, read, opened, stopped).await.map_err(serve_error)
    })?;
    Ok(ExitCode::Success)
}

fn no_signals(error: std::io::Error) -> CommandError {
    CommandError::new(ExitCode::Failure, "the system gives no means to be told to stop").because(error)
}

fn serve_error(error: ServeError) -> CommandError {
    let exit = match error {
        ServeError::NotLoopback { .. } => ExitCode::Usage,
        ServeError::Listen { .. } | ServeError::Snapshot(_) | ServeError::Grpc(_) | ServeError::Broken => {
            ExitCode::Failure
        }
    };
    CommandError::from_error(exit, error)
}
