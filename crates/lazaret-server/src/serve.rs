//! Opens the faces and keeps them open until it is told to stop; reads policy and exemptions anew and writes the
//! snapshot meanwhile.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use envoy_types::ext_authz::v3::pb::AuthorizationServer;
use lazaret_pipeline::egress::{Decider, KeptExemptions, SnapshotError};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use crate::envoy::EnvoyAuthorization;
use crate::local::answer_lines;
use crate::service::Service;

/// How long requests that are under way may take when the service stops.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// Where the service answers. Nothing is opened that is not named.
#[derive(Debug, Clone, Default)]
pub struct Faces {
    /// Envoy's: a loopback address with a port, or `unix:` and a path.
    pub grpc: Option<String>,
    /// The Squid helper's: the path of a socket.
    pub socket: Option<PathBuf>,
    /// The Squid helper's over TCP: a loopback address with a port.
    pub tcp: Option<String>,
    /// Where the snapshot is kept.
    pub snapshot: Option<PathBuf>,
    /// How long to wait between readings of the policy and the exemptions.
    pub refresh: Duration,
    /// Told where they are to be read at once.
    pub nudge: Arc<Notify>,
}

/// What was read anew.
#[derive(Debug)]
pub struct Reading {
    /// The policy.
    pub policy: PolicyReading,
    /// The exemptions; `None` where they could not be read.
    pub exemptions: Option<KeptExemptions>,
}

/// What became of the policy.
#[derive(Debug)]
pub enum PolicyReading {
    /// It is the one in force.
    Same,
    /// It is another: what decides by it.
    Other(Box<Decider>),
    /// It could not be read, or is not valid.
    Refused,
}

/// The service could not be opened, or broke.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A place is taken, or may not be used.
    #[error("cannot listen at `{place}`")]
    Listen {
        /// The place.
        place: String,
        /// Why not.
        source: io::Error,
    },
    /// A place that others on the network could reach.
    #[error("`{place}` is not a loopback address; decisions are given to programs of this machine alone")]
    NotLoopback {
        /// The place.
        place: String,
    },
    /// The snapshot could not be written.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The gRPC server broke.
    #[error("the gRPC server broke")]
    Grpc(#[source] tonic::transport::Error),
    /// A part of the service broke off, which is a bug.
    #[error("a part of the service broke off")]
    Broken,
}

/// Tells the faces to stop.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    async fn told(&mut self) {
        // Whoever could tell is gone: that stops too.
        drop(self.0.wait_for(|stopped| *stopped).await);
    }
}

/// Serves until `stopped` is done. `read` reads policy and exemptions anew, and is handed what decides now: a policy that
/// cannot be taken leaves the one in force, and where exemptions cannot be read, those that were read last help for as
/// long as the policy says. `opened` is called when every face is open.
///
/// # Errors
/// [`ServeError`] where a face cannot be opened.
pub async fn serve<R, F>(
    service: Arc<Service>,
    faces: Faces,
    read: R,
    opened: impl FnOnce(),
    stopped: impl Future<Output = ()>,
) -> Result<(), ServeError>
where
    R: Fn(Arc<Decider>) -> F + Send + 'static,
    F: Future<Output = Reading> + Send + 'static,
{
    write_snapshot(&service, faces.snapshot.as_deref())?;
    let (tell, told) = watch::channel(false);
    let stop = Stop(told);
    let mut tasks: JoinSet<Result<(), ServeError>> = JoinSet::new();
    if let Some(place) = &faces.grpc {
        open_grpc(&service, place, stop.clone(), &mut tasks).await?;
    }
    if let Some(path) = &faces.socket {
        let listener = listen_at(path)?;
        tasks.spawn(accept_unix(Arc::clone(&service), listener, stop.clone()));
    }
    if let Some(place) = &faces.tcp {
        let listener = listen_on(place).await?;
        tasks.spawn(accept_tcp(Arc::clone(&service), listener, stop.clone()));
    }
    tasks.spawn(refresh(Arc::clone(&service), faces.clone(), read, stop));
    opened();
    let mut stopped = std::pin::pin!(stopped);
    let outcome = tokio::select! {
        () = &mut stopped => Ok(()),
        Some(ended) = tasks.join_next() => ended.unwrap_or(Err(ServeError::Broken)),
    };
    // Nobody listens where everything has ended already.
    tell.send_replace(true);
    let all = async { while tasks.join_next().await.is_some() {} };
    drop(tokio::time::timeout(LAST_ANSWERS, all).await);
    if let Some(path) = &faces.socket {
        drop(std::fs::remove_file(path));
    }
    outcome
}

async fn open_grpc(
    service: &Arc<Service>,
    place: &str,
    mut stop: Stop,
    tasks: &mut JoinSet<Result<(), ServeError>>,
) -> Result<(), ServeError> {
    let authorization = AuthorizationServer::new(EnvoyAuthorization::new(Arc::clone(service)));
    if let Some(path) = place.strip_prefix("unix:") {
        let incoming = UnixListenerStream::new(listen_at(Path::new(path))?);
        tasks.spawn(async move {
            let served = Server::builder().serve_with_incoming_shutdown(authorization, incoming, stop.told());
            served.await.map_err(ServeError::Grpc)
        });
    } else {
        let incoming = TcpIncoming::from(listen_on(place).await?).with_nodelay(Some(true));
        tasks.spawn(async move {
            let served = Server::builder().serve_with_incoming_shutdown(authorization, incoming, stop.told());
            served.await.map_err(ServeError::Grpc)
        });
    }
    Ok(())
}

/// Opens a socket for the owner and the group, in the place of one that a service left behind when it was killed.
fn listen_at(path: &Path) -> Result<UnixListener, ServeError> {
    let failed = |source| ServeError::Listen { place: path.display().to_string(), source };
    let listener = bind(path).map_err(failed)?;
    std::fs::set_permissions(path, Permissions::from_mode(0o660)).map_err(failed)?;
    Ok(listener)
}

fn bind(path: &Path) -> io::Result<UnixListener> {
    match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            // Somebody who answers is another service; nobody does at what was left behind.
            if std::os::unix::net::UnixStream::connect(path).is_ok() {
                return Err(error);
            }
            std::fs::remove_file(path)?;
            UnixListener::bind(path)
        }
        bound => bound,
    }
}

async fn listen_on(place: &str) -> Result<TcpListener, ServeError> {
    let failed = |source| ServeError::Listen { place: place.to_owned(), source };
    let listener = TcpListener::bind(place).await.map_err(failed)?;
    if listener.local_addr().map_err(failed)?.ip().is_loopback() {
        Ok(listener)
    } else {
        Err(ServeError::NotLoopback { place: place.to_owned() })
    }
}

async fn accept_unix(
    service: Arc<Service>,
    listener: UnixListener,
    mut stop: Stop,
) -> Result<(), ServeError> {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.told() => return Ok(()),
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let service = Arc::clone(&service);
                    connections.spawn(async move { answer_lines(&service, stream).await });
                }
                // Too many open files, or a client that is gone already: the next may fare better.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn accept_tcp(service: Arc<Service>, listener: TcpListener, mut stop: Stop) -> Result<(), ServeError> {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.told() => return Ok(()),
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let service = Arc::clone(&service);
                    connections.spawn(async move {
                        stream.set_nodelay(true)?;
                        answer_lines(&service, stream).await
                    });
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Reads policy and exemptions anew, again and again, and writes the snapshot each time that anything could be read.
async fn refresh<R, F>(service: Arc<Service>, faces: Faces, read: R, mut stop: Stop) -> Result<(), ServeError>
where
    R: Fn(Arc<Decider>) -> F + Send + 'static,
    F: Future<Output = Reading> + Send + 'static,
{
    loop {
        tokio::select! {
            () = stop.told() => return Ok(()),
            () = tokio::time::sleep(faces.refresh) => {}
            () = faces.nudge.notified() => {}
        }
        let Reading { policy, exemptions } = read(service.decider()).await;
        let is_taken = matches!(policy, PolicyReading::Other(_));
        match policy {
            PolicyReading::Same => service.keep(),
            PolicyReading::Other(decider) => service.take(*decider),
            PolicyReading::Refused => service.refuse(),
        }
        let mut succeeded = exemptions.is_some();
        if let Some(exemptions) = exemptions {
            service.decider().replace_exemptions(exemptions);
        }
        if succeeded || is_taken {
            succeeded &= write_snapshot(&service, faces.snapshot.as_deref()).is_ok();
        }
        service.note_refresh(succeeded);
    }
}

fn write_snapshot(service: &Service, path: Option<&Path>) -> Result<(), SnapshotError> {
    match path {
        Some(path) => service.decider().snapshot(service.now()).write(path),
        None => Ok(()),
    }
}
