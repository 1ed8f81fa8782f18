//! Lines of logs of traffic as programs write them, of invented machines: one in a hundred calls a service of the catalog.

/// Services of the catalog that the lines call.
pub(super) const NAMES: [&str; 4] =
    ["api.anthropic.com", "api.openai.com", "api2.cursor.sh", "generativelanguage.googleapis.com"];

/// Returns the host of the nth line.
fn host(nth: u64) -> String {
    let called = usize::try_from(nth / 100).ok().and_then(|nth| NAMES.iter().cycle().nth(nth % NAMES.len()));
    match called {
        Some(name) if nth % 100 == 7 => (*name).to_owned(),
        _ => format!("host{}.quay{}.example", nth % 977, nth % 89),
    }
}

/// Returns the nth line of Squid's native log.
pub(super) fn squid(nth: u64) -> String {
    let (seconds, millis, host) = (1_796_000_000 + nth / 50, nth * 7 % 1000, host(nth));
    format!(
        "{seconds}.{millis:03} {:6} 192.0.2.{} TCP_TUNNEL/200 {} CONNECT {host}:443 - HIER_DIRECT/198.51.100.{} -\n",
        nth % 90_000,
        nth % 250,
        nth % 700_000,
        nth % 253
    )
}

/// Returns the nth line of Suricata's eve log.
pub(super) fn eve(nth: u64) -> String {
    let (second, host) = (nth % 60, host(nth));
    format!(
        "{{\"timestamp\":\"2026-11-29T13:16:{second:02}.123456+0000\",\"flow_id\":{},\"in_iface\":\"eth0\",\"event_type\":\"tls\",\
             \"src_ip\":\"192.0.2.{}\",\"src_port\":{},\"dest_ip\":\"198.51.100.{}\",\"dest_port\":443,\"proto\":\"TCP\",\"pkt_src\":\
             \"wire/pcap\",\"tls\":{{\"subject\":\"CN=*.quay.example\",\"issuerdn\":\"C=XX, O=Quay, CN=Quay Authority\",\"serial\":\
             \"0A:1B:2C:3D:4E:5F:60:71\",\"fingerprint\":\"aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd\",\"sni\":\
             \"{host}\",\"version\":\"TLS 1.3\",\"ja3\":{{\"hash\":\"773906b0efdefa24a7f2b8eb6985bf37\",\"string\":\
             \"771,4865-4866-4867-49195-49199-49196-49200-52393-52392,0-23-65281-10-11-35-16-5-13-18-51-45-43-27-17513,29-23-24,0\"}},\
             \"ja4\":\"t13d1812h1_85036bcba153_d41ae481755e\"}}}}\n",
        1_000_000_000_000 + nth,
        nth % 250,
        1024 + nth % 60_000,
        nth % 253
    )
}

/// Returns the nth line of Zeek's log of TLS.
pub(super) fn zeek(nth: u64) -> String {
    let (seconds, host) = (1_796_000_000 + nth / 50, host(nth));
    format!(
        "{{\"ts\":{seconds}.123456,\"uid\":\"CHhAvVGS1DHFjwGM{}\",\"id.orig_h\":\"192.0.2.{}\",\"id.orig_p\":{},\"id.resp_h\":\
             \"198.51.100.{}\",\"id.resp_p\":443,\"version\":\"TLSv13\",\"cipher\":\"TLS_AES_128_GCM_SHA256\",\"curve\":\"x25519\",\
             \"server_name\":\"{host}\",\"resumed\":false,\"established\":true,\"ssl_history\":\"CsiI\",\"sni_matches_cert\":true,\"ja4\":\
             \"t13d1812h1_85036bcba153_d41ae481755e\"}}\n",
        nth % 10,
        nth % 250,
        1024 + nth % 60_000,
        nth % 253
    )
}
