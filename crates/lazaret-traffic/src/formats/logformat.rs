//! Squid's `logformat`: the line of the configuration is compiled to a reader of the lines that it makes, JSON or not.
//!
//! Documented in `squid.conf.documented` under `logformat`; held against Squid 5.7.

mod codes;

use lazaret_core::{Outcome, Visibility};
use memchr::memmem;

use super::squid::{is_direct, mime_headers, told};
use crate::counts::Fault;
use crate::error::FormatError;
use crate::grammar::{Grammar, Manner, Taken, Told};
use crate::row::{Coding, Piece, Row, Slot};
use crate::values::number::Unit;
use crate::values::time::Clock;

use codes::{Use, use_of};

/// A piece of the format.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Literal(Vec<u8>),
    Code(Use, Coding),
}

/// A format that the user wrote.
#[derive(Debug)]
pub(crate) struct Logformat {
    tokens: Vec<Token>,
    manner: Manner,
    headers: Vec<Vec<u8>>,
}

impl Logformat {
    /// Compiles what follows the name in a line `logformat NAME …`.
    ///
    /// # Errors
    /// [`FormatError::Logformat`] where two codes have nothing between them, or nothing says who was called.
    pub(crate) fn parse(text: &str) -> Result<Self, FormatError> {
        let mut headers = Vec::new();
        let mut clock = Clock::Epoch(Unit::Seconds);
        let mut tokens: Vec<Token> = Vec::new();
        let mut literal = Vec::new();
        let bytes = text.as_bytes();
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            if *byte != b'%' {
                literal.push(*byte);
                at += 1;
                continue;
            }
            if bytes.get(at + 1) == Some(&b'%') {
                literal.push(b'%');
                at += 2;
                continue;
            }
            let code = codes::read(bytes, at).ok_or(FormatError::Logformat { at, why: "it is no code" })?;
            let meaning = use_of(&code, &mut headers, &mut clock);
            if !literal.is_empty() {
                tokens.push(Token::Literal(std::mem::take(&mut literal)));
            } else if matches!(tokens.last(), Some(Token::Code(..))) {
                let why = "nothing stands between this code and the one before, so that no reader can tell them apart";
                return Err(FormatError::Logformat { at, why });
            }
            tokens.push(Token::Code(meaning, code.coding));
            at = code.end;
        }
        if !literal.is_empty() {
            tokens.push(Token::Literal(literal));
        }
        let says = |slot: Slot| {
            tokens.iter().any(|token| matches!(token, Token::Code(Use::One(of), _) if *of == slot))
        };
        if ![Slot::Url, Slot::Host, Slot::Sni, Slot::Server].into_iter().any(says) {
            return Err(FormatError::Logformat { at: 0, why: "no code says who was called: log `%ru`" });
        }
        let manner = Manner { clock, duration: Unit::Milliseconds, time_is_end: true };
        Ok(Self { tokens, manner, headers })
    }

    fn put(row: &mut Row, line: &[u8], start: usize, end: usize, meaning: Use, coding: Coding) {
        let field = line.get(start..end).unwrap_or_default();
        let start = start + field.len() - field.trim_ascii_start().len();
        let end = end - (field.len() - field.trim_ascii_end().len()).min(end - start);
        let field = line.get(start..end).unwrap_or_default();
        if field.is_empty() || field == b"-" {
            return;
        }
        match meaning {
            Use::Nothing => {}
            Use::One(slot) => row.set(slot, Piece::new(start, end, coding)),
            // `%ts` and `%tu` are one time, with the point between them.
            Use::Fraction => {
                if let Some(seconds) = row.raw(Slot::Time, line)
                    && line.get(..start).is_some_and(|before| before.ends_with(b"."))
                {
                    row.set(Slot::Time, Piece::new(start - 1 - seconds.len(), end, Coding::Plain));
                }
            }
            Use::Header(header) => row.headers.push(header),
            Use::Agent(header) => {
                row.headers.push(header);
                row.set(Slot::Agent, Piece::new(start, end, coding));
            }
            Use::Headers => mime_headers(line, start, end, row),
        }
    }
}

impl Grammar for Logformat {
    fn take<'l>(&'l self, line: &'l [u8], row: &mut Row) -> Result<Taken<'l>, Fault> {
        let mut at = 0;
        let mut waiting: Option<(Use, Coding)> = None;
        for token in &self.tokens {
            match token {
                Token::Code(meaning, coding) => waiting = Some((*meaning, *coding)),
                Token::Literal(literal) => {
                    let rest = line.get(at..).unwrap_or_default();
                    if let Some((meaning, coding)) = waiting.take() {
                        // A number may have spaces before it: they are its own, and not what stands behind it.
                        let padding = rest.len() - rest.trim_ascii_start().len();
                        let padding = if rest.get(padding..).is_some_and(|more| !more.is_empty()) {
                            padding
                        } else {
                            0
                        };
                        let behind = rest.get(padding..).unwrap_or_default();
                        let end = at + padding + memmem::find(behind, literal).ok_or(Fault::Malformed)?;
                        Self::put(row, line, at, end, meaning, coding);
                        at = end + literal.len();
                    } else {
                        at += if rest.starts_with(literal) {
                            literal.len()
                        } else {
                            return Err(Fault::Malformed);
                        };
                    }
                }
            }
        }
        match waiting {
            Some((meaning, coding)) => Self::put(row, line, at, line.len(), meaning, coding),
            None if at < line.len() => return Err(Fault::Fields),
            None => {}
        }
        // Squid writes a header that is logged without an encoding as it came, quotes and all. Who put a quote into one
        // moves what stands behind it, which then holds what these two never do.
        let is_word = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
        let is_moved = |slot: Slot| row.raw(slot, line).is_some_and(|word| !word.iter().all(is_word));
        if is_moved(Slot::MarkA) || is_moved(Slot::MarkB) {
            return Err(Fault::Value);
        }
        let url = row.raw(Slot::Url, line);
        if url.is_some_and(|url| url.starts_with(b"error:")) {
            return Ok(Taken::Beside(b"no-request"));
        }
        if row.raw(Slot::MarkB, line).is_some_and(|hierarchy| !is_direct(hierarchy)) {
            row.set(Slot::Server, Piece::default());
        }
        let method = row.raw(Slot::Method, line);
        let has_request = method.is_some() || row.has(Slot::Url) || row.has(Slot::Host);
        let visibility = match method {
            Some(b"CONNECT") => Visibility::Connect,
            _ if has_request => Visibility::Http,
            _ if row.has(Slot::Sni) => Visibility::Sni,
            _ => Visibility::Flow,
        };
        let mut told = match row.raw(Slot::MarkA, line) {
            Some(status) => told(visibility, status, method.unwrap_or_default()),
            None => Told::whole(visibility),
        };
        // Of a greeting that was looked into, this is what was done about it.
        if row.raw(Slot::Outcome, line) == Some(b"terminate") {
            told.outcome = Outcome::Blocked;
        }
        Ok(Taken::Call(told))
    }

    fn manner(&self) -> &Manner {
        &self.manner
    }

    fn hides_a_cut(&self) -> bool {
        matches!(self.tokens.last(), Some(Token::Code(..)))
    }

    fn headers(&self) -> &[Vec<u8>] {
        &self.headers
    }
}
