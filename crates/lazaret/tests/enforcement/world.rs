//! A store with people and exemptions, the service over it, and processes that end with the test.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// Enforced on this machine's addresses; the lab is all of them.
pub(crate) const POLICY: &str = r#"
version = 1
name = "acme"
[ban]
rivals = true
[egress]
mode = "enforce"
alternative = "the assistant at https://assistant.acme.example"
contact = "ai-exemptions@acme.example"
[[egress.network]]
name = "lab"
ranges = ["127.0.0.0/8"]
[[egress.subject]]
logins = ["dov@acme.example"]
person = "dov"
[[egress.subject]]
logins = ["cleo@acme.example"]
person = "cleo"
"#;

const PEOPLE: [(&str, &str); 6] = [
    ("ada", "admin"),
    ("ben", "admin"),
    ("cleo", "reviewer"),
    ("dov", "reviewer"),
    ("gil", "manager+policy-owner"),
    ("finn", "policy-owner"),
];

/// How long anything may take to come up or to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A folder with all that one test needs.
pub(crate) struct World {
    folder: tempfile::TempDir,
}

/// A process that is killed when the test is over.
pub(crate) struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::null()).spawn().unwrap())
    }

    /// Kills it without a word.
    pub(crate) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Tells it to read its files again.
    pub(crate) fn hang_up(&self) {
        let hung_up = Command::new("kill").args(["-HUP", &self.0.id().to_string()]).status();
        assert!(hung_up.unwrap().success());
    }

    /// Tells it to stop, and returns its exit code.
    pub(crate) fn stop(mut self) -> Option<i32> {
        assert!(Command::new("kill").arg(self.0.id().to_string()).status().unwrap().success());
        self.0.wait().unwrap().code()
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with_lab("127.0.0.0/8")
    }

    /// One whose lab is smaller.
    pub(crate) fn with_lab(lab: &str) -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap() };
        // Squid gives up the rights of root: then its group reaches the service's socket and snapshot by the folder.
        let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
        if is_root {
            let folder = world.folder.path();
            assert!(Command::new("chgrp").arg("proxy").arg(folder).status().unwrap().success());
            fs::set_permissions(folder, fs::Permissions::from_mode(0o2775)).unwrap();
        }
        for name in PEOPLE.map(|(name, _)| name).into_iter().chain(["ledger"]) {
            world.done("ada", &["key", "create", &world.text(name), "--quiet"]);
        }
        world.done("ada", &["key", "create", "--for", "vault", &world.text("vault"), "--quiet"]);
        fs::write(world.path("policy.toml"), POLICY.replace("127.0.0.0/8", lab)).unwrap();
        let recipient = fs::read_to_string(world.path("vault.pub")).unwrap();
        let (policy, ledger) = (world.text("policy.toml"), world.text("ledger.pub"));
        let store = world.text("store");
        let mut args = vec!["store", "create", &store, "--name", "acme.example/lazaret", "--policy", &policy];
        args.extend(["--ledger-key", &ledger, "--recipient", recipient.trim()]);
        let people: Vec<String> = PEOPLE
            .iter()
            .map(|(name, roles)| format!("{name}={}:{roles}", world.text(&format!("{name}.pub"))))
            .collect();
        args.extend(people.iter().flat_map(|person| ["--person", person.as_str()]));
        world.done("ada", &args);
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn command(&self, name: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lazaret"));
        command.env_clear().env("NO_COLOR", "1").env("LAZARET_STORE", self.text("store"));
        command.env("LAZARET_AS", name).env("LAZARET_KEY", self.text(name));
        command
    }

    #[track_caller]
    pub(crate) fn done(&self, name: &str, args: &[&str]) {
        let output = self.command(name).args(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Grants somebody the use of Claude Code from the lab for so many seconds; the first exemption is E1.
    pub(crate) fn exempt(&self, person: &str, seconds: i64, number: u32) -> Timestamp {
        let until = Timestamp::now().checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap();
        let until_text = until.to_string();
        let mut request = vec!["exempt", "request", "--tool", "claude-code", "--purpose", "benchmark"];
        request.extend([
            "--for",
            person,
            "--network",
            "lab",
            "--until",
            &until_text,
            "--reason",
            "to measure",
        ]);
        self.done("cleo", &[request.as_slice(), &["--quiet"]].concat());
        self.done("gil", &["exempt", "approve", &format!("E{number}"), "--quiet"]);
        until
    }

    /// Starts the service, and waits until it answers.
    pub(crate) fn serve(&self, more: &[&str]) -> Running {
        self.serve_by(self.command("ada"), more)
    }

    /// The same, by a command that was prepared.
    pub(crate) fn serve_by(&self, mut command: Command, more: &[&str]) -> Running {
        command.args(["egress", "serve", "--refresh", "1", "--socket", &self.text("lazaret.sock")]);
        command.args(["--snapshot", &self.text("snapshot.json"), "--record", &self.text("decisions.jsonl")]);
        let service = Running::start(command.args(more).arg("--quiet"));
        wait_for("the service", || self.ask("health").is_some_and(|line| line.starts_with("ok ")));
        service
    }

    /// Asks the service one line.
    pub(crate) fn ask(&self, line: &str) -> Option<String> {
        let mut socket = UnixStream::connect(self.path("lazaret.sock")).ok()?;
        socket.write_all(format!("{line}\n").as_bytes()).ok()?;
        let mut answer = String::new();
        BufReader::new(socket).read_line(&mut answer).ok()?;
        Some(answer)
    }

    /// Returns the decisions that were recorded.
    pub(crate) fn decisions(&self) -> Vec<serde_json::Value> {
        let read = |name| fs::read_to_string(self.path(name)).unwrap_or_default();
        let text = read("decisions.jsonl") + &read("helper.jsonl");
        let mut decisions: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        decisions.sort_by_key(|one| one["time"].as_str().unwrap().parse::<Timestamp>().unwrap());
        decisions
    }
}

/// Returns a port that nobody listens at.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits until something holds.
#[track_caller]
pub(crate) fn wait_for(what: &str, holds: impl FnMut() -> bool) {
    wait(what, PATIENCE, holds);
}

/// Waits until something holds that takes longer, such as the end of an exemption.
#[track_caller]
pub(crate) fn wait_long_for(what: &str, holds: impl FnMut() -> bool) {
    wait(what, PATIENCE * 4, holds);
}

#[track_caller]
#[expect(clippy::disallowed_methods, reason = "real programs take their time, and must not take for ever")]
fn wait(what: &str, patience: Duration, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + patience;
    while !holds() {
        assert!(Instant::now() < until, "{what} did not come about");
        thread::sleep(Duration::from_millis(50));
    }
}

/// Finds a component that `cargo xtask test` fetches, or fails.
pub(crate) fn component(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/components").join(name);
    assert!(
        path.exists(),
        "`{name}` is missing, so nothing was tested: `cargo xtask test` puts it into `target/components`"
    );
    path
}

/// Finds a program of Debian's, or fails.
pub(crate) fn program(path: &str, package: &str) -> PathBuf {
    assert!(
        Path::new(path).exists(),
        "`{path}` is missing, so nothing was tested: install {package} (`cargo xtask test` does)"
    );
    PathBuf::from(path)
}

/// A service of a provider that says what it is to whoever connects.
pub(crate) fn upstream() -> u16 {
    service_that(|mut stream| stream.write_all(b"the service itself\n"))
}

/// One that says so to whoever has said something: as with TLS, the client speaks first.
pub(crate) fn greeted_upstream() -> u16 {
    service_that(|mut stream| {
        let said = stream.read(&mut [0; 512])?;
        if said > 0 { stream.write_all(b"the service itself\n") } else { Ok(()) }
    })
}

fn service_that(answers: impl Fn(TcpStream) -> std::io::Result<()> + Send + Copy + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || drop(answers(stream)));
        }
    });
    port
}

/// Sends bytes and returns everything that comes back until the other end closes or nothing more comes.
pub(crate) fn exchange(port: u16, request: &[u8]) -> String {
    exchange_from(Ipv4Addr::LOCALHOST, port, request)
}

/// The same, from an address of this machine.
pub(crate) fn exchange_from(from: Ipv4Addr, port: u16, request: &[u8]) -> String {
    let mut stream = connect_from(from, port);
    stream.write_all(request).unwrap();
    read_all(stream)
}

/// Connects from an address of this machine.
fn connect_from(from: Ipv4Addr, port: u16) -> TcpStream {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let connected = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind((from, 0).into()).unwrap();
        socket.connect((Ipv4Addr::LOCALHOST, port).into()).await
    });
    let stream = connected.unwrap().into_std().unwrap();
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
    stream
}

/// Sends a request and returns the first line of the answer; whether the other end closes is of no matter.
pub(crate) fn first_line(from: Ipv4Addr, port: u16, request: &[u8]) -> String {
    let mut stream = connect_from(from, port);
    stream.write_all(request).unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    line
}

/// Reads until the other end closes, or nothing more comes.
pub(crate) fn read_all(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        answer.extend_from_slice(buffer.get(..count).unwrap());
        if answer.ends_with(b"the service itself\n") {
            break;
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}
