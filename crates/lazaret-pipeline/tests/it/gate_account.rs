//! Every record and every byte of a shard is accounted for, however it was damaged.

use std::fs;

use lazaret_gatekit::account::{Account, gate_bytes};
use lazaret_gatekit::{Dice, Run, ShardFormat, damaged_records};
use lazaret_shard::Limits;

use crate::gate::{records, world};

/// How many shards of each format are damaged.
const N_DAMAGED: u64 = 40;

#[test]
fn damaged_shards_lose_nothing_and_admit_nothing_else() {
    let world = world();
    let (records, admissible) = (records(world), world.admissible());
    let mut total = Account::default();
    for format in ShardFormat::ALL {
        let run = world.run(format.profile());
        // A chunk and a row are small here, so that there are several chunks and rows beyond the limit.
        let limits = Limits { chunk_bytes: 6000, row_bytes_max: 4000 };
        let run = Run { limits, ..run };
        for seed in 0..N_DAMAGED {
            let mut dice = Dice::new(seed);
            let from = dice.below(records.len() - 12);
            let bytes = damaged_records(format, &records[from..from + 12], &mut dice);
            let name = format!("{format:?}-{seed}.{}", format.ending()).to_lowercase();
            total.merge(gate_bytes(world, &name, &bytes, &run, Some(&admissible)));
        }
    }
    assert_eq!(total.faults, [""; 0]);
    // The damage is neither too little nor too much to say anything.
    let n_shards = N_DAMAGED * ShardFormat::ALL.len() as u64;
    assert!(total.n_refused > n_shards / 20 && total.n_refused < n_shards * 9 / 10, "{total:?}");
    assert!(
        total.records.admitted > n_shards && total.records.rejected > n_shards / 2,
        "{:?}",
        total.records
    );
}

#[test]
fn a_row_beyond_the_limit_is_held_by_its_digest() {
    let world = world();
    let (clean, _) = world.by_verdict();
    let records = records(world);
    let long = format!("{{\"content\":\"{}\"}}\n", "x".repeat(9000));
    let mut bytes = ShardFormat::Lines.bytes(&records[..3]);
    bytes.extend_from_slice(long.as_bytes());
    bytes.extend(ShardFormat::Lines.bytes(&records[3..6]));
    let limits = Limits { chunk_bytes: 4000, row_bytes_max: 8000 };
    let run = Run { limits, ..world.run(lazaret_gatekit::PROFILE_FLAT) };
    let account = gate_bytes(world, "a.jsonl", &bytes, &run, Some(&world.admissible()));
    assert_eq!(account.faults, [""; 0]);
    assert_eq!((account.n_refused, account.records.rejected, account.records.read), (0, 1, 7));
    assert_eq!(account.records.admitted, 6.min(clean.len() as u64));
}

#[test]
fn a_shard_without_records_is_a_shard_without_records() {
    let world = world();
    for bytes in [&b""[..], b"\n", b" \r\n\t\n"] {
        let run = world.run(lazaret_gatekit::PROFILE_FLAT);
        let account = gate_bytes(world, "a.jsonl", bytes, &run, Some(&world.admissible()));
        assert_eq!((account.records.read, account.faults.as_slice()), (0, &[][..]));
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.jsonl"), "").unwrap();
    let report = world.gate(folder.path(), None, &world.run(lazaret_gatekit::PROFILE_FLAT)).unwrap();
    assert_eq!((report.records.read, report.shards[0].error.as_deref()), (0, None));
}
