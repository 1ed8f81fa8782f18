//! Tests of codecs: every cut, every flip and every tail is noticed.

use std::io::Cursor;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;

use super::*;

const COMPRESSED: [Codec; 4] = [Codec::Gzip, Codec::Zstd, Codec::Bzip2, Codec::Xz];

/// A file whose bytes outlive the encoder.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn compress(codec: Codec, bytes: &[u8]) -> Vec<u8> {
    let paper = Paper::default();
    let mut encoder = Encoder::new(codec, Box::new(paper.clone())).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap();
    paper.0.lock().unwrap().clone()
}

fn decompress(codec: Codec, bytes: &[u8]) -> Result<Vec<u8>, ShardError> {
    let mut decoder = Decoder::new(codec, Box::new(Cursor::new(bytes.to_vec())))?;
    let (mut out, mut block) = (Vec::new(), [0; 777]);
    loop {
        match decoder.read(&mut block)? {
            0 => return Ok(out),
            n => out.extend_from_slice(&block[..n]),
        }
    }
}

fn prose() -> Vec<u8> {
    let lines = (0..40).map(|n: u32| format!("{{\"text\":\"line {} of the invented book\"}}\n", n * n));
    lines.collect::<String>().into_bytes()
}

#[test]
fn several_members_frames_and_streams_are_one_file() {
    for codec in COMPRESSED {
        let mut file = compress(codec, b"one\n");
        file.extend(compress(codec, b""));
        file.extend(compress(codec, b"two\n"));
        assert_eq!(decompress(codec, &file).unwrap(), b"one\ntwo\n", "{codec:?}");
    }
}

#[test]
fn a_file_cut_anywhere_is_an_error() {
    let prose = prose();
    for codec in COMPRESSED {
        let file = compress(codec, &prose);
        for end in 0..file.len() {
            let read = decompress(codec, &file[..end]);
            assert!(matches!(read, Err(ShardError::Compression { .. })), "{codec:?} cut after {end}");
        }
        assert_eq!(decompress(codec, &file).unwrap(), prose);
    }
}

#[test]
fn a_second_member_cut_anywhere_but_at_its_start_is_an_error() {
    for codec in COMPRESSED {
        let first = compress(codec, b"one\n");
        let mut file = first.clone();
        file.extend(compress(codec, &prose()));
        for end in first.len() + 1..file.len() {
            let read = decompress(codec, &file[..end]);
            assert!(matches!(read, Err(ShardError::Compression { .. })), "{codec:?} cut after {end}");
        }
    }
}

#[test]
fn what_follows_the_compressed_bytes_is_an_error() {
    for codec in COMPRESSED {
        for tail in [&b"x"[..], b"garbage behind the end", &[0], &[0; 512], b"{\"text\":\"plain\"}\n"] {
            // Four zero bytes are padding of xz by its format, and hold nothing.
            if codec == Codec::Xz && tail == [0; 512] {
                continue;
            }
            let mut file = compress(codec, &prose());
            file.extend_from_slice(tail);
            let read = decompress(codec, &file);
            assert!(matches!(read, Err(ShardError::Compression { .. })), "{codec:?} and {tail:?}");
        }
    }
}

#[test]
fn the_same_bytes_give_the_same_file() {
    for codec in COMPRESSED {
        assert_eq!(compress(codec, &prose()), compress(codec, &prose()), "{codec:?}");
    }
}

#[test]
fn a_file_that_fails_is_told_from_damaged_bytes() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _into: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    for codec in COMPRESSED {
        let mut decoder = Decoder::new(codec, Box::new(Failing)).unwrap();
        let read = decoder.read(&mut [0; 16]);
        assert!(matches!(read, Err(ShardError::Read { offset: 0, .. })), "{codec:?}");
    }
}

proptest! {
    #[test]
    fn a_flipped_bit_is_an_error_or_changes_nothing(at in 0_usize..10_000, bit in 0_u8..8) {
        let prose = prose();
        for codec in COMPRESSED {
            let mut file = compress(codec, &prose);
            let at = at % file.len();
            file[at] ^= 1 << bit;
            if let Ok(read) = decompress(codec, &file) {
                prop_assert_eq!(&read, &prose, "{:?}", codec);
            }
        }
    }

    #[test]
    fn whatever_is_written_is_read_again(bytes in proptest::collection::vec(any::<u8>(), 0..4000)) {
        for codec in COMPRESSED {
            prop_assert_eq!(&decompress(codec, &compress(codec, &bytes)).unwrap(), &bytes);
        }
    }
}
