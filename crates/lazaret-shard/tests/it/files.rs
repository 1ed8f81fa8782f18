//! Compressed shards, from the file to the file.

use lazaret_shard::{Codec, Fate, Format, Profile, ShardError};

use crate::world::{SMALL, read, records, write};

fn shard() -> String {
    (0..50).map(|n| format!("{{\"id\":\"{n}\",\"text\":\"invented line {n}\"}}\n")).collect()
}

#[test]
fn every_codec_is_read_and_written() {
    let dolma = Profile::built_in("dolma").unwrap();
    let plain = Format::JsonLines(Codec::Plain);
    let chunks = read(plain, shard().as_bytes(), &dolma, SMALL).unwrap();
    for codec in [Codec::Gzip, Codec::Zstd, Codec::Bzip2, Codec::Xz] {
        let format = Format::JsonLines(codec);
        let (file, count) = write(format, &chunks, |_| Fate::Keep, |_| None).unwrap();
        assert_eq!((count.records, count.rows), (50, 50));
        let again = read(format, &file, &dolma, SMALL).unwrap();
        assert_eq!(records(&again), records(&chunks), "{codec:?}");
        let (text, _) = write(plain, &again, |_| Fate::Keep, |_| None).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), shard(), "{codec:?}");
        // Half a shard is no shard, though its first records could be read.
        let error = read(format, &file[..file.len() - 3], &dolma, SMALL).unwrap_err();
        assert!(matches!(error, ShardError::Compression { .. }), "{codec:?}: {error}");
    }
}
