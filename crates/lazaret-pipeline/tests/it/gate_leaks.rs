//! Nothing that a banned tool wrote gets through, however it is disguised.

use std::collections::BTreeSet;
use std::fs;

use lazaret_core::Digest;
use lazaret_gatekit::{GateWorld, PROFILE_FLAT, Partial, Plant, Run, clean_lines, plants};
use lazaret_pipeline::gate::ShardState;
use lazaret_pipeline::known::{Class, KnownText, SegmentBuilder, add_files, write_segment};

use crate::gate::world;

/// A policy that calls the whole data set curated: from there on, taint alone holds a record.
const CURATED: &str =
    "[[source]]\nmatch = \"dataset:harbour/*\"\nkind = \"curated\"\nreason = \"chosen by people\"\n";

/// Gates clean records with one plant among them; returns what was admitted.
#[track_caller]
fn admitted(world: &GateWorld, plant: &Plant, run: &Run<'_>) -> (u64, String) {
    let folder = tempfile::tempdir().unwrap();
    let (shards, out) = (folder.path().join("in"), folder.path().join("out"));
    fs::create_dir(&shards).unwrap();
    let clean = clean_lines(world);
    let (before, after) = clean.split_at(clean.len() / 2);
    let text =
        |lines: &[String]| lines.iter().map(|line| format!("{line}\n")).collect::<String>().into_bytes();
    fs::write(shards.join("a.jsonl"), [text(before), plant.line.clone(), text(after)].concat()).unwrap();
    let report = world.gate(&shards, Some(&out), run).unwrap();
    assert_eq!(report.shards[0].state, ShardState::Gated, "{}: {:?}", plant.name, report.shards);
    (report.records.admitted, fs::read_to_string(out.join("admitted/a.jsonl")).unwrap())
}

fn hold_out(world: &GateWorld, run: &Run<'_>) {
    let n_clean = clean_lines(world).len() as u64;
    let plants = plants(world);
    assert!(plants.len() > 30);
    let names: BTreeSet<&str> = plants.iter().map(|plant| plant.name).collect();
    assert_eq!(names.len(), plants.len());
    for plant in &plants {
        let (n_admitted, text) = admitted(world, plant, run);
        assert_eq!(n_admitted, n_clean, "{}", plant.name);
        assert!(!text.contains(&plant.needle), "{}", plant.name);
    }
}

#[test]
fn no_plant_gets_through_where_only_proof_admits() {
    hold_out(world(), &world().run(PROFILE_FLAT));
}

/// Here nothing but the taint itself keeps a record out.
#[test]
fn no_plant_gets_through_where_the_data_set_is_curated() {
    let world = GateWorld::with_sections(Partial::Hold, CURATED);
    hold_out(&world, &world.run(PROFILE_FLAT));
}

#[test]
fn no_plant_gets_through_in_part() {
    let world = GateWorld::with_sections(Partial::Excise, CURATED);
    hold_out(&world, &world.run(PROFILE_FLAT));
}

/// Pasted into another file, the text has no name that a scan knows; the index of known text knows its words.
#[test]
fn known_text_that_was_pasted_elsewhere_is_held() {
    let world = GateWorld::with_sections(Partial::Hold, CURATED);
    let tainted = world.versions.iter().find(|version| version.path.contains("tool")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("rival");
    fs::create_dir(&source).unwrap();
    fs::write(source.join("a.rs"), &tainted.text).unwrap();
    let mut builder = SegmentBuilder::new();
    add_files(&mut builder, &source, Class::Rival, "claude-code", 0).unwrap();
    write_segment(folder.path(), builder).unwrap().unwrap();
    let known = KnownText::open(&[folder.path().to_owned()]).unwrap();
    let clean = &world.by_verdict().0[0].text;
    for (name, text) in [
        ("pasted", format!("{clean}\n{}", tainted.text)),
        ("indented", format!("{clean}\n{}", tainted.text.replace('\n', "\n\t"))),
    ] {
        let line = serde_json::json!({ "id": "p", "content": text }).to_string() + "\n";
        let plant = Plant { name, line: line.into_bytes(), needle: "unused".to_owned() };
        let n_clean = clean_lines(&world).len() as u64;
        let with = Run { known: Some(&known), ..world.run(PROFILE_FLAT) };
        assert_eq!(admitted(&world, &plant, &with).0, n_clean, "{name}");
        // Without the index nobody knows: that is what it is for.
        assert_eq!(admitted(&world, &plant, &world.run(PROFILE_FLAT)).0, n_clean + 1, "{name}");
    }
}

/// What is cut out of a text must not go along in another column.
#[test]
fn what_is_cut_out_stands_nowhere_else_in_the_record() {
    let world = GateWorld::with_sections(Partial::Excise, CURATED);
    let (clean, _) = world.by_verdict();
    let digests: BTreeSet<Digest> = clean.iter().map(|version| Digest::of(version.text.as_bytes())).collect();
    let mixed = world.versions.iter().find(|v| v.is_tainted && v.path.contains("early")).unwrap();
    assert!(!digests.contains(&Digest::of(mixed.text.as_bytes())));
    let early = clean.iter().find(|version| version.path == mixed.path).unwrap();
    let added = mixed.text.strip_prefix(&early.text).unwrap();
    let record = lazaret_gatekit::ShardRecord::of(mixed, 0).line();
    let n_clean = clean_lines(&world).len() as u64;
    let with =
        |more: &str| record.replacen('{', &format!("{{\"more\":{},", serde_json::json!(more)), 1) + "\n";
    let plant = |line: String| Plant { name: "rest", line: line.into_bytes(), needle: String::new() };
    let run = world.run(PROFILE_FLAT);
    let (n_admitted, text) = admitted(&world, &plant(record.clone() + "\n"), &run);
    assert_eq!(n_admitted, n_clean + 1);
    assert!(!text.contains(added.lines().nth(1).unwrap().trim()));
    assert_eq!(admitted(&world, &plant(with("a harmless note\nof two lines")), &run).0, n_clean + 1);
    assert_eq!(admitted(&world, &plant(with(added)), &run).0, n_clean);
}
