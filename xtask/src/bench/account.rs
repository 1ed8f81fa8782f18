//! What a job says of itself: how long its phases took, what it counted, and how much memory was its own.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result};
use nix::sys::resource::{UsageWho, getrusage};
use serde_json::{Value, json};

use super::measure::seconds;

/// Time between two looks at the memory of this process. Looking costs less than a thousandth of it.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What a job did and what it cost, as it is handed from the process of the job to the one that started it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Account {
    /// CPU seconds by phase.
    pub(crate) phases: BTreeMap<String, f64>,
    /// What was counted.
    pub(crate) counts: BTreeMap<String, u64>,
}

impl Account {
    /// Notes a number.
    pub(crate) fn count(&mut self, name: &str, number: usize) {
        self.counts.insert(name.to_owned(), u64::try_from(number).unwrap_or(u64::MAX));
    }

    /// Returns what was counted under a name.
    pub(crate) fn counted(&self, name: &str) -> Result<u64> {
        self.counts.get(name).copied().with_context(|| format!("the job did not count `{name}`"))
    }

    /// Returns the CPU seconds of a phase.
    pub(crate) fn phase(&self, name: &str) -> Result<f64> {
        self.phases.get(name).copied().with_context(|| format!("the job has no phase `{name}`"))
    }

    /// Writes the account as JSON.
    pub(crate) fn to_json(&self) -> String {
        json!({ "phases": self.phases, "counts": self.counts }).to_string()
    }

    /// Reads what [`Self::to_json`] wrote.
    pub(crate) fn parse(text: &[u8]) -> Result<Self> {
        let value: Value = serde_json::from_slice(text).context("the job gave no account")?;
        let rows = |key: &str| value.get(key).and_then(Value::as_object).into_iter().flatten();
        let phases = rows("phases").filter_map(|(name, value)| Some((name.clone(), value.as_f64()?)));
        let counts = rows("counts").filter_map(|(name, value)| Some((name.clone(), value.as_u64()?)));
        Ok(Self { phases: phases.collect(), counts: counts.collect() })
    }
}

/// An account that is being kept.
#[derive(Debug)]
pub(crate) struct Keeper {
    account: Account,
    memory: MemoryWatch,
}

impl Keeper {
    /// Begins an account.
    pub(crate) fn new() -> Self {
        Self { account: Account::default(), memory: MemoryWatch::start() }
    }

    /// Carries out a phase and notes the CPU time that this process spent on it.
    pub(crate) fn phase<T>(&mut self, name: &str, work: impl FnOnce() -> T) -> Result<T> {
        self.phase_of(UsageWho::RUSAGE_SELF, name, work)
    }

    /// Carries out a phase and notes the CPU time that the children it waited for spent on it.
    pub(crate) fn phase_of_children<T>(&mut self, name: &str, work: impl FnOnce() -> T) -> Result<T> {
        self.phase_of(UsageWho::RUSAGE_CHILDREN, name, work)
    }

    fn phase_of<T>(&mut self, who: UsageWho, name: &str, work: impl FnOnce() -> T) -> Result<T> {
        let before = cpu_seconds(who)?;
        let done = work();
        // The kernel counts microseconds; further digits are the subtraction's own, and would not survive JSON.
        let spent = ((cpu_seconds(who)? - before) * 1e6).round() / 1e6;
        self.account.phases.insert(name.to_owned(), spent);
        // What the phase leaves behind is seen even if it was shorter than the time between two looks.
        self.memory.look();
        Ok(done)
    }

    /// Notes a number.
    pub(crate) fn count(&mut self, name: &str, number: usize) {
        self.account.count(name, number);
    }

    /// Closes the account.
    pub(crate) fn finish(mut self) -> Account {
        let anonymous_kib = self.memory.stop();
        self.account.counts.insert("anonymous_kib".to_owned(), anonymous_kib);
        self.account
    }
}

/// Returns the CPU time of this process, or of the children it has waited for, in seconds.
pub(crate) fn cpu_seconds(who: UsageWho) -> Result<f64> {
    let usage = getrusage(who).context("the kernel gives no account")?;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}

/// Remembers the most memory this process had that is not a mapped file. The kernel keeps a high-water mark of the
/// whole resident set alone, in which mapped packs count as well, so this one is found by looking again and again.
#[derive(Debug)]
struct MemoryWatch {
    most_kib: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl MemoryWatch {
    fn start() -> Self {
        let (most_kib, is_over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (most, over) = (Arc::clone(&most_kib), Arc::clone(&is_over));
        let thread = std::thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                most.fetch_max(anonymous_kib(), Ordering::Relaxed);
                std::thread::sleep(LOOK_EVERY);
            }
        });
        Self { most_kib, is_over, thread: Some(thread) }
    }

    fn look(&self) {
        self.most_kib.fetch_max(anonymous_kib(), Ordering::Relaxed);
    }

    fn stop(&mut self) -> u64 {
        self.look();
        self.is_over.store(true, Ordering::Relaxed);
        // A watch that broke has said what it saw.
        drop(self.thread.take().map(JoinHandle::join));
        self.most_kib.load(Ordering::Relaxed)
    }
}

fn anonymous_kib() -> u64 {
    fs::read_to_string("/proc/self/status").ok().and_then(|status| kib_of(&status, "RssAnon")).unwrap_or(0)
}

/// Returns a size that `proc_pid_status(5)` gives under a name, in KiB.
fn kib_of(status: &str, name: &str) -> Option<u64> {
    let row = status.lines().find_map(|row| row.strip_prefix(name)?.strip_prefix(':'))?;
    row.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_found_by_their_whole_name() {
        let status = "Name:\tlazaret\nVmRSS:\t   5120 kB\nRssAnon:\t    4096 kB\nRssFile:\t    1024 kB\n";
        assert_eq!(kib_of(status, "RssAnon"), Some(4096));
        assert_eq!(kib_of(status, "Rss"), None);
        assert_eq!(kib_of(status, "Name"), None);
    }

    #[test]
    fn an_account_survives_the_way_to_its_reader() {
        let mut keeper = Keeper::new();
        assert_eq!(keeper.phase("walk", || 7).unwrap(), 7);
        keeper.count("commits", 12);
        let account = keeper.finish();
        assert!(account.counted("anonymous_kib").unwrap() > 0);
        let read = Account::parse(account.to_json().as_bytes()).unwrap();
        assert_eq!(read, account);
        assert_eq!(read.counted("commits").unwrap(), 12);
        read.phase("sail").unwrap_err();
        Account::parse(b"").unwrap_err();
    }
}
