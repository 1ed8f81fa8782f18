//! The catalog in the repository: whole, embedded, obeying its own rules and examples.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its own folder has to stop")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use lazaret_evidence::Catalog;
use lazaret_evidence::catalog::FILES;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../catalog")
}

fn toml_files(folder: &Path, prefix: &str, out: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            toml_files(&entry.path(), &format!("{prefix}{name}/"), out);
        } else if !name.ends_with(".schema.json") {
            out.insert(format!("{prefix}{name}"));
        }
    }
}

#[test]
fn every_file_of_the_folder_is_embedded() {
    let mut on_disk = BTreeSet::new();
    toml_files(&folder(), "", &mut on_disk);
    let embedded: BTreeSet<_> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(on_disk, embedded);
}

#[test]
fn every_mark_and_model_obeys_its_examples() {
    let failures: Vec<_> = Catalog::built_in().check_examples().iter().map(ToString::to_string).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
