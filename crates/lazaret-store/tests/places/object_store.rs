//! A server that speaks the S3 protocol on this machine, and that fails when it is told to.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::TcpListener as StdListener;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;

use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use lazaret_store::Shelf;
use s3s::Body;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::net::TcpListener;

pub(crate) const KEY: &str = "ACMEKEYACMEKEY";
pub(crate) const SECRET: &str = "swordfish-swordfish-swordfish";
const BUCKET: &str = "acme";

/// A store with one bucket, whose objects are files.
pub(crate) struct World {
    root: TempDir,
    port: u16,
    faults: Arc<Mutex<Faults>>,
}

/// What goes wrong, and when.
#[derive(Default)]
pub(crate) struct Faults {
    /// After so many more requests every connection breaks.
    pub(crate) breaks_after: Option<usize>,
    /// So many more requests are answered with this status.
    pub(crate) refuses: Option<(usize, u16)>,
    /// Removed objects lose their name and keep their version.
    pub(crate) keeps_versions: bool,
    /// The store does what it is asked once, and then the answer is lost.
    pub(crate) loses_an_answer_to: Option<Method>,
    is_removed: bool,
    pub(crate) requests: usize,
    pub(crate) aborted_uploads: usize,
}

/// What is done with one request.
enum Plan {
    Answer,
    AnswerWithVersion,
    DoAndBreak,
    Break,
    SayRemoved,
    Status(u16),
}

impl World {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join(BUCKET)).unwrap();
        let mut builder = S3ServiceBuilder::new(FileSystem::new(root.path()).unwrap());
        builder.set_auth(SimpleAuth::from_single(KEY, SECRET));
        let listener = StdListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let faults = Arc::<Mutex<Faults>>::default();
        let (service, planned) = (builder.build(), Arc::clone(&faults));
        thread::spawn(move || serve(listener, service, planned));
        Self { root, port, faults }
    }

    pub(crate) fn environment(&self, secret: &str) -> BTreeMap<String, String> {
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

    pub(crate) fn shelf(&self, prefix: &str) -> Shelf {
        Shelf::parse(&format!("s3://{BUCKET}{prefix}"), &self.environment(SECRET)).unwrap()
    }

    /// Changes what goes wrong from now on, or looks at what did.
    pub(crate) fn faults<T>(&self, change: impl FnOnce(&mut Faults) -> T) -> T {
        change(&mut self.faults.lock().unwrap())
    }

    /// Where the server keeps an object.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(BUCKET).join(name)
    }

    /// Puts an object where the server finds it, without asking the server.
    pub(crate) fn put(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub(crate) fn get(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.path(name)).ok()
    }
}

impl Faults {
    fn plan(&mut self, request: &Request<Incoming>) -> Plan {
        self.requests += 1;
        let query = request.uri().query().unwrap_or_default();
        if request.method() == Method::DELETE && query.contains("uploadId") {
            self.aborted_uploads += 1;
        }
        if let Some(left) = &mut self.breaks_after {
            if *left == 0 {
                return Plan::Break;
            }
            *left -= 1;
        }
        if let Some((left, status)) = &mut self.refuses
            && *left > 0
        {
            *left -= 1;
            return Plan::Status(*status);
        }
        if self.loses_an_answer_to.as_ref() == Some(request.method()) {
            self.loses_an_answer_to = None;
            return Plan::DoAndBreak;
        }
        if !self.keeps_versions {
            return Plan::Answer;
        }
        if request.method() == Method::POST && query.contains("delete") {
            self.is_removed = true;
            return Plan::SayRemoved;
        }
        let asks_version = query.contains("versionId=");
        if self.is_removed && !asks_version { Plan::Status(404) } else { Plan::AnswerWithVersion }
    }
}

async fn answer(plan: Plan, service: S3Service, request: Request<Incoming>) -> io::Result<Response<Body>> {
    let broken = || io::Error::other("the server is gone");
    let ask = async || service.call(request.map(Body::from)).await.map_err(io::Error::other);
    match plan {
        Plan::Answer => ask().await,
        Plan::AnswerWithVersion => {
            let mut response = ask().await?;
            response.headers_mut().insert("x-amz-version-id", HeaderValue::from_static("v1"));
            Ok(response)
        }
        Plan::DoAndBreak => {
            drop(ask().await?);
            Err(broken())
        }
        Plan::Break => Err(broken()),
        Plan::SayRemoved => {
            let said = "<DeleteResult><Deleted><Key>one</Key></Deleted></DeleteResult>";
            Ok(Response::new(Body::from(said.to_owned())))
        }
        Plan::Status(status) => {
            Response::builder().status(status).body(Body::empty()).map_err(io::Error::other)
        }
    }
}

fn serve(listener: StdListener, service: S3Service, faults: Arc<Mutex<Faults>>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async move {
        let listener = TcpListener::from_std(listener).unwrap();
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let (service, faults) = (service.clone(), Arc::clone(&faults));
            let answered = service_fn(move |request: Request<Incoming>| {
                answer(faults.lock().unwrap().plan(&request), service.clone(), request)
            });
            tokio::spawn(async move {
                drop(http1::Builder::new().serve_connection(TokioIo::new(socket), answered).await);
            });
        }
    });
}
