//! How fast columnar shards are read as facts, and written again: `cargo bench -p lazaret-shard --bench columnar`.
//!
//! In seconds of the processor, because a clock on the wall measures the neighbours as well.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a measurement prints, and must end at once if it cannot go on"
)]

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use lazaret_shard::{Fate, Limits, Profile, create, open};
use nix::sys::resource::{UsageWho, getrusage};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

/// How much text a shard holds.
const TEXT_BYTES: usize = 256 << 20;

/// How often each measurement is made; the fastest counts.
const RUNS: usize = 3;

const PROFILE: &str =
    "version = 1\nname = \"bench\"\n[columns]\ntext = \"content\"\nid = \"id\"\npath = \"path\"\n";

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let profile = Profile::parse(PROFILE).unwrap();
    println!("{:<10} {:>10} {:>14} {:>18}", "codec", "MB on disk", "read, MB/s", "read+write, MB/s");
    for (name, compression) in [
        ("none", Compression::UNCOMPRESSED),
        ("snappy", Compression::SNAPPY),
        ("zstd", Compression::ZSTD(ZstdLevel::default())),
    ] {
        let path = folder.path().join("shard.parquet");
        let text_bytes = generate(&path, compression);
        let read = fastest(|| assert_eq!(pass(&path, &profile, None), text_bytes));
        let out = folder.path().join("out.parquet");
        let written = fastest(|| assert_eq!(pass(&path, &profile, Some(&out)), text_bytes));
        let disk = fs::metadata(&path).unwrap().len();
        let speed = |seconds: f64| text_bytes as f64 / 1e6 / seconds;
        println!("{name:<10} {:>10} {:>14.0} {:>18.0}", disk / 1_000_000, speed(read), speed(written));
    }
}

/// Returns the seconds of the fastest run.
fn fastest(mut run: impl FnMut()) -> f64 {
    let time = |_| {
        let start = processor_seconds();
        run();
        processor_seconds() - start
    };
    (0..RUNS).map(time).fold(f64::INFINITY, f64::min)
}

fn processor_seconds() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    seconds(usage.user_time()) + seconds(usage.system_time())
}

/// Reads the shard, writes every second record if asked to, and returns how many bytes of text were read.
fn pass(path: &Path, profile: &Profile, out: Option<&Path>) -> usize {
    let mut opened = open(path, profile, Limits::default()).unwrap();
    let mut writer =
        out.map(|out| create(Box::new(File::create(out).unwrap()), &opened.template, profile).unwrap());
    let mut text_bytes = 0;
    while let Some(chunk) = opened.reader.next_chunk().unwrap() {
        chunk.facts.for_each(|_, record| text_bytes += record.text.map_or(0, <[u8]>::len));
        if let Some(writer) = &mut writer {
            let fate = |nth: usize| if nth.is_multiple_of(2) { Fate::Keep } else { Fate::Drop };
            let fates: Vec<Fate<'_>> = (0..chunk.facts.len()).map(fate).collect();
            writer.write(&chunk.rows, &fates, None).unwrap();
        }
    }
    if let Some(writer) = writer {
        writer.finish().unwrap();
    }
    text_bytes
}

/// Writes a shard of made-up source code: files of 1 to 16 KB of words with the repetitions of code.
fn generate(path: &Path, compression: Compression) -> usize {
    const WORDS: [&str; 16] = [
        "let", "self", "count", "->", "= ", "(", ");\n", "{\n    ", "}\n", "return ", "value", "index",
        "if ", "// ", "buffer", ", ",
    ];
    let mut dice = 0x9E37_79B9_7F4A_7C15_u64;
    let mut roll = move || {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        dice
    };
    let properties = WriterProperties::builder().set_compression(compression).build();
    let mut writer: Option<ArrowWriter<File>> = None;
    let (mut n_bytes, mut n_records) = (0, 0_u64);
    while n_bytes < TEXT_BYTES {
        let mut texts = Vec::new();
        let mut names = Vec::new();
        for _ in 0..1000 {
            let mut text = String::new();
            let length = 1024 + usize::try_from(roll() % (15 << 10)).unwrap();
            while text.len() < length {
                let word = roll();
                text.push_str(WORDS[usize::try_from(word % 16).unwrap()]);
                if word % 5 == 0 {
                    text.push_str(&format!("{:x}", word >> 40));
                }
            }
            n_bytes += text.len();
            n_records += 1;
            names.push(format!("src/module_{n_records}.rs"));
            texts.push(text);
        }
        let strings = |values: &[String]| Arc::new(StringArray::from_iter_values(values)) as ArrayRef;
        let batch = RecordBatch::try_from_iter([
            ("id", strings(&names)),
            ("path", strings(&names)),
            ("license", strings(&vec!["mit".to_owned(); names.len()])),
            ("content", strings(&texts)),
        ])
        .unwrap();
        let writer = writer.get_or_insert_with(|| {
            ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), Some(properties.clone()))
                .unwrap()
        });
        writer.write(&batch).unwrap();
    }
    writer.unwrap().close().unwrap();
    n_bytes
}
