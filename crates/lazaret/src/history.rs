//! How a command reads a history: with which index of earlier scans, and with how many threads.

use std::env;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread::available_parallelism;

use clap::Args;

/// Options of commands that read a history.
#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// Keep the index of the history in this folder for the next time; `lazaret` in the user's cache folder by default
    #[arg(long, value_name = "DIR", conflicts_with = "no_cache")]
    cache: Option<PathBuf>,
    /// Neither read nor write an index of the history
    #[arg(long)]
    no_cache: bool,
    /// How many threads to use; one for each processor by default
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
}

impl HistoryArgs {
    /// Returns the folder of the index; `None` for no index.
    pub(crate) fn cache_dir(&self) -> Option<PathBuf> {
        match &self.cache {
            Some(cache) => Some(cache.clone()),
            None => default_cache_dir().filter(|_| !self.no_cache),
        }
    }

    /// Returns how many threads to use.
    pub(crate) fn n_threads(&self) -> usize {
        self.threads.or_else(|| available_parallelism().ok()).map_or(1, NonZeroUsize::get)
    }
}

/// Returns `lazaret` in the user's cache folder (XDG Base Directory Specification, `XDG_CACHE_HOME`); `None` where
/// the environment names no home.
#[expect(clippy::disallowed_methods, reason = "the command is the place that reads the environment")]
fn default_cache_dir() -> Option<PathBuf> {
    let named = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = named.or_else(|| {
        let home = env::var_os("HOME").map(PathBuf::from).filter(|path| path.is_absolute())?;
        Some(home.join(".cache"))
    })?;
    Some(cache.join("lazaret"))
}
