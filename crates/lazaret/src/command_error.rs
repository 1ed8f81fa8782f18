//! The border between library errors and people: how the run ends, what went wrong, and what would make it pass.

use std::error::Error;
use std::io::{self, Write};

use miette::{GraphicalReportHandler, GraphicalTheme};

use crate::exit::ExitCode;
use crate::screen::{Ink, Screen};
use crate::text::plain;

pub(crate) mod workflow;

/// Why a command could not do its work.
///
/// A finding is no error: what a scan finds is in its report and its exit code.
#[derive(Debug)]
pub(crate) struct CommandError {
    exit: ExitCode,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
    diagnostics: Vec<Diagnostic>,
    hints: Vec<String>,
}

impl CommandError {
    /// Returns an error that ends the run with `exit`; the message is lower case, without a final stop.
    pub(crate) fn new(exit: ExitCode, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), source: None, diagnostics: Vec::new(), hints: Vec::new() }
    }

    /// Returns a library's error as it is, with its causes, ending the run with `exit`.
    pub(crate) fn from_error(exit: ExitCode, error: impl Error) -> Self {
        let mut causes = Vec::new();
        let mut source = error.source();
        while let Some(cause) = source {
            causes.push(cause.to_string());
            source = cause.source();
        }
        let message = std::iter::once(error.to_string()).chain(causes).collect::<Vec<_>>().join(": ");
        Self::new(exit, message)
    }

    /// Adds the error that caused this one.
    pub(crate) fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Adds what is wrong in a file, place by place.
    pub(crate) fn with_diagnostics(mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) -> Self {
        self.diagnostics.extend(diagnostics);
        self
    }

    /// Adds what would make it pass: which proof is missing, which command to run, whom to ask.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// How the run ends.
    pub(crate) fn exit(&self) -> ExitCode {
        self.exit
    }

    /// What is wrong in a file, place by place.
    pub(crate) fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Writes the error for a person: diagnostics, then the message and its causes, then the hints.
    pub(crate) fn write(&self, out: &mut dyn Write, screen: &Screen) -> io::Result<()> {
        for diagnostic in &self.diagnostics {
            diagnostic.write(out, screen)?;
        }
        let mut message = plain(&self.message).into_owned();
        let mut source = self.source.as_deref().map(|source| source as &dyn Error);
        while let Some(error) = source {
            message.push_str(": ");
            message.push_str(&plain(&error.to_string()));
            source = error.source();
        }
        writeln!(out, "{}: {message}", screen.paint(Ink::Error, "error"))?;
        for hint in &self.hints {
            writeln!(out, "{}: {}", screen.paint(Ink::Hint, "hint"), plain(hint))?;
        }
        Ok(())
    }
}

/// Something wrong at a place in a file that a person wrote, such as the policy.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Diagnostic {
    /// The stable code, in kebab case.
    pub(crate) code: String,
    /// What is wrong.
    pub(crate) message: String,
    /// Whether the file can be used nevertheless.
    pub(crate) severity: miette::Severity,
    /// The file's name.
    pub(crate) name: String,
    /// The file's text.
    pub(crate) text: String,
    /// Byte offset and length of the place, where there is one.
    pub(crate) place: Option<(usize, usize)>,
    /// How to mend it.
    pub(crate) help: Option<String>,
}

impl Diagnostic {
    /// Writes the diagnostic with the lines it concerns.
    pub(crate) fn write(&self, out: &mut dyn Write, screen: &Screen) -> io::Result<()> {
        let theme = if screen.color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_width(screen.width)
            .with_links(false)
            .with_urls(false);
        let mut text = String::new();
        handler.render_report(&mut text, &Shown::of(self)).map_err(io::Error::other)?;
        writeln!(out, "{}", text.trim_end())?;
        writeln!(out)
    }
}

/// A diagnostic with its file's text made safe to print, byte offsets kept true.
#[derive(Debug)]
struct Shown<'a> {
    diagnostic: &'a Diagnostic,
    source: miette::NamedSource<String>,
    labels: Vec<miette::LabeledSpan>,
}

impl<'a> Shown<'a> {
    fn of(diagnostic: &'a Diagnostic) -> Self {
        // One byte for one byte, so that the place stays where it is.
        let text: String = diagnostic
            .text
            .chars()
            .flat_map(|c| {
                let steers = c != '\n'
                    && c != '\t'
                    && !matches!(plain(c.encode_utf8(&mut [0; 4])), std::borrow::Cow::Borrowed(_));
                let shown = if steers { '?' } else { c };
                std::iter::repeat_n(shown, if steers { c.len_utf8() } else { 1 })
            })
            .collect();
        let labels = diagnostic
            .place
            .map(|(start, length)| miette::LabeledSpan::new_with_span(None, (start.min(text.len()), length)))
            .into_iter()
            .collect();
        Self { diagnostic, source: miette::NamedSource::new(plain(&diagnostic.name), text), labels }
    }
}

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&plain(&self.diagnostic.message))
    }
}

impl Error for Shown<'_> {}

impl miette::Diagnostic for Shown<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        Some(Box::new(&self.diagnostic.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(self.diagnostic.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.diagnostic.help.as_ref().map(|help| Box::new(plain(help)) as Box<dyn std::fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        self.diagnostic.place.map(|_| &self.source as &dyn miette::SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = miette::LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    fn shown(error: &CommandError) -> String {
        let mut out = Vec::new();
        error.write(&mut out, &Screen::file()).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_error_names_its_causes_and_what_would_make_it_pass() {
        let error = CommandError::new(ExitCode::Failure, "cannot read `a\nb`")
            .because(io::Error::new(io::ErrorKind::NotFound, "no such file"))
            .hint("name a repository or a folder");
        assert_snapshot!(shown(&error), @r"
        error: cannot read `a\nb`: no such file
        hint: name a repository or a folder
        ");
    }

    #[test]
    fn a_diagnostic_points_at_its_place() {
        let text = "version = 1\n[ban]\ntool = [\"x\"]\n";
        let error = CommandError::new(ExitCode::PolicyInvalid, "the policy is invalid").with_diagnostics([
            Diagnostic {
                code: "unknown-field".to_owned(),
                message: "`tool` is not a field of `[ban]`".to_owned(),
                severity: miette::Severity::Error,
                name: "policy.toml".to_owned(),
                text: text.to_owned(),
                place: text.find("tool").map(|start| (start, 4)),
                help: Some("write `tools`".to_owned()),
            },
        ]);
        assert_snapshot!(shown(&error), @r#"
        unknown-field

          × `tool` is not a field of `[ban]`
           ╭─[policy.toml:3:1]
         2 │ [ban]
         3 │ tool = ["x"]
           · ────
           ╰────
          help: write `tools`

        error: the policy is invalid
        "#);
    }
}
