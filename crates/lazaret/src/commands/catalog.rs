//! `lazaret catalog`: looks up tools, providers, models, the marks they leave and where they are reached.

mod endpoints;

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use lazaret_core::{Availability, Model, Provider, Tool};
use lazaret_evidence::{Catalog, Mark};
use serde_json::{Value, json};

use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::exit::ExitCode;
use crate::output::Output;
use crate::report::json::write_line;
use crate::rulebook::Rulebook;
use crate::screen::{Ink, Screen};
use crate::text::{columns, count, pad, plain, wrap};

/// Columns of a field's name in `catalog show`.
const FIELD_WIDTH: usize = 12;

/// Arguments of `lazaret catalog`.
#[derive(Debug, Args)]
pub(crate) struct CatalogArgs {
    #[command(subcommand)]
    command: CatalogCommand,
}

#[derive(Debug, Subcommand)]
enum CatalogCommand {
    /// List entries by id
    List {
        /// Which entries
        #[arg(value_enum, default_value = "tools")]
        what: Listed,
        /// The policy whose own entries are listed too
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
        /// How to write the entries
        #[arg(long, value_enum, default_value = "human")]
        format: CatalogFormat,
    },
    /// Show one entry with everything that is known about it
    Show {
        /// The id of a tool, provider, model, mark or endpoint
        id: String,
        /// The policy whose own entries are searched too
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
        /// How to write the entry
        #[arg(long, value_enum, default_value = "human")]
        format: CatalogFormat,
    },
    /// Look into the endpoints
    Endpoints(endpoints::EndpointsArgs),
    /// List the endpoints whose source was last looked at too long ago
    Stale {
        /// How many days are too long
        #[arg(long, value_name = "DAYS", default_value_t = 90)]
        after: u16,
        /// The policy whose own endpoints are listed too
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
        /// How to write the entries
        #[arg(long, value_enum, default_value = "human")]
        format: CatalogFormat,
    },
}

/// Which entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Listed {
    /// Harnesses that write text or code
    Tools,
    /// Who runs tools and makes models
    Providers,
    /// Model families
    Models,
    /// What tools leave behind
    Marks,
    /// Where on the network services are reached
    Endpoints,
}

/// How to write entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CatalogFormat {
    /// For people
    Human,
    /// One line of JSON for each entry
    Jsonl,
}

/// One entry: its id, what stands beside it in a list, and all its fields.
struct Entry {
    id: String,
    summary: Vec<String>,
    fields: Vec<(&'static str, String)>,
    value: Value,
}

/// Runs the command.
pub(crate) fn run(args: &CatalogArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let screen = Screen::stdout(global.color);
    match &args.command {
        CatalogCommand::List { what, policy, format } => {
            let catalog = Rulebook::load(policy.as_deref())?.catalog;
            let entries = entries(&catalog, *what);
            write_entries(&entries, *format, &screen)?;
        }
        CatalogCommand::Endpoints(args) => return endpoints::run(args),
        CatalogCommand::Stale { after, policy, format } => {
            let catalog = Rulebook::load(policy.as_deref())?.catalog;
            let entries = endpoints::stale(&catalog, *after, global.now())?;
            write_entries(&entries, *format, &screen)?;
        }
        CatalogCommand::Show { id, policy, format } => {
            let catalog = Rulebook::load(policy.as_deref())?.catalog;
            let found: Vec<Entry> = Listed::value_variants()
                .iter()
                .copied()
                .flat_map(|what| entries(&catalog, what))
                .filter(|entry| entry.id == *id)
                .collect();
            if found.is_empty() {
                return Err(CommandError::new(ExitCode::Failure, format!("the catalog has no entry `{id}`"))
                    .hint("`lazaret catalog list` shows the tools; `providers`, `models`, `marks` and `endpoints` can be listed too")
                    .hint("a policy may add entries of its own under `catalog`; name it with `--policy`"));
            }
            Output::open(None)?.write(|out| match format {
                CatalogFormat::Human => found.iter().try_for_each(|entry| write_entry(entry, &screen, out)),
                CatalogFormat::Jsonl => found.iter().try_for_each(|entry| write_line(&entry.value, out)),
            })?;
        }
    }
    Ok(ExitCode::Success)
}

fn entries(catalog: &Catalog, what: Listed) -> Vec<Entry> {
    let roster = catalog.roster();
    match what {
        Listed::Tools => roster.tools.values().map(|tool| tool_entry(tool, catalog)).collect(),
        Listed::Providers => roster.providers.values().map(provider_entry).collect(),
        Listed::Models => roster.models.values().map(model_entry).collect(),
        Listed::Marks => catalog.marks().iter().map(mark_entry).collect(),
        Listed::Endpoints => endpoints::entries(catalog),
    }
}

fn tool_entry(tool: &Tool, catalog: &Catalog) -> Entry {
    let marks: Vec<&str> = catalog.marks_of(&tool.id).map(|mark| mark.id.as_str()).collect();
    let mut value = json!({"kind": "tool", "marks": marks});
    extend(&mut value, json!(tool));
    Entry {
        id: tool.id.to_string(),
        summary: vec![
            tool.name.clone(),
            tool.provider.to_string(),
            tool.first_available.date.to_string(),
            count(marks.len() as u64, "mark", "marks"),
        ],
        fields: vec![
            ("tool", tool.name.clone()),
            ("provider", tool.provider.to_string()),
            ("available", availability(&tool.first_available)),
            ("marks", if marks.is_empty() { "none known".to_owned() } else { marks.join(", ") }),
        ],
        value,
    }
}

fn provider_entry(provider: &Provider) -> Entry {
    let mut value = json!({"kind": "provider"});
    extend(&mut value, json!(provider));
    Entry {
        id: provider.id.to_string(),
        summary: vec![provider.name.clone(), provider.first_available.date.to_string()],
        fields: vec![
            ("provider", provider.name.clone()),
            ("available", availability(&provider.first_available)),
        ],
        value,
    }
}

fn model_entry(model: &Model) -> Entry {
    let mut value = json!({"kind": "model"});
    extend(&mut value, json!(model));
    Entry {
        id: model.id.to_string(),
        summary: vec![model.name.clone(), model.provider.to_string()],
        fields: vec![("model", model.name.clone()), ("provider", model.provider.to_string())],
        value,
    }
}

fn mark_entry(mark: &Mark) -> Entry {
    let tool = mark.tool.as_ref().map_or("any tool", |tool| tool.as_str());
    let role = mark.role.map_or_else(|| "as its place says".to_owned(), |role| role.to_string());
    let kind = json!(mark.kind).as_str().unwrap_or_default().to_owned();
    let seen = mark.first_seen.map_or_else(
        || format!("until {}", mark.last_seen),
        |first| format!("{first} to {}", mark.last_seen),
    );
    Entry {
        id: mark.id.clone(),
        summary: vec![kind.clone(), tool.to_owned(), mark.strength.to_string(), seen.clone()],
        fields: vec![
            ("mark", kind.clone()),
            ("tool", tool.to_owned()),
            ("role", role),
            ("strength", mark.strength.to_string()),
            ("seen", seen),
            ("checked", mark.verified.clone()),
            ("looks like", mark.spelled.join("   ")),
            ("note", mark.note.clone().unwrap_or_default()),
        ],
        value: json!({
            "kind": "mark", "id": mark.id, "mark_kind": kind, "tool": mark.tool, "provider": mark.provider,
            "role": mark.role, "strength": mark.strength, "first_seen": mark.first_seen,
            "last_seen": mark.last_seen, "verified": mark.verified, "looks_like": mark.spelled, "note": mark.note,
        }),
    }
}

fn availability(availability: &Availability) -> String {
    format!("{} ({})", availability.date, availability.source)
}

/// Adds the fields of one JSON object to another.
fn extend(value: &mut Value, more: Value) {
    if let (Value::Object(fields), Value::Object(more)) = (value, more) {
        fields.extend(more);
    }
}

fn write_entries(entries: &[Entry], format: CatalogFormat, screen: &Screen) -> Result<(), CommandError> {
    Output::open(None)?.write(|out| match format {
        CatalogFormat::Human => write_list(entries, screen, out),
        CatalogFormat::Jsonl => entries.iter().try_for_each(|entry| write_line(&entry.value, out)),
    })
}

fn write_list(entries: &[Entry], screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    let mut widths = vec![0; 1 + entries.iter().map(|entry| entry.summary.len()).max().unwrap_or(0)];
    for entry in entries {
        for (width, cell) in widths.iter_mut().zip(cells(entry)) {
            *width = columns(&cell).max(*width);
        }
    }
    for entry in entries {
        let padded: Vec<String> =
            cells(entry).iter().zip(&widths).map(|(cell, width)| pad(cell, *width)).collect();
        let line = padded.join("  ");
        match line.trim_end().split_at_checked(widths.first().copied().unwrap_or(0)) {
            Some((id, rest)) => writeln!(out, "{}{rest}", screen.paint(Ink::Heading, id))?,
            None => writeln!(out, "{}", line.trim_end())?,
        }
    }
    Ok(())
}

fn cells(entry: &Entry) -> Vec<String> {
    std::iter::once(&entry.id).chain(&entry.summary).map(|cell| plain(cell).into_owned()).collect()
}

fn write_entry(entry: &Entry, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", screen.paint(Ink::Heading, &plain(&entry.id)))?;
    for (name, text) in entry.fields.iter().filter(|(_, text)| !text.is_empty()) {
        for (index, line) in wrap(&plain(text), screen.width - FIELD_WIDTH - 2).iter().enumerate() {
            let label = if index == 0 { *name } else { "" };
            writeln!(out, "  {}{line}", screen.paint(Ink::Faint, &pad(label, FIELD_WIDTH)))?;
        }
    }
    Ok(())
}
