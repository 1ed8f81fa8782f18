//! Layouts of folders.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;

fn world(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn place(path: &Path) -> Place {
    Place::parse(path.to_str().unwrap(), &BTreeMap::new()).unwrap()
}

fn read(files: &[(&str, &str)]) -> Result<Layout, LayoutError> {
    Layout::read(&place(world(files).path()))
}

fn failure(files: &[(&str, &str)]) -> String {
    read(files).map(|_| ()).unwrap_err().to_string()
}

fn names<'a>(names: impl IntoIterator<Item = &'a ShardName>) -> Vec<&'a str> {
    names.into_iter().map(ShardName::as_str).collect()
}

fn shards(layout: &Layout) -> Vec<&str> {
    names(layout.shards.iter().map(|shard| &shard.name))
}

#[test]
fn a_folder_is_its_shards_in_order_and_the_rest_by_name() {
    let layout = read(&[
        ("b.jsonl.gz", ""),
        ("a/2.parquet", ""),
        ("a/1.jsonl", ""),
        ("notes.txt", ""),
        (".git/config", ""),
        (".hidden.jsonl", ""),
        ("LICENSE", ""),
    ])
    .unwrap();
    assert_eq!(layout.kind, LayoutKind::Folder);
    assert_eq!(shards(&layout), ["a/1.jsonl", "a/2.parquet", "b.jsonl.gz"]);
    assert_eq!(names(&layout.others), [".git", ".hidden.jsonl", "LICENSE", "notes.txt"]);
}

#[test]
fn a_single_file_is_a_shard_whatever_lies_beside_it() {
    let world = world(&[("one.jsonl", "{}"), ("two.jsonl", "")]);
    let layout = Layout::read(&place(&world.path().join("one.jsonl"))).unwrap();
    assert_eq!((layout.kind, shards(&layout)), (LayoutKind::File, vec!["one.jsonl"]));
    assert_eq!(layout.shards[0].bytes, 2);
}

#[test]
fn a_repository_of_the_hub_gives_its_card() {
    let card = "---\nlicense: mit\n---\n# Acme\n";
    let layout =
        read(&[("README.md", card), ("data/train-00000-of-00001.parquet", ""), (".gitattributes", "")])
            .unwrap();
    assert_eq!(layout.kind, LayoutKind::HubRepository);
    assert_eq!(shards(&layout), ["data/train-00000-of-00001.parquet"]);
    assert_eq!(layout.declarations[0].text, card);
    assert_eq!(names(&layout.others), [".gitattributes"]);
}

const STATE_OF_TWO: &str = "{\"_data_files\":[{\"filename\":\"data-0.arrow\"},{\"filename\":\"data-1.arrow\"}],\"_split\":\"train\"}";

#[test]
fn a_saved_data_set_is_the_files_that_its_state_lists() {
    let layout = read(&[
        ("state.json", STATE_OF_TWO),
        ("dataset_info.json", "{\"description\":\"\"}"),
        ("data-0.arrow", ""),
        ("data-1.arrow", ""),
        ("cache-7.arrow", ""),
    ])
    .unwrap();
    assert_eq!(layout.kind, LayoutKind::Saved);
    assert_eq!(shards(&layout), ["data-0.arrow", "data-1.arrow"]);
    assert_eq!(names(&layout.others), ["cache-7.arrow"]);
    assert_eq!(names(layout.loader_files.iter().map(|file| &file.name)), ["dataset_info.json", "state.json"]);
    assert_eq!(names(layout.declarations.iter().map(|declaration| &declaration.name)), ["dataset_info.json"]);
}

#[test]
fn a_listed_shard_that_is_missing_is_an_error() {
    let expected =
        "`state.json` lists `data-1.arrow`, which is not there; without it the data set is not whole";
    assert_eq!(failure(&[("state.json", STATE_OF_TWO), ("data-0.arrow", "")]), expected);
    let splits = ("dataset_dict.json", "{\"splits\":[\"train\",\"test\"]}");
    let train = [("train/state.json", STATE_OF_TWO), ("train/data-0.arrow", ""), ("train/data-1.arrow", "")];
    let expected = "`dataset_dict.json` lists `test/state.json`, which is not there; without it the data set is not \
                    whole";
    assert_eq!(failure(&[splits, train[0], train[1], train[2]]), expected);
    let only_train = ("dataset_dict.json", "{\"splits\":[\"train\"]}");
    let layout = read(&[only_train, train[0], train[1], train[2]]).unwrap();
    assert_eq!(shards(&layout), ["train/data-0.arrow", "train/data-1.arrow"]);
}

#[test]
fn a_list_that_leads_elsewhere_or_is_none_is_an_error() {
    let outside = "{\"_data_files\":[{\"filename\":\"../other/data.arrow\"}]}";
    let expected = "`../other/data.arrow` is no name within a place: it leads out of the place";
    assert_eq!(failure(&[("state.json", outside), ("data.arrow", "")]), expected);
    let expected =
        "`state.json` is not in the form of a file of that name: line 1 does not hold what is expected";
    assert_eq!(failure(&[("state.json", "{\"secret\":1}"), ("data.arrow", "")]), expected);
}

#[test]
fn attributes_of_dolma_are_no_shards() {
    let layout = read(&[
        ("documents/a/0.jsonl.gz", ""),
        ("attributes/tagger/a/0.jsonl.gz", ""),
        ("documents/notes.md", ""),
    ])
    .unwrap();
    assert_eq!(layout.kind, LayoutKind::Dolma);
    assert_eq!(shards(&layout), ["documents/a/0.jsonl.gz"]);
    assert_eq!(names(&layout.attributes), ["attributes/tagger/a/0.jsonl.gz"]);
    assert_eq!(names(&layout.others), ["documents/notes.md"]);
}

#[test]
fn every_shard_belongs_to_exactly_one_part() {
    let files: Vec<(String, &str)> = (0..11).map(|nth| (format!("{nth:02}.jsonl"), "")).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    let layout = read(&files).unwrap();
    for parts in 1..=12 {
        let mut seen = BTreeSet::new();
        for part in 0..parts {
            for shard in layout.part(part, parts).unwrap() {
                assert!(seen.insert(shard.name.clone()), "{} is in two parts of {parts}", shard.name);
            }
        }
        assert_eq!(seen.len(), 11);
    }
    let error = layout.part(3, 3).unwrap_err().to_string();
    assert_eq!(error, "there is no part 3 of 3; parts are counted from 0");
}
