//! `cargo xtask bench decisions`: how many checks the service answers, how long each takes, and what it adds at proxies.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use super::measure::release_build;
use super::table::Table;
use crate::{chore, components};

/// How many checks are asked at once, as fast as they are answered.
const N_CHECKS: usize = 400_000;

/// The pace at which answers are timed, and for how long.
const PACE: usize = 5_000;
const PACED_SECONDS: usize = 10;

/// How many requests go through each proxy, one after another.
const N_REQUESTS: usize = 4_000;

/// One call in so many matches the catalog.
const MATCHING: usize = 10;

/// A process that ends with the measurement.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Measures.
pub(crate) fn run(args: &[OsString]) -> Result<()> {
    let program = match args {
        [] => release_build()?,
        [program] => PathBuf::from(program),
        _ => bail!("usage: cargo xtask bench decisions [PROGRAM]"),
    };
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    let grpc = free_port()?;
    fs::write(
        folder.join("policy.toml"),
        "version = 1\nname = \"bench\"\nban.rivals = true\negress.mode = \"observe\"\n",
    )?;
    let socket = folder.join("socket");
    let mut serve = Command::new(&program);
    serve.args(["egress", "serve", "--quiet", "--grpc", &format!("127.0.0.1:{grpc}"), "--policy"]);
    serve.arg(folder.join("policy.toml")).arg("--socket").arg(&socket);
    serve.arg("--record").arg(folder.join("decisions.jsonl"));
    let service = Running(serve.stdin(Stdio::null()).spawn()?);
    wait_for(|| UnixStream::connect(&socket).is_ok())?;
    let mut table = Table::new(&["what", "figure"]);
    let (rate, cpu_rate) = at_once(&socket, service.0.id())?;
    table.row(["checks a second, as fast as they are answered".to_owned(), format!("{rate:.0}")]);
    table.row(["checks a second of one core's time in the service".to_owned(), format!("{cpu_rate:.0}")]);
    let mut paced = at_a_pace(&socket)?;
    for (share, name) in [(0.5, "p50"), (0.99, "p99"), (0.999, "p99.9")] {
        table.row([format!("{name} at {PACE} checks a second"), micros(quantile(&mut paced, share))]);
    }
    for (name, times) in at_proxies(folder, grpc, &program, &socket)? {
        let mut times = times;
        let text =
            format!("{}, p99 {}", micros(quantile(&mut times, 0.5)), micros(quantile(&mut times, 0.99)));
        table.row([name, text]);
    }
    print!("{}", table.to_markdown());
    Ok(())
}

/// Returns a line of Squid's: one in [`MATCHING`] asks about a host of the catalog.
fn line(number: usize) -> String {
    let host = match number % MATCHING {
        0 => "api.anthropic.com".to_owned(),
        _ => format!("host-{}.acme.example", number % 5003),
    };
    format!("{number} 10.20.{}.{} ada@acme.example {host} 443 - -\n", number % 250, number % 199)
}

/// Asks everything at once, and returns checks a second by the clock and by the service's own CPU time.
fn at_once(socket: &Path, service: u32) -> Result<(f64, f64)> {
    let stream = UnixStream::connect(socket)?;
    let mut answers = BufReader::with_capacity(1 << 20, stream.try_clone()?);
    let cpu = cpu_seconds(service)?;
    let begun = now();
    let asking = thread::spawn(move || -> std::io::Result<()> {
        let mut stream = std::io::BufWriter::with_capacity(64 << 10, stream);
        for number in 0..N_CHECKS {
            stream.write_all(line(number).as_bytes())?;
        }
        stream.flush()
    });
    let mut answer = String::new();
    for _ in 0..N_CHECKS {
        answer.clear();
        ensure!(answers.read_line(&mut answer)? > 0, "the service closed the connection");
        ensure!(answer.contains(" OK"), "an answer that is none: {answer}");
    }
    let seconds = begun.elapsed().as_secs_f64();
    asking.join().map_err(|_panic| anyhow::anyhow!("the asking thread broke"))??;
    let checks = N_CHECKS as f64;
    Ok((checks / seconds, checks / (cpu_seconds(service)? - cpu).max(0.01)))
}

/// Asks at a steady pace, and returns how long each answer took from the moment it was due.
fn at_a_pace(socket: &Path) -> Result<Vec<Duration>> {
    let stream = UnixStream::connect(socket)?;
    let mut answers = BufReader::new(stream.try_clone()?);
    let total = PACE * PACED_SECONDS;
    let begun = now() + Duration::from_millis(50);
    let due = move |number: usize| begun + Duration::from_secs_f64(number as f64 / PACE as f64);
    let asking = thread::spawn(move || -> std::io::Result<()> {
        let mut stream = stream;
        for number in 0..total {
            while let Some(left) = due(number).checked_duration_since(now()) {
                thread::sleep(left);
            }
            stream.write_all(line(number).as_bytes())?;
        }
        Ok(())
    });
    let mut times = Vec::with_capacity(total);
    let mut answer = String::new();
    for _ in 0..total {
        answer.clear();
        ensure!(answers.read_line(&mut answer)? > 0, "the service closed the connection");
        let number: usize = answer.split(' ').next().unwrap_or_default().parse()?;
        times.push(due(number).elapsed());
    }
    asking.join().map_err(|_panic| anyhow::anyhow!("the asking thread broke"))??;
    Ok(times)
}

/// Sends requests through Envoy and Squid, each with and without us, one after another on one connection.
fn at_proxies(
    folder: &Path,
    grpc: u16,
    program: &Path,
    socket: &Path,
) -> Result<Vec<(String, Vec<Duration>)>> {
    let mut figures = Vec::new();
    let envoy = chore::root().join("target/components/envoy/envoy");
    components::install_envoy()?;
    for with in [false, true] {
        let port = free_port()?;
        let config = folder.join("envoy.yaml");
        fs::write(&config, envoy_config(port, grpc, with))?;
        let mut command = Command::new(&envoy);
        command.arg("-c").arg(&config).args([
            "--concurrency",
            "1",
            "--log-level",
            "error",
            "--use-dynamic-base-id",
        ]);
        let _envoy = Running(command.stdin(Stdio::null()).spawn()?);
        wait_for(|| TcpStream::connect(("127.0.0.1", port)).is_ok())?;
        let request = "GET / HTTP/1.1\r\nHost: plain.acme.example\r\n\r\n";
        let name =
            if with { "Envoy, a request with ext_authz: p50" } else { "Envoy, a request by itself: p50" };
        figures.push((name.to_owned(), requests(port, request)?));
    }
    let upstream = upstream()?;
    for with in [false, true] {
        let port = free_port()?;
        let config = folder.join("squid.conf");
        fs::write(&config, squid_config(folder, port, program, socket, with))?;
        let mut command = Command::new("/usr/sbin/squid");
        command.arg("-N").arg("-f").arg(&config);
        let _squid = Running(command.stdin(Stdio::null()).spawn().context("Squid is missing")?);
        wait_for(|| TcpStream::connect(("127.0.0.1", port)).is_ok())?;
        let request = format!("GET http://127.0.0.1:{upstream}/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
        let name = if with {
            "Squid, a request asked about each time: p50"
        } else {
            "Squid, a request by itself: p50"
        };
        figures.push((name.to_owned(), requests(port, &request)?));
    }
    Ok(figures)
}

/// Times requests on one connection.
fn requests(port: u16, request: &str) -> Result<Vec<Duration>> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut times = Vec::with_capacity(N_REQUESTS);
    let mut buffer = [0_u8; 4096];
    for nth in 0..N_REQUESTS + 200 {
        let begun = now();
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"hello\n") {
            let count = stream.read(&mut buffer)?;
            ensure!(count > 0, "the proxy closed the connection: {}", String::from_utf8_lossy(&answer));
            answer.extend_from_slice(buffer.get(..count).unwrap_or_default());
        }
        // The first ones warm up.
        if nth >= 200 {
            times.push(begun.elapsed());
        }
    }
    Ok(times)
}

/// A server that says hello to every request of a connection.
fn upstream() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut stream = stream;
                drop(stream.set_nodelay(true));
                let mut lines = BufReader::new(stream.try_clone()?);
                let mut text = String::new();
                while lines.read_line(&mut text)? > 0 {
                    if text.ends_with("\r\n\r\n") {
                        stream.write_all(
                            b"HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: 6\r\n\r\nhello\n",
                        )?;
                        text.clear();
                    }
                }
                std::io::Result::Ok(())
            });
        }
    });
    Ok(port)
}

fn envoy_config(port: u16, grpc: u16, with: bool) -> String {
    let filter = if with {
        "\n          - name: envoy.filters.http.ext_authz\n            typed_config:\n              \
         \"@type\": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz\n              \
         transport_api_version: V3\n              \
         grpc_service: { envoy_grpc: { cluster_name: lazaret }, timeout: 0.2s }"
    } else {
        ""
    };
    format!(
        r#"static_resources:
  listeners:
  - address: {{ socket_address: {{ address: 127.0.0.1, port_value: {port} }} }}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: bench
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: {{ prefix: / }}
                direct_response: {{ status: 200, body: {{ inline_string: "hello\n" }} }}
          http_filters:{filter}
          - name: envoy.filters.http.router
            typed_config: {{ "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }}
  clusters:
  - name: lazaret
    type: STATIC
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: {{ http2_protocol_options: {{}} }}
    load_assignment:
      cluster_name: lazaret
      endpoints: [{{ lb_endpoints: [{{ endpoint: {{ address: {{ socket_address: {{ address: 127.0.0.1, port_value: {grpc} }} }} }} }}] }}]
"#
    )
}

fn squid_config(folder: &Path, port: u16, program: &Path, socket: &Path, with: bool) -> String {
    let dir = folder.display();
    let asks = if with {
        format!(
            "external_acl_type lazaret ttl=0 negative_ttl=0 grace=0 concurrency=500 children-max=1 children-startup=1 \
             queue-size=2000 %SRC %un %DST %PORT %ssl::>sni {} egress squid-helper --socket {}\n\
             acl lazaret external lazaret\nhttp_access deny !lazaret\n",
            program.display(),
            socket.display()
        )
    } else {
        String::new()
    };
    format!(
        "pid_filename none\ncoredump_dir {dir}\ncache_log none\ncache deny all\naccess_log none\n\
         visible_hostname squid.acme.example\nshutdown_lifetime 0 seconds\nhttp_port 127.0.0.1:{port}\n\
         {asks}http_access allow all\n"
    )
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn wait_for(mut holds: impl FnMut() -> bool) -> Result<()> {
    let until = now() + Duration::from_secs(20);
    while !holds() {
        ensure!(now() < until, "something did not come up");
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Returns the CPU time of a process, in seconds.
fn cpu_seconds(process: u32) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_ascii_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    // User and system time, in the hundredths of a second that the kernel counts for programs.
    Ok((ticks(11) + ticks(12)) / 100.0)
}

fn quantile(times: &mut [Duration], share: f64) -> Duration {
    times.sort_unstable();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a list")]
    let at = ((times.len() as f64 * share) as usize).min(times.len().saturating_sub(1));
    times.get(at).copied().unwrap_or_default()
}

fn micros(time: Duration) -> String {
    format!("{:.0} µs", time.as_secs_f64() * 1e6)
}

fn now() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "measuring time is the job of this module")]
    Instant::now()
}
