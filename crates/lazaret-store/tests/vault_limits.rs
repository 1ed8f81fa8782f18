//! A vault with little memory, with a full disk, and whose writer is killed, each in a process of its own.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot build its world must fail")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use futures_util::StreamExt as _;
use lazaret_store::{Identities, Shelf, ShelfError, Vault, VaultError};
use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;

/// How much memory sealing, verifying and opening may take, whatever the size of the content.
const MEMORY_KB_MAX: u64 = 8 << 10;

/// Large enough for every buffer to be filled many times over.
const CONTENT_BYTES: u64 = 32 << 20;

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(work)
}

fn vault(folder: &Path) -> (Vault, Identities) {
    let key = Identities::generate();
    (Vault::new(Shelf::in_folder(folder), key.recipients()), key)
}

/// Returns the most memory that this process had so far.
fn memory_kb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Runs one of the tests below in a process of its own, behind a line of shell.
#[track_caller]
fn in_a_process(before: &str, name: &str) {
    let program = std::env::current_exe().unwrap();
    let output = Command::new("sh")
        .args(["-c", &format!("{before} exec \"$0\" --ignored --exact --nocapture {name}")])
        .arg(program)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn memory_does_not_grow_with_the_content() {
    in_a_process("", "within_little_memory");
}

#[test]
fn a_full_disk_is_said_and_leaves_nothing() {
    // The signal that comes with the limit would end the process; a full disk sends none.
    in_a_process("trap '' XFSZ; ulimit -f 64;", "within_a_full_disk");
}

#[test]
fn a_vault_whose_writer_is_killed_has_no_half_object() {
    let folder = TempDir::new().unwrap();
    let (vault, _) = vault(folder.path());
    let objects = || run(vault.objects().collect::<Vec<_>>());
    for moment in 0..8 {
        let before = objects().len();
        let mut writer = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "until_it_is_killed"])
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        while objects().len() == before {
            sleep(Duration::from_millis(5));
        }
        sleep(Duration::from_millis(7 * moment));
        writer.kill().unwrap();
        writer.wait().unwrap();
    }
    for object in objects() {
        run(vault.verify(&object.unwrap())).unwrap();
    }
}

#[test]
#[ignore = "run by another test, in a process of its own"]
fn until_it_is_killed() {
    let (vault, _) = vault(Path::new("."));
    loop {
        run(vault.seal(tokio::io::repeat(0).take(300_000))).unwrap();
    }
}

#[test]
#[ignore = "run by another test, in a process of its own"]
fn within_little_memory() {
    let folder = TempDir::new().unwrap();
    let (vault, key) = vault(folder.path());
    run(async {
        vault.seal(tokio::io::repeat(0).take(1 << 20)).await.unwrap();
        let before = memory_kb();
        let sealed = vault.seal(tokio::io::repeat(0).take(CONTENT_BYTES)).await.unwrap();
        vault.verify(&sealed.object).await.unwrap();
        let mut opened = vault.open(&sealed, &key).await.unwrap();
        let n_read = tokio::io::copy(&mut opened, &mut tokio::io::sink()).await.unwrap();
        assert_eq!(n_read, CONTENT_BYTES);
        let grown = memory_kb() - before;
        assert!(grown < MEMORY_KB_MAX, "{grown} kB");
    });
}

#[test]
#[ignore = "run by another test, in a process of its own"]
fn within_a_full_disk() {
    let folder = TempDir::new().unwrap();
    let (vault, key) = vault(folder.path());
    run(async {
        let error = vault.seal(tokio::io::repeat(0).take(1 << 20)).await.unwrap_err();
        assert!(matches!(error, VaultError::Shelf(ShelfError::Full { .. })), "{error:?}");
        let shelf = Shelf::in_folder(folder.path());
        let error = shelf.put("one", vec![0; 1 << 20].into()).await.unwrap_err();
        assert!(matches!(error, ShelfError::Full { .. }), "{error:?}");
        // What fits is still written.
        let sealed = vault.seal(&b"1"[..]).await.unwrap();
        vault.verify(&sealed.object).await.unwrap();
        drop(vault.open(&sealed, &key).await.unwrap());
    });
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 2, "{left:?}");
    assert_eq!(fs::read_dir(folder.path().join(".unfinished")).unwrap().count(), 0);
}
