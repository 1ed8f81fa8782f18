//! Envoy: requests, tunnels, and greetings of connections, each decided over gRPC.

use std::fs;
use std::net::TcpStream;
use std::process::{Command, Stdio};

use crate::greeting::client_hello;
use crate::world::{Running, World, component, exchange, free_port, greeted_upstream, upstream, wait_for};

/// Envoy with the filters of the guide, at three ports.
struct Proxy {
    requests: u16,
    greetings: u16,
    log: String,
    _running: Running,
}

impl Proxy {
    fn start(world: &World, service: u16) -> Self {
        let (requests, greetings) = (free_port(), free_port());
        let log = world.text("envoy.log");
        let text = include_str!("envoy.yaml")
            .replace("REQUESTS", &requests.to_string())
            .replace("GREETINGS", &greetings.to_string())
            .replace("SERVICE", &service.to_string())
            .replace("ORIGIN_PORT", &upstream().to_string())
            .replace("GREETED", &greeted_upstream().to_string())
            .replace("LOG", &log);
        fs::write(world.path("envoy.yaml"), text).unwrap();
        let mut command = Command::new(component("envoy/envoy"));
        command.args(["-c", &world.text("envoy.yaml"), "--concurrency", "1", "--log-level", "error"]);
        command.args(["--file-flush-interval-msec", "50", "--use-dynamic-base-id"]);
        let running = Running::start(command.stderr(Stdio::inherit()));
        wait_for("Envoy", || TcpStream::connect(("127.0.0.1", greetings)).is_ok());
        Self { requests, greetings, log, _running: running }
    }

    fn logged(&self, what: &str) -> String {
        let mut found = String::new();
        wait_for("a line in Envoy's log", || {
            let text = fs::read_to_string(&self.log).unwrap_or_default();
            found = text.lines().rfind(|line| line.contains(what)).unwrap_or_default().to_owned();
            !found.is_empty()
        });
        found
    }
}

#[test]
fn envoy_stops_requests_tunnels_and_greetings_and_names_the_decision_in_its_log() {
    let world = World::new();
    let service_port = free_port();
    let service = world.serve(&["--grpc", &format!("127.0.0.1:{service_port}")]);
    let proxy = Proxy::start(&world, service_port);

    let get = |host: &str| {
        let request = format!(
            "GET /v1/models?key=secret HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer secret\r\n\
             Cookie: a=secret\r\nConnection: close\r\n\r\n"
        );
        exchange(proxy.requests, request.as_bytes())
    };
    let denied = get("api.anthropic.com");
    assert!(denied.starts_with("HTTP/1.1 403"), "{denied}");
    for part in ["Rule: ", "Use instead: the assistant", "lazaret exempt request", "x-lazaret-decision: "] {
        assert!(denied.contains(part), "{part} is not in {denied}");
    }
    let decided = world.decisions().pop().unwrap();
    assert_eq!(
        (decided["permission"].as_str(), decided["point"].as_str()),
        (Some("deny"), Some("envoy-http"))
    );
    let line = proxy.logged("api.anthropic.com");
    assert!(line.contains(decided["id"].as_str().unwrap()), "{line}");
    assert!(!fs::read_to_string(world.path("decisions.jsonl")).unwrap().contains("secret"));
    assert!(get("plain.acme.example").contains("straight from Envoy"), "what matches nothing goes on");

    let connect = |host: &str| {
        let request = format!("CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n");
        exchange(proxy.requests, request.as_bytes())
    };
    assert!(connect("API.Anthropic.com.").starts_with("HTTP/1.1 403"));
    let tunnel = connect("plain.acme.example");
    assert!(tunnel.contains("the service itself"), "{tunnel}");

    let greeted = exchange(proxy.greetings, &client_hello("api.anthropic.com"));
    assert!(!greeted.contains("the service itself"), "{greeted}");
    let decided = world.decisions().pop().unwrap();
    assert_eq!(decided["point"], "envoy-network");
    let line = proxy.logged("\"requested_server_name\":\"api.anthropic.com\"");
    assert!(line.contains(decided["id"].as_str().unwrap()), "{line}");
    let greeted = exchange(proxy.greetings, &client_hello("plain.acme.example"));
    assert!(greeted.contains("the service itself"), "{greeted}");

    // The listener's configuration says who comes in there; an exemption for that person helps, and ends.
    world.exempt("dov", 6, 1);
    wait_for("the exemption", || get("api.anthropic.com").contains("straight from Envoy"));
    wait_for("its end", || get("api.anthropic.com").starts_with("HTTP/1.1 403"));

    // Without the service, this listener lets nothing through that it would have asked about.
    service.kill();
    let stopped = get("api.anthropic.com");
    assert!(stopped.starts_with("HTTP/1.1 503"), "{stopped}");

    // What it wrote is accounted for, the calls that it stopped by itself too.
    proxy.logged("\"response_code\":503");
    let mut command = world.command("ada");
    command.args(["egress", "reconcile", "--point", &proxy.log, "--format", "json", "--quiet"]);
    command.args(["--record", &world.text("decisions.jsonl")]);
    let output = command.output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{report}\n{}", fs::read_to_string(&proxy.log).unwrap());
    assert_eq!(report["sources"][0]["logs"][0]["log_format"], "envoy");
    assert_eq!(report["held"]["without_line"], 0, "{report}");
    assert!(report["held"]["decided"].as_u64().unwrap() >= 4, "{report}");
}
