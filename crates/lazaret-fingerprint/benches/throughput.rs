//! Measures how fast text is read and looked up, and how many bytes a fingerprint takes.
//!
//!     cargo bench -p lazaret-fingerprint --bench throughput -- [--fingerprints=10000000] [--keep=INDEX] FOLDER...
//!
//! Reads every file below the folders into memory, builds a segment of invented text with so many fingerprints, and
//! asks it about all files; `--keep` writes the segment into a folder, to measure it from disk. Times are CPU seconds of one thread, the best of three rounds.
#![expect(clippy::print_stdout, reason = "the measurements are what it is for")]

use std::error::Error;
use std::hint::black_box;
use std::path::Path;

use lazaret_core::Digest;
use lazaret_fingerprint::{
    Class, Entry, Except, Floor, Index, Scan, Segment, SegmentBuilder, Tokens, Written,
};

#[path = "world/world.rs"]
mod world;

use world::{Random, arguments, files, option, text_option};

fn main() -> Result<(), Box<dyn Error>> {
    let wanted = usize::try_from(option("fingerprints").unwrap_or(10_000_000))?;
    let folders = arguments();
    if folders.is_empty() {
        println!("nothing measured: name folders of source text");
        return Ok(());
    }
    let mut texts = Vec::new();
    for folder in &folders {
        texts.extend(files(folder.as_ref(), |_| true)?.into_iter().map(|file| file.text));
    }
    let n_bytes: usize = texts.iter().map(Vec::len).sum();
    println!("{} files, {:.1} MB", texts.len(), megabytes(n_bytes));

    rate("tokenise", n_bytes, || texts.iter().map(|text| Tokens::new(text).count()).sum())?;
    rate("tokenise + winnow", n_bytes, || texts.iter().map(|text| Scan::of(text).fingerprints.len()).sum())?;

    let before = cpu_seconds()?;
    let bytes = invented(wanted)?;
    let built = cpu_seconds()?;
    if let Some(folder) = text_option("keep") {
        std::fs::create_dir_all(&folder)?;
        let digest = Digest::of(&bytes).to_string();
        let name = format!("{}.lzseg", digest.trim_start_matches("sha256:"));
        std::fs::write(Path::new(&folder).join(name), &bytes)?;
    }
    println!("built in {:.1} s, invention included", built - before);
    let segment = Segment::open(Mapped::new(&bytes))?;
    drop(bytes);
    println!("opened in {:.3} s", cpu_seconds()? - built);
    let stats = segment.stats()?;
    println!("{stats:?}");
    let per = |bytes: u64, count: u64| bytes as f64 / count as f64;
    println!("{:.2} bytes a fingerprint", per(stats.fingerprints_bytes, stats.fingerprints));
    println!("{:.2} bytes a shape", per(stats.shapes_bytes, stats.shapes));
    println!("{:.2} bytes a line", per(stats.lines_bytes, stats.lines));
    println!("{:.2} bytes a fingerprint, with everything", per(stats.total_bytes, stats.fingerprints));

    let index = Index::new(vec![segment]);
    let floor = Floor::default();
    rate("tokenise + winnow + look-up", n_bytes, || {
        texts.iter().map(|text| index.matches(text, &floor).map_or(0, |found| found.len())).sum()
    })?;
    Ok(())
}

/// Bytes that begin where a cache line does, as those of a mapped file do.
#[derive(Debug)]
struct Mapped {
    bytes: Vec<u8>,
    start: usize,
    length: usize,
}

impl Mapped {
    fn new(bytes: &[u8]) -> Self {
        const LINE_BYTES: usize = 64;
        let mut mapped = vec![0; bytes.len() + LINE_BYTES];
        let start = mapped.as_ptr().align_offset(LINE_BYTES);
        mapped.iter_mut().skip(start).zip(bytes).for_each(|(to, from)| *to = *from);
        Self { bytes: mapped, start, length: bytes.len() }
    }
}

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(self.start..self.start + self.length).unwrap_or_default()
    }
}

fn rate(what: &str, n_bytes: usize, round: impl Fn() -> usize) -> Result<(), Box<dyn Error>> {
    let mut best = f64::INFINITY;
    let mut result = 0;
    for _ in 0..3 {
        let before = cpu_seconds()?;
        result = black_box(round());
        best = best.min(cpu_seconds()? - before);
    }
    println!("{what}: {:.0} MB/s ({result} in all)", megabytes(n_bytes) / best);
    Ok(())
}

fn megabytes(n_bytes: usize) -> f64 {
    n_bytes as f64 / 1e6
}

/// Returns a segment of about so many fingerprints over lines of invented code.
fn invented(wanted: usize) -> Result<Vec<u8>, Box<dyn Error>> {
    const LINES_PER_ENTRY: usize = 100;
    // Eight and a half tokens a fingerprint, ten and a half a line.
    let n_lines = wanted * 17 / 21;
    let mut random = Random::new(7);
    let mut builder = SegmentBuilder::new();
    for nth in 0..n_lines / LINES_PER_ENTRY {
        let mut words: Vec<usize> = (0..12).collect();
        let text: String = (0..LINES_PER_ENTRY).map(|_| invented_line(&mut words, &mut random)).collect();
        let entry = Entry {
            class: Class::Rival,
            name: format!("session {}", nth / 20),
            origin: format!("session {} src/module_{nth}.rs", nth / 20),
            tool: "some-tool".to_owned(),
            model: "some-model".to_owned(),
            recorded_at: i64::try_from(nth)?,
        };
        builder.add(&entry, &Written::whole(text.as_bytes()), &Except::new())?;
    }
    let mut bytes = Vec::new();
    builder.finish(&mut bytes)?;
    Ok(bytes)
}

/// Returns a line of five words, some of which stood before, with signs between them.
fn invented_line(words: &mut [usize], random: &mut Random) -> String {
    const SIGNS: [&str; 12] = [" = ", ".", "(", ")", "[", "]", " + ", " - ", ", ", ": ", " < ", " | "];
    let mut line = "    ".to_owned();
    for _ in 0..5 {
        let place = random.below(words.len());
        if let Some(word) = words.get_mut(place) {
            if random.below(2) == 0 {
                *word = random.below(1 << 20);
            }
            line += &format!("w{word:x}");
        }
        line += SIGNS.get(random.below(SIGNS.len())).copied().unwrap_or_default();
    }
    line + ";\n"
}

/// Returns the CPU seconds that this process has taken, as Linux counts them.
fn cpu_seconds() -> Result<f64, Box<dyn Error>> {
    let text = std::fs::read_to_string("/proc/self/schedstat")?;
    let nanoseconds: u64 = text.split(' ').next().unwrap_or_default().parse()?;
    Ok(nanoseconds as f64 / 1e9)
}
