//! Shows on a terminal that the command is at work; nobody else is told.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::screen::Screen;
use crate::text::{fit_start, plain};

/// How often the sign of life moves.
const TICK: Duration = Duration::from_millis(120);

/// A sign of life, gone when the value is dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Shows the message on standard error, unless that is no terminal or the caller wants quiet.
    pub(crate) fn start(message: &str, screen: &Screen, quiet: bool) -> Self {
        if quiet || !screen.terminal {
            return Self { bar: ProgressBar::hidden() };
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(fit_start(&plain(message), screen.width.saturating_sub(16)));
        bar.enable_steady_tick(TICK);
        Self { bar }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
