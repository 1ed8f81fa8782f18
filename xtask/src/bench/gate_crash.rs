//! `cargo xtask bench gate-crash`: whether a gate that is killed at any moment goes on to the same bytes.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail, ensure};
use lazaret_gatekit::crash::{crash, files_below};
use lazaret_gatekit::{Dice, GateWorld, PROFILE_FLAT, Partial, ShardFormat, ShardRecord};

use super::measure::release_build;
use super::table::Table;

/// How many processes are killed.
const N_KILLS: usize = 200;

/// How many shards they gate.
const N_SHARDS: usize = 12;

/// Kills gates.
pub(crate) fn run(args: &[OsString]) -> Result<()> {
    let program = match args {
        [] => release_build()?,
        [program] => PathBuf::from(program),
        _ => bail!("usage: cargo xtask bench gate-crash [PROGRAM]"),
    };
    let world = GateWorld::new(Partial::Hold);
    let folder = world.scratch("crash");
    let shards = folder.join("shards");
    fs::create_dir(&shards)?;
    let records: Vec<ShardRecord> =
        world.versions.iter().enumerate().map(|(nth, version)| ShardRecord::of(version, nth)).collect();
    for nth in 0..N_SHARDS {
        let formats =
            [ShardFormat::Lines, ShardFormat::Parquet, ShardFormat::LinesZstd, ShardFormat::ArrowFile];
        let format = formats.get(nth % formats.len()).copied().unwrap_or(ShardFormat::Lines);
        fs::write(shards.join(format!("part-{nth:02}.{}", format.ending())), format.bytes(&records))?;
    }
    fs::write(folder.join("policy.toml"), &world.policy)?;
    fs::write(folder.join("profile.toml"), PROFILE_FLAT)?;
    let key = folder.join("key.pem");
    let made = Command::new(&program).args(["key", "create"]).arg(&key).output()?;
    ensure!(made.status.success(), "no key could be made");
    let gate = |out: &Path| {
        let mut command = Command::new(&program);
        command.args(["--now", "2026-06-01T00:00:00Z", "--quiet", "gate"]).arg(&shards);
        command.arg("--profile").arg(folder.join("profile.toml")).args(["--dataset", "harbour"]);
        command.arg("--policy").arg(folder.join("policy.toml")).arg("--bundle").arg(&world.bundle);
        command.arg("--key").arg(&key).arg("--out").arg(out);
        command
    };
    let whole = folder.join("whole");
    ensure!(gate(&whole).output()?.status.success(), "the unbroken run failed");
    let expected = files_below(&whole);
    let crashes = crash(&gate, &folder.join("killed"), &expected, N_KILLS, &mut Dice::new(200));
    let mut table =
        Table::new(&["killed", "left unfinished files", "brought to the end", "files compared", "faults"]);
    let counts =
        [crashes.n_killed, crashes.n_interrupted, crashes.n_finished, expected.len(), crashes.faults.len()];
    table.row(counts.map(|count| count.to_string()));
    print!("{}", table.to_markdown());
    crashes.faults.iter().for_each(|fault| println!("fault: {fault}"));
    ensure!(crashes.faults.is_empty(), "not every run ended with the same bytes");
    Ok(())
}
