//! How fast JSON lines are read and written: `cargo bench -p lazaret-shard --bench json_lines`.
//!
//! In seconds of the processor, because a clock on the wall measures the neighbours as well.
#![expect(clippy::print_stdout, reason = "a measurement prints")]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on must end at once")]

use std::collections::HashMap;
use std::hint::black_box;
use std::io::Write;
use std::sync::{Arc, Mutex};

use lazaret_shard::{Chunk, Codec, Fate, Format, Limits, Profile, create_text, open_text};
use nix::sys::resource::{UsageWho, getrusage};
use serde_json::Value;

const N_RECORDS: usize = 8_000;
const N_ROUNDS: usize = 3;

/// A file whose bytes outlive its writer.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn main() {
    let plain = [shard(&code()), shard(&prose())];
    let [code, prose] = plain.map(Vec::leak).map(|shard| (shard.len(), &*shard));
    println!("code: {} MB, prose: {} MB of JSON\n", code.0 / 1_000_000, prose.0 / 1_000_000);
    println!("{:28} {:>10} {:>10}", "MB of JSON a second", "code", "prose");
    measure("serde_json, into values", [code, prose], |shard| {
        for line in shard.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            black_box(serde_json::from_slice::<HashMap<String, Value>>(line).unwrap());
        }
    });
    for codec in [Codec::Plain, Codec::Gzip, Codec::Zstd, Codec::Bzip2, Codec::Xz] {
        let format = Format::JsonLines(codec);
        let files = [code, prose].map(|(n_bytes, shard)| {
            (n_bytes, &*write(Format::JsonLines(Codec::Plain), shard, format).leak())
        });
        measure(&format!("{format}, read"), files, |file| {
            read(format, file, |chunk| drop(black_box(chunk)));
        });
        measure(&format!("{format}, read and written"), files, |file| {
            black_box(write(format, file, format));
        });
    }
}

fn measure(name: &str, files: [(usize, &'static [u8]); 2], work: impl Fn(&'static [u8])) {
    let [code, prose] = files.map(|(n_bytes, file)| {
        let seconds = (0..N_ROUNDS).map(|_| {
            let start = cpu_seconds();
            work(file);
            cpu_seconds() - start
        });
        n_bytes as f64 / 1e6 / seconds.fold(f64::INFINITY, f64::min)
    });
    println!("{name:28} {code:>10.0} {prose:>10.0}");
}

fn cpu_seconds() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    [usage.user_time(), usage.system_time()]
        .iter()
        .map(|time| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6)
        .sum()
}

/// Reads a shard and gives each chunk to `each`.
fn read(format: Format, file: &'static [u8], mut each: impl FnMut(Chunk)) {
    let profile = Profile::built_in("dolma").unwrap();
    let mut reader = open_text(format, Box::new(file), &profile, Limits::default()).unwrap();
    while let Some(chunk) = reader.next_chunk().unwrap() {
        each(chunk);
    }
}

/// Reads a shard and writes all of it in another format.
fn write(from: Format, file: &'static [u8], to: Format) -> Vec<u8> {
    let paper = Paper::default();
    let mut writer = create_text(to, Box::new(paper.clone())).unwrap();
    read(from, file, |chunk| {
        writer.write(&chunk.rows, &vec![Fate::Keep; chunk.facts.len()], None).unwrap();
    });
    writer.finish().unwrap();
    std::mem::take(&mut *paper.0.lock().unwrap())
}

fn shard(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for nth in 0..N_RECORDS {
        // The texts differ in length and at their beginnings, so that no codec finds the same record again.
        let start = text.char_indices().nth(nth % 997).map_or(0, |(at, _)| at);
        let text = format!("{nth} {}", text.get(start..).unwrap_or_default());
        let record = serde_json::json!({
            "id": format!("record-{nth}"),
            "text": text,
            "source": "invented",
            "added": "2026-01-01T00:00:00Z",
            "metadata": { "path": format!("src/part_{nth}.py"), "stars": nth, "license": ["MIT"] },
        });
        serde_json::to_writer(&mut out, &record).unwrap();
        out.push(b'\n');
    }
    out
}

fn code() -> String {
    (0..60)
        .map(|nth| format!("def ship_{nth}(cargo):\n\tif cargo[\"hold\"] > {nth}:\n\t\treturn None\n\n"))
        .collect()
}

fn prose() -> String {
    (0..60)
        .map(|nth| {
            format!("On day {nth} the ship lay at anchor, and nobody came ashore; the café stayed shut. ")
        })
        .collect()
}
