//! Squid: as the proxy that clients name, and as one that reads greetings and decrypts nothing.

use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use jiff::Timestamp;

use crate::greeting::client_hello;
use crate::world::{Running, World, exchange, free_port, program, read_all, upstream, wait_for};

/// What a test changes about Squid.
struct Proxy<'a> {
    world: &'a World,
    port: u16,
    log: String,
    _running: Running,
}

/// The guide's line of squid.conf.
const LOGFORMAT: &str = "%ts.%03tu %6tr %>a %un %Ss/%03>Hs %>st %<st %rm %ru sni=%ssl::>sni tag=%et";

const HELPER: &str = "egress squid-helper --socket SOCKET --snapshot SNAPSHOT --record RECORD";

impl<'a> Proxy<'a> {
    /// Starts Squid with the lines of the guide.
    fn start(world: &'a World, tls: bool) -> Self {
        let squid = program("/usr/sbin/squid", "squid-openssl");
        let port = free_port();
        let dir = world.path("");
        let dir = dir.to_str().unwrap();
        let helper = HELPER
            .replace("SOCKET", &world.text("lazaret.sock"))
            .replace("SNAPSHOT", &world.text("snapshot.json"))
            .replace("RECORD", &world.text("helper.jsonl"));
        let helper = format!("{} {helper}", env!("CARGO_BIN_EXE_lazaret"));
        let mut conf = format!(
            "pid_filename {dir}/squid.pid\ncoredump_dir {dir}\ncache_log {dir}/cache.log\ncache deny all\n\
             hosts_file {dir}/hosts\nvisible_hostname squid.acme.example\nshutdown_lifetime 0 seconds\n\
             error_directory {dir}/errors\n\
             logformat lazaret {LOGFORMAT}\n\
             access_log stdio:{dir}/access.log lazaret\nbuffered_logs off\n\
             external_acl_type lazaret ttl=1 negative_ttl=1 grace=0 concurrency=500 children-max=1 \
             children-startup=1 queue-size=2000 %SRC %un %DST %PORT %ssl::>sni {helper}\n\
             acl lazaret external lazaret ttl=1\n"
        );
        fs::write(world.path("hosts"), "127.0.0.1 api.anthropic.com plain.acme.example\n").unwrap();
        errors(world);
        if tls {
            let made = Command::new("openssl")
                .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=peek"])
                .args(["-keyout", &world.text("ca.pem"), "-out", &world.text("ca.crt")])
                .output();
            assert!(made.unwrap().status.success());
            let both = fs::read_to_string(world.path("ca.pem")).unwrap()
                + &fs::read_to_string(world.path("ca.crt")).unwrap();
            fs::write(world.path("ca.pem"), both).unwrap();
            conf += &format!(
                "http_port 127.0.0.1:{port} ssl-bump tls-cert={dir}/ca.pem generate-host-certificates=off\n\
                 acl step1 at_step SslBump1\nacl step2 at_step SslBump2\n\
                 ssl_bump peek step1\nssl_bump terminate step2 !lazaret\nssl_bump splice all\n\
                 http_access allow all\n"
            );
        } else {
            conf += &format!(
                "http_port 127.0.0.1:{port}\nauth_param basic program /usr/lib/squid/basic_fake_auth\n\
                 auth_param basic children 1 startup=1\nacl signed-in proxy_auth REQUIRED\n\
                 http_access deny !signed-in\nhttp_access deny !lazaret\nhttp_access allow all\n\
                 deny_info ERR_LAZARET lazaret\n"
            );
        }
        fs::write(world.path("squid.conf"), conf).unwrap();
        Self { world, port, log: world.text("access.log"), _running: run(&squid, world, port) }
    }

    /// Ends it, takes a line out of its configuration, and starts it again.
    fn restarted_without(self, line: &str) -> Self {
        let Self { world, port, log, _running: running } = self;
        drop(running);
        let conf = fs::read_to_string(world.path("squid.conf")).unwrap().replace(line, "");
        fs::write(world.path("squid.conf"), conf).unwrap();
        let squid = program("/usr/sbin/squid", "squid-openssl");
        Self { world, port, log, _running: run(&squid, world, port) }
    }

    /// Asks for a tunnel as somebody.
    fn connect(&self, host: &str, port: u16, login: &str) -> String {
        let credentials = base64(format!("{login}:x").as_bytes());
        let request = format!(
            "CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}\r\nProxy-Authorization: Basic {credentials}\r\n\r\n"
        );
        exchange(self.port, request.as_bytes())
    }

    /// Returns the last line of the access log that tells of a host.
    fn logged(&self, what: &str) -> String {
        let mut found = String::new();
        wait_for("a line in Squid's log", || {
            let text = fs::read_to_string(&self.log).unwrap_or_default();
            found = text.lines().rfind(|line| line.contains(what)).unwrap_or_default().to_owned();
            !found.is_empty()
        });
        found
    }

    /// Returns the ids of helpers.
    fn helpers(&self) -> Vec<String> {
        let output = Command::new("pgrep").args(["-f", &self.world.text("snapshot.json")]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
    }
}

/// Starts Squid with the configuration of a world, and waits until it answers.
fn run(squid: &Path, world: &World, port: u16) -> Running {
    let mut command = Command::new(squid);
    command.args(["-N", "-f", &world.text("squid.conf")]);
    let running = Running::start(&mut command);
    wait_for("Squid", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    running
}

/// Lays out the pages that Squid shows: its own, and ours.
fn errors(world: &World) {
    let folder = world.path("errors");
    fs::create_dir(&folder).unwrap();
    for page in fs::read_dir("/usr/share/squid/errors/templates").unwrap() {
        let page = page.unwrap();
        fs::copy(page.path(), folder.join(page.file_name())).unwrap();
    }
    fs::write(folder.join("ERR_LAZARET"), "%o\n").unwrap();
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[test]
fn squid_denies_allows_under_an_exemption_and_denies_again_when_it_ends() {
    let world = World::new();
    let service = world.serve(&[]);
    let proxy = Proxy::start(&world, false);
    let port = upstream();

    let denied = proxy.connect("api.anthropic.com", port, "dov@acme.example");
    assert!(denied.starts_with("HTTP/1.1 403"), "{denied}");
    for part in
        ["Rule: ", "the assistant at https://assistant.acme.example", "lazaret exempt request", "Decision: "]
    {
        assert!(denied.contains(part), "{part} is not in {denied}");
    }
    let decided = world.decisions().pop().unwrap();
    let id = decided["id"].as_str().unwrap();
    assert_eq!((decided["permission"].as_str(), decided["point"].as_str()), (Some("deny"), Some("squid")));
    assert!(denied.contains(id), "the answer names its decision: {denied}");
    assert!(proxy.logged("api.anthropic.com").contains(&format!("tag={id}")), "so does Squid's own log");

    let passed = proxy.connect("plain.acme.example", port, "dov@acme.example");
    assert!(passed.contains("the service itself"), "{passed}");
    assert_eq!(world.decisions().len(), 1, "what matches nothing is not recorded");

    let until = world.exempt("dov", 12, 1);
    wait_for("the exemption", || {
        proxy.connect("api.anthropic.com", port, "dov@acme.example").contains("the service itself")
    });
    assert!(Timestamp::now() < until);
    let other = proxy.connect("api.anthropic.com", port, "cleo@acme.example");
    assert!(other.starts_with("HTTP/1.1 403"), "nobody else is helped: {other}");

    // Killed without a word: the snapshot has the exemption, and its end.
    service.kill();
    wait_for("an answer by the snapshot", || {
        proxy.connect("api.anthropic.com", port, "dov@acme.example").contains("the service itself")
    });
    wait_for("the end of the exemption", || {
        proxy.connect("api.anthropic.com", port, "dov@acme.example").starts_with("HTTP/1.1 403")
    });
    let last_allowed = world.decisions().into_iter().rfind(|one| one["permission"] == "allow").unwrap();
    let last: Timestamp = last_allowed["time"].as_str().unwrap().parse().unwrap();
    assert!(last < until, "{last} {until}");
    let passed = proxy.connect("plain.acme.example", port, "dov@acme.example");
    assert!(passed.contains("the service itself"), "a dead service stops nobody else: {passed}");
}

#[test]
fn squid_goes_on_when_its_helper_is_killed_and_when_there_is_nothing_but_the_catalog() {
    let world = World::new();
    let proxy = Proxy::start(&world, false);
    let port = upstream();
    let denied = proxy.connect("api.anthropic.com", port, "dov@acme.example");
    assert!(denied.starts_with("HTTP/1.1 403"), "{denied}");
    assert!(denied.contains("no snapshot"), "{denied}");
    assert!(proxy.connect("plain.acme.example", port, "dov@acme.example").contains("the service itself"));

    let helpers = proxy.helpers();
    assert_eq!(helpers.len(), 1, "{helpers:?}");
    assert!(Command::new("kill").args(["-9", &helpers[0]]).status().unwrap().success());
    wait_for("another helper", || {
        proxy.connect("api.anthropic.com", port, "dov@acme.example").starts_with("HTTP/1.1 403")
            && proxy.connect("plain.acme.example", port, "dov@acme.example").contains("the service itself")
    });
    assert_ne!(proxy.helpers(), helpers);
}

#[test]
fn squid_reads_the_name_in_the_greeting_and_ends_what_is_denied_without_decrypting() {
    let world = World::new();
    let service = world.serve(&[]);
    let proxy = Proxy::start(&world, true);
    let port = upstream();
    let greet = |name: &str| {
        let mut stream = TcpStream::connect(("127.0.0.1", proxy.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
        // An address, so that only the greeting tells.
        let connect = format!("CONNECT 127.0.0.1:{port} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
        stream.write_all(connect.as_bytes()).unwrap();
        thread::sleep(Duration::from_millis(300));
        stream.write_all(&client_hello(name)).unwrap();
        read_all(stream)
    };
    let denied = greet("api.anthropic.com");
    assert!(!denied.contains("the service itself"), "{denied}");
    let decided = world.decisions().pop().unwrap();
    assert_eq!(decided["permission"], "deny");
    let line = proxy.logged("sni=api.anthropic.com");
    assert!(line.contains(decided["id"].as_str().unwrap()), "{line}");
    let passed = greet("plain.acme.example");
    assert!(passed.contains("the service itself"), "{passed}");
    assert_eq!(service.stop(), Some(0));
}

#[test]
fn what_squid_wrote_is_accounted_for_until_a_rule_lets_calls_pass_without_asking() {
    let world = World::new();
    let service = world.serve(&[]);
    let proxy = Proxy::start(&world, false);
    let port = upstream();
    let log = proxy.log.clone();
    let reconcile = || {
        let mut command = world.command("ada");
        command.args(["egress", "reconcile", "--point", &log, "--squid-logformat", LOGFORMAT]);
        command.args(["--record", &world.text("decisions.jsonl"), "--format", "json", "--quiet"]);
        let output = command.output().unwrap();
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code(), report)
    };
    assert!(proxy.connect("api.anthropic.com", port, "dov@acme.example").starts_with("HTTP/1.1 403"));
    assert!(proxy.connect("plain.acme.example", port, "dov@acme.example").contains("the service itself"));
    proxy.logged("api.anthropic.com");
    proxy.logged("plain.acme.example");
    let (code, report) = reconcile();
    assert_eq!(code, Some(0), "{report}");
    assert_eq!(report["discrepancies"].as_array().unwrap().len(), 0, "{report}");
    let held = &report["held"];
    assert_eq!(
        (&held["decided"], &held["stopped"], &held["without_line"]),
        (&1.into(), &1.into(), &0.into())
    );

    // Somebody takes the question out of the configuration.
    let proxy = proxy.restarted_without("http_access deny !lazaret\n");
    let passed = proxy.connect("api.anthropic.com", port, "dov@acme.example");
    assert!(passed.contains("the service itself"), "{passed}");
    wait_for("its line", || reconcile().0 == Some(12));
    let (_, report) = reconcile();
    let kinds: Vec<_> = report["discrepancies"].as_array().unwrap().iter().map(|one| &one["kind"]).collect();
    assert_eq!(kinds, ["undecided"], "{report}");
    assert_eq!(service.stop(), Some(0));
}
