//! The files of the workspace, read once.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

/// Folders that hold nothing written by hand.
const SKIPPED: [&str; 4] = ["target", "corpus", "artifacts", "node_modules"];

/// Every file of the workspace by its path from the root, with `/` between its parts. Bytes that are not UTF-8 are replaced.
#[derive(Debug, Default)]
pub(super) struct Tree {
    files: BTreeMap<String, String>,
}

impl Tree {
    /// Reads all files below `root`, hidden ones and build products aside.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let mut tree = Self::default();
        tree.read_folder(root, "")?;
        Ok(tree)
    }

    fn read_folder(&mut self, folder: &Path, prefix: &str) -> Result<()> {
        let entries = fs::read_dir(folder).with_context(|| format!("cannot list `{}`", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{prefix}{name}");
            let kind = entry.file_type()?;
            if kind.is_dir() && !name.starts_with('.') && !SKIPPED.contains(&name.as_str()) {
                self.read_folder(&entry.path(), &format!("{path}/"))?;
            } else if kind.is_file() {
                let bytes = fs::read(entry.path()).with_context(|| format!("cannot read `{path}`"))?;
                self.files.insert(path, String::from_utf8_lossy(&bytes).into_owned());
            }
        }
        Ok(())
    }

    /// Returns the text of a file.
    pub(super) fn get(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Whether the path is a file, or a folder with a file in it.
    pub(super) fn exists(&self, path: &str) -> bool {
        self.files.contains_key(path) || self.has_folder(path)
    }

    /// Whether there is a file below the folder.
    pub(super) fn has_folder(&self, path: &str) -> bool {
        self.below(&format!("{}/", path.trim_end_matches('/'))).next().is_some()
    }

    /// Returns the files whose path starts with the prefix.
    pub(super) fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let from = self.files.range(prefix.to_owned()..);
        from.take_while(move |(path, _)| path.starts_with(prefix))
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Returns the Rust files that are code of the project: data of tests that happens to be Rust is not.
    pub(super) fn rust(&self) -> impl Iterator<Item = (&str, &str)> {
        let is_data =
            |path: &str| path.split('/').any(|part| matches!(part, "cases" | "testdata" | "fixtures"));
        self.below("").filter(move |(path, _)| path.ends_with(".rs") && !is_data(path))
    }

    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        Self { files: files.iter().map(|&(path, text)| (path.to_owned(), text.to_owned())).collect() }
    }
}
