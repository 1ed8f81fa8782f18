//! Unbound and BIND with the zone: what is stopped does not exist, what passes is answered.

use std::fs;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use lazaret_pipeline::egress::ExportFormat;

use crate::exports::{ENFORCED, OBSERVED, Service, agrees, export, hosts};
use crate::world::{Running, World, program, wait_for, wait_long_for};

/// What the name server behind the resolvers says of everything.
const EVERYTHING: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);
/// The address of a service that is stopped, and one among its addresses that is not.
const STOPPED: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);
const AMONG_STOPPED: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 70);

/// What a resolver says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Address(Ipv4Addr),
    NoSuchName,
    Other(u8),
}

/// A question for the address of a name, with recursion wanted.
fn question(name: &str) -> Vec<u8> {
    let mut message = vec![0x47, 0x11, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        message.push(u8::try_from(label.len()).unwrap());
        message.extend(label.as_bytes());
    }
    message.extend([0, 0, 1, 0, 1]);
    message
}

/// Asks a resolver from an address.
fn ask(port: u16, from: Ipv4Addr, name: &str) -> Answer {
    let socket = UdpSocket::bind((from, 0)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(4))).unwrap();
    let question = question(name);
    let mut buffer = [0; 1500];
    for _ in 0..3 {
        socket.send_to(&question, (Ipv4Addr::LOCALHOST, port)).unwrap();
        let Ok((length, _)) = socket.recv_from(&mut buffer) else { continue };
        let answer = buffer.get(..length).unwrap();
        return match answer[3] & 15 {
            3 => Answer::NoSuchName,
            // The last four bytes of the first record, which follows the question; names are compressed to two bytes.
            0 if answer[7] > 0 => {
                let data = answer.get(question.len() + 12..question.len() + 16).unwrap();
                Answer::Address(Ipv4Addr::new(data[0], data[1], data[2], data[3]))
            }
            code => Answer::Other(code),
        };
    }
    Answer::Other(255)
}

/// A name server that knows an address for every name.
fn name_server() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    thread::spawn(move || {
        let mut buffer = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let asked = &buffer[..length];
            let Some(end) = asked.get(12..).and_then(|rest| rest.iter().position(|byte| *byte == 0)) else {
                continue;
            };
            let labels = &asked[13..12 + end];
            let address = match labels.split(|byte| *byte < 32).next() {
                Some(b"relay" | b"pages") => STOPPED,
                Some(b"among") => AMONG_STOPPED,
                Some(_) | None => EVERYTHING,
            };
            let kind = &asked[13 + end..17 + end];
            let mut answer = asked[..17 + end].to_vec();
            answer[2] = 0x84;
            answer[3] = 0x80;
            answer[6..12].copy_from_slice(&[0, 0, 0, 0, 0, 0]);
            if kind == [0, 1, 0, 1] {
                answer[7] = 1;
                answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4]);
                answer.extend(address.octets());
            }
            drop(socket.send_to(&answer, from));
        }
    });
    port
}

/// A resolver that was started with a zone.
struct Resolver {
    port: u16,
    zone: PathBuf,
    running: Running,
}

impl Resolver {
    fn unbound(folder: &Path, zone: &Path) -> Self {
        let unbound = program("/usr/sbin/unbound", "unbound");
        let port = free_port_of_both();
        let config = folder.join("unbound.conf");
        let text = format!(
            "server:\n  interface: 127.0.0.1@{port}\n  access-control: 127.0.0.0/8 allow\n  do-daemonize: no\n  \
             chroot: \"\"\n  username: \"\"\n  directory: \"{folder}\"\n  pidfile: \"\"\n  use-syslog: no\n  \
             logfile: \"{folder}/unbound.log\"\n  module-config: \"respip iterator\"\n  do-not-query-localhost: no\n  \
             num-threads: 1\n  cache-max-ttl: 0\n\
             remote-control:\n  control-enable: no\n\
             rpz:\n  name: lazaret-passes.rpz\n  zonefile: \"{passes}\"\nrpz:\n  name: lazaret.rpz\n  zonefile: \"{zone}\"\n  rpz-log: yes\n  \
             rpz-log-name: lazaret\n\
             forward-zone:\n  name: \".\"\n  forward-addr: 127.0.0.1@{behind}\n",
            folder = folder.display(),
            passes = zone.with_extension("rpz-passes").display(),
            zone = zone.display(),
            behind = name_server(),
        );
        fs::write(&config, text).unwrap();
        let checked = Command::new("/usr/sbin/unbound-checkconf").arg(&config).output().unwrap();
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
        Self::start(Command::new(unbound).arg("-d").arg("-c").arg(&config), port, zone)
    }

    fn bind(folder: &Path, zone: &Path) -> Self {
        let named = program("/usr/sbin/named", "bind9");
        let port = free_port_of_both();
        let config = folder.join("named.conf");
        let text = format!(
            "options {{ directory \"{folder}\"; pid-file none; session-keyfile none; \
             listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; recursion yes; \
             allow-query {{ any; }}; allow-recursion {{ any; }}; dnssec-validation no; forward only; \
             forwarders {{ 127.0.0.1 port {behind}; }}; max-cache-ttl 0; max-ncache-ttl 0; \
             response-policy {{ zone \"lazaret.rpz\"; }} qname-wait-recurse no min-update-interval 1; }};\n\
             controls {{ }};\nzone \"lazaret.rpz\" {{ type primary; file \"{zone}\"; }};\n",
            folder = folder.display(),
            zone = zone.display(),
            behind = name_server(),
        );
        fs::write(&config, text).unwrap();
        Self::start(Command::new(named).arg("-g").arg("-n").arg("1").arg("-c").arg(&config), port, zone)
    }

    fn start(command: &mut Command, port: u16, zone: &Path) -> Self {
        let running = Running::start(command.stdout(Stdio::null()).stderr(Stdio::null()));
        let resolver = Self { port, zone: zone.to_owned(), running };
        // The canary, by which browsers ask whether they may pass the resolver by.
        wait_for("the zone", || resolver.ask(ENFORCED, "use-application-dns.net") == Answer::NoSuchName);
        resolver
    }

    fn ask(&self, from: Ipv4Addr, name: &str) -> Answer {
        ask(self.port, from, name)
    }

    /// Makes the zone anew, from the store's own policy and exemptions, and tells the resolver.
    fn renew(&self, world: &World, more: &[&str]) -> String {
        export_both(world, &self.zone, more);
        self.running.hang_up();
        fs::read_to_string(&self.zone).unwrap()
    }
}

/// Writes the zone, and the one that stands before it.
fn export_both(world: &World, zone: &Path, more: &[&str]) {
    for format in ["rpz-passes", "rpz"] {
        let out = zone.with_extension(format);
        world.done("ada", &[&["egress", "export", format, "--out", out.to_str().unwrap()], more].concat());
    }
}

/// Returns a port that nobody uses by either protocol: resolvers take both, and connections of other tests have many.
fn free_port_of_both() -> u16 {
    let of_both = || {
        let udp = UdpSocket::bind(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = udp.local_addr().unwrap().port();
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok().map(|_listener| port)
    };
    std::iter::from_fn(|| Some(of_both())).flatten().next().unwrap()
}

/// Holds a resolver with the zone of the whole catalog against what the service would decide.
fn holds_the_zone(resolver: &Resolver) {
    let service = Service::new();
    // What an expression says of a name no zone can say; the head of the zone says so.
    let hosts: Vec<String> = hosts().into_iter().filter(|host| !service.has_expression(host)).collect();
    let is_stopped = |from: Ipv4Addr, host: &str| match resolver.ask(from, host) {
        Answer::NoSuchName => true,
        Answer::Address(_) => false,
        Answer::Other(code) => panic!("{host}: {code}"),
    };
    // The name server behind gives addresses that are stopped for these alone.
    let hosts: Vec<String> =
        hosts.into_iter().filter(|host| !host.starts_with("relay.") && !host.starts_with("pages.")).collect();
    agrees("the resolver", &hosts, |host| service.stops(host, ENFORCED), |host| is_stopped(ENFORCED, host));
    for host in ["API.Anthropic.COM", "claude.ai", "x.deep.example", "relay.acme.example"] {
        assert!(is_stopped(ENFORCED, host), "{host}");
        assert!(!is_stopped(OBSERVED, host), "{host} where the policy observes");
    }
    // By their address; names that are known to be something else at these addresses pass, and so does what lies among.
    for (host, expected) in [
        ("relay.acme.example", Answer::NoSuchName),
        ("pages.rival.example", Answer::Address(STOPPED)),
        ("among.acme.example", Answer::Address(AMONG_STOPPED)),
        ("plain.acme.example", Answer::Address(EVERYTHING)),
    ] {
        assert_eq!(resolver.ask(ENFORCED, host), expected, "{host}");
    }
}

#[test]
fn unbound_holds_the_zone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("lazaret.rpz"), export(ExportFormat::Rpz, false)).unwrap();
    fs::write(folder.path().join("lazaret.rpz-passes"), export(ExportFormat::RpzPasses, false)).unwrap();
    let resolver = Resolver::unbound(folder.path(), &folder.path().join("lazaret.rpz"));
    holds_the_zone(&resolver);
    // Its log is one of those that `lazaret egress scan` reads.
    let log = fs::read_to_string(folder.path().join("unbound.log")).unwrap();
    assert!(log.contains("rpz: applied [lazaret]"), "{log}");
}

#[test]
fn bind_holds_the_zone() {
    let folder = tempfile::tempdir().unwrap();
    let zone = folder.path().join("lazaret.rpz");
    fs::write(&zone, export(ExportFormat::Rpz, false)).unwrap();
    let checked =
        Command::new("named-checkzone").args(["-i", "none", "lazaret.rpz"]).arg(&zone).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    holds_the_zone(&Resolver::bind(folder.path(), &zone));
}

/// Enforced everywhere; the lab is one address.
const LAB: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// A zone lets the lab through under an exemption, nobody else, and no longer than the exemption lasts.
fn passes_under_an_exemption(start: fn(&Path, &Path) -> Resolver) {
    let world = World::with_lab("127.0.0.2/32");
    let zone = world.path("lazaret.rpz");
    export_both(&world, &zone, &[]);
    let folder = tempfile::tempdir().unwrap();
    let resolver = start(folder.path(), &zone);
    assert_eq!(resolver.ask(LAB, "api.anthropic.com"), Answer::NoSuchName);

    let until = world.exempt("dov", 40, 1);
    let text = resolver.renew(&world, &["--every", "1"]);
    assert!(text.contains(&format!("Passes until {until}: claude-code from lab")), "{text}");
    wait_for("the exemption", || resolver.ask(LAB, "api.anthropic.com") == Answer::Address(EVERYTHING));
    assert_eq!(resolver.ask(ENFORCED, "api.anthropic.com"), Answer::NoSuchName, "nobody else is helped");
    // It ends before a zone that is made anew every five minutes would be; and nobody needs to let anybody through.
    for more in [[].as_slice(), &["--every", "1", "--without-exemptions"]] {
        let text = resolver.renew(&world, more);
        assert!(!text.contains("rpz-client-ip"), "{text}");
    }
    wait_for("a zone without the exemption", || resolver.ask(LAB, "api.anthropic.com") == Answer::NoSuchName);

    assert!(resolver.renew(&world, &["--every", "1"]).contains("rpz-client-ip"));
    wait_for("the exemption again", || resolver.ask(LAB, "api.anthropic.com") == Answer::Address(EVERYTHING));
    wait_long_for("the end of the exemption", || {
        let text = resolver.renew(&world, &["--every", "1"]);
        !text.contains("rpz-client-ip") && resolver.ask(LAB, "api.anthropic.com") == Answer::NoSuchName
    });
}

#[test]
fn unbound_lets_a_lab_through_under_an_exemption_and_no_longer() {
    passes_under_an_exemption(Resolver::unbound);
}

#[test]
fn bind_lets_a_lab_through_under_an_exemption_and_no_longer() {
    passes_under_an_exemption(Resolver::bind);
}
