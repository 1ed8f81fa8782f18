//! The Squid helper: hands Squid's lines to the service, and answers by itself where the service does not in time.
//!
//! It ends only when its standard input does: a helper that ends again and again takes Squid down with it.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lazaret_pipeline::egress::{Decider, Snapshot};
use lazaret_policy::OnFailure;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::Instant;

use crate::local::told;
use crate::record::Recorder;
use crate::service::{Clock, Point, Service};
use crate::squid::{LINE_BYTES_MAX, SquidLine, answer};

/// How long to wait before the service is tried again after it could not be reached.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// How a helper works.
pub struct HelperSettings {
    /// The service's socket.
    pub socket: PathBuf,
    /// How long the service may take to answer.
    pub deadline: Duration,
    /// The snapshot to decide by meanwhile.
    pub snapshot: Option<PathBuf>,
    /// What to do while the service does not answer; the snapshot's policy says so otherwise.
    pub on_failure: Option<OnFailure>,
    /// Decides where there is no snapshot: the built-in catalog, without any exemption.
    pub without_snapshot: Arc<Decider>,
    /// Tells the time.
    pub clock: Clock,
    /// Where decisions that are made without the service are recorded.
    pub recorder: Arc<Recorder>,
}

impl std::fmt::Debug for HelperSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HelperSettings").field("socket", &self.socket).finish_non_exhaustive()
    }
}

/// Answers lines until there are no more.
///
/// # Errors
/// Only where answers can no longer be written: then nobody is there to be answered.
pub async fn run(
    settings: HelperSettings,
    input: impl AsyncRead + Unpin,
    mut output: impl AsyncWrite + Unpin,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(input);
    let mut fallback = Fallback::new(&settings);
    let mut link = Link::new(settings.socket.clone());
    // Lines that the service has been asked about, by our number, and when their time is over.
    let mut waiting: HashMap<u64, String> = HashMap::new();
    let mut order: VecDeque<(Instant, u64)> = VecDeque::new();
    let mut next = 0_u64;
    let mut line = Vec::new();
    loop {
        while order.front().is_some_and(|(_, number)| !waiting.contains_key(number)) {
            order.pop_front();
        }
        let first = order.front().map(|(until, _)| *until);
        let deadline = async {
            match first {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            reply = link.reply() => match reply {
                Some(reply) => {
                    if let Some((number, rest)) = numbered(&reply)
                        && let Some(asked) = waiting.remove(&number)
                    {
                        say(&mut output, &format!("{} {rest}", channel(&asked))).await?;
                    }
                }
                // The service is gone: whoever waits is answered at once.
                None => {
                    for (_, asked) in waiting.drain() {
                        say(&mut output, &fallback.answer(&asked)).await?;
                    }
                }
            },
            () = deadline => {
                if let Some((_, number)) = order.pop_front()
                    && let Some(asked) = waiting.remove(&number)
                {
                    say(&mut output, &fallback.answer(&asked)).await?;
                }
            }
            read = lines.read_until(b'\n', &mut line) => {
                if read.is_err() || line.is_empty() {
                    break;
                }
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                line.clear();
                let number = next;
                next = next.wrapping_add(1);
                if text.len() < LINE_BYTES_MAX && link.ask(number, &text).await {
                    waiting.insert(number, text);
                    order.push_back((Instant::now() + settings.deadline, number));
                } else {
                    say(&mut output, &fallback.answer(&text)).await?;
                }
            }
        }
    }
    // Nothing more is asked; what was asked is still answered.
    for (_, line) in waiting {
        say(&mut output, &fallback.answer(&line)).await?;
    }
    Ok(())
}

async fn say(output: &mut (impl AsyncWrite + Unpin), line: &str) -> std::io::Result<()> {
    output.write_all(line.as_bytes()).await?;
    output.write_all(b"\n").await?;
    output.flush().await
}

/// Returns a line's channel, or what Squid takes for the first where there is none.
fn channel(line: &str) -> &str {
    line.split_ascii_whitespace().next().unwrap_or("0")
}

/// Splits an answer of the service into our number and the rest.
fn numbered(reply: &str) -> Option<(u64, &str)> {
    let (number, rest) = reply.split_once(' ')?;
    Some((number.parse().ok()?, rest))
}

/// The connection to the service, which is made anew when it broke.
struct Link {
    path: PathBuf,
    open: Option<(BufReader<OwnedReadHalf>, OwnedWriteHalf)>,
    not_before: Option<Instant>,
    reply: Vec<u8>,
}

impl Link {
    fn new(path: PathBuf) -> Self {
        Self { path, open: None, not_before: None, reply: Vec::new() }
    }

    /// Sends a line under our number in the place of Squid's channel. Whether the service may answer it; never waits.
    async fn ask(&mut self, number: u64, line: &str) -> bool {
        if self.open.is_none() && self.not_before.is_none_or(|time| time <= Instant::now()) {
            match UnixStream::connect(&self.path).await {
                Ok(stream) => {
                    let (read, write) = stream.into_split();
                    self.open = Some((BufReader::new(read), write));
                }
                Err(_) => self.not_before = Some(Instant::now() + TRY_AGAIN),
            }
        }
        let Some((_, write)) = &mut self.open else { return false };
        // A line without a channel is for us to refuse.
        let Some((channel, tokens)) = line.split_once(' ') else { return false };
        if !channel.bytes().all(|byte| byte.is_ascii_digit()) {
            return false;
        }
        let text = format!("{number} {tokens}\n");
        match write.try_write(text.as_bytes()) {
            Ok(written) if written == text.len() => true,
            // It has not read for long: it is as good as gone, and half a line must not be followed by another.
            Ok(_) | Err(_) => {
                self.close();
                false
            }
        }
    }

    /// Returns the next answer; nothing where the service is gone. Waits for ever where there is no connection.
    async fn reply(&mut self) -> Option<String> {
        let Some((read, _)) = &mut self.open else { return std::future::pending().await };
        // What was read before another branch was faster stays in `self.reply`.
        let read = read.read_until(b'\n', &mut self.reply).await;
        if read.is_ok() && self.reply.ends_with(b"\n") {
            let reply = String::from_utf8_lossy(&self.reply).trim_end().to_owned();
            self.reply.clear();
            return Some(reply);
        }
        self.close();
        None
    }

    fn close(&mut self) {
        self.open = None;
        self.reply.clear();
        self.not_before = Some(Instant::now() + TRY_AGAIN);
    }
}

/// What answers while the service does not.
struct Fallback<'a> {
    settings: &'a HelperSettings,
    without_snapshot: Service,
    snapshot: Option<(SystemStamp, Service)>,
    look_again: Option<Instant>,
}

/// By which a snapshot that was replaced is told from the one that was read.
type SystemStamp = (Option<std::time::SystemTime>, u64);

impl<'a> Fallback<'a> {
    fn new(settings: &'a HelperSettings) -> Self {
        let service =
            |decider| Service::new(decider, Arc::clone(&settings.clock), Arc::clone(&settings.recorder));
        let without_snapshot = service(Arc::clone(&settings.without_snapshot));
        let mut fallback = Self { settings, without_snapshot, snapshot: None, look_again: None };
        fallback.look();
        fallback
    }

    fn answer(&mut self, line: &str) -> String {
        self.look();
        let service = self.snapshot.as_ref().map_or(&self.without_snapshot, |(_, service)| service);
        let read = match SquidLine::read(line) {
            Ok(read) => read,
            Err((channel, fault)) => return format!("{} BH message={}", channel.unwrap_or("0"), told(fault)),
        };
        let of_policy = self.snapshot.as_ref().map(|(_, service)| service.decider().policy().on_failure);
        match self.settings.on_failure.or(of_policy).unwrap_or_default() {
            OnFailure::Deny => {
                format!("{} ERR message=no-decision;the-service-does-not-answer", read.channel)
            }
            OnFailure::Allow => format!("{} OK", read.channel),
            OnFailure::DenyInference => {
                let decider = service.decider();
                let decided = service.decide(&decider, Point::Squid, &read.asked());
                answer(read.channel, decider.policy(), &decided)
            }
        }
    }

    /// Reads the snapshot where another lies there than before; at most once a second.
    fn look(&mut self) {
        let Some(path) = &self.settings.snapshot else { return };
        if self.look_again.is_some_and(|time| Instant::now() < time) {
            return;
        }
        self.look_again = Some(Instant::now() + TRY_AGAIN);
        let Ok(metadata) = std::fs::metadata(path) else { return };
        let stamp = (metadata.modified().ok(), metadata.len());
        if self.snapshot.as_ref().is_some_and(|(known, _)| *known == stamp) {
            return;
        }
        // One that cannot be read leaves the last one that could.
        if let Ok(decider) = Snapshot::read(path) {
            let (clock, recorder) = (Arc::clone(&self.settings.clock), Arc::clone(&self.settings.recorder));
            self.snapshot = Some((stamp, Service::new(Arc::new(decider), clock, recorder)));
        }
    }
}
