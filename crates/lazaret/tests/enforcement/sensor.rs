//! Suricata with the rules: it tells of what the service would deny, and of nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::net::Ipv4Addr;
use std::process::Command;

use lazaret_pipeline::egress::ExportFormat;
use serde_json::Value;

use crate::exports::{ENFORCED, Service, agrees, export, hosts};
use crate::greeting::client_hello;
use crate::world::program;

/// Who calls and who is called in the recording.
const CLIENT: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 20);
const SERVER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);

/// Which ports the calls about a host come from, so that what is told can be laid to a host.
const GREETINGS: u16 = 10_000;
const QUESTIONS: u16 = 20_000;
const REQUESTS: u16 = 30_000;
const ADDRESSES: u16 = 40_000;

/// A recording of traffic, as libpcap writes it.
struct Recording {
    bytes: Vec<u8>,
    microseconds: u32,
}

impl Recording {
    fn new() -> Self {
        let mut bytes = Vec::new();
        for field in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1] {
            bytes.extend(field.to_le_bytes());
        }
        Self { bytes, microseconds: 0 }
    }

    /// Adds a packet of IPv4; sums are left at zero, and the sensor is told not to check them.
    fn packet(&mut self, protocol: u8, from: Ipv4Addr, to: Ipv4Addr, payload: &[u8]) {
        let length = u16::try_from(20 + payload.len()).unwrap().to_be_bytes();
        let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
        frame.extend([0x45, 0, length[0], length[1], 0, 0, 0x40, 0, 64, protocol, 0, 0]);
        frame.extend(from.octets());
        frame.extend(to.octets());
        frame.extend(payload);
        self.microseconds += 100;
        let size = u32::try_from(frame.len()).unwrap();
        let (seconds, rest) = (1_790_000_000 + self.microseconds / 1_000_000, self.microseconds % 1_000_000);
        for field in [seconds, rest, size, size] {
            self.bytes.extend(field.to_le_bytes());
        }
        self.bytes.extend(frame);
    }

    /// A connection on which the client says something.
    fn connection(&mut self, to: Ipv4Addr, port: u16, server_port: u16, says: &[u8]) {
        const SYN: u8 = 2;
        const ACK: u8 = 16;
        let said = 1 + u32::try_from(says.len()).unwrap();
        for (is_client, flags, sequence, acknowledged, data) in [
            (true, SYN, 1000, 0, [].as_slice()),
            (false, SYN | ACK, 5000, 1001, &[]),
            (true, ACK, 1001, 5001, &[]),
            (true, ACK | 8, 1001, 5001, says),
            (false, ACK, 5001, 1000 + said, &[]),
            (true, ACK | 1, 1000 + said, 5001, &[]),
            (false, ACK | 1, 5001, 1001 + said, &[]),
            (true, ACK, 1001 + said, 5002, &[]),
        ] {
            let ports = if is_client { [port, server_port] } else { [server_port, port] };
            let mut segment: Vec<u8> = ports.iter().flat_map(|port| port.to_be_bytes()).collect();
            segment.extend(u32::to_be_bytes(sequence));
            segment.extend(u32::to_be_bytes(acknowledged));
            segment.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
            segment.extend(data);
            let (from, to) = if is_client { (CLIENT, to) } else { (to, CLIENT) };
            self.packet(6, from, to, &segment);
        }
    }

    /// A question to a resolver.
    fn question(&mut self, port: u16, name: &str) {
        let mut message = vec![0x47, 0x11, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            message.push(u8::try_from(label.len()).unwrap());
            message.extend(label.as_bytes());
        }
        message.extend([0, 0, 1, 0, 1]);
        let length = u16::try_from(8 + message.len()).unwrap();
        let mut datagram: Vec<u8> =
            [port, 53, length, 0].iter().flat_map(|field| field.to_be_bytes()).collect();
        datagram.extend(message);
        self.packet(17, CLIENT, SERVER, &datagram);
    }
}

#[test]
fn suricata_tells_of_what_would_be_denied_and_of_nothing_else() {
    let suricata = program("/usr/bin/suricata", "suricata");
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let rules = export(ExportFormat::Suricata, false);
    fs::write(path("lazaret.rules"), &rules).unwrap();
    let (hosts, service) = (hosts(), Service::new());
    let mut recording = Recording::new();
    for (nth, host) in (0..).zip(&hosts) {
        recording.connection(SERVER, GREETINGS + nth, 443, &client_hello(host));
        recording.question(QUESTIONS + nth, &host.to_uppercase());
        let request = format!("GET /v1/models HTTP/1.1\r\nHost: {}\r\n\r\n", host.to_uppercase());
        recording.connection(SERVER, REQUESTS + nth, 80, request.as_bytes());
    }
    let addresses =
        [("192.0.2.10", true), ("192.0.2.70", false), ("160.79.105.1", true), ("160.79.106.1", false)];
    for (nth, (address, _)) in (0..).zip(addresses) {
        // Each from a port of its own; the limit of the rule is by the caller, so that the first of a range tells.
        recording.connection(address.parse().unwrap(), ADDRESSES + nth, 9443, b"x");
    }
    fs::write(path("traffic.pcap"), recording.bytes).unwrap();

    let mut command = Command::new(suricata);
    command
        .arg("-r")
        .arg(path("traffic.pcap"))
        .arg("-S")
        .arg(path("lazaret.rules"))
        .arg("-l")
        .arg(folder.path());
    let output = command.args(["-k", "none", "--runmode", "single"]).output().unwrap();
    let said =
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    let log = fs::read_to_string(path("suricata.log")).unwrap_or_default() + &said;
    assert!(!log.contains("error parsing signature"), "{log}");

    let eve = fs::read_to_string(path("eve.json")).unwrap();
    let alerts = eve.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let told: BTreeSet<u64> = alerts
        .filter(|event| event["event_type"] == "alert")
        .map(|event| {
            let name = event["alert"]["signature"].as_str().unwrap();
            assert!(name.starts_with("lazaret "), "{name}");
            event["src_port"].as_u64().unwrap()
        })
        .collect();
    let position = |host: &str| hosts.iter().position(|one| one == host).unwrap();
    for (what, first) in [("a greeting", GREETINGS), ("a question", QUESTIONS), ("a request", REQUESTS)] {
        let tells = |host: &str| told.contains(&(u64::from(first) + position(host) as u64));
        agrees(what, &hosts, |host| service.stops(host, ENFORCED), tells);
    }
    for (nth, (address, expected)) in (0..).zip(addresses) {
        assert_eq!(told.contains(&(u64::from(ADDRESSES) + nth)), expected, "{address}");
    }
}
