//! Squid's native log: `logformat squid %ts.%03tu %6tr %>a %Ss/%03>Hs %<st %rm %ru %[un %Sh/%<a %mt`.
//!
//! Documented in `squid.conf.documented` under `logformat` and `log_mime_hdrs`, and in the wiki under "Squid Log Files";
//! held against Squid 5.7.

use lazaret_core::{Outcome, Part, Visibility};
use memchr::{memchr, memchr_iter, memmem};

use crate::counts::Fault;
use crate::grammar::{Grammar, Manner, Taken, Told};
use crate::row::{Coding, Many, Piece, Row, Slot};
use crate::values::number::Unit;
use crate::values::time::Clock;

/// Ten fields, and two more with `log_mime_hdrs on`.
const FIELDS: [usize; 2] = [10, 12];

/// The native format.
#[derive(Debug)]
pub(crate) struct Squid {
    manner: Manner,
}

impl Squid {
    pub(crate) fn new() -> Self {
        // A line is written when the transaction is over.
        let manner =
            Manner { clock: Clock::Epoch(Unit::Seconds), duration: Unit::Milliseconds, time_is_end: true };
        Self { manner }
    }
}

/// What Squid's own status says: `TCP_DENIED`, `TCP_TUNNEL`, `NONE_NONE` and so on.
///
/// A tunnel whose greeting was looked into has two lines: `NONE_NONE` for the CONNECT that Squid answered itself, and
/// then `TCP_TUNNEL`; where the greeting made Squid end it, there is no second one.
pub(crate) fn told(visibility: Visibility, status: &[u8], method: &[u8]) -> Told {
    let outcome = if status.starts_with(b"TCP_DENIED") || status.starts_with(b"UDP_DENIED") {
        Outcome::Blocked
    } else if status.starts_with(b"NONE") {
        Outcome::Unstated
    } else {
        Outcome::Passed
    };
    let part = match (method, status) {
        (b"CONNECT", status) if status.starts_with(b"NONE") => Part::Beginning,
        (b"CONNECT", status) if status.starts_with(b"TCP_TUNNEL") => Part::End,
        _ => Part::Whole,
    };
    Told { visibility, part, outcome }
}

/// Whether the hierarchy code says that the address behind it is that of the server, and not of another proxy.
pub(crate) fn is_direct(hierarchy: &[u8]) -> bool {
    matches!(hierarchy, b"HIER_DIRECT" | b"ORIGINAL_DST" | b"PINNED" | b"DIRECT")
}

fn is_absent(field: &[u8]) -> bool {
    field == b"-"
}

impl Grammar for Squid {
    fn take<'l>(&'l self, line: &'l [u8], row: &mut Row) -> Result<Taken<'l>, Fault> {
        let mut fields = [(0_usize, 0_usize); 12];
        let (mut n_fields, mut start) = (0, 0);
        for end in memchr_iter(b' ', line).chain([line.len()]) {
            if end > start {
                *fields.get_mut(n_fields).ok_or(Fault::Fields)? = (start, end);
                n_fields += 1;
            }
            start = end + 1;
        }
        if !FIELDS.contains(&n_fields) {
            return Err(Fault::Fields);
        }
        let [time, elapsed, client, status, bytes, method, url, user, peer, _, headers, answer] = fields;
        let of = |(start, end): (usize, usize)| line.get(start..end).unwrap_or_default();
        let piece = |(start, end): (usize, usize)| Piece::new(start, end, Coding::Plain);
        let slash = memchr(b'/', of(status)).ok_or(Fault::Malformed)?;
        let (code, http_status) = of(status).split_at(slash);
        let is_number = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_digit);
        let is_time = of(time).iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
        if !is_time || !is_number(http_status.get(1..).unwrap_or_default()) || !is_number(of(bytes)) {
            return Err(Fault::Malformed);
        }
        let peer_slash = memchr(b'/', of(peer)).ok_or(Fault::Malformed)?;
        if of(url).starts_with(b"error:") || is_absent(of(url)) {
            return Ok(Taken::Beside(b"no-request"));
        }
        row.set(Slot::Time, piece(time));
        row.set(Slot::Duration, piece(elapsed));
        row.set(Slot::Client, piece(client));
        row.set(Slot::Received, piece(bytes));
        row.set(Slot::Method, piece(method));
        row.set(Slot::Url, piece(url));
        if !is_absent(of(user)) {
            row.set(Slot::User, Piece::new(user.0, user.1, Coding::Percent));
        }
        let (hierarchy, server) = of(peer).split_at(peer_slash);
        if is_direct(hierarchy) && !is_absent(server.get(1..).unwrap_or_default()) {
            row.set(Slot::Server, piece((peer.0 + peer_slash + 1, peer.1)));
        }
        if n_fields == 12 {
            let is_bracketed = |bytes: &[u8]| bytes.starts_with(b"[") && bytes.ends_with(b"]");
            if !is_bracketed(of(headers)) || !is_bracketed(of(answer)) {
                return Err(Fault::Fields);
            }
            mime_headers(line, headers.0 + 1, headers.1.saturating_sub(1), row);
        }
        let visibility = if of(method) == b"CONNECT" { Visibility::Connect } else { Visibility::Http };
        Ok(Taken::Call(told(visibility, code, of(method))))
    }

    fn manner(&self) -> &Manner {
        &self.manner
    }
}

/// Reads the names of the headers that `log_mime_hdrs` writes, `Name:%20value%0D%0A` after `Name:%20value%0D%0A`, and
/// the value of `User-Agent` alone.
pub(crate) fn mime_headers(line: &[u8], start: usize, end: usize, row: &mut Row) {
    let mut at = start;
    while at < end {
        let rest = line.get(at..end).unwrap_or_default();
        let length = [&b"%0D%0A"[..], b"%0d%0a", b"\\r\\n"]
            .into_iter()
            .filter_map(|mark| memmem::find(rest, mark))
            .min();
        let header = rest.get(..length.unwrap_or(rest.len())).unwrap_or_default();
        if let Some(colon) = memchr(b':', header) {
            let name = header.get(..colon).unwrap_or_default();
            row.push(Many::HeaderName, Piece::new(at, at + colon, Coding::Plain));
            if name.eq_ignore_ascii_case(b"user-agent") && !row.has(Slot::Agent) {
                let value = header.get(colon + 1..).unwrap_or_default();
                let space = if value.starts_with(b"%20") { 3 } else { usize::from(value.starts_with(b" ")) };
                row.set(Slot::Agent, Piece::new(at + colon + 1 + space, at + header.len(), Coding::Percent));
            }
        }
        at += header.len() + if rest.get(header.len()) == Some(&b'%') { 6 } else { 4 };
    }
}
