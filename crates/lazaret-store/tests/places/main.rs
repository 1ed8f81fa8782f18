//! Shelves and vaults in folders and in an object store on this machine.

#![expect(clippy::unwrap_used, reason = "a test that cannot build its world must fail")]

mod object_store;
mod shelf;
mod shelf_faults;
mod vault;

/// Runs one test's asynchronous part.
fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(work)
}

/// Bytes that are not the same in any two parts.
fn bytes(n_bytes: usize) -> Vec<u8> {
    (0..n_bytes).map(|at| u8::try_from((at / 1000 + at) % 251).unwrap()).collect()
}
