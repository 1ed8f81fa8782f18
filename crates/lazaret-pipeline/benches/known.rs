//! Measures what an index of known text on disk costs: time to open it and to ask it, and memory.
//!
//!     cargo bench -p lazaret-pipeline --bench known -- INDEX FOLDER...
//!
//! Opens the index as `lazaret scan` does and asks it about every file below the folders, three times over. Times are
//! CPU seconds of one thread, the best of the rounds; memory is as Linux counts it: of the process alone, and of files
//! that are mapped and could be dropped at any time. Linux maps the neighbours of what is touched, so what a round truly
//! touches is asked of the processor. `throughput` of `lazaret-fingerprint` writes an index of invented text to measure
//! with.
#![expect(clippy::print_stdout, reason = "the measurements are what it is for")]

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use lazaret_intake::files::list_files;
use lazaret_pipeline::known::KnownText;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let Some((index, folders)) = arguments.split_first().filter(|(_, folders)| !folders.is_empty()) else {
        println!("nothing measured: name an index and folders of source text");
        return Ok(());
    };
    let texts = texts(folders)?;
    let n_bytes: usize = texts.iter().map(Vec::len).sum();
    println!("{} files, {:.1} MB; {}", texts.len(), megabytes(n_bytes), Memory::now()?);

    let before = cpu_seconds()?;
    let known = KnownText::open(&[PathBuf::from(index)])?;
    println!("opened in {:.3} s; {}", cpu_seconds()? - before, Memory::now()?);
    let stats = known.stats()?;
    let n_fingerprints: u64 = stats.iter().map(|stats| stats.fingerprints).sum();
    let n_known: u64 = known.files().iter().map(|file| file.bytes).sum();
    println!("{n_fingerprints} fingerprints in {n_known} bytes of {} segments", known.files().len());

    let mut best = f64::INFINITY;
    for _ in 0..3 {
        fs::write("/proc/self/clear_refs", "1")?;
        let before = cpu_seconds()?;
        let mut n_found = 0;
        for text in &texts {
            n_found += known.matches(text)?.len();
        }
        let seconds = cpu_seconds()? - before;
        best = best.min(seconds);
        println!("asked in {seconds:.3} s, {n_found} found; {}", Memory::now()?);
        println!("{:.1} MiB of segments touched", touched_kib()? as f64 / 1024.0);
    }
    println!("{:.0} MB/s", megabytes(n_bytes) / best);
    Ok(())
}

/// Returns the texts of all files below some folders.
fn texts(folders: &[String]) -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
    let mut texts = Vec::new();
    for folder in folders {
        let (files, errors) = list_files(Path::new(folder));
        if let Some(error) = errors.into_iter().next() {
            return Err(error.into());
        }
        for file in files.iter().filter(|file| !file.is_link) {
            let text = fs::read(&file.location)?;
            if !text.contains(&0) {
                texts.push(text);
            }
        }
    }
    Ok(texts)
}

/// What this process holds in memory.
#[derive(Debug)]
struct Memory {
    own_kib: u64,
    mapped_kib: u64,
    peak_kib: u64,
}

impl Memory {
    fn now() -> Result<Self, Box<dyn Error>> {
        let status = fs::read_to_string("/proc/self/status")?;
        let kib = |name: &str| -> Result<u64, Box<dyn Error>> {
            let row = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            Ok(row.ok_or("no such row")?.trim().trim_end_matches(" kB").parse()?)
        };
        Ok(Self { own_kib: kib("RssAnon")?, mapped_kib: kib("RssFile")?, peak_kib: kib("VmHWM")? })
    }
}

impl std::fmt::Display for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mebibytes = |kib: u64| kib as f64 / 1024.0;
        write!(
            f,
            "{:.1} MiB its own, {:.1} MiB of files, {:.1} MiB at most",
            mebibytes(self.own_kib),
            mebibytes(self.mapped_kib),
            mebibytes(self.peak_kib)
        )
    }
}

/// Returns how much of the mapped segments was touched since the marks of it were cleared.
fn touched_kib() -> Result<u64, Box<dyn Error>> {
    let maps = fs::read_to_string("/proc/self/smaps")?;
    let mut is_segment = false;
    let mut sum = 0;
    for row in maps.lines() {
        // The rows that follow one with addresses begin with a name and a colon.
        let is_row = row.split(' ').next().is_some_and(|name| name.ends_with(':'));
        if !is_row {
            is_segment = row.ends_with(".lzseg");
        } else if let Some(kib) = row.strip_prefix("Referenced:").filter(|_| is_segment) {
            sum += kib.trim().trim_end_matches(" kB").parse::<u64>()?;
        }
    }
    Ok(sum)
}

fn megabytes(n_bytes: usize) -> f64 {
    n_bytes as f64 / 1e6
}

/// Returns the CPU seconds that this process has taken, as Linux counts them.
fn cpu_seconds() -> Result<f64, Box<dyn Error>> {
    let text = fs::read_to_string("/proc/self/schedstat")?;
    let nanoseconds: u64 = text.split(' ').next().unwrap_or_default().parse()?;
    Ok(nanoseconds as f64 / 1e9)
}
