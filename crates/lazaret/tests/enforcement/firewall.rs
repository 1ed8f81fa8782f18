//! nftables with the table, in a network of its own: the kernel takes it, twice, and holds what it says.

use std::fs;
use std::process::Command;

use lazaret_pipeline::egress::ExportFormat;

use crate::exports::export;
use crate::world::program;

#[test]
fn nftables_takes_the_table_and_takes_it_again() {
    let nft = program("/usr/sbin/nft", "nftables");
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("lazaret.nft");
    fs::write(&table, export(ExportFormat::Nftables, false)).unwrap();
    let (nft, table) = (nft.display(), table.display());
    let script = format!("{nft} -f {table} && {nft} -f {table} && {nft} list ruleset");
    let mut command = Command::new("unshare");
    let output = command.args(["--user", "--map-root-user", "--net", "sh", "-c", &script]).output().unwrap();
    let held = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for part in [
        "160.79.104.0/23",
        "2607:6bc0::/48",
        // The rest of 192.0.2.0/24 around the pages among it.
        "192.0.2.0/26",
        "192.0.2.128/25",
        "127.0.0.8/29",
        "2001:db8:20::/64",
        "ip saddr != @passed_1_ip ip daddr @stopped_1_ip counter packets 0 bytes 0 reject",
        "ip6 saddr != @passed_1_ip6 ip6 daddr @stopped_1_ip6 counter packets 0 bytes 0 reject",
    ] {
        assert!(held.contains(part), "{part} is not in {held}");
    }
    assert_eq!(held.matches("table inet lazaret").count(), 1, "{held}");

    let told = folder.path().join("told.nft");
    fs::write(&told, export(ExportFormat::Nftables, true)).unwrap();
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--net"]).arg("/usr/sbin/nft").arg("-c").arg("-f").arg(&told);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = fs::read_to_string(told).unwrap();
    assert!(!text.contains("reject") && text.contains("log prefix"), "{text}");
}
