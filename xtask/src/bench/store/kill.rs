//! Processes that are killed while they work on a store, and what is there afterwards.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use lazaret_core::Digest;
use lazaret_gatekit::Dice;
use lazaret_seal::Frontier;
use lazaret_store::{NamedDuties, ReadEntry, Replay, Store, StoreUrl, read_aside};
use tokio::runtime::Runtime;

use super::crew::Crew;
use super::load::{Course, Submitter, name_of_act, submit};
use super::{JOB, runtime};

/// So many people submit in each process that is killed.
const N_SUBMITTERS: usize = 64;
/// A process is killed at most so long after its first success.
const MILLIS_MAX: usize = 100;
/// So many entries are read at once.
const PAGE: u32 = 4096;

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// How many acts were acknowledged before their process was killed.
    pub(super) n_told: usize,
    /// How many entries the ledger has in the end.
    pub(super) n_entries: u64,
    /// How many entries are of acts that were done and whose process could not say so any more.
    pub(super) n_untold: usize,
    /// What was not as it should be.
    pub(super) faults: Vec<String>,
}

/// Kills `n_kills` processes that work on a new store, and looks after each whether all that was acknowledged is there.
pub(super) fn kill(place: &str, n_kills: usize, dice: &mut Dice) -> Result<Outcome> {
    let (crew, url) = (Arc::new(Crew::new()), place.parse::<StoreUrl>()?);
    let runtime = runtime()?;
    runtime.block_on(async {
        let store = crew.create(&url).await?;
        store.database().close().await;
        anyhow::Ok(())
    })?;
    let duties = [crew.duties.clone()];
    let mut seen = Seen::new(&duties);
    let mut outcome = Outcome::default();
    for nth in 0..n_kills {
        let after = Duration::from_millis(u64::try_from(dice.below(MILLIS_MAX))?);
        let told = work_and_die(place, nth, after)?;
        outcome.n_told += told.len();
        let found = look(&runtime, &crew, &url, nth, &mut seen, &told);
        let found = found.with_context(|| format!("after kill {nth}"))?;
        outcome.faults.extend(found.into_iter().map(|fault| format!("after kill {nth}: {fault}")));
    }
    runtime.block_on(async {
        let store = crew.open(&url).await?;
        let (verification, _) = store.verify(&duties).await?;
        let faults = verification.faults.iter().map(|fault| format!("{}: {}", fault.place, fault.what));
        outcome.faults.extend(faults);
        outcome.n_entries = verification.entries;
        // Beside the first, one entry of ours after each kill.
        outcome.n_untold = seen.acts.len().saturating_sub(outcome.n_told + n_kills + 1);
        anyhow::Ok(outcome)
    })
}

/// Works on a store until killed.
pub(super) fn work(place: &str, name: &str) -> Result<()> {
    let crew = Arc::new(Crew::new());
    runtime()?.block_on(async {
        let store = crew.open(&place.parse()?).await?;
        let submitters: Vec<_> = (0..N_SUBMITTERS)
            .map(|nth| {
                let (store, crew) = (store.clone(), Arc::clone(&crew));
                let submitter = Submitter { store, crew, name: format!("{name}/{nth}"), tells: true };
                tokio::spawn(async move { submitter.work(Course::Whole, &|_last| false).await })
            })
            .collect();
        for submitter in submitters {
            submitter.await??;
        }
        Ok(())
    })
}

/// Starts a process that works, kills it some time after its first success, and returns what it was told is durable:
/// acts by the numbers of their entries.
fn work_and_die(place: &str, nth: usize, after: Duration) -> Result<BTreeMap<u64, Digest>> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args([JOB, "work", place, &nth.to_string()]).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().context("the process cannot be started")?;
    let mut lines = BufReader::new(child.stdout.take().context("it has an output")?).lines();
    let first = lines.next().context("the process did nothing")??;
    let killer = std::thread::spawn(move || {
        sleep(after);
        child.kill().and_then(|()| child.wait())
    });
    // A last line without its end was not told.
    let told = std::iter::once(first).chain(lines.map_while(Result::ok)).filter_map(|line| {
        let (seq, name) = line.strip_suffix(" .")?.split_once(' ')?;
        Some((seq.parse().ok()?, name.parse().ok()?))
    });
    let told: BTreeMap<u64, Digest> = told.collect();
    let status = killer.join().ok().context("the killer ends")?.context("the process cannot be killed")?;
    ensure!(status.code().is_none(), "the process ended by itself, with {status}");
    Ok(told)
}

/// Opens the store that a killed process left, does something with it, and returns what is wrong.
fn look(
    runtime: &Runtime,
    crew: &Arc<Crew>,
    url: &StoreUrl,
    nth: usize,
    seen: &mut Seen<'_>,
    told: &BTreeMap<u64, Digest>,
) -> Result<Vec<String>> {
    runtime.block_on(async {
        let store = crew.open(url).await?;
        // It waits for whatever the server still does for the dead, and shows that the store goes on.
        let size = store.database().head().await?.size();
        let ours = format!("after {nth}");
        submit(&store, crew, (&ours, 1), Course::Open, move |last| last >= size).await?;
        let faults = seen.catch_up(&store, told).await;
        store.database().close().await;
        faults
    })
}

/// The entries of a store so far, done again.
struct Seen<'a> {
    replay: Replay<'a>,
    frontier: Frontier,
    /// What was done, by the number of the entry.
    acts: Vec<Digest>,
}

impl<'a> Seen<'a> {
    fn new(duties: &'a [NamedDuties]) -> Self {
        Self { replay: Replay::new(duties), frontier: Frontier::new(), acts: Vec::new() }
    }

    /// Does the new entries again, and returns what is wrong with them, with the rows they changed, with the head, and
    /// what was told and is not there.
    async fn catch_up(&mut self, store: &Store, told: &BTreeMap<u64, Digest>) -> Result<Vec<String>> {
        let (database, from) = (store.database(), self.replay.size());
        loop {
            let page = database.entries(self.replay.size(), PAGE).await?;
            if page.is_empty() {
                break;
            }
            for (stored, ReadEntry { signed, leaf }) in
                read_aside(self.replay.size(), page, |stored| &stored.body).await
            {
                let signed = signed?;
                self.replay.push(&signed, &stored.body)?;
                self.frontier.push_hash(leaf);
                self.acts.push(name_of_act(&signed.entry.act)?);
            }
        }
        let mut faults = Vec::new();
        if database.head().await?.frontier != self.frontier {
            faults.push("the head is not that of the entries".to_owned());
        }
        let mut n_rows = 0;
        for (key, row, seq) in self.replay.rows() {
            n_rows += 1;
            if seq >= from && store.get(*key).await?.as_ref() != Some(row) {
                faults.push(format!("{key} is not what entry {seq} made it"));
            }
        }
        let n_found: u64 = database.status().await?.rows.values().sum();
        if n_found != n_rows {
            faults.push(format!("{n_found} rows, and the entries made {n_rows}"));
        }
        for (seq, act) in told {
            let kept = usize::try_from(*seq).ok().and_then(|seq| self.acts.get(seq));
            if kept != Some(act) {
                faults.push(format!("entry {seq} was acknowledged and is lost"));
            }
        }
        Ok(faults)
    }
}
