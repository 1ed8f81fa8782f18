//! The summary for a person: a sentence for a manager first, then figures, then what to do next.

use std::io::{self, Write};

use lazaret_core::Verdict;
use lazaret_pipeline::LineCounts;

use self::chart::{bar, stacked_bar};
use super::summary::{Place, Summary, concern};
use crate::screen::{Ink, Screen};
use crate::text::{columns, count, fit_end, fit_start, pad, plain, share, thousands, wrap};

mod chart;
mod timeline;

/// Verdicts in the order that a reader cares about.
const WORST_FIRST: [Verdict; 4] = [Verdict::Tainted, Verdict::Suspect, Verdict::Unproven, Verdict::Clean];
/// How many tools or models are listed by name.
const NAMES_MAX: usize = 8;
/// Columns of a digest's beginning that tell policies apart.
const DIGEST_SHORT: usize = 19;

/// Writes the summary.
pub(super) fn write(summary: &Summary<'_>, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    headline(summary, screen, out)?;
    verdicts(summary, screen, out)?;
    origins(summary, screen, out)?;
    by_name("By tool", &summary.by_tool, screen, out)?;
    by_name("By model", &summary.by_model, screen, out)?;
    timeline::write(&summary.timeline, screen, out)?;
    places("Worst directories", &summary.directories, screen, out)?;
    places("Worst files", &summary.worst_files, screen, out)?;
    copies(summary, screen, out)?;
    cases(summary, screen, out)?;
    gaps(summary, screen, out)?;
    next_steps(summary, screen, out)?;
    footer(summary, screen, out)
}

fn headline(summary: &Summary<'_>, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    let lines = &summary.lines;
    let what = match summary.origins.as_slice() {
        [origin] => match origin.rev {
            Some(rev) => format!("{} at {}", plain(origin.path), short(&plain(rev), 12)),
            None => plain(origin.path).into_owned(),
        },
        origins => count(origins.len() as u64, "origin", "origins"),
    };
    writeln!(out, "{}", screen.paint(Ink::Heading, &what))?;
    writeln!(out)?;
    for line in wrap(&sentence(lines), screen.width) {
        writeln!(out, "{line}")?;
    }
    writeln!(out)
}

/// Returns what was found in one or two sentences. A missing mark is never called clean.
fn sentence(lines: &LineCounts) -> String {
    let be = |number, one: &str, many: &str| if number == 1 { one.to_owned() } else { many.to_owned() };
    let part = |number| {
        format!(
            "{} of {} ({})",
            thousands(number),
            count(lines.total, "line", "lines"),
            share(number, lines.total)
        )
    };
    let found = match (lines.tainted, lines.suspect) {
        (0, 0) => "No mark of a banned tool was found.".to_owned(),
        (0, suspect) => format!("{} {} suspect.", part(suspect), be(suspect, "is", "are")),
        (tainted, suspect) => {
            let more = if suspect == 0 {
                String::new()
            } else {
                format!("; {} more {} suspect", thousands(suspect), be(suspect, "is", "are"))
            };
            format!(
                "{} {} written by a banned tool or model{more}.",
                part(tainted),
                be(tainted, "was", "were")
            )
        }
    };
    match lines.unproven {
        0 => found,
        unproven if unproven == lines.total => {
            format!("{found} That proves nothing: all {} stay unproven.", count(unproven, "line", "lines"))
        }
        unproven => format!(
            "{found} Nothing shows who wrote {}: no mark is no proof, so {} unproven.",
            if lines.tainted + lines.suspect == 0 {
                count(unproven, "line", "lines")
            } else {
                count(unproven, "other line", "other lines")
            },
            be(unproven, "it stays", "they stay"),
        ),
    }
}

fn verdicts(summary: &Summary<'_>, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "  {}", stacked_bar(&summary.lines, screen.width - 4, screen))?;
    writeln!(out)?;
    writeln!(out, "  {}", screen.paint(Ink::Faint, "Verdict             Lines     Share       Files"))?;
    for verdict in WORST_FIRST {
        let lines = summary.lines.get(verdict);
        let files = summary.files.get(&verdict).copied().unwrap_or_default();
        let row = format!(
            "{:>13}  {:>8}  {:>10}",
            thousands(lines),
            share(lines, summary.lines.total),
            thousands(files)
        );
        let name = format!("{} {:<9}", chart::block(verdict), verdict.as_str());
        writeln!(out, "  {}{row}", screen.paint(Ink::Verdict(verdict), &name))?;
    }
    let (examined, marked) = summary.commits;
    if examined > 0 {
        writeln!(out)?;
        let line = format!(
            "  {} of {} carry a mark ({}).",
            thousands(marked),
            count(examined, "commit", "commits"),
            share(marked, examined)
        );
        writeln!(out, "{line}")?;
    }
    let (records, refused) = summary.records;
    if records > 0 {
        let found = match records {
            1 => "1 record of authorship was found".to_owned(),
            records => format!("{} records of authorship were found", thousands(records)),
        };
        match refused {
            0 => writeln!(out, "  {found}.")?,
            refused => writeln!(out, "  {found}; {} could not be read.", thousands(refused))?,
        }
    }
    writeln!(out)
}

fn origins(summary: &Summary<'_>, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    if summary.origins.len() < 2 {
        return Ok(());
    }
    let rows: Vec<Place> = summary
        .origins
        .iter()
        .map(|origin| Place { path: origin.path.to_owned(), lines: origin.lines })
        .collect();
    table("Origin", &rows, screen, out)
}

fn by_name(title: &str, rows: &[(&str, LineCounts)], screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let name_width = rows.iter().take(NAMES_MAX).map(|(name, _)| columns(&plain(name))).max().unwrap_or(0);
    let name_width = name_width.clamp(columns(title), 28);
    let bar_width = screen.width.saturating_sub(name_width + 30).min(40);
    let most = rows.iter().map(|(_, lines)| concern(lines)).max().unwrap_or(0);
    let heading = format!("{}  {:>10}  {:>10}", pad(title, name_width), "tainted", "suspect");
    writeln!(out, "  {}", screen.paint(Ink::Heading, &heading))?;
    for (name, lines) in rows.iter().take(NAMES_MAX) {
        let name = pad(&fit_end(&plain(name), name_width), name_width);
        let figures = format!("{:>10}  {:>10}", thousands(lines.tainted), thousands(lines.suspect));
        writeln!(out, "  {name}  {figures}  {}", bar(lines, most, bar_width, screen))?;
    }
    if rows.len() > NAMES_MAX {
        writeln!(out, "  … and {} more", thousands((rows.len() - NAMES_MAX) as u64))?;
    }
    writeln!(out)
}

fn places(title: &str, rows: &[Place], screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    table(title, rows, screen, out)
}

fn table(title: &str, rows: &[Place], screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    let figures_width = 36;
    let path_width = screen.width.saturating_sub(figures_width + 2).max(columns(title));
    let heading =
        format!("{}{:>10}{:>9}{:>9}{:>8}", pad(title, path_width), "tainted", "suspect", "lines", "share");
    writeln!(out, "  {}", screen.paint(Ink::Heading, &heading))?;
    for row in rows {
        let path = pad(&fit_end(&plain(&row.path), path_width), path_width);
        writeln!(
            out,
            "  {path}{:>10}{:>9}{:>9}{:>8}",
            thousands(row.lines.tainted),
            thousands(row.lines.suspect),
            thousands(row.lines.total),
            share(concern(&row.lines), row.lines.total),
        )?;
    }
    writeln!(out)
}

fn copies(summary: &Summary<'_>, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    if summary.copies.is_empty() {
        return Ok(());
    }
    writeln!(out, "  {}", screen.paint(Ink::Heading, "Shared with known text"))?;
    let mut rows: Vec<_> = summary.copies.iter().collect();
    rows.sort_by_key(|(_, number)| std::cmp::Reverse(**number));
    for ((class, name), number) in rows.iter().take(NAMES_MAX) {
        let row = format!("{class:<10} {:>9}  ", count(**number, "place", "places"));
        let name = fit_end(&plain(name), screen.width.saturating_sub(columns(&row) + 2).max(20));
        writeln!(out, "  {row}{name}")?;
    }
    if rows.len() > NAMES_MAX {
        writeln!(out, "  … and {} more", thousands((rows.len() - NAMES_MAX) as u64))?;
    }
    writeln!(out)
}

/// What the store says of files that it holds; what needs somebody comes first.
fn cases(summary: &Summary<'_>, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    if summary.cases.is_empty() {
        return Ok(());
    }
    writeln!(out, "  {}", screen.paint(Ink::Heading, "Held by the store"))?;
    let mut rows = summary.cases.clone();
    rows.sort_by_key(|(path, case)| {
        (case.standing == "cleared", !case.standing.starts_with("removed"), *path)
    });
    for (path, case) in rows.iter().take(NAMES_MAX) {
        let standing = match case.standing.as_str() {
            "removed" => "BACK",
            "removed-copy" => "BACK AS A COPY",
            other => other,
        };
        let label = case.exemption.as_deref().map(|name| format!(" {name}")).unwrap_or_default();
        let row = format!("{:<6} {standing}{label}: {}  ", case.case, plain(&case.why));
        let path = fit_start(&plain(path), screen.width.saturating_sub(columns(&row) + 2).max(20));
        writeln!(out, "  {row}{path}")?;
    }
    if rows.len() > NAMES_MAX {
        writeln!(out, "  … and {} more", thousands((rows.len() - NAMES_MAX) as u64))?;
    }
    writeln!(out)
}

fn gaps(summary: &Summary<'_>, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    if summary.gaps.is_empty() {
        return Ok(());
    }
    writeln!(out, "  {}", screen.paint(Ink::Warning, "Not examined, and therefore unproven"))?;
    for (kind, (times, example)) in &summary.gaps {
        let row = format!("{:<18} {:>9}  such as ", kind.as_str(), thousands(*times));
        let example = fit_start(&plain(example), screen.width.saturating_sub(columns(&row) + 2).max(20));
        writeln!(out, "  {row}{example}")?;
    }
    writeln!(out)
}

fn next_steps(summary: &Summary<'_>, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    let mut steps = Vec::new();
    if let Some(worst) = summary.worst_files.first() {
        let path = plain(&worst.path);
        if summary.origins.len() == 1 {
            steps.push(format!("see who wrote each line: lazaret blame '{}'", path.replace('\'', r"'\''")));
        }
        steps.push(
            "see every file, line by line, in a browser: add --format html --output report.html".to_owned(),
        );
    }
    if summary.lines.unproven > 0 {
        steps.push(
            "prove lines clean: name curated sources and trusted dates in the policy, see lazaret policy explain"
                .to_owned(),
        );
    }
    if summary.gaps.contains_key(&lazaret_core::GapKind::ShallowBoundary) {
        steps.push("the history is cut off: run git fetch --unshallow and scan again".to_owned());
    }
    for step in &steps {
        let label = screen.paint(Ink::Hint, "next:");
        for (index, line) in wrap(step, screen.width - 8).iter().enumerate() {
            let lead = if index == 0 { label.as_str() } else { "     " };
            writeln!(out, "  {lead} {line}")?;
        }
    }
    if steps.is_empty() { Ok(()) } else { writeln!(out) }
}

fn footer(summary: &Summary<'_>, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    let Some(report) = summary.first else {
        return Ok(());
    };
    let digests = format!(
        "policy {} {} · catalog {}",
        plain(summary.policy_name),
        short(&report.policy.to_string(), DIGEST_SHORT),
        short(&report.catalog.to_string(), DIGEST_SHORT),
    );
    writeln!(out, "  {}", screen.paint(Ink::Faint, &digests))?;
    writeln!(out, "  {}", screen.paint(Ink::Faint, &format!("lazaret {}", report.version)))
}

fn short(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}
