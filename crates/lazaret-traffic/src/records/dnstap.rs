//! dnstap: Frame Streams around Protocol Buffers around DNS messages, each written as a line of words between tabs.
//!
//! Documented at dnstap.info, in `dnstap.proto`, in the Frame Streams specification of `fstrm`, and in RFC 1035; held
//! against Unbound 1.17.1 and `dnstap-ldns`.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::io::Write as _;

use super::{Step, Transcribe};

/// A frame that says it is longer than this is none.
const FRAME_BYTES_MAX: usize = 1 << 18;

/// Reads frames.
#[derive(Debug)]
pub(crate) struct Frames;

/// Whether some first bytes are those of a stream of frames: a control frame that starts one.
pub(crate) fn is_stream(first: &[u8]) -> bool {
    first.starts_with(&[0; 4]) && first.get(8..12) == Some(&[0, 0, 0, 2])
}

fn word(bytes: &[u8], at: usize) -> Option<usize> {
    let word = bytes.get(at..)?.first_chunk::<4>()?;
    usize::try_from(u32::from_be_bytes(*word)).ok()
}

impl Transcribe for Frames {
    fn next(&mut self, bytes: &[u8], line: &mut Vec<u8>) -> Step {
        let Some(length) = word(bytes, 0) else { return Step::More };
        // A length of zero announces a control frame: its own length, and what it says.
        let (start, length, is_control) = match length {
            0 => match word(bytes, 4) {
                Some(length) => (8, length, true),
                None => return Step::More,
            },
            length => (4, length, false),
        };
        if length > FRAME_BYTES_MAX {
            return Step::Broken;
        }
        let Some(frame) = bytes.get(start..start + length) else { return Step::More };
        if is_control {
            return Step::Frame(start + length);
        }
        if write_message(frame, line).is_none() {
            // A word that no message has: the line is then found malformed.
            line.extend_from_slice(b"?");
        }
        Step::Record(start + length)
    }
}

/// A field of a message in Protocol Buffers.
enum Field<'b> {
    Number(u64),
    Bytes(&'b [u8]),
}

/// Calls `each` with every field.
fn fields<'b>(mut bytes: &'b [u8], mut each: impl FnMut(u64, Field<'b>)) -> Option<()> {
    while !bytes.is_empty() {
        let key = number(&mut bytes)?;
        let field = match key & 7 {
            0 => Field::Number(number(&mut bytes)?),
            1 => {
                let (eight, rest) = bytes.split_first_chunk::<8>()?;
                bytes = rest;
                Field::Number(u64::from_le_bytes(*eight))
            }
            2 => {
                let length = usize::try_from(number(&mut bytes)?).ok()?;
                let (inner, rest) = bytes.split_at_checked(length)?;
                bytes = rest;
                Field::Bytes(inner)
            }
            5 => {
                let (four, rest) = bytes.split_first_chunk::<4>()?;
                bytes = rest;
                Field::Number(u64::from(u32::from_le_bytes(*four)))
            }
            _ => return None,
        };
        each(key >> 3, field);
    }
    Some(())
}

/// Reads a number of up to ten groups of seven bits.
fn number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// What is taken from a message.
#[derive(Default)]
struct Message<'b> {
    kind: u64,
    client: Option<IpAddr>,
    server: Option<IpAddr>,
    server_port: Option<u64>,
    question_time: (Option<u64>, u64),
    answer_time: (Option<u64>, u64),
    question: Option<&'b [u8]>,
    answer: Option<&'b [u8]>,
    action: Option<u64>,
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).ok().map(|four| IpAddr::V4(Ipv4Addr::from(four)));
    four.or_else(|| <[u8; 16]>::try_from(bytes).ok().map(|sixteen| IpAddr::V6(Ipv6Addr::from(sixteen))))
}

/// Writes kind, time, client, server, its port, the question, what a policy did, and the answers.
fn write_message(frame: &[u8], line: &mut Vec<u8>) -> Option<()> {
    let mut inner = None;
    fields(frame, |key, field| {
        if let (14, Field::Bytes(bytes)) = (key, field) {
            inner = Some(bytes);
        }
    })?;
    let mut message = Message::default();
    fields(inner?, |key, field| match (key, field) {
        (1, Field::Number(kind)) => message.kind = kind,
        (4, Field::Bytes(bytes)) => message.client = address(bytes),
        (5, Field::Bytes(bytes)) => message.server = address(bytes),
        (7, Field::Number(port)) => message.server_port = Some(port),
        (8, Field::Number(seconds)) => message.question_time.0 = Some(seconds),
        (9, Field::Number(nanos)) => message.question_time.1 = nanos,
        (10, Field::Bytes(bytes)) => message.question = Some(bytes),
        (12, Field::Number(seconds)) => message.answer_time.0 = Some(seconds),
        (13, Field::Number(nanos)) => message.answer_time.1 = nanos,
        (14, Field::Bytes(bytes)) => message.answer = Some(bytes),
        (15, Field::Bytes(policy)) => {
            // A policy that cannot be read says nothing.
            let _ = fields(policy, |key, field| {
                if let (3, Field::Number(action)) = (key, field) {
                    message.action = Some(action);
                }
            });
        }
        _ => {}
    })?;
    // The question's time where it is stated: that is when the call began.
    let (seconds, nanos) =
        if message.question_time.0.is_some() { message.question_time } else { message.answer_time };
    let dash = || "-".to_owned();
    let shown = |address: Option<IpAddr>| address.map_or_else(dash, |address| address.to_string());
    let time = seconds.map_or_else(dash, |seconds| format!("{seconds}.{:06}", (nanos / 1_000).min(999_999)));
    let port = message.server_port.map_or_else(dash, |port| port.to_string());
    let action = message.action.map_or_else(dash, |action| action.to_string());
    let (client, server) = (shown(message.client), shown(message.server));
    write!(line, "{}\t{time}\t{client}\t{server}\t{port}\t{action}\t", message.kind).ok()?;
    write_dns(message.answer.or(message.question)?, line)
}

fn half(bytes: &[u8], at: usize) -> Option<usize> {
    bytes.get(at..)?.first_chunk::<2>().map(|half| usize::from(u16::from_be_bytes(*half)))
}

/// Writes the name of the first question, a tab, and the addresses among the answers.
fn write_dns(bytes: &[u8], line: &mut Vec<u8>) -> Option<()> {
    let (questions, answers) = (half(bytes, 4)?, half(bytes, 6)?);
    let mut at = 12;
    for nth in 0..questions {
        at = name(bytes, at, if nth == 0 { Some(&mut *line) } else { None })? + 4;
    }
    line.push(b'\t');
    let mut separator = "";
    for _ in 0..answers {
        at = name(bytes, at, None)?;
        let (kind, length) = (half(bytes, at)?, half(bytes, at + 8)?);
        let data = bytes.get(at + 10..at + 10 + length)?;
        at += 10 + length;
        if let Some(address) = address(data).filter(|address| kind == if address.is_ipv4() { 1 } else { 28 })
        {
            write!(line, "{separator}{address}").ok()?;
            separator = ",";
        }
    }
    Some(())
}

/// Reads a name and returns where what follows it begins. Bytes that a line cannot hold are written as `\DDD`.
fn name(bytes: &[u8], start: usize, mut line: Option<&mut Vec<u8>>) -> Option<usize> {
    let (mut at, mut end, mut is_first) = (start, None, true);
    // A name has at most 127 labels, and a pointer that leads in a circle ends here too.
    for _ in 0..256 {
        let length = *bytes.get(at)?;
        match length {
            0 => {
                if let Some(line) = line.filter(|_| is_first) {
                    line.push(b'.');
                }
                return Some(end.unwrap_or(at + 1));
            }
            0xc0.. => {
                let target = half(bytes, at)? & 0x3fff;
                end.get_or_insert(at + 2);
                at = target;
            }
            1..0x40 => {
                let label = bytes.get(at + 1..at + 1 + usize::from(length))?;
                at += 1 + label.len();
                let Some(line) = line.as_deref_mut() else { continue };
                if !is_first {
                    line.push(b'.');
                }
                is_first = false;
                for byte in label {
                    if byte.is_ascii_graphic() && !matches!(byte, b'.' | b'\\') {
                        line.push(*byte);
                    } else {
                        write!(line, "\\{byte:03}").ok()?;
                    }
                }
            }
            0x40..0xc0 => return None,
        }
    }
    None
}
