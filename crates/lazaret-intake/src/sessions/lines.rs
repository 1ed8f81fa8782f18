//! Reads lines of bounded length, and passes over longer ones without holding them.

use std::io::{self, BufRead};

/// What stands at the next line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line is in the buffer, without its end.
    Whole,
    /// A line was longer than the limit and was passed over; the buffer is empty.
    OverLimit,
    /// There is none.
    End,
}

/// Reads the next line into `buffer`, holding no more than `bytes_max` bytes of it.
pub(super) fn read_line(
    reader: &mut impl BufRead,
    buffer: &mut Vec<u8>,
    bytes_max: usize,
) -> io::Result<Line> {
    buffer.clear();
    let (mut is_over, mut is_empty) = (false, true);
    loop {
        let available = match reader.fill_buf() {
            Ok(available) => available,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if available.is_empty() {
            break;
        }
        is_empty = false;
        let end = memchr::memchr(b'\n', available);
        let part = available.get(..end.unwrap_or(available.len())).unwrap_or(available);
        if !is_over && part.len() <= bytes_max.saturating_sub(buffer.len()) {
            buffer.extend_from_slice(part);
        } else {
            is_over = true;
            *buffer = Vec::new();
        }
        let used = part.len() + usize::from(end.is_some());
        reader.consume(used);
        if end.is_some() {
            break;
        }
    }
    if is_over {
        return Ok(Line::OverLimit);
    }
    if is_empty {
        return Ok(Line::End);
    }
    if buffer.last() == Some(&b'\r') {
        buffer.pop();
    }
    Ok(Line::Whole)
}

/// Reads everything that is left after `buffer`; answers `false`, with the buffer empty and the rest passed
/// over, where that is more than `bytes_max` bytes.
pub(super) fn read_rest(
    reader: &mut impl BufRead,
    buffer: &mut Vec<u8>,
    bytes_max: usize,
) -> io::Result<bool> {
    let mut is_over = false;
    loop {
        let available = match reader.fill_buf() {
            Ok(available) => available,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if available.is_empty() {
            return Ok(!is_over);
        }
        let used = available.len();
        if !is_over && used <= bytes_max.saturating_sub(buffer.len()) {
            buffer.extend_from_slice(available);
        } else {
            is_over = true;
            *buffer = Vec::new();
        }
        reader.consume(used);
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn lines(text: &[u8], bytes_max: usize) -> Vec<Result<Vec<u8>, ()>> {
        let mut reader = BufReader::with_capacity(3, text);
        let (mut buffer, mut out) = (Vec::new(), Vec::new());
        loop {
            match read_line(&mut reader, &mut buffer, bytes_max).unwrap() {
                Line::Whole => out.push(Ok(buffer.clone())),
                Line::OverLimit => out.push(Err(())),
                Line::End => return out,
            }
        }
    }

    #[test]
    fn long_lines_are_passed_over_and_the_next_one_is_read() {
        let ok = |text: &str| Ok(text.as_bytes().to_vec());
        assert_eq!(lines(b"ab\r\n\nlonger than\ncd", 5), [ok("ab"), ok(""), Err(()), ok("cd")]);
        assert_eq!(lines(b"12345\n123456", 5), [ok("12345"), Err(())]);
        assert_eq!(lines(b"", 5), []);
    }

    #[test]
    fn the_rest_is_read_up_to_the_limit() {
        let mut buffer = b"ab".to_vec();
        assert!(read_rest(&mut &b"cd"[..], &mut buffer, 4).unwrap());
        assert_eq!(buffer, b"abcd");
        assert!(!read_rest(&mut &b"ef"[..], &mut buffer, 4).unwrap());
        assert_eq!(buffer, b"");
    }
}
