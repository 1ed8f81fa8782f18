//! Measures how fast tainted lines are cut out, and how much of a text is kept at each granularity.
//!
//!     cargo bench -p lazaret-syntax --bench excise -- [--seed=1] [--lines=10] FOLDER...
//!
//! Takes every file below the folders that has a grammar. Taints one unit of it, or a run of so many lines anywhere,
//! and cuts it out at each granularity. Times are CPU seconds of one thread.
#![expect(clippy::print_stdout, reason = "the measurements are what it is for")]

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use lazaret_core::Span;
use lazaret_syntax::{Granularity, Language, ParseError, Parses, excise, units};

fn main() -> Result<(), Box<dyn Error>> {
    let folders: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if folders.is_empty() {
        println!("nothing measured: name folders of source text");
        return Ok(());
    }
    let mut texts: BTreeMap<Language, Vec<String>> = BTreeMap::new();
    for folder in &folders {
        read(folder.as_ref(), &mut texts)?;
    }
    let mut random = Random(option("seed").unwrap_or(1));
    println!(
        "language\tgranularity\tfiles\tMB\tMB/s\tkept\ttainted\tfaulty\trefused\tgone whole\tleft faulty"
    );
    for (language, texts) in &texts {
        let tainted =
            texts.iter().map(|text| taint(text, *language, &mut random)).collect::<Result<Vec<_>, _>>()?;
        for granularity in
            [None, Some(Granularity::Line), Some(Granularity::Statement), Some(Granularity::Unit)]
        {
            measure(*language, texts, &tainted, granularity)?;
        }
    }
    Ok(())
}

/// Cuts every text and prints a row; without a granularity nothing is tainted, and texts are parsed once.
fn measure(
    language: Language,
    texts: &[String],
    tainted: &[Option<Span>],
    granularity: Option<Granularity>,
) -> Result<(), Box<dyn Error>> {
    let (mut bytes, mut kept, mut lost) = (0, 0, 0);
    let (mut files, mut faulty, mut refused, mut empty, mut left) = (0, 0, 0, 0, 0);
    let started = cpu_seconds()?;
    for (text, span) in texts.iter().zip(tainted) {
        let Some(span) = span else { continue };
        let spans = granularity.map(|_| *span);
        files += 1;
        bytes += text.len();
        lost += text
            .lines()
            .skip(span.start() as usize - 1)
            .take(span.lines() as usize)
            .map(str::len)
            .sum::<usize>();
        match excise(text, Some(language), spans.as_slice(), granularity.unwrap_or(Granularity::Unit)) {
            Ok(excision) => {
                kept += excision.remainder.len();
                faulty += usize::from(excision.parses != Parses::Both);
                empty += usize::from(excision.remainder.is_empty());
                left += usize::from(excision.parses == Parses::Neither);
            }
            Err(ParseError::TooLarge { .. } | ParseError::TooHard { .. }) => refused += 1,
            Err(error) => return Err(error.into()),
        }
    }
    let seconds = cpu_seconds()? - started;
    let share = |part: usize| 100.0 * part as f64 / bytes.max(1) as f64;
    let megabytes = bytes as f64 / 1e6;
    println!(
        "{}\t{granularity:?}\t{files}\t{megabytes:.1}\t{:.1}\t{:.1} %\t{:.1} %\t{faulty}\t{refused}\t{empty}\t{left}",
        language.name(),
        megabytes / seconds,
        share(kept),
        share(lost),
    );
    Ok(())
}

/// Returns the lines of a unit of three lines or more, or so many lines anywhere.
fn taint(text: &str, language: Language, random: &mut Random) -> Result<Option<Span>, Box<dyn Error>> {
    if let Some(length) = option("lines") {
        let n_lines = text.lines().count();
        let start = u32::try_from(random.below(n_lines) + 1)?;
        let length = u32::try_from(length)?;
        return Ok((n_lines > 0).then_some(Span::new(start, start + length - 1)?));
    }
    let Ok(units) = units(text, language) else { return Ok(None) };
    let spans: Vec<Span> = units.iter().map(|unit| unit.lines).filter(|lines| lines.lines() >= 3).collect();
    Ok(spans.get(random.below(spans.len())).copied())
}

fn read(folder: &Path, texts: &mut BTreeMap<Language, Vec<String>>) -> Result<(), Box<dyn Error>> {
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::path);
    for entry in entries {
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            read(&path, texts)?;
        } else if let Some(language) = Language::of_path(path.as_os_str().as_encoded_bytes())
            && entry.file_type()?.is_file()
            && let Ok(text) = String::from_utf8(fs::read(&path)?)
        {
            texts.entry(language).or_default().push(text);
        }
    }
    Ok(())
}

fn option(name: &str) -> Option<u64> {
    let prefix = format!("--{name}=");
    std::env::args().find_map(|argument| argument.strip_prefix(&prefix)?.parse().ok())
}

/// Numbers by chance, the same on every run (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % (end.max(1) as u64)).unwrap_or_default()
    }
}

fn cpu_seconds() -> Result<f64, Box<dyn Error>> {
    let text = fs::read_to_string("/proc/self/schedstat")?;
    let nanoseconds: u64 = text.split(' ').next().unwrap_or_default().parse()?;
    Ok(nanoseconds as f64 / 1e9)
}
