//! Reads a host as logs and clients write it: a name in one form, or an address.
//!
//! What is no host is none; nothing is guessed. A name that only looks like another stays what it is.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use idna::AsciiDenyList;

/// The longest name that can be asked for.
const NAME_BYTES_MAX: usize = 253;

/// Room for a name, so that reading one allocates nothing.
#[derive(Debug, Clone)]
pub struct HostBuffer([u8; NAME_BYTES_MAX]);

impl Default for HostBuffer {
    fn default() -> Self {
        Self([0; NAME_BYTES_MAX])
    }
}

/// A host in its one form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host<'a> {
    /// A name: lower case, ASCII (Unicode as punycode), no final dot, no port.
    Name(&'a str),
    /// An address; one of IPv4 that is written as IPv6 is of IPv4.
    Address(IpAddr),
}

/// Reads a host as it is written: any case, a final dot, a port, brackets, Unicode, addresses in all the forms that
/// clients take. What stands before an `@` is never looked at. Returns `None` for what is no host.
#[must_use]
pub fn read_host<'b>(written: &[u8], buffer: &'b mut HostBuffer) -> Option<Host<'b>> {
    let host = match memchr::memrchr(b'@', written) {
        Some(at) => written.get(at + 1..)?,
        None => written,
    };
    if let Some(inner) = host.strip_prefix(b"[") {
        let (address, rest) = inner.split_at_checked(memchr::memchr(b']', inner)?)?;
        let rest = rest.strip_prefix(b"]")?;
        let whole = rest.is_empty() || rest.strip_prefix(b":").is_some_and(is_number);
        return ipv6(address).filter(|_| whole).map(Host::Address);
    }
    let name = match memchr::memchr(b':', host) {
        None => host,
        Some(colon) => {
            let (name, port) = host.split_at_checked(colon)?;
            match port.strip_prefix(b":").is_some_and(is_number) {
                true => name,
                false => return ipv6(host).map(Host::Address),
            }
        }
    };
    if name.is_ascii() {
        return ascii(name, buffer);
    }
    let name = idna::domain_to_ascii_cow(name, AsciiDenyList::EMPTY).ok()?;
    ascii(name.as_bytes(), buffer)
}

/// Returns whether bytes are a port's number, or the nothing that means the usual one.
fn is_number(port: &[u8]) -> bool {
    port.len() <= 5 && port.iter().all(u8::is_ascii_digit)
}

fn ipv6(text: &[u8]) -> Option<IpAddr> {
    let zone = memchr::memchr(b'%', text).unwrap_or(text.len());
    let address: Ipv6Addr = std::str::from_utf8(text.get(..zone)?).ok()?.parse().ok()?;
    Some(embedded(address))
}

/// Returns the IPv4 address that an IPv6 address stands for: mapped (RFC 4291), or translated under the well-known
/// prefix (RFC 6052).
pub(super) fn embedded(address: Ipv6Addr) -> IpAddr {
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            IpAddr::V4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
        }
        _ => address.to_canonical(),
    }
}

fn ascii<'b>(name: &[u8], buffer: &'b mut HostBuffer) -> Option<Host<'b>> {
    let name = name.strip_suffix(b".").unwrap_or(name);
    let out = buffer.0.get_mut(..name.len())?;
    // A dot before the first byte: no label is empty.
    let mut before = b'.';
    for (to, from) in out.iter_mut().zip(name) {
        let byte = from.to_ascii_lowercase();
        let fits = match byte {
            b'.' => before != b'.',
            byte => byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_',
        };
        if !fits {
            return None;
        }
        *to = byte;
        before = byte;
    }
    if before == b'.' {
        return None;
    }
    let name = std::str::from_utf8(out).ok()?;
    let last = name.rsplit_once('.').map_or(name, |(_, last)| last);
    if last.starts_with(|first: char| first.is_ascii_digit()) && number(last).is_some() {
        return ipv4(name).map(IpAddr::V4).map(Host::Address);
    }
    Some(Host::Name(name))
}

/// Reads an address as clients do (the `URL` standard's IPv4 parser): one to four numbers, decimal, octal or
/// hexadecimal, of which the last fills what is left.
fn ipv4(text: &str) -> Option<Ipv4Addr> {
    let mut bits: u64 = 0;
    let mut parts = text.split('.').peekable();
    let mut left = 4_u32;
    while let Some(part) = parts.next() {
        let number = number(part)?;
        let width = if parts.peek().is_some() { 1 } else { left };
        left = left.checked_sub(width)?;
        if width == 0 || number >> (8 * width) != 0 {
            return None;
        }
        bits |= number << (8 * left);
    }
    Some(Ipv4Addr::from_bits(u32::try_from(bits).ok()?))
}

fn number(text: &str) -> Option<u64> {
    let (digits, radix) = match text.strip_prefix("0x") {
        Some("") => return Some(0),
        Some(digits) => (digits, 16),
        None if text.len() > 1 && text.starts_with('0') => (text, 8),
        None => (text, 10),
    };
    let plain = digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
    u64::from_str_radix(digits, radix).ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every form of a host, and what it is; `-` is none.
    const FORMS: &str = include_str!("host/forms.txt");

    #[test]
    fn hosts_have_one_form() {
        let mut buffer = HostBuffer::default();
        for line in FORMS.lines().filter(|line| !line.is_empty() && !line.starts_with("# ")) {
            let (written, expected) = line.split_once(" -> ").unwrap();
            let read = match read_host(written.as_bytes(), &mut buffer) {
                Some(Host::Name(name)) => name.to_owned(),
                Some(Host::Address(address)) => format!("={address}"),
                None => "-".to_owned(),
            };
            assert_eq!(read, expected, "{written}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_no_host() {
        let mut buffer = HostBuffer::default();
        for written in [b"\xff\xfe.example".as_slice(), b"", b"a\0b.example", &[b'a'; 300], &[0xc3; 700]] {
            assert_eq!(read_host(written, &mut buffer), None);
        }
    }
}
