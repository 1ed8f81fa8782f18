//! The place a person reads: how wide it is, and whether it shows colour.

use std::io::{IsTerminal, stderr, stdout};

use anstyle::{AnsiColor, Color, Style};
use clap::ValueEnum;
use lazaret_core::Verdict;

/// Columns assumed where the output is no terminal.
const WIDTH_WITHOUT_TERMINAL: usize = 80;
/// Columns beyond which lines become hard to follow.
const WIDTH_MAX: usize = 120;
/// Columns below which nothing can be aligned any more; lines then break.
const WIDTH_MIN: usize = 40;

/// When to colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal that shows it.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What a piece of text is, so that it can be coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ink {
    /// A verdict.
    Verdict(Verdict),
    /// The title of a section.
    Heading,
    /// Beside the point.
    Faint,
    /// An error.
    Error,
    /// A warning.
    Warning,
    /// A hint.
    Hint,
}

/// A stream as a person sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Screen {
    /// Columns to use.
    pub(crate) width: usize,
    /// Whether to colour.
    pub(crate) color: bool,
    /// Whether a person is likely to look on.
    pub(crate) terminal: bool,
}

impl Screen {
    /// Returns the screen behind standard output.
    pub(crate) fn stdout(choice: ColorChoice) -> Self {
        Self::of(&stdout(), choice)
    }

    /// Returns the screen behind standard error.
    pub(crate) fn stderr(choice: ColorChoice) -> Self {
        Self::of(&stderr(), choice)
    }

    /// Returns the screen for a file: no colour, standard width.
    pub(crate) fn file() -> Self {
        Self { width: WIDTH_WITHOUT_TERMINAL, color: false, terminal: false }
    }

    fn of(stream: &(impl IsTerminal + std::os::fd::AsFd), choice: ColorChoice) -> Self {
        let terminal = stream.is_terminal();
        let width = if terminal { terminal_size::terminal_size_of(stream) } else { None }
            .map_or(WIDTH_WITHOUT_TERMINAL, |(width, _)| usize::from(width.0));
        let color = match choice {
            ColorChoice::Auto => terminal && anstyle_query::term_supports_color(),
            ColorChoice::Always => true,
            ColorChoice::Never => false,
        };
        Self {
            width: width.clamp(WIDTH_MIN, WIDTH_MAX),
            color: color && !anstyle_query::no_color(),
            terminal,
        }
    }

    /// Returns the text in the colour of what it is, or as it is.
    pub(crate) fn paint(&self, ink: Ink, text: &str) -> String {
        if !self.color {
            return text.to_owned();
        }
        let style = style(ink);
        format!("{style}{text}{style:#}")
    }
}

fn style(ink: Ink) -> Style {
    let of = |color: AnsiColor| Style::new().fg_color(Some(Color::Ansi(color)));
    match ink {
        Ink::Verdict(Verdict::Tainted) => of(AnsiColor::Red).bold(),
        Ink::Verdict(Verdict::Suspect) | Ink::Warning => of(AnsiColor::Yellow),
        Ink::Verdict(Verdict::Unproven) => of(AnsiColor::BrightBlack),
        Ink::Verdict(Verdict::Clean) | Ink::Hint => of(AnsiColor::Cyan),
        Ink::Heading => Style::new().bold(),
        Ink::Faint => Style::new().dimmed(),
        Ink::Error => of(AnsiColor::Red).bold(),
    }
}
