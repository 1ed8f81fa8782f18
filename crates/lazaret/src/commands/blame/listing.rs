//! Lines of a file in the shape of `git blame`, with verdict and tool before the text.

use std::io::{self, Write};

use lazaret_core::Verdict;

use crate::screen::{Ink, Screen};
use crate::text::{columns, fit_start, pad, plain, plain_line};

/// Digits of a commit's name that are shown, as `git blame` does.
const COMMIT_WIDTH: usize = 8;
/// Columns of the longest author that is shown in full.
const AUTHOR_WIDTH_MAX: usize = 20;
/// What stands for a commit where there is none.
const NO_COMMIT: &str = "--------";

/// One line as it is listed.
#[derive(Debug, Clone)]
pub(super) struct ListedLine<'a> {
    /// The commit the line comes from, in hexadecimal digits.
    pub(super) commit: Option<String>,
    /// Who the commit names as its author.
    pub(super) author: &'a str,
    /// The day of the commit's own date.
    pub(super) date: String,
    /// The line's number, from 1.
    pub(super) number: u32,
    /// What the line is held to be.
    pub(super) verdict: Verdict,
    /// Whether the line stands as the tool left it.
    pub(super) direct: bool,
    /// The tool whose taint settled the verdict.
    pub(super) tool: Option<&'a str>,
    /// The line's text, without its end.
    pub(super) text: &'a str,
}

/// Writes the lines, each column as wide as its widest cell.
pub(super) fn write(lines: &[ListedLine<'_>], screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    let widest = |cell: &dyn Fn(&ListedLine<'_>) -> usize| lines.iter().map(cell).max().unwrap_or(0);
    let author_width = widest(&|line| columns(&plain(line.author))).min(AUTHOR_WIDTH_MAX);
    let date_width = widest(&|line| columns(&line.date));
    let number_width = widest(&|line| line.number.to_string().len());
    let tool_width = widest(&|line| columns(&tool_of(line)));
    for line in lines {
        let commit: String = line
            .commit
            .as_ref()
            .map_or_else(|| NO_COMMIT.to_owned(), |commit| commit.chars().take(COMMIT_WIDTH).collect());
        let author = pad(&fit_start(&plain(line.author), author_width), author_width);
        let date = pad(&line.date, date_width);
        let verdict = screen.paint(Ink::Verdict(line.verdict), &format!("{:<8}", line.verdict));
        let tool = pad(&tool_of(line), tool_width);
        let row = format!(
            "{commit} ({author} {date} {:>number_width$}) {verdict} {tool} {}",
            line.number,
            plain_line(line.text)
        );
        writeln!(out, "{}", row.trim_end())?;
    }
    Ok(())
}

/// Returns the tool; `~` marks lines that a later edit put in the place of the tool's.
fn tool_of(line: &ListedLine<'_>) -> String {
    let tool = plain(line.tool.unwrap_or("-"));
    if line.direct || line.tool.is_none() { tool.into_owned() } else { format!("~{tool}") }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    #[test]
    fn lines_are_listed_as_git_blame_does() {
        let line = |number, verdict, tool, text| ListedLine {
            commit: Some("67abdd7210240000".to_owned()),
            author: "Ines Example-Hernández y García",
            date: "2026-03-04".to_owned(),
            number,
            verdict,
            direct: verdict == Verdict::Tainted,
            tool,
            text,
        };
        let mut lines = vec![
            line(9, Verdict::Unproven, None, "fn first() {}"),
            line(10, Verdict::Tainted, Some("claude-code"), "\tfn second() { \u{1b}[2J }"),
            line(11, Verdict::Suspect, Some("codex"), ""),
        ];
        lines[0].commit = None;
        lines[0].author = "Ada";
        let mut out = Vec::new();
        write(&lines, &Screen::file(), &mut out).unwrap();
        assert_snapshot!(String::from_utf8(out).unwrap(), @r"
        -------- (Ada                  2026-03-04  9) unproven -           fn first() {}
        67abdd72 (Ines Example-Hernán… 2026-03-04 10) tainted  claude-code 	fn second() { \u{1b}[2J }
        67abdd72 (Ines Example-Hernán… 2026-03-04 11) suspect  ~codex
        ");
    }
}
