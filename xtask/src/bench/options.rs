//! What the measurements of repositories are told on their command line.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};

/// Options, and the repositories to measure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    /// Every how many files `git blame` is asked about; 1 for all.
    pub(crate) sample: usize,
    /// Runs of `git`; the one of median CPU time counts.
    pub(crate) git_runs: usize,
    /// Runs of our own; the one of median CPU time counts.
    pub(crate) runs: usize,
    /// The repositories.
    pub(crate) repositories: Vec<PathBuf>,
}

impl Options {
    /// Reads a command line of which `accepted` are the options that the measurement knows.
    pub(crate) fn read(args: &[OsString], accepted: &[&str]) -> Result<Self> {
        let mut options = Self { sample: 1, git_runs: 1, runs: 5, repositories: Vec::new() };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let text = arg.to_string_lossy();
            if !text.starts_with("--") {
                options.repositories.push(PathBuf::from(arg));
                continue;
            }
            ensure!(accepted.contains(&&*text), "there is no option `{text}`");
            let number = args.next().and_then(|number| number.to_str()?.parse::<usize>().ok());
            let number = number.filter(|&number| number > 0);
            let number = number.with_context(|| format!("`{text}` takes a number above 0"))?;
            match &*text {
                "--sample" => options.sample = number,
                "--git-runs" => options.git_runs = number,
                "--runs" => options.runs = number,
                unknown => bail!("there is no option `{unknown}`"),
            }
        }
        ensure!(!options.repositories.is_empty(), "name at least one repository");
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(args: &[&str], accepted: &[&str]) -> Result<Options> {
        Options::read(&args.iter().map(OsString::from).collect::<Vec<_>>(), accepted)
    }

    #[test]
    fn options_and_repositories_mix() {
        let options = read(&["a", "--sample", "10", "b", "--runs", "3"], &["--sample", "--runs"]).unwrap();
        let repositories = vec![PathBuf::from("a"), PathBuf::from("b")];
        assert_eq!(options, Options { sample: 10, git_runs: 1, runs: 3, repositories });
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for args in [&["--sample", "0", "a"][..], &["a", "--sample"], &["--runs", "3", "a"], &[]] {
            read(args, &["--sample"]).unwrap_err();
        }
    }
}
