//! How fast a ledger is published and verified: `cargo bench -p lazaret-store --bench public_ledger`.
//!
//! In seconds of the processor, because a clock on the wall measures the neighbours as well. Publishing waits for the
//! disk besides, once for every file.
#![expect(clippy::print_stdout, reason = "a measurement prints")]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on must end at once")]

use std::convert::Infallible;
use std::ops::Range;

use bytes::Bytes;
use lazaret_seal::{Frontier, NoteSigner, SecretKey};
use lazaret_store::{EntrySource, Publisher, Shelf, TrustedLog, verify_ledger};
use nix::sys::resource::{UsageWho, getrusage};

const N_ENTRIES: u64 = 1_000_000;
const ENTRY_BYTES: usize = 500;

/// Entries of the usual length, each another.
struct Numbers;

fn entry(index: u64) -> Bytes {
    format!("{index:0ENTRY_BYTES$}").into()
}

impl EntrySource for Numbers {
    type Error = Infallible;

    async fn frontier(&self) -> Result<Frontier, Infallible> {
        let mut frontier = Frontier::new();
        (0..N_ENTRIES).for_each(|index| frontier.push(&entry(index)));
        Ok(frontier)
    }

    async fn read(&self, range: Range<u64>) -> Result<Vec<Bytes>, Infallible> {
        Ok(range.map(entry).collect())
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let shelf = Shelf::in_folder(folder.path());
    let key = SecretKey::from_seed([1; 32]);
    let signer = NoteSigner::new("acme.example/ledger", &key).unwrap();
    let publisher = Publisher::new(shelf.clone(), &signer);
    println!("{N_ENTRIES} entries of {ENTRY_BYTES} bytes");
    measure("publish, and make the entries three times", || {
        runtime.block_on(publisher.publish(&Numbers)).unwrap();
    });
    let trusted = TrustedLog::new(signer.verifier().clone());
    measure("verify", || {
        let found = runtime.block_on(verify_ledger(&shelf, &trusted, None)).unwrap();
        assert_eq!(found.faults, []);
    });
}

fn measure(what: &str, run: impl FnOnce()) {
    let before = processor_seconds();
    run();
    let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    let seconds = processor_seconds() - before;
    println!("{what:44} {seconds:8.2} s, at most {} MB", usage.max_rss() / 1024);
}

fn processor_seconds() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    let times = [usage.user_time(), usage.system_time()];
    times.iter().map(|time| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6).sum()
}
