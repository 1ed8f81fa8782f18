//! Squid and Envoy with fixed lists, without the service: they stop what it would deny, and nothing else.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;

use lazaret_pipeline::egress::ExportFormat;

use crate::exports::{ENFORCED, OBSERVED, Service, agrees, export, hosts};
use crate::greeting::client_hello;
use crate::world::{
    Running, component, exchange, exchange_from, first_line, free_port, greeted_upstream, program, upstream,
    wait_for,
};

/// Starts Squid with lines of its configuration.
fn squid(folder: &tempfile::TempDir, port: u16, lines: &str) -> Running {
    let squid = program("/usr/sbin/squid", "squid-openssl");
    let dir = folder.path().display().to_string();
    // Squid gives up the rights of root.
    assert!(Command::new("chmod").args(["-R", "a+rwX", &dir]).status().unwrap().success());
    let conf = format!(
        "pid_filename {dir}/squid.pid\ncoredump_dir {dir}\ncache_log {dir}/cache.log\ncache deny all\n\
         visible_hostname squid.acme.example\nshutdown_lifetime 0 seconds\nhosts_file {dir}/hosts\n\
         logformat lazaret %>a %Ss/%03>Hs %ru note=%note{{lazaret}} sni=%ssl::>sni bump=%ssl::bump_mode\n\
         access_log stdio:{dir}/access.log lazaret\nbuffered_logs off\n{lines}"
    );
    let path = folder.path().join("squid.conf");
    fs::write(&path, conf).unwrap();
    let parsed = Command::new(&squid).args(["-k", "parse", "-f"]).arg(&path).output().unwrap();
    let said = String::from_utf8_lossy(&parsed.stderr);
    assert!(parsed.status.success(), "{said}");
    let odd: Vec<&str> = said
        .lines()
        .filter(|line| ["ERROR", "FATAL", "WARNING"].iter().any(|word| line.contains(word)))
        .collect();
    assert!(odd.is_empty(), "{odd:?}");
    let running = Running::start(Command::new(squid).arg("-N").arg("-f").arg(&path));
    wait_for("Squid", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    running
}

/// Says what a proxy answers to a request for a tunnel.
fn connect(from: Ipv4Addr, port: u16, host: &str) -> String {
    let request = format!("CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n");
    first_line(from, port, request.as_bytes())
}

#[test]
fn squid_stops_what_would_be_denied_by_a_fixed_list() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("lazaret.conf");
    fs::write(&list, export(ExportFormat::Squid, false)).unwrap();
    fs::write(folder.path().join("hosts"), "").unwrap();
    let port = free_port();
    // Nothing goes anywhere: what is not denied fails, and differently.
    let lines = format!(
        "http_port 127.0.0.1:{port}\nnever_direct allow all\ninclude {}\nhttp_access allow all\n",
        list.display()
    );
    let _squid = squid(&folder, port, &lines);
    let service = Service::new();
    let is_denied = |from: Ipv4Addr, host: &str| {
        let answer = connect(from, port, host);
        assert!(answer.contains(" 403 ") || answer.contains(" 50"), "{host}: {answer}");
        answer.contains(" 403 ")
    };
    agrees("Squid", &hosts(), |host| service.stops(host, ENFORCED), |host| is_denied(ENFORCED, host));
    for (host, expected) in [
        ("API.Anthropic.COM", true),
        ("claude.ai.", true),
        ("160.79.104.10", true),
        ("192.0.2.70", false),
        ("api.anthropic.com.evil.example", false),
    ] {
        assert_eq!(is_denied(ENFORCED, host), expected, "{host}");
        assert!(!is_denied(OBSERVED, host), "{host} where the policy observes");
    }
}

#[test]
fn squid_notes_what_it_would_stop_and_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("lazaret.conf");
    fs::write(&list, export(ExportFormat::Squid, true)).unwrap();
    fs::write(folder.path().join("hosts"), "").unwrap();
    let port = free_port();
    let lines = format!(
        "http_port 127.0.0.1:{port}\nnever_direct allow all\ninclude {}\nhttp_access allow all\n",
        list.display()
    );
    let _squid = squid(&folder, port, &lines);
    for host in ["api.anthropic.com", "plain.acme.example"] {
        let answer = connect(ENFORCED, port, host);
        assert!(answer.contains(" 50"), "{host}: {answer}");
    }
    let log = || fs::read_to_string(folder.path().join("access.log")).unwrap_or_default();
    wait_for("Squid's log", || log().lines().count() >= 2);
    for line in log().lines() {
        assert_eq!(line.contains("note=would-deny"), line.contains("api.anthropic.com"), "{line}");
    }
}

#[test]
fn squid_ends_greetings_by_a_fixed_list() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("lazaret.conf");
    fs::write(&list, export(ExportFormat::SquidSni, false)).unwrap();
    // Squid looks up the name of the address that is connected to.
    fs::write(folder.path().join("hosts"), "127.0.0.1 plain.acme.example\n").unwrap();
    let dir = folder.path().display().to_string();
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=peek"])
        .args(["-keyout", &format!("{dir}/ca.key"), "-out", &format!("{dir}/ca.crt")])
        .output();
    assert!(made.unwrap().status.success());
    let both =
        ["ca.key", "ca.crt"].map(|name| fs::read_to_string(folder.path().join(name)).unwrap()).concat();
    fs::write(folder.path().join("ca.pem"), both).unwrap();
    let (port, behind) = (free_port(), upstream());
    let lines = format!(
        "http_port 127.0.0.1:{port} ssl-bump tls-cert={dir}/ca.pem generate-host-certificates=off\n\
         acl step1 at_step SslBump1\nssl_bump peek step1\ninclude {}\nssl_bump splice all\nhttp_access allow all\n",
        list.display()
    );
    let _squid = squid(&folder, port, &lines);
    // A client that only says hello: what becomes of it stands in Squid's log.
    let greet = |name: &str| {
        let mut command = Command::new("openssl");
        command.args(["s_client", "-proxy", &format!("127.0.0.1:{port}")]);
        command.args(["-connect", &format!("127.0.0.1:{behind}"), "-servername", name]).stdin(Stdio::null());
        assert!(!command.output().unwrap().status.success(), "nobody answers in TLS");
        let mut line = String::new();
        wait_for("a line in Squid's log", || {
            let log = fs::read_to_string(folder.path().join("access.log")).unwrap_or_default();
            line = log
                .lines()
                .find(|line| line.contains(&format!("sni={name} ")))
                .unwrap_or_default()
                .to_owned();
            !line.is_empty()
        });
        line
    };
    for (name, becomes) in [
        ("api.anthropic.com", "bump=terminate"),
        ("x.get.deep.example", "bump=terminate"),
        ("rival-7.open.deep.example", "bump=terminate"),
        ("get.deep.example", "bump=splice"),
        ("downloads.claude.ai", "bump=splice"),
        ("plain.acme.example", "bump=splice"),
    ] {
        let line = greet(name);
        assert!(line.ends_with(becomes), "{name}: {line}");
    }
}

#[test]
fn squid_keeps_allowed_tools_to_our_own_accounts() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("lazaret.conf");
    fs::write(&list, export(ExportFormat::TenantHeaders, false)).unwrap();
    fs::write(folder.path().join("hosts"), "127.0.0.1 claude.ai plain.acme.example\n").unwrap();
    let (port, behind) = (free_port(), repeating_upstream());
    let lines = format!("http_port 127.0.0.1:{port}\ninclude {}\nhttp_access allow all\n", list.display());
    let _squid = squid(&folder, port, &lines);
    let get = |host: &str| {
        // A client says that it is allowed another account.
        let request = format!(
            "GET http://{host}:{behind}/ HTTP/1.1\r\nHost: {host}:{behind}\r\n\
             Anthropic-Allowed-Org-Ids: 00000000-0000-0000-0000-000000000000\r\nConnection: close\r\n\r\n"
        );
        exchange(port, request.as_bytes()).to_lowercase()
    };
    let seen = get("claude.ai");
    let own = "anthropic-allowed-org-ids: 550e8400-e29b-41d4-a716-446655440000,6ba7b810-9dad-11d1-80b4-00c04fd430c8";
    assert!(seen.contains(own) && !seen.contains("00000000-0000"), "{seen}");
    let seen = get("plain.acme.example");
    assert!(seen.contains("get / http/1.1") && !seen.contains("allowed-org"), "{seen}");
}

/// A service that answers with the request as it came.
fn repeating_upstream() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 4096];
            let length = stream.read(&mut request).unwrap_or_default();
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n";
            let answer = [head.as_bytes(), request.get(..length).unwrap_or_default()].concat();
            drop(stream.write_all(&answer));
        }
    });
    port
}

#[test]
fn envoy_stops_what_would_be_denied_by_a_fixed_list() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("http.yaml"), export(ExportFormat::Envoy, false)).unwrap();
    fs::write(path("sni.yaml"), export(ExportFormat::EnvoySni, false)).unwrap();
    let (requests, greetings) = (free_port(), free_port());
    let text = include_str!("envoy-lists.yaml")
        .replace("REQUESTS", &requests.to_string())
        .replace("GREETINGS", &greetings.to_string())
        .replace("GREETED", &greeted_upstream().to_string())
        .replace("HTTP_LIST", path("http.yaml").to_str().unwrap())
        .replace("SNI_LIST", path("sni.yaml").to_str().unwrap());
    fs::write(path("envoy.yaml"), text).unwrap();
    let mut command = Command::new(component("envoy/envoy"));
    command.arg("-c").arg(path("envoy.yaml")).args(["--concurrency", "1", "--log-level", "warn"]);
    let _envoy = Running::start(command.arg("--use-dynamic-base-id").stderr(Stdio::inherit()));
    wait_for("Envoy", || {
        [requests, greetings].iter().all(|port| TcpStream::connect(("127.0.0.1", *port)).is_ok())
    });
    let service = Service::new();
    let is_denied = |from: Ipv4Addr, authority: &str| {
        let request = format!("GET / HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
        let answer = exchange_from(from, requests, request.as_bytes());
        assert!(answer.contains(" 403 ") || answer.contains("straight from Envoy"), "{authority}: {answer}");
        answer.contains(" 403 ")
    };
    agrees("Envoy", &hosts(), |host| service.stops(host, ENFORCED), |host| is_denied(ENFORCED, host));
    for (authority, expected) in [
        ("API.Anthropic.COM:443", true),
        ("claude.ai.", true),
        ("claude.ai.:8443", true),
        ("api.anthropic.com.evil.example", false),
        ("notclaude.ai", false),
    ] {
        assert_eq!(is_denied(ENFORCED, authority), expected, "{authority}");
        assert!(!is_denied(OBSERVED, authority), "{authority} where the policy observes");
    }
    let passes = |name: &str| exchange(greetings, &client_hello(name)).contains("the service itself");
    for (name, expected) in [
        ("api.anthropic.com", false),
        ("x.get.deep.example", false),
        ("rival-7.open.deep.example", false),
        ("get.deep.example", true),
        ("plain.acme.example", true),
    ] {
        assert_eq!(passes(name), expected, "{name}");
    }
}
