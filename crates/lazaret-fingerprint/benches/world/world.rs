//! What the measurements share: arguments, files, chance that repeats itself, and CPU time.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

/// Returns the arguments that are no options; cargo adds options of its own.
pub(crate) fn arguments() -> Vec<String> {
    std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect()
}

/// Returns the number of an option such as `--rounds=3`.
pub(crate) fn option(name: &str) -> Option<u64> {
    text_option(name)?.parse().ok()
}

/// Returns the text of an option such as `--keep=FOLDER`.
pub(crate) fn text_option(name: &str) -> Option<String> {
    let prefix = format!("--{name}=");
    std::env::args().find_map(|argument| Some(argument.strip_prefix(&prefix)?.to_owned()))
}

/// A file and its text.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) path: PathBuf,
    pub(crate) text: Vec<u8>,
}

/// Returns the files below a folder that are text and whose path is wanted, sorted by path.
pub(crate) fn files(folder: &Path, wanted: impl Fn(&Path) -> bool) -> Result<Vec<File>, Box<dyn Error>> {
    let mut folders = vec![folder.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() && wanted(&path) {
                let text = fs::read(&path)?;
                if !text.contains(&0) {
                    files.push(File { path, text });
                }
            }
        }
    }
    files.sort_by(|one, next| one.path.cmp(&next.path));
    Ok(files)
}

/// Numbers by chance, the same on every run (splitmix64).
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % (end.max(1) as u64)).unwrap_or_default()
    }
}
