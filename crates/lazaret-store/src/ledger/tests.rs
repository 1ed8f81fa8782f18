//! Tests of published ledgers: a source in memory, a shelf in a folder, and everything that can happen to both.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ops::Range;
use std::path::Path;
use std::sync::{LazyLock, Mutex};

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use lazaret_seal::{Frontier, NoteSigner, SecretKey};
use tempfile::TempDir;

use super::*;
use crate::shelf::Shelf;

mod proof;
mod publish;
mod tamper;
mod witness;

const ORIGIN: &str = "acme.example/ledger";

static KEY: LazyLock<SecretKey> = LazyLock::new(|| SecretKey::from_seed([1; 32]));
static SIGNER: LazyLock<NoteSigner<'static>> = LazyLock::new(|| NoteSigner::new(ORIGIN, &KEY).unwrap());

/// A database that is a list.
#[derive(Debug, Default)]
struct Entries(Mutex<Vec<Bytes>>);

impl Entries {
    fn of(count: u64) -> Self {
        Self(Mutex::new((0..count).map(entry).collect()))
    }

    fn grow(&self, count: u64) {
        let mut entries = self.0.lock().unwrap();
        let size = entries.len() as u64;
        entries.extend((size..count).map(entry));
    }
}

impl EntrySource for Entries {
    type Error = Infallible;

    async fn frontier(&self) -> Result<Frontier, Infallible> {
        let mut frontier = Frontier::new();
        self.0.lock().unwrap().iter().for_each(|entry| frontier.push(entry));
        Ok(frontier)
    }

    async fn read(&self, range: Range<u64>) -> Result<Vec<Bytes>, Infallible> {
        let entries = self.0.lock().unwrap();
        let [start, end] = [range.start, range.end].map(|index| usize::try_from(index).unwrap());
        Ok(entries[start..end].to_vec())
    }
}

fn entry(index: u64) -> Bytes {
    format!("entry {index}").into()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(2).build().unwrap().block_on(future)
}

fn trusted() -> TrustedLog {
    TrustedLog::new(SIGNER.verifier().clone())
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

/// An empty shelf in a folder that goes away.
fn shelf() -> (TempDir, Shelf) {
    let folder = TempDir::new().unwrap();
    let shelf = Shelf::in_folder(folder.path());
    (folder, shelf)
}

async fn publish(shelf: &Shelf, entries: &Entries) -> Result<Published, PublishError> {
    Publisher::new(shelf.clone(), &SIGNER).publish(entries).await
}

/// Publishes so many entries in a folder.
async fn published(count: u64) -> (TempDir, Shelf) {
    let (folder, shelf) = shelf();
    publish(&shelf, &Entries::of(count)).await.unwrap();
    (folder, shelf)
}

async fn faults(shelf: &Shelf) -> Vec<LedgerFault> {
    verify_ledger(shelf, &trusted(), None).await.unwrap().faults
}

/// All files below a folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for file in std::fs::read_dir(next).unwrap() {
            let path = file.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                files.insert(name, std::fs::read(path).unwrap());
            }
        }
    }
    files
}
