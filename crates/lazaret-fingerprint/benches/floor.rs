//! Measures what a floor lets through: false alarms between unrelated texts, and copies that are lost.
//!
//!     cargo bench -p lazaret-fingerprint --bench floor -- [--show=1] [--seed=1] KNOWN ASKED EXTENSION
//!
//! Takes every file of the extension below the folder KNOWN as known, and asks about those below ASKED, which must be
//! by other people. Then takes hunks of KNOWN, changes them, pastes them into files of ASKED, and asks again.
#![expect(clippy::print_stdout, reason = "the measurements are what it is for")]
#![expect(
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a measurement may stop at its own mistakes"
)]

use std::collections::HashSet;
use std::error::Error;
use std::path::Path;

use lazaret_fingerprint::{
    Class, Entry, Except, Floor, Index, Lines, Segment, SegmentBuilder, TextMatch, Tokens, Written,
};

#[path = "world/change.rs"]
mod change;
#[path = "world/world.rs"]
mod world;

use change::Change;
use world::{File, Random, arguments, files, option};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = arguments();
    let [known, asked, extension] = arguments.as_slice() else {
        println!("nothing measured: name a folder of known text, one of text to ask about, and an extension");
        return Ok(());
    };
    let of_extension = |path: &Path| path.extension().is_some_and(|found| found == extension.as_str());
    let known = files(known.as_ref(), of_extension)?;
    let asked = files(asked.as_ref(), of_extension)?;
    println!("{} known files, {} asked", known.len(), asked.len());
    false_alarms(&known, &asked)?;
    copies(&known, &asked)
}

fn entry(name: &str) -> Entry {
    Entry {
        class: Class::Rival,
        name: name.to_owned(),
        origin: name.to_owned(),
        tool: String::new(),
        model: String::new(),
        recorded_at: 0,
    }
}

fn index<'a>(
    texts: impl Iterator<Item = (String, Lines<'a>, &'a [u8])>,
) -> Result<Index<Vec<u8>>, Box<dyn Error>> {
    let mut builder = SegmentBuilder::new();
    for (name, lines, text) in texts {
        builder.add(&entry(&name), &Written { text, lines, ids: &[] }, &Except::new())?;
    }
    let mut bytes = Vec::new();
    builder.finish(&mut bytes)?;
    Ok(Index::new(vec![Segment::open(bytes)?]))
}

fn false_alarms(known: &[File], asked: &[File]) -> Result<(), Box<dyn Error>> {
    let names = known.iter().map(|file| file.path.display().to_string());
    let index = index(names.zip(known).map(|(name, file)| (name, Lines::All, file.text.as_slice())))?;
    let stats = index.segments()[0].stats()?;
    let per = |bytes: u64, count: u64| bytes as f64 / count.max(1) as f64;
    println!(
        "{:.2} bytes a fingerprint, {:.2} a shape, {:.2} a line; {:.3} bytes a byte of text",
        per(stats.fingerprints_bytes, stats.fingerprints),
        per(stats.shapes_bytes, stats.shapes),
        per(stats.lines_bytes, stats.lines),
        per(stats.total_bytes, known.iter().map(|file| file.text.len() as u64).sum()),
    );
    println!("\nfloor\tfiles flagged\tof 10,000\tlines claimed\tof 100,000");
    let none = Floor { tokens_min: u32::MAX, shape_tokens_min: u32::MAX, ..Floor::default() };
    for (tokens_min, words_min) in
        [(16, 8), (24, 8), (24, 10), (24, 12), (24, 14), (32, 12), (48, 16), (64, 24), (96, 32)]
    {
        let floor = Floor { tokens_min, words_min, ..none };
        alarms(&format!("text: {tokens_min} tokens, {words_min} words"), asked, &index, &floor)?;
    }
    for (shape_tokens_min, shape_kinds_min) in [
        (64, 16),
        (64, 20),
        (96, 12),
        (96, 16),
        (96, 20),
        (96, 24),
        (128, 16),
        (128, 20),
        (128, 24),
        (192, 20),
    ] {
        let floor = Floor { shape_tokens_min, shape_kinds_min, ..none };
        alarms(&format!("shape: {shape_tokens_min} tokens, {shape_kinds_min} kinds"), asked, &index, &floor)?;
    }
    alarms("default", asked, &index, &Floor::default())
}

fn alarms(name: &str, asked: &[File], index: &Index<Vec<u8>>, floor: &Floor) -> Result<(), Box<dyn Error>> {
    let lines: usize = asked.iter().map(|file| file.text.split(|&byte| byte == b'\n').count()).sum();
    let (mut flagged, mut claimed) = (0, 0);
    for file in asked {
        let found = index.matches(&file.text, floor)?;
        flagged += usize::from(!found.is_empty());
        claimed += covered(&found).len();
        if *floor == Floor::default() && option("show").is_some() {
            for one in found.iter().take(3) {
                println!("  {} {one:?} {}", file.path.display(), index.entry(one)?.origin);
            }
        }
    }
    let of = |count: usize, all: usize, unit: f64| count as f64 * unit / all.max(1) as f64;
    println!(
        "{name}\t{flagged}\t{:.1}\t{claimed}\t{:.1}",
        of(flagged, asked.len(), 1e4),
        of(claimed, lines, 1e5)
    );
    Ok(())
}

fn covered(found: &[TextMatch]) -> HashSet<u32> {
    found.iter().flat_map(|one| &one.covered).flat_map(|span| span.start()..=span.end()).collect()
}

/// A hunk that was pasted somewhere after a change.
struct Copy {
    text: String,
    first: usize,
    last: usize,
}

fn copies(known: &[File], asked: &[File]) -> Result<(), Box<dyn Error>> {
    const HUNKS: usize = 300;
    let mut random = Random::new(option("seed").unwrap_or(1));
    println!("\nlines\tchange\tfound\tlines found\tlines too many\tsame blob\tJaccard 0.7\tJaccard 0.8");
    for n_lines in [5, 10, 20, 40] {
        let hunks: Vec<String> = hunks(known, n_lines, HUNKS, &mut random);
        let named = hunks.iter().enumerate();
        let index = index(named.map(|(nth, text)| (nth.to_string(), Lines::Piece, text.as_bytes())))?;
        for change in Change::ALL {
            let (mut found, mut right, mut wrong, mut lines) = (0, 0, 0, 0);
            let (mut same, mut similar_7, mut similar_8) = (0, 0, 0);
            for hunk in &hunks {
                let changed = change.apply(hunk, &mut random);
                let Some(copy) = paste(&changed, asked, &mut random) else { continue };
                let matches = index.matches(copy.text.as_bytes(), &Floor::default())?;
                let covered = covered(&matches);
                let inside = |&&line: &&u32| (copy.first..=copy.last).contains(&(line as usize));
                let n_inside = covered.iter().filter(inside).count();
                found += usize::from(n_inside > 0);
                right += n_inside;
                wrong += covered.len() - n_inside;
                lines += copy.last + 1 - copy.first;
                let similarity = jaccard(hunk, &copy.text);
                same += usize::from(*hunk == copy.text);
                similar_7 += usize::from(similarity >= 0.7);
                similar_8 += usize::from(similarity >= 0.8);
            }
            let percent = |count: usize, all: usize| count as f64 * 100.0 / all.max(1) as f64;
            println!(
                "{n_lines}\t{change}\t{:.0} %\t{:.0} %\t{:.2} %\t{:.0} %\t{:.0} %\t{:.0} %",
                percent(found, hunks.len()),
                percent(right, lines),
                percent(wrong, lines),
                percent(same, hunks.len()),
                percent(similar_7, hunks.len()),
                percent(similar_8, hunks.len()),
            );
        }
    }
    Ok(())
}

/// Returns runs of so many lines with something in them, from files taken by chance.
fn hunks(known: &[File], n_lines: usize, count: usize, random: &mut Random) -> Vec<String> {
    let mut hunks = Vec::new();
    for _ in 0..count * 100 {
        if hunks.len() == count || known.is_empty() {
            break;
        }
        let file = &known[random.below(known.len())];
        let Ok(text) = std::str::from_utf8(&file.text) else { continue };
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        if lines.len() < n_lines {
            continue;
        }
        let start = random.below(lines.len() - n_lines + 1);
        hunks.push(lines[start..start + n_lines].join("\n") + "\n");
    }
    hunks
}

fn paste(hunk: &str, asked: &[File], random: &mut Random) -> Option<Copy> {
    for _ in 0..100 {
        let file = &asked[random.below(asked.len())];
        let Ok(text) = std::str::from_utf8(&file.text) else { continue };
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        if lines.len() < 20 {
            continue;
        }
        let at = random.below(lines.len() - 1);
        let (before, after) = lines.split_at(at);
        let text = [&before.concat(), hunk, &after.concat()].concat();
        return Some(Copy { text, first: at + 1, last: at + hunk.lines().count() });
    }
    None
}

/// The exact similarity of the sets of five tokens in a row: what `MinHash` estimates.
fn jaccard(one: &str, other: &str) -> f64 {
    let grams = |text: &str| -> HashSet<Vec<u64>> {
        let tokens: Vec<u64> = Tokens::new(text.as_bytes()).map(|token| token.hash).collect();
        tokens.windows(5).map(<[u64]>::to_vec).collect()
    };
    let (one, other) = (grams(one), grams(other));
    one.intersection(&other).count() as f64 / one.union(&other).count().max(1) as f64
}
