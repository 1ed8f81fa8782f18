//! `cargo xtask bench gate-conservation`: whether every record of damaged shards is accounted for.

use std::ffi::OsString;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use anyhow::{Context as _, Result, ensure};
use lazaret_gatekit::account::{Account, gate_bytes, profile_for};
use lazaret_gatekit::{
    Dice, GateWorld, PROFILE_FLAT, Partial, Run, ShardFormat, ShardRecord, damaged_records,
};
use lazaret_shard::Limits;

use super::table::Table;

/// How many shards are damaged.
const N_DAMAGED: u64 = 10_000;

/// How many records a shard has that is damaged.
const N_RECORDS: usize = 12;

/// A policy by which everything is admitted that can be examined at all: what is admitted of a foreign file was read.
const CURATED: &str = "[[source]]\nmatch = \"dataset:*\"\nkind = \"curated\"\nreason = \"a measurement\"\n";

/// Panics of decoders over damaged files, which become errors of the shard.
static CAUGHT: AtomicU64 = AtomicU64::new(0);

/// Files of one kind, and what became of them.
#[derive(Default)]
struct Tally {
    n_files: u64,
    n_panics: u64,
    account: Account,
}

/// Damages shards, and reads every file of the folders that `args` names.
pub(crate) fn run(args: &[OsString]) -> Result<()> {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if lazaret_shard::is_guarded() {
            CAUGHT.fetch_add(1, Ordering::Relaxed);
        } else {
            before(panic);
        }
    }));
    let mut table =
        Table::new(&["shards", "files", "refused", "records in", "admitted", "held", "rejected", "panics"]);
    let mut faults = Vec::new();
    let mut add = |name: String, tally: Tally| {
        let Account { records, n_refused, reasons, faults: found } = tally.account;
        let counts = [
            tally.n_files,
            n_refused,
            records.read,
            records.admitted,
            records.held,
            records.rejected,
            tally.n_panics,
        ];
        let counts = counts.iter().map(ToString::to_string);
        table.row(std::iter::once(name.clone()).chain(counts));
        for (reason, count) in reasons {
            println!("{name}: {count} refused: {reason}");
        }
        faults.extend(found);
    };
    add("damaged".to_owned(), damage()?);
    for folder in args.iter().map(Path::new) {
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        add(name, read_folder(folder)?);
    }
    println!("{} panics of decoders became errors of their shard\n", CAUGHT.load(Ordering::Relaxed));
    print!("{}", table.to_markdown());
    faults.iter().for_each(|fault| println!("fault: {fault}"));
    ensure!(faults.is_empty(), "{} things do not add up", faults.len());
    Ok(())
}

fn damage() -> Result<Tally> {
    let world = GateWorld::new(Partial::Hold);
    let records: Vec<ShardRecord> =
        world.versions.iter().enumerate().map(|(nth, version)| ShardRecord::of(version, nth)).collect();
    let admissible = world.admissible();
    let limits = Limits { chunk_bytes: 6000, row_bytes_max: 4000 };
    in_threads(N_DAMAGED, |seed| {
        let mut dice = Dice::new(seed);
        let format = *dice.one_of(&ShardFormat::ALL);
        let from = dice.below(records.len() - N_RECORDS);
        let records = records.get(from..from + N_RECORDS).unwrap_or_default();
        let bytes = damaged_records(format, records, &mut dice);
        let name = format!("{format:?}-{seed}.{}", format.ending()).to_lowercase();
        let run = Run { limits, ..world.run(format.profile()) };
        gate_bytes(&world, &name, &bytes, &run, Some(&admissible))
    })
}

/// Gates every file of a folder; a file of JSON as the lines of a shard, by itself and within a record.
fn read_folder(folder: &Path) -> Result<Tally> {
    let world = GateWorld::with_sections(Partial::Hold, CURATED);
    let mut files: Vec<PathBuf> = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).with_context(|| format!("`{}`", next.display()))? {
            let path = entry?.path();
            let list = if path.is_dir() { &mut folders } else { &mut files };
            list.push(path);
        }
    }
    files.sort();
    in_threads(files.len() as u64, |nth| {
        let path = usize::try_from(nth).ok().and_then(|nth| files.get(nth));
        let (Some(path), Some(Ok(bytes))) = (path, path.map(fs::read)) else { return Account::default() };
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        match name.strip_suffix(".json") {
            Some(stem) => {
                let within = [br#"{"content":"a","extra":"#.as_slice(), &bytes, b"}"].concat();
                let lines = [bytes.as_slice(), b"\n", &within, b"\n"].concat();
                let run = world.run(PROFILE_FLAT);
                let mut account = gate_bytes(&world, &format!("{stem}.jsonl"), &lines, &run, None);
                // By the suite's names, these are malformed.
                if stem.starts_with("n_") && account.records.admitted > 0 {
                    account.faults.push(format!("{name}: malformed, and admitted"));
                }
                account
            }
            None => {
                let profile = profile_for(path);
                gate_bytes(&world, &name, &bytes, &world.run(&profile), None)
            }
        }
    })
}

/// Gates `count` shards on all processors.
fn in_threads(count: u64, gate: impl Fn(u64) -> Account + Sync) -> Result<Tally> {
    let (next, total) = (AtomicU64::new(0), Mutex::new(Tally::default()));
    let n_threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..n_threads {
            scope.spawn(|| {
                loop {
                    let nth = next.fetch_add(1, Ordering::Relaxed);
                    if nth >= count {
                        break;
                    }
                    let account = catch_unwind(AssertUnwindSafe(|| gate(nth)));
                    let mut total = total.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    total.n_files += 1;
                    match account {
                        Ok(account) => total.account.merge(account),
                        Err(_panic) => {
                            total.n_panics += 1;
                            total.account.faults.push(format!("shard {nth}: the gate panicked"));
                        }
                    }
                }
            });
        }
    });
    Ok(total.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner))
}
