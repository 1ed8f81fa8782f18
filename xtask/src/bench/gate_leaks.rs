//! `cargo xtask bench gate-leaks`: which disguised records get through the gate, and through other programs.
//!
//! Another program is called as `COMMAND INPUT DENY OUTPUT`: a file of JSON lines, a file with the SHA-256 of each text
//! that must not get through (one a line, what a team would know of it), and a folder to write what is kept. Beside the
//! digests, in a file whose name ends in `.texts`, lie the texts themselves, a JSON string a line.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use lazaret_core::Digest;
use lazaret_gatekit::crash::files_below;
use lazaret_gatekit::shards::unpacked;
use lazaret_gatekit::{GateWorld, PROFILE_FLAT, Partial, Plant, clean_lines, plants};

use super::table::Table;

/// A policy by which taint alone holds a record: without it, nothing of the plants has any proof.
const CURATED: &str =
    "[[source]]\nmatch = \"dataset:harbour/*\"\nkind = \"curated\"\nreason = \"a measurement\"\n";

/// What became of a plant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It is not in the output.
    Held,
    /// It is.
    Leaked,
    /// The program failed.
    Failed,
}

impl Fate {
    fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Leaked => "LEAKED",
            Self::Failed => "failed",
        }
    }
}

/// Plants records, and prints what became of each.
pub(crate) fn run(args: &[OsString]) -> Result<()> {
    let others: Vec<(String, String)> = args
        .iter()
        .map(|arg| {
            let text = arg.to_string_lossy();
            let (name, command) = text.split_once('=').context("programs are given as NAME=COMMAND")?;
            Ok((name.to_owned(), command.to_owned()))
        })
        .collect::<Result<_>>()?;
    let world = GateWorld::with_sections(Partial::Hold, CURATED);
    let mut text = String::from("| plant | lazaret |");
    others.iter().try_for_each(|(name, _)| write!(text, " {name} |"))?;
    writeln!(text, "\n|---|---|{}", "---|".repeat(others.len()))?;
    let mut leaked = vec![0_usize; others.len() + 1];
    let mut lost = vec![0_usize; others.len() + 1];
    let plants = plants(&world);
    for plant in &plants {
        write!(text, "| {} |", plant.name)?;
        for nth in 0..=others.len() {
            let (fate, n_lost) = match nth.checked_sub(1).and_then(|nth| others.get(nth)) {
                None => ours(&world, plant)?,
                Some((_, command)) => theirs(&world, plant, command)?,
            };
            write!(text, " {} |", fate.word())?;
            let count = |counts: &mut Vec<usize>, by: usize| {
                counts.get_mut(nth).into_iter().for_each(|count| *count += by);
            };
            count(&mut leaked, usize::from(fate == Fate::Leaked));
            count(&mut lost, n_lost);
        }
        text.push('\n');
    }
    println!("{text}");
    let mut table = Table::new(&["program", "plants", "leaked", "clean records lost"]);
    let names = std::iter::once("lazaret").chain(others.iter().map(|(name, _)| name.as_str()));
    for ((name, leaked), lost) in names.zip(&leaked).zip(&lost) {
        table.row([name.to_owned(), plants.len().to_string(), leaked.to_string(), lost.to_string()]);
    }
    print!("{}", table.to_markdown());
    ensure!(leaked.first() == Some(&0), "something got through the gate");
    Ok(())
}

/// Returns a shard of clean records with a plant among them.
fn shard(world: &GateWorld, plant: &Plant) -> Vec<u8> {
    let clean = clean_lines(world);
    let (before, after) = clean.split_at(clean.len() / 2);
    let text =
        |lines: &[String]| lines.iter().map(|line| format!("{line}\n")).collect::<String>().into_bytes();
    [text(before), plant.line.clone(), text(after)].concat()
}

fn ours(world: &GateWorld, plant: &Plant) -> Result<(Fate, usize)> {
    let folder = tempfile::tempdir()?;
    let (shards, out) = (folder.path().join("in"), folder.path().join("out"));
    fs::create_dir(&shards)?;
    fs::write(shards.join("a.jsonl"), shard(world, plant))?;
    let report = world.gate(&shards, Some(&out), &world.run(PROFILE_FLAT))?;
    let n_lost = clean_lines(world).len().saturating_sub(usize::try_from(report.records.admitted)?);
    let fate = fate(world, plant, &out.join("admitted"));
    Ok((fate, n_lost))
}

fn theirs(world: &GateWorld, plant: &Plant, command: &str) -> Result<(Fate, usize)> {
    let folder = tempfile::tempdir()?;
    let (input, deny, out) =
        (folder.path().join("a.jsonl"), folder.path().join("deny"), folder.path().join("out"));
    fs::create_dir(&out)?;
    fs::write(&input, shard(world, plant))?;
    let (mut digests, mut denied) = (String::new(), String::new());
    for version in world.versions.iter().filter(|version| version.is_tainted) {
        writeln!(digests, "{}", Digest::of(version.text.as_bytes()))?;
        writeln!(denied, "{}", serde_json::to_string(&version.text)?)?;
    }
    fs::write(deny.with_extension("texts"), denied)?;
    fs::write(&deny, digests)?;
    let mut words = command.split_whitespace();
    let mut program = Command::new(words.next().context("a command is empty")?);
    program.args(words).arg(&input).arg(&deny).arg(&out);
    let status = program.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    if !status.success() {
        return Ok((Fate::Failed, 0));
    }
    let kept: usize = texts(&out).iter().map(|text| text.lines().count()).sum();
    let leaked = usize::from(fate(world, plant, &out) == Fate::Leaked);
    Ok((fate(world, plant, &out), clean_lines(world).len().saturating_sub(kept.saturating_sub(leaked))))
}

/// Looks for the plant in everything that was kept.
fn fate(world: &GateWorld, plant: &Plant, out: &Path) -> Fate {
    let line = String::from_utf8_lossy(&plant.line).into_owned();
    let is_clean = clean_lines(world).iter().any(|clean| *clean == line.trim_end());
    let holds = |text: &String| text.contains(&plant.needle) || (is_clean && text.contains(line.trim_end()));
    let is_declared = world.versions.iter().all(|version| !version.text.contains(&plant.needle));
    let more = |text: &String| is_declared && text.lines().count() > clean_lines(world).len();
    if texts(out).iter().any(|text| holds(text) || more(text)) { Fate::Leaked } else { Fate::Held }
}

/// Returns the text of every file below a folder, with escapes of line ends as they stand in JSON.
fn texts(out: &Path) -> Vec<String> {
    let files = files_below(out).into_iter();
    let texts = files.filter_map(|(name, bytes)| unpacked(&name, &bytes));
    texts.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect()
}
