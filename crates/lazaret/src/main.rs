//! The `lazaret` command: reads the command line, runs one command, answers with an exit code.

use std::io::Write as _;
use std::panic;

use clap::Parser as _;

use crate::args::Cli;
use crate::exit::ExitCode;
use crate::screen::Screen;

mod args;
mod command_error;
mod commands;
mod exit;
mod fail_on;
mod history;
mod house;
mod output;
mod progress;
mod proofs;
mod report;
mod rulebook;
mod runtime;
mod screen;
mod speech;
mod text;

fn main() -> ExitCode {
    panic::set_hook(Box::new(report_bug));
    match panic::catch_unwind(run) {
        Ok(exit) => exit,
        // The hook has spoken; the payload is dropped unread, because it may quote content.
        Err(_payload) => ExitCode::Bug,
    }
}

fn run() -> ExitCode {
    let cli = Cli::parse();
    let color = cli.global.color;
    match commands::run(cli) {
        Ok(exit) => exit,
        Err(error) => {
            speech::error(&error, &Screen::stderr(color));
            error.exit()
        }
    }
}

/// Says where the program broke, and nothing of what it was reading. A damaged shard is no bug: it is refused.
fn report_bug(bug: &panic::PanicHookInfo<'_>) {
    if lazaret_shard::is_guarded() {
        return;
    }
    // A closed standard error leaves nobody to tell.
    drop(writeln!(std::io::stderr().lock(), "{}", bug_message(bug.location())));
}

fn bug_message(place: Option<&panic::Location<'_>>) -> String {
    let place = place.map_or_else(String::new, |place| format!(" at {}:{}", place.file(), place.line()));
    format!(
        "error: lazaret {} has a bug{place}; nothing may be concluded from its output\n\
         hint: report the version and the place; they hold nothing of what was being read",
        env!("CARGO_PKG_VERSION"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bug_is_named_by_its_place_alone() {
        let message = bug_message(Some(panic::Location::caller()));
        assert!(message.contains(" has a bug at "), "{message}");
        assert!(message.contains("main.rs:"), "{message}");
        assert_eq!(ExitCode::Bug.number(), 70);
    }
}
