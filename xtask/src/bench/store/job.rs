//! The jobs on a store that are measured: each runs in a process of its own and prints its account.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use jiff::Timestamp;
use lazaret_pipeline::docket::{CaseListRequest, QueueFilter, case_list, case_sheet, queue, review_sheet};
use lazaret_pipeline::house::House;
use lazaret_store::{CaseId, Order, Query, Store, StoreUrl};
use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};

use super::super::account::{Account, Keeper};
use super::super::measure::{Measured, Stdout, measure};
use super::crew::Crew;
use super::load::{Course, submit};
use super::{kill, runtime, vault};

/// The hidden chore that does one job: `JOB STORE [NUMBER]...`.
pub(crate) const JOB: &str = "bench-store";

/// So many people submit where it is only about what they leave behind.
const N_FILLERS: usize = 256;
/// How often a list is asked for again; the median counts.
const N_LISTS: usize = 21;

/// Does a job in a process of its own.
pub(super) fn measure_job(job: [&OsStr; 2], numbers: &[&str]) -> Result<(Measured, Account)> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(JOB).args(job).args(numbers);
    let measured = measure(&command, Stdout::Keep)?;
    ensure!(
        measured.exit_code == Some(0),
        "the job {} ended with {:?}",
        job[0].display(),
        measured.exit_code
    );
    let account = Account::parse(&measured.stdout)?;
    Ok((measured, account))
}

/// Carries out the hidden chore.
pub(crate) fn work(args: &[OsString]) -> Result<()> {
    let args: Option<Vec<&str>> = args.iter().map(|arg| arg.to_str()).collect();
    let args = args.context("an argument is not text")?;
    let number = |text: &str| text.parse::<u64>().with_context(|| format!("`{text}` is no number"));
    let mut keeper = Keeper::new();
    match args.as_slice() {
        ["work", place, name] => return kill::work(place, name),
        ["commands", place, submitters, seconds] => {
            commands(&mut keeper, place, submitters.parse()?, Duration::from_secs(number(seconds)?))?;
        }
        ["fill", place, entries] => fill(place, number(entries)?, Course::Whole)?,
        ["open", place, cases] => fill(place, number(cases)?, Course::Open)?,
        ["verify", place] => verify(&mut keeper, place)?,
        ["list", place, file] => list(&mut keeper, place, *file == "cold")?,
        ["docket", folder] => docket(&mut keeper, folder)?,
        ["vault", folder, bytes] => vault::work(&mut keeper, folder, number(bytes)?)?,
        _ => bail!("`{JOB}` is started by `cargo xtask bench store` alone"),
    }
    println!("{}", keeper.finish().to_json());
    Ok(())
}

fn commands(keeper: &mut Keeper, place: &str, n_submitters: usize, span: Duration) -> Result<()> {
    let (crew, runtime) = (Arc::new(Crew::new()), runtime()?);
    let store = runtime.block_on(crew.create(&place.parse()?))?;
    let n_done = timed(keeper, "commands", || {
        let begin = now();
        let is_over = move |_last| begin.elapsed() >= span;
        runtime.block_on(submit(&store, &crew, ("commands", n_submitters), Course::Whole, is_over))
    })?;
    keeper.count("commands", n_done);
    Ok(())
}

fn fill(place: &str, n_entries: u64, course: Course) -> Result<()> {
    let crew = Arc::new(Crew::new());
    runtime()?.block_on(async {
        let store = crew.create(&place.parse()?).await?;
        // Those who are asked too early go on a little beyond.
        let is_over = move |last| last + 1 >= n_entries;
        submit(&store, &crew, ("fill", N_FILLERS), course, is_over).await?;
        store.database().close().await;
        Ok(())
    })
}

fn verify(keeper: &mut Keeper, place: &str) -> Result<()> {
    let (crew, runtime) = (Crew::new(), runtime()?);
    let duties = [crew.duties.clone()];
    let store = runtime.block_on(crew.open(&place.parse()?))?;
    let (verification, replay) = timed(keeper, "verify", || Ok(runtime.block_on(store.verify(&duties))?))?;
    // Dropping the state again is no part of the answer.
    drop(replay);
    keeper.count("entries", verification.entries.try_into()?);
    keeper.count("rows", verification.rows.try_into()?);
    keeper.count("faults", verification.faults.len());
    verification.faults.iter().for_each(|fault| eprintln!("{}: {}", fault.place, fault.what));
    Ok(())
}

fn list(keeper: &mut Keeper, place: &str, is_cold: bool) -> Result<()> {
    let (crew, runtime) = (Crew::new(), runtime()?);
    let url: StoreUrl = place.parse()?;
    if is_cold {
        forget_file(url.file().context("only a file can be taken out of memory")?)?;
    }
    let store = runtime.block_on(crew.open(&url))?;
    let page = || runtime.block_on(page_of_cases(&store));
    let counts = || anyhow::Ok(runtime.block_on(store.database().count_by_status("case"))?);
    timed(keeper, "first page", page)?;
    let by_status = timed(keeper, "first counts", counts)?;
    keeper.count("cases", by_status.get("open").copied().unwrap_or(0).try_into()?);
    keeper.count("page, wall microseconds", median_micros(page)?);
    keeper.count("counts, wall microseconds", median_micros(counts)?);
    Ok(())
}

async fn page_of_cases(store: &Store) -> Result<usize> {
    let open = ["open", "claimed", "proposed", "reopened"];
    let query = Query::of("case").statuses(&open).order(Order::Due).limit(50);
    Ok(store.list(&query).await?.len())
}

/// Asks as `lazaret case list`, `case review` and `case show` do; the first time with nothing of it in this process.
fn docket(keeper: &mut Keeper, folder: &str) -> Result<()> {
    let (crew, runtime) = (Crew::new(), runtime()?);
    let now = Timestamp::now();
    let house = runtime.block_on(House::open(&folder.parse()?))?;
    let request = CaseListRequest {
        statuses: Vec::new(),
        claimant: None,
        overdue: false,
        tool: None,
        limit: 50,
        after: None,
        now,
    };
    let list = || Ok(runtime.block_on(case_list(&house, &request))?);
    let undecided = timed(keeper, "first list", list)?;
    keeper.count("cases", undecided.counts.get("open").copied().unwrap_or(0).try_into()?);
    let last = undecided.cases.last().and_then(|row| row.case.strip_prefix('C')?.parse().ok());
    let last = CaseId(last.context("no case is open")?);
    let person = crew.reviewer.person;
    let review = || Ok(runtime.block_on(queue(&house, person, QueueFilter::Undecided, now))?);
    timed(keeper, "first queue", review)?;
    let sheet = || Ok(runtime.block_on(review_sheet(&house, last, person, now))?);
    timed(keeper, "first sheet", sheet)?;
    let show = || Ok(runtime.block_on(case_sheet(&house, last, now))?);
    timed(keeper, "first show", show)?;
    keeper.count("list, wall microseconds", median_micros(list)?);
    keeper.count("queue, wall microseconds", median_micros(review)?);
    keeper.count("sheet, wall microseconds", median_micros(sheet)?);
    keeper.count("show, wall microseconds", median_micros(show)?);
    Ok(())
}

fn median_micros<T>(ask: impl Fn() -> Result<T>) -> Result<usize> {
    let times = (0..N_LISTS).map(|_| {
        let begin = now();
        ask()?;
        Ok(usize::try_from(begin.elapsed().as_micros())?)
    });
    let mut times = times.collect::<Result<Vec<_>>>()?;
    times.sort_unstable();
    times.get(N_LISTS / 2).copied().context("a list was asked for")
}

/// Carries out a phase and notes its CPU time and its wall time.
pub(super) fn timed<T>(keeper: &mut Keeper, phase: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let begin = now();
    let done = keeper.phase(phase, work)?;
    let micros = usize::try_from(begin.elapsed().as_micros())?;
    keeper.count(&format!("{phase}, wall microseconds"), micros);
    done
}

fn now() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "measuring time is the job of this module")]
    Instant::now()
}

/// Has the system forget what it keeps of a file in memory.
fn forget_file(path: &Path) -> Result<()> {
    let file = File::open(path)?;
    // Only what is written can be forgotten.
    file.sync_all()?;
    Ok(posix_fadvise(&file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED)?)
}
