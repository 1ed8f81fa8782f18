//! The gate admits what is proven and no more, whatever the format, the order, the threads, the parts and the stops.

use std::fs;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use lazaret_core::Digest;
use lazaret_gatekit::account::{Account, hold};
use lazaret_gatekit::crash::files_below;
use lazaret_gatekit::{Dice, GateWorld, PROFILE_FLAT, Partial, Run, ShardFormat, ShardRecord};
use lazaret_pipeline::gate::{Bundles, GateError, Misfit, ShardState, judge_batch};
use lazaret_shard::{Facts, Limits, Profile};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::properties::WriterProperties;
use proptest::prelude::*;
use serde_json::json;

use crate::world::cases;

/// The world whose policy holds records whole.
pub(crate) fn world() -> &'static GateWorld {
    static WORLD: OnceLock<GateWorld> = OnceLock::new();
    WORLD.get_or_init(|| GateWorld::new(Partial::Hold))
}

/// Returns a record of every version of every file of a world.
pub(crate) fn records(world: &GateWorld) -> Vec<ShardRecord> {
    world.versions.iter().enumerate().map(|(nth, version)| ShardRecord::of(version, nth)).collect()
}

/// Writes shards of JSON lines into a folder, with a few records each.
pub(crate) fn write_shards(folder: &Path, world: &GateWorld, n_shards: usize) {
    let records = records(world);
    for (nth, records) in records.chunks(records.len().div_ceil(n_shards)).enumerate() {
        let format = if nth % 2 == 0 { ShardFormat::Lines } else { ShardFormat::LinesZstd };
        let name = format!("part-{nth}.{}", format.ending());
        fs::write(folder.join(name), format.bytes(records)).unwrap();
    }
}

#[test]
fn every_format_admits_what_is_proven_and_holds_the_rest() {
    let world = world();
    let (clean, others) = world.by_verdict();
    assert!(clean.len() >= 10 && others.len() >= 10);
    for format in ShardFormat::ALL {
        for (partial, n_excised) in [(Partial::Hold, 0), (Partial::Excise, 1)] {
            if partial == Partial::Excise && format != ShardFormat::Lines {
                continue;
            }
            let other;
            let world = if partial == Partial::Hold {
                world
            } else {
                other = GateWorld::new(partial);
                &other
            };
            let folder = tempfile::tempdir().unwrap();
            let (shards, out) = (folder.path().join("in"), folder.path().join("out"));
            fs::create_dir(&shards).unwrap();
            fs::write(shards.join(format!("a.{}", format.ending())), format.bytes(&records(world))).unwrap();
            let run = world.run(format.profile());
            let report = world.gate(&shards, Some(&out), &run).unwrap();
            let tally = &report.records;
            assert_eq!(report.shards[0].state, ShardState::Gated, "{format:?}: {:?}", report.shards);
            assert_eq!(tally.admitted - tally.excised, clean.len() as u64, "{format:?}: {tally:?}");
            assert_eq!(tally.excised > 0, n_excised > 0, "{format:?}: {tally:?}");
            if tally.excised == 0 {
                assert_eq!(tally.held, others.len() as u64, "{format:?}: {tally:?}");
                let mut account = Account::default();
                hold(&mut account, &report, &shards, &out, &run, Some(&world.admissible()));
                assert_eq!(account.faults, [""; 0], "{format:?}");
            }
        }
    }
}

#[test]
fn what_is_excised_keeps_no_line_of_a_tool() {
    let world = GateWorld::new(Partial::Excise);
    let folder = tempfile::tempdir().unwrap();
    let (shards, out) = (folder.path().join("in"), folder.path().join("out"));
    fs::create_dir(&shards).unwrap();
    write_shards(&shards, &world, 1);
    let report = world.gate(&shards, Some(&out), &world.run(PROFILE_FLAT)).unwrap();
    assert_eq!(report.records.excised, 6, "{:?}", report.records);
    let admitted = fs::read_to_string(out.join("admitted/part-0.jsonl")).unwrap();
    let early: Vec<&str> = world.by_verdict().0.iter().flat_map(|version| version.text.lines()).collect();
    for line in admitted.lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        for line in record["content"].as_str().unwrap().lines() {
            assert!(early.contains(&line), "{line}");
        }
    }
}

#[test]
fn parts_threads_and_stops_change_no_byte() {
    let world = world();
    let folder = tempfile::tempdir().unwrap();
    let shards = folder.path().join("in");
    fs::create_dir(&shards).unwrap();
    write_shards(&shards, world, 5);
    let run = world.run(PROFILE_FLAT);
    let gate = |name: &str, run: &Run<'_>| {
        let out = folder.path().join(name);
        world.gate(&shards, Some(&out), run).map(|report| (out, report))
    };
    let (whole, _) = gate("whole", &run).unwrap();
    let expected = files_below(&whole);
    let (threads, _) = gate("threads", &Run { n_threads: 4, ..run }).unwrap();
    assert_eq!(files_below(&threads), expected);
    // Three processes, here threads with nothing in common but the folder.
    std::thread::scope(|scope| {
        for part in 0..3 {
            let gate = &gate;
            scope.spawn(move || gate("parts", &Run { part: (part, 3), ..run }).unwrap());
        }
    });
    assert_eq!(files_below(&folder.path().join("parts")), expected);
    // A run that was stopped at any file goes on where it was.
    for name in expected.keys() {
        let stopped = folder.path().join("stopped");
        for (other, bytes) in expected.iter().filter(|(other, _)| *other != name) {
            let path = stopped.join(other);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        let is_needed = name.starts_with("admitted/") || name == "run.json";
        match gate("stopped", &run) {
            // What a receipt speaks of is never gone after a stop: it is written before.
            Ok((_, report)) if is_needed => {
                assert!(report.shards.iter().any(|shard| shard.state == ShardState::Failed), "{name}");
            }
            Ok(_) if name.starts_with("held/") || name.ends_with(".digests") => {}
            Ok((out, _)) => assert_eq!(files_below(&out), expected, "{name}"),
            Err(error) => assert!(is_needed, "{name}: {error}"),
        }
        fs::remove_dir_all(stopped).unwrap();
    }
}

#[test]
fn threads_within_one_shard_change_no_byte() {
    let world = world();
    for format in ShardFormat::ALL {
        let folder = tempfile::tempdir().unwrap();
        let shards = folder.path().join("in");
        fs::create_dir(&shards).unwrap();
        let whole = format.bytes(&records(world));
        // A shard that cannot be read to its end counts the same records as well.
        for (kind, bytes) in [("whole", whole.as_slice()), ("cut", whole.get(..whole.len() / 2).unwrap())] {
            fs::write(shards.join(format!("a.{}", format.ending())), bytes).unwrap();
            let limits = Limits { chunk_bytes: 512, ..Limits::default() };
            let gate = |n_threads: usize| {
                let out = folder.path().join(format!("{kind}-{n_threads}"));
                let run = Run { n_threads, limits, ..world.run(format.profile()) };
                let report = world.gate(&shards, Some(&out), &run).unwrap();
                (files_below(&out), report.shards)
            };
            let expected = gate(1);
            for n_threads in [2, 3, 7] {
                assert_eq!(gate(n_threads), expected, "{format:?}, {kind}, {n_threads} threads");
            }
        }
    }
}

#[test]
fn two_runs_of_the_same_shard_leave_no_half_file() {
    let world = world();
    let folder = tempfile::tempdir().unwrap();
    let (shards, out) = (folder.path().join("in"), folder.path().join("out"));
    fs::create_dir(&shards).unwrap();
    write_shards(&shards, world, 2);
    let run = world.run(PROFILE_FLAT);
    world.gate(&shards, Some(&folder.path().join("alone")), &run).unwrap();
    let expected = files_below(&folder.path().join("alone"));
    for _ in 0..4 {
        std::thread::scope(|scope| {
            for _ in 0..3 {
                let (shards, out) = (&shards, &out);
                scope.spawn(move || world.gate(shards, Some(out), &run));
            }
        });
        // Whoever found a file in use says so; at the end the data set is whole, or another run makes it so.
        world.gate(&shards, Some(&out), &run).unwrap();
        assert_eq!(files_below(&out), expected);
        fs::remove_dir_all(&out).unwrap();
    }
}

#[test]
fn another_run_in_the_same_folder_is_refused() {
    let world = world();
    let folder = tempfile::tempdir().unwrap();
    let (shards, out) = (folder.path().join("in"), folder.path().join("out"));
    fs::create_dir(&shards).unwrap();
    write_shards(&shards, world, 2);
    let run = world.run(PROFILE_FLAT);
    world.gate(&shards, Some(&out), &run).unwrap();
    let before = files_below(&out);
    let refused = |world: &GateWorld, run: &Run<'_>, what: &str| {
        let error = world.gate(&shards, Some(&out), run).unwrap_err().to_string();
        assert!(error.contains(&format!("its {what} was another")), "{error}");
    };
    let profile = PROFILE_FLAT.replace("path = \"path?\"\n", "");
    refused(world, &Run { profile: &profile, ..run }, "profile");
    refused(world, &Run { class: "evaluation", ..run }, "class");
    refused(world, &Run { verdict_columns: true, ..run }, "choice of verdict columns");
    let nothing = Bundles::default();
    refused(world, &Run { bundles: &nothing, ..run }, "evidence (bundles, index, card)");
    let other = GateWorld::with_sections(Partial::Excise, "");
    refused(&other, &other.run(PROFILE_FLAT), "policy");
    fs::write(shards.join("part-9.jsonl"), "{\"content\":\"a\"}\n").unwrap();
    refused(world, &run, "list of shards");
    fs::remove_file(shards.join("part-9.jsonl")).unwrap();
    assert_eq!(files_below(&out), before);
    // A shard that is another by now was not gated, whatever its receipt says.
    fs::write(shards.join("part-0.jsonl"), "{\"content\":\"a\"}\n").unwrap();
    let report = world.gate(&shards, Some(&out), &run).unwrap();
    assert_eq!(report.shards[0].state, ShardState::Failed);
    assert!(report.shards[0].error.as_ref().unwrap().contains("changed since an earlier run"));
    assert_eq!(files_below(&out), before);
}

#[test]
fn a_profile_that_does_not_fit_leaves_nothing_behind() {
    let world = world();
    let folder = tempfile::tempdir().unwrap();
    let (shards, out) = (folder.path().join("in"), folder.path().join("out"));
    fs::create_dir(&shards).unwrap();
    let write = |format: ShardFormat, name: &str| {
        fs::write(shards.join(format!("{name}.{}", format.ending())), format.bytes(&records(world))).unwrap();
    };
    write(ShardFormat::Lines, "a");
    write(ShardFormat::Parquet, "b");
    write(ShardFormat::Parquet, "c");
    let misfit = |profile: &str, to: Option<&Path>| match world.gate(&shards, to, &world.run(profile)) {
        Err(GateError::Misfit(misfit)) => {
            assert!(!out.exists());
            let Misfit { shard, n_others, fitting, source } = *misfit;
            (shard, n_others, fitting, source.to_string())
        }
        other => panic!("{:?}", other.map(|report| report.records)),
    };
    let other =
        PROFILE_FLAT.replace("\"content\"", "\"body\"").replace("path = ", "language = \"lang\"\npath = ");
    let there = "`content`, `git_blob`, `id`, `path`, `repository`";
    for to in [None, Some(out.as_path())] {
        let (shard, n_others, fitting, why) = misfit(&other, to);
        assert_eq!((shard.as_str(), n_others), ("a.jsonl", 2));
        assert_eq!(fitting, ["starcoderdata"]);
        assert_eq!(
            why,
            format!(
                "the profile `harbour` names `body`, `lang`, which the shard does not have; it has {there}"
            )
        );
    }
    // Nobody is told of a profile for a shard that was damaged, and the others are asked all the same.
    fs::write(shards.join("a.jsonl"), "oops\n").unwrap();
    assert_eq!(misfit(&other, Some(&out)).0, "b.parquet");
    let parquet = fs::read(shards.join("b.parquet")).unwrap();
    fs::write(shards.join("b.parquet"), &parquet[..parquet.len() / 2]).unwrap();
    assert_eq!(misfit(&other, Some(&out)).0, "c.parquet");
    fs::remove_file(shards.join("c.parquet")).unwrap();
    let report = world.gate(&shards, Some(&out), &world.run(&other)).unwrap();
    assert_eq!(report.shards[1].state, ShardState::Failed);
}

#[test]
fn the_profiles_that_fit_are_named() {
    let world = world();
    let folder = tempfile::tempdir().unwrap();
    let row = "{\"id\":\"1\",\"text\":\"a\",\"source\":\"acme\",\"added\":\"2020\"}\n";
    fs::write(folder.path().join("a.jsonl"), row).unwrap();
    match world.gate(folder.path(), None, &world.run(PROFILE_FLAT)) {
        Err(GateError::Misfit(misfit)) => assert_eq!(misfit.fitting, ["dolma"]),
        other => panic!("{:?}", other.map(|report| report.records)),
    }
}

/// Returns facts of some records, in one chunk.
fn facts_of(records: &[ShardRecord]) -> Facts {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    fs::write(&path, ShardFormat::Lines.bytes(records)).unwrap();
    let profile = Profile::parse(PROFILE_FLAT).unwrap();
    let mut opened = lazaret_shard::open(&path, &profile, Limits::default()).unwrap();
    opened.reader.next_chunk().unwrap().unwrap().facts
}

#[test]
fn records_are_judged_one_by_one() {
    let world = world();
    let mut records = records(world);
    records.push(ShardRecord { content: None, ..records[0].clone() });
    let facts = facts_of(&records);
    let run = world.run(PROFILE_FLAT);
    let snapshot = world.snapshot(&run);
    let judge = |facts: &Facts| judge_batch(facts.batch(), "a.jsonl", &snapshot).unwrap();
    let whole = judge(&facts);
    assert_eq!(whole.num_rows(), records.len());
    let mut dice = Dice::new(11);
    for _ in 0..5 {
        let mut start = 0;
        while start < records.len() {
            let length = (1 + dice.below(7)).min(records.len() - start);
            let slice = Facts::new(&facts.batch().slice(start, length)).unwrap();
            assert_eq!(judge(&slice), whole.slice(start, length));
            start += length;
        }
    }
}

#[test]
fn the_order_of_bundles_changes_no_outcome_and_taints_admit_nothing() {
    let world = world();
    let other = GateWorld::with_sections(Partial::Hold, "");
    // The other world's bundle is the same by content, under another origin.
    let paths = [world.bundle.clone(), other.bundle.clone()];
    let both = Bundles::read(&paths).unwrap();
    let turned = Bundles::read(&[paths[1].clone(), paths[0].clone()]).unwrap();
    let nothing = Bundles::default();
    let facts = facts_of(&records(world));
    let run = world.run(PROFILE_FLAT);
    let outcomes = |bundles: &Bundles| -> Vec<String> {
        let snapshot = world.snapshot(&Run { bundles, ..run });
        let verdicts = lazaret_pipeline::gate::judge_facts(&facts, "a.jsonl", &snapshot);
        verdicts.iter().map(|verdict| format!("{:?} {:?}", verdict.outcome, verdict.verdict)).collect()
    };
    assert_eq!(outcomes(&both), outcomes(&turned));
    // Nothing is known: nothing is admitted. What bundles add of proof admits, and of taint does not.
    assert!(outcomes(&nothing).iter().all(|outcome| outcome.starts_with("Held")));
    assert_eq!(outcomes(&both), outcomes(&world.bundles));
}

proptest! {
    #![proptest_config(cases(24))]

    /// A claim against a record never admits it: neither a generator, nor a marked message, nor a foreign id.
    #[test]
    fn claims_against_a_record_never_admit_it(pick in any::<prop::sample::Index>(), more in 0_usize..4) {
        let world = world();
        let version = pick.get(&world.versions);
        let record = ShardRecord::of(version, 0);
        let line = match more {
            0 => record.line().replacen('{', "{\"model\":\"claude-3-opus\",", 1),
            1 => record.line().replacen('{', "{\"message\":\"a\\n\\nCo-Authored-By: Claude <noreply@anthropic.com>\",", 1),
            2 => ShardRecord { git_blob: Some("0".repeat(40)), ..record.clone() }.line(),
            _ => record.line(),
        };
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.jsonl"), line + "\n").unwrap();
        let report = world.gate(folder.path(), None, &world.run(PROFILE_FLAT)).unwrap();
        let expected = u64::from(version.is_admissible && more == 3);
        prop_assert_eq!(report.records.admitted, expected, "{:?}", report.records);
    }
}

#[test]
fn verdicts_are_written_as_columns_on_request() {
    let world = world();
    let folder = tempfile::tempdir().unwrap();
    let (shards, out) = (folder.path().join("in"), folder.path().join("out"));
    fs::create_dir(&shards).unwrap();
    write_shards(&shards, world, 1);
    let run = Run { verdict_columns: true, ..world.run(PROFILE_FLAT) };
    world.gate(&shards, Some(&out), &run).unwrap();
    let admitted = fs::read_to_string(out.join("admitted/part-0.jsonl")).unwrap();
    for line in admitted.lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(record["lazaret_verdict"], "clean");
        let digest = Digest::of(record["content"].as_str().unwrap().as_bytes());
        assert_eq!(record["lazaret_sha256"], digest.to_string());
    }
}

/// Writes a bundle once more without its last column, as bundles were written before there was one.
fn without_names_of_lines(bundle: &Path, to: &Path) {
    let builder = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(bundle).unwrap()).unwrap();
    let metadata = builder.metadata().file_metadata().key_value_metadata().cloned();
    let pairs =
        metadata.map(|pairs| pairs.into_iter().filter(|pair| !pair.key.starts_with("ARROW")).collect());
    let properties = WriterProperties::builder().set_key_value_metadata(pairs).build();
    let columns: Vec<usize> = (0..builder.schema().fields().len() - 1).collect();
    let schema = Arc::new(builder.schema().project(&columns).unwrap());
    let mut writer = ArrowWriter::try_new(fs::File::create(to).unwrap(), schema, Some(properties)).unwrap();
    for batch in builder.build().unwrap() {
        writer.write(&batch.unwrap().project(&columns).unwrap()).unwrap();
    }
    writer.close().unwrap();
}

#[test]
fn tainted_lines_are_known_under_other_ends_whether_a_bundle_names_them_or_not() {
    let curated = "[[source]]\nmatch = \"dataset:harbour/*\"\nkind = \"curated\"\nreason = \"a test\"\n";
    let world = GateWorld::with_sections(Partial::Hold, curated);
    let folder = tempfile::tempdir().unwrap();
    let (shards, old) = (folder.path().join("in"), folder.path().join("old.parquet"));
    fs::create_dir(&shards).unwrap();
    without_names_of_lines(&world.bundle, &old);
    let old = Bundles::read(&[old]).unwrap();
    let tainted = world.versions.iter().filter(|version| version.is_tainted);
    let forms = tainted.flat_map(|version| {
        let text = &version.text;
        [
            text.replace('\n', "\r\n"),
            format!("\u{feff}{text}"),
            text.trim_end().to_owned(),
            format!("{text}\n"),
        ]
    });
    let lines: String = forms.map(|text| json!({ "content": text }).to_string() + "\n").collect();
    fs::write(shards.join("a.jsonl"), lines).unwrap();
    let admitted = |bundles| {
        let run = Run { bundles, ..world.run(PROFILE_FLAT) };
        let records = world.gate(&shards, None, &run).unwrap().records;
        (records.admitted, records.held)
    };
    let unknown = Bundles::default();
    let (all, nothing) = admitted(&unknown);
    assert!(all >= 4 && nothing == 0);
    assert_eq!((admitted(&world.bundles), admitted(&old)), ((0, all), (0, all)));
}
