//! The codes of Squid's `logformat`.

use jiff::tz::TimeZone;

use crate::row::{Coding, Slot};
use crate::values::time::Clock;

/// What the value of a code is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Nothing,
    One(Slot),
    /// The milliseconds of the time.
    Fraction,
    /// One header, by its number in the format's list.
    Header(u16),
    /// The header `User-Agent`.
    Agent(u16),
    /// All headers.
    Headers,
}

/// A code with what stands around it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Code<'t> {
    name: &'t [u8],
    argument: Option<&'t [u8]>,
    pub(super) coding: Coding,
    /// Where it ends.
    pub(super) end: usize,
}

/// Codes that mean something, and those without a meaning for us that a longer one could be taken for.
const CODES: &[&str] = &[
    "ts",
    "tu",
    "tl",
    "tg",
    "tr",
    "tS",
    "dt",
    "busy_time",
    "err_code",
    "err_detail",
    "note",
    "master_xaction",
    "la",
    "lp",
    ">a",
    ">A",
    ">p",
    ">eui",
    ">la",
    ">lp",
    ">qos",
    ">nfmark",
    ">handshake",
    "<a",
    "<A",
    "<p",
    "<la",
    "<lp",
    "<qos",
    "<nfmark",
    "un",
    "ul",
    "ui",
    "us",
    "ue",
    "et",
    "ea",
    "credentials",
    "rm",
    ">rm",
    "<rm",
    "ru",
    ">ru",
    "<ru",
    "rp",
    ">rp",
    "<rp",
    "rP",
    ">rP",
    "<rP",
    "rd",
    ">rd",
    "<rd",
    "rv",
    ">rv",
    "<rv",
    ">rs",
    "<rs",
    "rs",
    "sn",
    "Hs",
    ">Hs",
    "<Hs",
    "st",
    ">st",
    "<st",
    ">sh",
    "<sh",
    "<sH",
    "<bs",
    ">h",
    ">ha",
    "<h",
    "mt",
    "Ss",
    "Sh",
    "<pt",
    "<tt",
    "external_acl",
    "transport::>connection_id",
    "proxy_protocol::>h",
];

/// Reads the code at `at`: `%`, how it is encoded, width, argument and name.
pub(super) fn read(text: &[u8], at: usize) -> Option<Code<'_>> {
    let mut at = at + 1;
    let coding = match text.get(at)? {
        b'"' => Some(Coding::Quoted),
        b'[' | b'#' => Some(Coding::Percent),
        b'/' | b'\'' => Some(Coding::Plain),
        _ => None,
    };
    at += usize::from(coding.is_some());
    while text.get(at).is_some_and(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.')) {
        at += 1;
    }
    let mut argument = argument_at(text, &mut at);
    let rest = text.get(at..)?;
    let known = CODES.iter().map(|code| code.as_bytes()).filter(|code| rest.starts_with(code));
    // A code with a namespace, such as `ssl::>sni`, goes as far as its letters.
    let is_of_name = |byte: &u8| byte.is_ascii_lowercase() || matches!(byte, b':' | b'_' | b'<' | b'>');
    let word = rest.get(..rest.iter().position(|byte| !is_of_name(byte)).unwrap_or(rest.len()))?;
    let spaced = Some(word).filter(|word| word.windows(2).any(|pair| pair == b"::"));
    let name =
        spaced.or_else(|| known.max_by_key(|code| code.len()).and_then(|code| rest.get(..code.len())))?;
    at += name.len();
    argument = argument.or_else(|| argument_at(text, &mut at));
    let name = name.strip_prefix(b"http::").unwrap_or(name);
    let is_text = matches!(
        name,
        b">h" | b">ha" | b"<h" | b"un" | b"ul" | b"ui" | b"ue" | b"us" | b"et" | b"ea" | b"note"
    );
    let default = if is_text { Coding::Percent } else { Coding::Plain };
    Some(Code { name, argument, coding: coding.unwrap_or(default), end: at })
}

fn argument_at<'t>(text: &'t [u8], at: &mut usize) -> Option<&'t [u8]> {
    let rest = text.get(*at..)?.strip_prefix(b"{")?;
    let length = rest.iter().position(|byte| *byte == b'}')?;
    *at += length + 2;
    rest.get(..length)
}

/// Returns what the value of a code is for. The clock is set by the code that writes the time.
pub(super) fn use_of(code: &Code<'_>, headers: &mut Vec<Vec<u8>>, clock: &mut Clock) -> Use {
    let slot = match code.name {
        b"ts" => Slot::Time,
        b"tu" => return Use::Fraction,
        b"tl" | b"tg" => {
            let pattern = code.argument.and_then(|argument| str::from_utf8(argument).ok());
            *clock = Clock::Strftime(pattern.unwrap_or("%d/%b/%Y:%H:%M:%S %z").to_owned(), TimeZone::UTC);
            Slot::Time
        }
        b"tr" => Slot::Duration,
        b">a" | b">A" => Slot::Client,
        b">eui" => Slot::Device,
        b"un" | b"ul" | b"ui" | b"ue" | b"us" => Slot::User,
        b"<a" => Slot::Server,
        b"rP" | b">rP" => Slot::Port,
        b"rd" | b">rd" => Slot::Host,
        b"ru" | b">ru" => Slot::Url,
        b"rp" | b">rp" => Slot::Path,
        b"rm" | b">rm" => Slot::Method,
        b">st" => Slot::Sent,
        b"<st" => Slot::Received,
        b"ssl::>sni" => Slot::Sni,
        b"ssl::bump_mode" => Slot::Outcome,
        b"Ss" => Slot::MarkA,
        b"Sh" => Slot::MarkB,
        b"et" | b"ea" => Slot::Decision,
        b">h" | b">ha" => {
            let Some(name) = code.argument else { return Use::Headers };
            let header = u16::try_from(headers.len()).unwrap_or(u16::MAX);
            headers.push(name.to_vec());
            return if name.eq_ignore_ascii_case(b"user-agent") {
                Use::Agent(header)
            } else {
                Use::Header(header)
            };
        }
        _ => return Use::Nothing,
    };
    Use::One(slot)
}
