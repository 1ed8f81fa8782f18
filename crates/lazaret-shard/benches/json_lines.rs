//! How fast JSON lines are read and written: `cargo bench -p lazaret-shard --bench json_lines`.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a measurement asks the clock and prints"
)]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on must end at once")]

use std::collections::HashMap;
use std::hint::black_box;
use std::io::{Cursor, Write};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use lazaret_shard::{Chunk, Codec, Fate, Format, Limits, Profile, create_text, open_text};
use serde_json::Value;

const N_RECORDS: usize = 30_000;
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
    let code = shard(&code());
    let prose = shard(&prose());
    println!("code: {} MB, prose: {} MB of JSON\n", code.len() / 1_000_000, prose.len() / 1_000_000);
    println!("{:28} {:>10} {:>10}", "MB of JSON a second", "code", "prose");
    line("serde_json, into values", [&code, &prose], |shard| {
        for line in shard.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            black_box(serde_json::from_slice::<HashMap<String, Value>>(line).unwrap());
        }
    });
    for codec in [Codec::Plain, Codec::Gzip, Codec::Zstd, Codec::Bzip2, Codec::Xz] {
        let format = Format::JsonLines(codec);
        let files = [&code, &prose].map(|shard| {
            let plain = Format::JsonLines(Codec::Plain);
            (shard.len(), write(format, &read(plain, shard)))
        });
        let name = format!("{format}, read");
        measure(&name, files.each_ref().map(|(n_bytes, file)| (*n_bytes, file.as_slice())), |file| {
            black_box(read(format, file));
        });
        let name = format!("{format}, read and written");
        measure(&name, files.each_ref().map(|(n_bytes, file)| (*n_bytes, file.as_slice())), |file| {
            black_box(write(format, &read(format, file)));
        });
    }
}

fn line(name: &str, shards: [&Vec<u8>; 2], work: impl Fn(&[u8])) {
    measure(name, shards.map(|shard| (shard.len(), shard.as_slice())), work);
}

fn measure(name: &str, files: [(usize, &[u8]); 2], work: impl Fn(&[u8])) {
    let [code, prose] = files.map(|(n_bytes, file)| {
        let seconds = (0..N_ROUNDS).map(|_| {
            let start = Instant::now();
            work(file);
            start.elapsed().as_secs_f64()
        });
        n_bytes as f64 / 1e6 / seconds.fold(f64::INFINITY, f64::min)
    });
    println!("{name:28} {code:>10.0} {prose:>10.0}");
}

fn read(format: Format, file: &[u8]) -> Vec<Chunk> {
    let profile = Profile::built_in("dolma").unwrap();
    let mut reader =
        open_text(format, Box::new(Cursor::new(file.to_vec())), &profile, Limits::default()).unwrap();
    std::iter::from_fn(|| reader.next_chunk().unwrap()).collect()
}

fn write(format: Format, chunks: &[Chunk]) -> Vec<u8> {
    let paper = Paper::default();
    let mut writer = create_text(format, Box::new(paper.clone())).unwrap();
    for chunk in chunks {
        writer.write(&chunk.rows, &vec![Fate::Keep; chunk.facts.len()], None).unwrap();
    }
    writer.finish().unwrap();
    let bytes = paper.0.lock().unwrap().clone();
    bytes
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
