//! The lines of Squid's external ACL protocol: what it asks, and what it is answered.
//!
//! Squid writes `CHANNEL TOKEN...`, each token escaped as in URLs and `-` for what it does not know; the answer is
//! `CHANNEL OK|ERR|BH KEY=VALUE...`. The tokens are, in this order: `%SRC %un %DST %PORT %ssl::>sni`, and then what the
//! `acl` line adds. Whatever else Squid could tell is not asked for, so that it is never seen.

use std::borrow::Cow;

use lazaret_core::{Permission, Purpose};
use lazaret_pipeline::egress::{AskedCall, Decided};
use lazaret_policy::egress::{EgressPolicy, refusal};

/// The longest line that is read, in bytes: host names are short, and Squid keeps logins short too.
pub(crate) const LINE_BYTES_MAX: usize = 8192;

/// For how many seconds Squid keeps an answer, by the lines that we document.
const TTL_SECONDS: u32 = 30;

/// What one line asks.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SquidLine<'a> {
    /// The channel, as it is written.
    pub(crate) channel: &'a str,
    client: Option<Cow<'a, [u8]>>,
    login: Option<Cow<'a, [u8]>>,
    host: Option<Cow<'a, [u8]>>,
    sni: Option<Cow<'a, [u8]>>,
    purpose: Option<Purpose>,
    account: Option<Cow<'a, [u8]>>,
    ttl: u32,
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LineFault {
    /// It has no channel, so that nobody can be answered.
    NoChannel,
    /// It has other tokens than we ask for.
    OtherTokens,
    /// The `acl` line adds something that we do not know.
    OtherArgument,
}

impl<'a> SquidLine<'a> {
    /// Reads a line. Whatever is wrong, the channel is given where there is one.
    pub(crate) fn read(line: &'a str) -> Result<Self, (Option<&'a str>, LineFault)> {
        let mut tokens = line.split_ascii_whitespace();
        let channel = tokens.next().filter(|channel| channel.bytes().all(|byte| byte.is_ascii_digit()));
        let channel = channel.ok_or((None, LineFault::NoChannel))?;
        let mut token = || tokens.next().ok_or((Some(channel), LineFault::OtherTokens)).map(unescaped);
        let (client, login, host, _port, sni) = (token()?, token()?, token()?, token()?, token()?);
        let mut read =
            Self { channel, client, login, host, sni, purpose: None, account: None, ttl: TTL_SECONDS };
        for argument in tokens {
            let argument = argument.split_once('=').map(|(key, value)| (key, unescaped(value)));
            let text =
                |value: &Option<Cow<'a, [u8]>>| Some(std::str::from_utf8(value.as_deref()?).ok()?.to_owned());
            let is_known = match argument {
                // Squid writes one for data that the `acl` line does not have.
                None => continue,
                Some(("purpose", value)) => {
                    read.purpose = text(&value).and_then(|text| text.parse().ok());
                    read.purpose.is_some()
                }
                Some(("ttl", value)) => match text(&value).and_then(|text| text.parse().ok()) {
                    Some(ttl) => {
                        read.ttl = ttl;
                        true
                    }
                    None => false,
                },
                Some(("account", value)) => {
                    read.account = value;
                    read.account.is_some()
                }
                Some(_) => false,
            };
            if !is_known {
                return Err((Some(channel), LineFault::OtherArgument));
            }
        }
        Ok(read)
    }

    /// Returns what is asked.
    pub(crate) fn asked(&self) -> AskedCall<'_> {
        AskedCall {
            host: self.host.as_deref(),
            sni: self.sni.as_deref(),
            path: None,
            server: None,
            client: self.client.as_deref().and_then(|text| std::str::from_utf8(text).ok()?.parse().ok()),
            login: self.login.as_deref().and_then(|text| std::str::from_utf8(text).ok()),
            purpose: self.purpose,
            account: self.account.as_deref().and_then(|text| std::str::from_utf8(text).ok()),
            kept_seconds: self.ttl,
        }
    }
}

/// Returns a token without its escapes; nothing for the `-` of what is not known.
fn unescaped(token: &str) -> Option<Cow<'_, [u8]>> {
    if token == "-" {
        return None;
    }
    if !token.contains('%') {
        return Some(Cow::Borrowed(token.as_bytes()));
    }
    let mut out = Vec::with_capacity(token.len());
    let mut rest = token.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escaped =
            (byte == b'%').then(|| after.split_first_chunk::<2>()).flatten().and_then(|(hex, after)| {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let [high, low] = *hex;
                let value = digit(high)? * 16 + digit(low)?;
                Some((u8::try_from(value).ok()?, after))
            });
        let (value, after) = escaped.unwrap_or((byte, after));
        out.push(value);
        rest = after;
    }
    Some(Cow::Owned(out))
}

/// Writes an answer: the decision's name where there is one, and what stands against the request.
pub(crate) fn answer(channel: &str, policy: &EgressPolicy, decided: &Decided<'_>) -> String {
    let Decided::Matched(call) = decided else { return format!("{channel} OK") };
    let decision = &call.decision;
    let word = match decision.permission {
        Permission::Allow => "OK",
        Permission::Deny => "ERR",
    };
    let mut line = format!("{channel} {word} tag={id} log={id}", id = decision.id);
    let told = refusal(policy, call.endpoint, decision);
    if !told.is_empty() {
        line.push_str(" message=");
        escape(&told.join(" "), &mut line);
    }
    line
}

/// Writes a text as Squid reads it: everything but letters, digits and a few signs escaped.
fn escape(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b':' | b'/' | b'@') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.extend(
                [byte >> 4, byte & 15]
                    .map(|digit| char::from_digit(digit.into(), 16).unwrap_or('0').to_ascii_uppercase()),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    #[test]
    fn lines_are_read_as_squid_writes_them() {
        let line = SquidLine::read("7 10.20.1.1 ACME%5cada api.anthropic.com 443 - -").unwrap();
        assert_eq!(line.channel, "7");
        let asked = line.asked();
        assert_eq!(asked.client, Some("10.20.1.1".parse::<IpAddr>().unwrap()));
        assert_eq!((asked.login, asked.host), (Some("ACME\\ada"), Some(b"api.anthropic.com".as_slice())));
        assert_eq!((asked.sni, asked.purpose, asked.account, asked.kept_seconds), (None, None, None, 30));

        let line =
            SquidLine::read("0 ::1 - 192.0.2.1 443 a%20b purpose=red-team ttl=5 account=a%3db").unwrap();
        let asked = line.asked();
        assert_eq!((asked.login, asked.sni), (None, Some(b"a b".as_slice())));
        assert_eq!(
            (asked.purpose, asked.account, asked.kept_seconds),
            (Some(Purpose::RedTeam), Some("a=b"), 5)
        );

        // Half an escape is what it is.
        let line = SquidLine::read("0 - - a%2 443 %zz -").unwrap();
        assert_eq!((line.asked().host, line.asked().sni), (Some(b"a%2".as_slice()), Some(b"%zz".as_slice())));
    }

    #[test]
    fn what_is_no_line_is_refused_by_its_channel() {
        for (line, channel, fault) in [
            ("", None, LineFault::NoChannel),
            ("10.20.1.1 - a.example 443 -", None, LineFault::NoChannel),
            ("3 10.20.1.1 - a.example", Some("3"), LineFault::OtherTokens),
            ("3 10.20.1.1 - a.example 443 - - purpose=fun", Some("3"), LineFault::OtherArgument),
            ("3 10.20.1.1 - a.example 443 - ttl=soon", Some("3"), LineFault::OtherArgument),
            ("3 10.20.1.1 - a.example 443 - network=lab", Some("3"), LineFault::OtherArgument),
        ] {
            assert_eq!(SquidLine::read(line).unwrap_err(), (channel, fault), "{line}");
        }
    }

    #[test]
    fn answers_hold_no_sign_that_ends_them() {
        let mut out = String::new();
        escape("two words\r\nand \"more\" = %", &mut out);
        assert_eq!(out, "two%20words%0D%0Aand%20%22more%22%20%3D%20%25");
    }
}
