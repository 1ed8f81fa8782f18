//! Holds a published ledger against the Go project's packages for notes and transparency logs, which know nothing of this
//! crate. By hand, because it needs Go: on Debian `apt install golang-go golang-golang-x-mod-dev`, and then
//! `GO111MODULE=off GOPATH=/usr/share/gocode cargo test -p lazaret-store --test public_tools -- --ignored`.

use std::convert::Infallible;
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use jiff::Timestamp;
use lazaret_seal::{Cosigner, Frontier, NoteSigner, NoteVerifier, SecretKey};
use lazaret_store::{EntrySource, PublicLog, Publisher, Shelf, TrustedLog, Witness};

/// A ledger of so many entries, each saying which it is.
struct Numbers(u64);

fn entry(index: u64) -> Bytes {
    format!("entry {index}").into()
}

impl EntrySource for Numbers {
    type Error = Infallible;

    async fn frontier(&self) -> Result<Frontier, Infallible> {
        let mut frontier = Frontier::new();
        (0..self.0).for_each(|index| frontier.push(&entry(index)));
        Ok(frontier)
    }

    async fn read(&self, range: Range<u64>) -> Result<Vec<Bytes>, Infallible> {
        Ok(range.map(entry).collect())
    }
}

/// Publishes, cosigns and proves below a folder. Returns the keys of ledger and witness.
async fn write_world(folder: &Path, size: u64) -> Result<[String; 2], Box<dyn std::error::Error>> {
    let [key, witness_key] = [1, 2].map(|seed| SecretKey::from_seed([seed; 32]));
    let signer = NoteSigner::new("acme.example/ledger", &key)?;
    let cosigner = Cosigner::new("audit.example/witness", &witness_key)?;
    let shelf = Shelf::in_folder(&folder.join("ledger"));
    shelf.create().await?;
    let publisher = Publisher::new(shelf.clone(), &signer);
    for step in [size / 3, size] {
        publisher.publish(&Numbers(step)).await?;
    }
    let witness = Witness::new(&folder.join("witness"), &cosigner);
    witness.create().await?;
    let now = Timestamp::from_second(1_800_000_000)?;
    let cosigned = witness.cosign(&shelf, signer.verifier(), now).await?;
    let witnesses = vec![cosigner.verifier().clone()];
    publisher.adopt(cosigned.note.to_string().as_bytes(), &witnesses).await?;
    let trusted = TrustedLog::new(signer.verifier().clone()).with_witnesses(witnesses, 1)?;
    let log = PublicLog::open(shelf, &trusted).await?;
    fs::create_dir(folder.join("proofs"))?;
    for index in [0, 1, 255, 256, size / 2, size - 1] {
        let path = folder.join("proofs").join(index.to_string());
        fs::write(&path, entry(index))?;
        fs::write(path.with_extension("tlog-proof"), log.prove(index).await?.to_string())?;
    }
    Ok([signer.verifier().to_string(), cosigner.verifier().to_string()])
}

#[test]
#[ignore = "needs Go and golang.org/x/mod"]
fn the_go_project_reads_what_is_published() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    let keys = runtime.block_on(write_world(folder.path(), 1000)).unwrap();
    let check = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/public_tools/check.go");
    let output = Command::new("go").arg("run").arg(check).arg(folder.path()).args(keys).output();
    let output = output.expect("`go` is needed to check what this crate writes; install it");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "acme.example/ledger: 1000 entries, 6 proofs\n");

    let signed = fs::read_to_string(folder.path().join("signed-by-go")).unwrap();
    let (key, note) = signed.split_once('\n').unwrap();
    let trusted = TrustedLog::new(NoteVerifier::parse(key).unwrap());
    let head = trusted.read(note.as_bytes()).unwrap();
    assert_eq!((head.checkpoint.size, head.checkpoint.root), (0, lazaret_seal::empty_root()));
}
