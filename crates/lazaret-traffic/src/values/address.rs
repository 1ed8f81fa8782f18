//! Addresses of hosts, with a port behind them or not.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::number::whole;

/// Reads an address as a log writes it: no zeros in front, no brackets; an IPv6 address may name its zone.
#[inline]
pub(crate) fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Some(address) = version_4(bytes) {
        return Some(IpAddr::V4(address));
    }
    if memchr::memchr(b':', bytes).is_none() || bytes.len() > 64 {
        return None;
    }
    let end = memchr::memchr(b'%', bytes).unwrap_or(bytes.len());
    let text = str::from_utf8(bytes.get(..end)?).ok()?;
    text.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
}

#[inline]
fn version_4(bytes: &[u8]) -> Option<Ipv4Addr> {
    if bytes.len() > 15 {
        return None;
    }
    let (mut parts, mut nth, mut part, mut digits) = ([0_u8; 4], 0_usize, 0_u16, 0_u8);
    for byte in bytes {
        let digit = byte.wrapping_sub(b'0');
        if digit <= 9 {
            if digits > 0 && part == 0 {
                return None;
            }
            part = part * 10 + u16::from(digit);
            digits += 1;
            if part > 255 {
                return None;
            }
        } else if *byte == b'.' && digits > 0 {
            *parts.get_mut(nth)? = u8::try_from(part).ok()?;
            (nth, part, digits) = (nth + 1, 0, 0);
        } else {
            return None;
        }
    }
    if nth != 3 || digits == 0 {
        return None;
    }
    *parts.get_mut(3)? = u8::try_from(part).ok()?;
    Some(Ipv4Addr::from(parts))
}

/// Takes the port off a host: `name:443`, `192.0.2.7:443`, `[2001:db8::7]:443`, and each without a port. An IPv6 address
/// without brackets has no port. Brackets are taken off.
#[inline]
pub(crate) fn host_and_port(bytes: &[u8]) -> Option<(&[u8], Option<u16>)> {
    if let Some(rest) = bytes.strip_prefix(b"[") {
        let close = memchr::memchr(b']', rest)?;
        let port = match rest.get(close + 1..)? {
            b"" => None,
            behind => Some(port(behind.strip_prefix(b":")?)?),
        };
        return Some((rest.get(..close)?, port));
    }
    match memchr::memchr(b':', bytes) {
        None => Some((bytes, None)),
        Some(at) if memchr::memchr(b':', bytes.get(at + 1..)?).is_some() => Some((bytes, None)),
        Some(at) => Some((bytes.get(..at)?, Some(port(bytes.get(at + 1..)?)?))),
    }
}

/// Reads a port.
#[inline]
pub(crate) fn port(bytes: &[u8]) -> Option<u16> {
    u16::try_from(whole(bytes)?).ok()
}

/// Reads an address with a port behind it or not.
#[inline]
pub(crate) fn address_and_port(bytes: &[u8]) -> Option<(IpAddr, Option<u16>)> {
    if let Some(address) = address(bytes) {
        return Some((address, None));
    }
    let (host, port) = host_and_port(bytes)?;
    Some((address(host)?, port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn version_4_is_read_as_the_standard_library_reads_it(text in "[0-9.]{0,16}|[0-9]{1,3}(\\.[0-9]{1,3}){3}") {
            prop_assert_eq!(version_4(text.as_bytes()), text.parse().ok());
        }
    }

    #[test]
    fn ports_are_taken_off() {
        type Case<'c> = (&'c [u8], Option<(&'c [u8], Option<u16>)>);
        let cases: [Case<'_>; 7] = [
            (b"quay.example:443", Some((b"quay.example", Some(443)))),
            (b"quay.example", Some((b"quay.example", None))),
            (b"[2001:db8::7]:8443", Some((b"2001:db8::7", Some(8443)))),
            (b"[2001:db8::7]", Some((b"2001:db8::7", None))),
            (b"2001:db8::7", Some((b"2001:db8::7", None))),
            (b"quay.example:port", None),
            (b"quay.example:70000", None),
        ];
        for (text, expected) in cases {
            assert_eq!(host_and_port(text), expected);
        }
        assert_eq!(address(b"::ffff:192.0.2.7"), "::ffff:192.0.2.7".parse().ok());
        assert_eq!(address(b"fe80::1%eth0"), "fe80::1".parse().ok());
        assert_eq!(address(b"quay.example"), None);
    }
}
