//! Endpoints as entries of `lazaret catalog`, those whose source was looked at too long ago, and what public lists have
//! beside them.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use lazaret_core::{Endpoint, EndpointPattern};
use lazaret_evidence::Catalog;
use lazaret_evidence::catalog::EndpointData;
use lazaret_evidence::endpoints::{ListDifference, compare_list, read_public_list};
use serde_json::json;

use super::{CatalogFormat, Entry};
use crate::command_error::CommandError;
use crate::exit::ExitCode;
use crate::output::Output;
use crate::report::json::write_line;
use crate::rulebook::Rulebook;
use crate::text::{count, plain};

/// Arguments of `lazaret catalog endpoints`.
#[derive(Debug, Args)]
pub(super) struct EndpointsArgs {
    #[command(subcommand)]
    command: EndpointsCommand,
}

#[derive(Debug, Subcommand)]
enum EndpointsCommand {
    /// Show what a public list has that the catalog has not, and the other way round
    ///
    /// Reads v2fly's domain-list-community, hosts files, one name or range of addresses a line, and JSON in which ranges
    /// stand. It changes nothing: a list says neither what is done somewhere nor who else is served there, so that a
    /// person has to look before a row is written.
    Diff {
        /// The list
        #[arg(value_name = "FILE")]
        list: PathBuf,
        /// The policy whose own endpoints count too
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
        /// How to write it
        #[arg(long, value_enum, default_value = "human")]
        format: CatalogFormat,
    },
}

/// Runs `lazaret catalog endpoints`.
pub(super) fn run(args: &EndpointsArgs) -> Result<ExitCode, CommandError> {
    let EndpointsCommand::Diff { list, policy, format } = &args.command;
    let catalog = Rulebook::load(policy.as_deref())?.catalog;
    let text = std::fs::read_to_string(list).map_err(|error| {
        let message = format!("cannot read the list `{}`", list.display());
        CommandError::new(ExitCode::Failure, message).because(error)
    })?;
    let read = read_public_list(&text);
    if read.things.is_empty() {
        let message =
            format!("the list `{}` names nothing that could be held against the catalog", list.display());
        return Err(CommandError::new(ExitCode::NothingExamined, message)
            .hint("`lazaret help catalog endpoints diff` says which lists are read"));
    }
    let difference = compare_list(catalog.endpoints(), &read);
    Output::open(None)?.write(|out| match format {
        CatalogFormat::Human => write_difference(&difference, out),
        CatalogFormat::Jsonl => write_difference_lines(&difference, out),
    })?;
    Ok(ExitCode::Success)
}

fn write_difference(difference: &ListDifference, out: &mut dyn Write) -> io::Result<()> {
    let listed = |things: usize| count(things as u64, "entry", "entries");
    writeln!(out, "{} of the list that rows of the catalog cover", listed(difference.known))?;
    writeln!(out, "{} that no row covers", listed(difference.unknown.len()))?;
    for (thing, line) in &difference.unknown {
        writeln!(out, "  {thing}{}", at(*line))?;
    }
    writeln!(out, "{} that mean more than the rows they touch", listed(difference.wider.len()))?;
    for (thing, rows) in &difference.wider {
        let rows: Vec<&str> = rows.iter().map(|row| row.as_str()).collect();
        writeln!(out, "  {thing}  {}", rows.join(", "))?;
    }
    writeln!(
        out,
        "{} about the same providers that the list does not have in full",
        count(difference.missing.len() as u64, "row", "rows")
    )?;
    for (row, patterns) in &difference.missing {
        writeln!(out, "  {row}  {}", plain(&patterns.join("   ")))?;
    }
    writeln!(out, "{} that were not read", count(difference.unread.len() as u64, "line", "lines"))?;
    for (line, why) in &difference.unread {
        writeln!(out, "  line {line} {why}")?;
    }
    Ok(())
}

fn at(line: usize) -> String {
    if line == 0 { String::new() } else { format!("  line {line}") }
}

fn write_difference_lines(difference: &ListDifference, out: &mut dyn Write) -> io::Result<()> {
    for (thing, line) in &difference.unknown {
        write_line(&json!({"kind": "unknown", "listed": thing.to_string(), "line": line}), out)?;
    }
    for (thing, rows) in &difference.wider {
        write_line(&json!({"kind": "wider", "listed": thing.to_string(), "endpoints": rows}), out)?;
    }
    for (row, patterns) in &difference.missing {
        write_line(&json!({"kind": "missing", "endpoint": row, "reached_at": patterns}), out)?;
    }
    for (line, why) in &difference.unread {
        write_line(&json!({"kind": "unread", "line": line, "why": why}), out)?;
    }
    Ok(())
}

/// All endpoints, by id.
pub(super) fn entries(catalog: &Catalog) -> Vec<Entry> {
    let notes: Vec<&EndpointData> = catalog.endpoint_rows().map(|(_, row)| row).collect();
    let entry = |endpoint: &Endpoint| {
        let row = notes.iter().find(|row| *row.id.get_ref() == endpoint.id);
        entry(endpoint, row.and_then(|row| row.note.as_deref()))
    };
    catalog.endpoints().rows().iter().map(entry).collect()
}

/// The endpoints whose source was last looked at more than so many days ago, the oldest first.
pub(super) fn stale(catalog: &Catalog, days: u16, now: Timestamp) -> Result<Vec<Entry>, CommandError> {
    let today = now.to_zoned(TimeZone::UTC).date();
    let limit = today.checked_sub(i64::from(days).days()).map_err(|error| {
        CommandError::new(ExitCode::Usage, format!("no day lies {days} days back: {error}"))
    })?;
    let mut stale: Vec<&Endpoint> =
        catalog.endpoints().rows().iter().filter(|endpoint| endpoint.verified < limit).collect();
    stale.sort_by(|a, b| (a.verified, &a.id).cmp(&(b.verified, &b.id)));
    Ok(stale
        .into_iter()
        .map(|endpoint| {
            let mut entry = entry(endpoint, None);
            entry.summary = vec![
                endpoint.verified.to_string(),
                endpoint.confidence.to_string(),
                endpoint.provider.to_string(),
                endpoint.source.clone(),
            ];
            entry
        })
        .collect())
}

fn entry(endpoint: &Endpoint, note: Option<&str>) -> Entry {
    let patterns: Vec<String> = endpoint.patterns.iter().map(spelled).collect();
    let tools: Vec<&str> = endpoint.tools.iter().map(|tool| tool.as_str()).collect();
    let blocks = if endpoint.blocks_by_default() { "blocks" } else { "" };
    Entry {
        id: endpoint.id.to_string(),
        summary: vec![
            endpoint.provider.to_string(),
            endpoint.role.to_string(),
            endpoint.exclusivity.to_string(),
            endpoint.visibility.to_string(),
            blocks.to_owned(),
        ],
        fields: vec![
            ("endpoint", endpoint.product.clone()),
            ("provider", endpoint.provider.to_string()),
            ("tools", tools.join(", ")),
            ("role", endpoint.role.to_string()),
            ("serves", format!("{} ({})", endpoint.exclusivity, endpoint.confidence)),
            ("needs", format!("an observer of `{}` or more", endpoint.visibility)),
            ("reached at", patterns.join("   ")),
            ("paths", endpoint.paths.join("   ")),
            ("plan", endpoint.plan.clone().unwrap_or_default()),
            ("known from", format!("{} ({})", endpoint.source, endpoint.verified)),
            ("note", note.unwrap_or_default().to_owned()),
        ],
        value: json!({
            "kind": "endpoint", "id": endpoint.id, "product": endpoint.product, "provider": endpoint.provider,
            "tools": endpoint.tools, "role": endpoint.role, "exclusivity": endpoint.exclusivity,
            "visibility": endpoint.visibility, "reached_at": patterns, "paths": endpoint.paths,
            "plan": endpoint.plan, "confidence": endpoint.confidence, "source": endpoint.source,
            "verified": endpoint.verified, "blocks": endpoint.blocks_by_default(), "note": note,
        }),
    }
}

fn spelled(pattern: &EndpointPattern) -> String {
    match pattern {
        EndpointPattern::Exact(name) | EndpointPattern::Expression(name) => name.clone(),
        EndpointPattern::Suffix(name) => format!("*.{name}"),
        EndpointPattern::Range(range) => range.to_string(),
        EndpointPattern::Asn(system) => format!("AS{system}"),
    }
}
