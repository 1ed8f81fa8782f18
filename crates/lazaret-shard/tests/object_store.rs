//! Places in an object store, against a server that speaks the S3 protocol on this machine.

#![expect(clippy::unwrap_used, reason = "a test that cannot build its world must fail")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::net::TcpListener as StdListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use lazaret_shard::{IfThere, Layout, Place, PlaceError, ShardName};
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::net::TcpListener;

const KEY: &str = "ACMEKEYACMEKEY";
const SECRET: &str = "swordfish-swordfish-swordfish";
const BUCKET: &str = "acme";

/// A store with one bucket, whose objects are files.
struct World {
    root: Arc<TempDir>,
    port: u16,
    /// How many more requests are answered; after that every connection breaks.
    answers: Arc<AtomicUsize>,
    /// After how many more requests `changed.jsonl` becomes another object.
    until_change: Arc<AtomicUsize>,
}

impl World {
    fn new() -> Self {
        let root = Arc::new(tempfile::tempdir().unwrap());
        fs::create_dir(root.path().join(BUCKET)).unwrap();
        let mut builder = S3ServiceBuilder::new(FileSystem::new(root.path()).unwrap());
        builder.set_auth(SimpleAuth::from_single(KEY, SECRET));
        let listener = StdListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let world = Self {
            port: listener.local_addr().unwrap().port(),
            root,
            answers: Arc::new(AtomicUsize::new(usize::MAX)),
            until_change: Arc::new(AtomicUsize::new(usize::MAX)),
        };
        let (service, answers, until_change) =
            (builder.build(), Arc::clone(&world.answers), Arc::clone(&world.until_change));
        let root = Arc::clone(&world.root);
        thread::spawn(move || serve(listener, service, root, answers, until_change));
        world
    }

    fn environment(&self, secret: &str) -> BTreeMap<String, String> {
        [
            ("AWS_ACCESS_KEY_ID", KEY),
            ("AWS_SECRET_ACCESS_KEY", secret),
            ("AWS_REGION", "here-1"),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_ENDPOINT", &format!("http://127.0.0.1:{}", self.port)),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
    }

    fn place(&self, prefix: &str) -> Place {
        Place::parse(&format!("s3://{BUCKET}{prefix}"), &self.environment(SECRET)).unwrap()
    }

    /// Puts an object where the server finds it, without asking the server.
    fn put(&self, name: &str, bytes: &[u8]) {
        let path = self.root.path().join(BUCKET).join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn get(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.root.path().join(BUCKET).join(name)).ok()
    }
}

fn serve(
    listener: StdListener,
    service: S3Service,
    root: Arc<TempDir>,
    answers: Arc<AtomicUsize>,
    until_change: Arc<AtomicUsize>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async move {
        let listener = TcpListener::from_std(listener).unwrap();
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let (service, root) = (service.clone(), Arc::clone(&root));
            let (answers, until_change) = (Arc::clone(&answers), Arc::clone(&until_change));
            let answered = service_fn(move |request: Request<Incoming>| {
                let (service, root) = (service.clone(), Arc::clone(&root));
                let is_last = counts_down(&answers);
                if counts_down(&until_change) {
                    change(root.path());
                }
                async move {
                    if is_last {
                        return Err(io::Error::other("the server is gone"));
                    }
                    Service::call(&service, request).await.map_err(io::Error::other)
                }
            });
            tokio::spawn(async move {
                drop(http1::Builder::new().serve_connection(TokioIo::new(socket), answered).await);
            });
        }
    });
}

/// Counts down and says whether zero is reached.
fn counts_down(counter: &AtomicUsize) -> bool {
    let before =
        counter.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| Some(left.saturating_sub(1)));
    before.is_ok_and(|left| left == 0)
}

fn change(root: &Path) {
    fs::write(root.join(BUCKET).join("changed.jsonl"), vec![b'2'; 20 << 20]).unwrap();
}

fn name(name: &str) -> ShardName {
    ShardName::new(name).unwrap()
}

/// Bytes that are not the same in any two parts.
fn bytes(n_bytes: usize) -> Vec<u8> {
    (0..n_bytes).map(|at| u8::try_from((at / 1000 + at) % 251).unwrap()).collect()
}

/// Fails if an error tells what opens the store.
#[track_caller]
fn assert_discreet(error: &PlaceError) {
    for shown in [error.to_string(), format!("{error:?}")] {
        assert!(!shown.contains(SECRET) && !shown.contains(KEY) && !shown.contains("ignature"), "{shown}");
    }
}

#[test]
fn objects_are_listed_and_laid_out_like_files() {
    let world = World::new();
    world.put("sets/one/data/0.parquet", b"PAR1");
    world.put("sets/one/README.md", b"---\nlicense: mit\n---\n");
    world.put("sets/one/.cache/x.jsonl", b"");
    world.put("sets/other/0.parquet", b"PAR1");
    let layout = Layout::read(&world.place("/sets/one")).unwrap();
    let shards: Vec<&str> = layout.shards.iter().map(|shard| shard.name.as_str()).collect();
    assert_eq!(shards, ["data/0.parquet"]);
    assert_eq!(layout.shards[0].bytes, 4);
    assert_eq!(layout.declarations[0].text, "---\nlicense: mit\n---\n");
    assert_eq!(layout.others, [name(".cache")]);
    let everything = world.place("/").list().unwrap();
    assert_eq!(everything.files.len(), 3);
}

#[test]
fn a_single_object_is_a_place() {
    let world = World::new();
    world.put("sets/0.jsonl", b"{}\n");
    let place = world.place("/sets/0.jsonl");
    let listing = place.list().unwrap();
    assert_eq!(listing.files[0].name, name("0.jsonl"));
    assert_eq!(fs::read(place.open(&listing.files[0].name).unwrap().path()).unwrap(), b"{}\n");
}

#[test]
fn objects_of_every_size_come_back_as_they_were() {
    let world = World::new();
    let place = world.place("/out");
    let part = 8 << 20;
    for n_bytes in [0, 1, part - 1, part, part + 1, 2 * part + 5] {
        let shard = name(&format!("data/{n_bytes}.jsonl"));
        let mut pending = place.create(&shard, IfThere::Refuse).unwrap();
        pending.write_all(&bytes(n_bytes)).unwrap();
        assert_eq!(world.get(&format!("out/{shard}")), None);
        pending.commit().unwrap();
        assert!(world.get(&format!("out/{shard}")).unwrap() == bytes(n_bytes), "{n_bytes} bytes written");
        let fetched = place.open(&shard).unwrap();
        assert_eq!(fetched.path().file_name().unwrap().to_str(), Some(shard.last_part()));
        assert!(fs::read(fetched.path()).unwrap() == bytes(n_bytes), "{n_bytes} bytes read");
    }
}

#[test]
fn an_object_is_written_once_unless_it_is_to_be_replaced() {
    let world = World::new();
    let place = world.place("/out");
    for n_bytes in [10, 9 << 20] {
        let shard = name(&format!("{n_bytes}.jsonl"));
        let mut pending = place.create(&shard, IfThere::Refuse).unwrap();
        pending.write_all(&bytes(n_bytes)).unwrap();
        world.put(&format!("out/{shard}"), b"first");
        let error = pending.commit().unwrap_err();
        assert!(matches!(error, PlaceError::Exists { .. }), "{error}");
        assert_eq!(world.get(&format!("out/{shard}")).unwrap(), b"first");
        let error = place.create(&shard, IfThere::Refuse).unwrap_err();
        assert!(matches!(error, PlaceError::Exists { .. }), "{error}");
        let mut pending = place.create(&shard, IfThere::Replace).unwrap();
        pending.write_all(b"second").unwrap();
        pending.commit().unwrap();
        assert_eq!(world.get(&format!("out/{shard}")).unwrap(), b"second");
    }
}

#[test]
fn what_is_not_there_is_said_to_be_missing() {
    let world = World::new();
    let error = world.place("/sets").open(&name("0.jsonl")).unwrap_err();
    assert_eq!(error.to_string(), "`s3://acme/sets/0.jsonl` is not there");
    let error = world.place("/nowhere").list().unwrap_err();
    assert_eq!(error.to_string(), "`s3://acme/nowhere` is not there");
}

#[test]
fn wrong_credentials_are_named_and_not_told() {
    let world = World::new();
    world.put("0.jsonl", b"{}");
    let place = Place::parse("s3://acme", &world.environment("swordfish-wrong")).unwrap();
    let shard = name("0.jsonl");
    let mut pending = place.create(&shard, IfThere::Replace).unwrap();
    pending.write_all(b"{}").unwrap();
    for error in [place.list().unwrap_err(), place.open(&shard).unwrap_err(), pending.commit().unwrap_err()] {
        assert_discreet(&error);
        let shown = error.to_string();
        assert!(shown.contains("check the credentials in the environment variables `AWS_…`"), "{shown}");
        assert!(!format!("{error:?}").contains("swordfish"), "{error:?}");
    }
    assert!(!format!("{place:?}").contains("swordfish"));
}

#[test]
fn a_server_that_goes_in_mid_read_is_an_error() {
    let world = World::new();
    world.put("0.jsonl", &bytes(20 << 20));
    let place = world.place("");
    // The object is looked at, and the first of its three parts is read.
    world.answers.store(2, Ordering::SeqCst);
    let error = place.open(&name("0.jsonl")).unwrap_err();
    assert_discreet(&error);
    let expected = "`s3://acme/0.jsonl` cannot be read: the connection to the store failed; is it reachable?";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_server_that_goes_in_mid_write_leaves_no_object() {
    let world = World::new();
    let place = world.place("");
    let mut pending = place.create(&name("0.jsonl"), IfThere::Replace).unwrap();
    pending.write_all(&bytes(20 << 20)).unwrap();
    // The write is begun, and the first of its three parts is sent.
    world.answers.store(2, Ordering::SeqCst);
    let error = pending.commit().unwrap_err();
    assert_discreet(&error);
    assert!(error.to_string().contains("the connection to the store failed"), "{error}");
    assert_eq!(world.get("0.jsonl"), None);
}

#[test]
fn an_object_that_changes_while_it_is_read_is_an_error() {
    let world = World::new();
    world.put("changed.jsonl", &vec![b'1'; 20 << 20]);
    let place = world.place("");
    // The object changes before its second part is read; its size stays.
    world.until_change.store(2, Ordering::SeqCst);
    let error = place.open(&name("changed.jsonl")).unwrap_err();
    assert!(matches!(error, PlaceError::Changed { .. }), "{error}");
}
