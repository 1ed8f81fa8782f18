//! Addresses of the web, cut so that no query, fragment or credential is left.

use super::address::host_and_port;

/// What is left of an address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Url<'a> {
    pub(crate) host: &'a [u8],
    pub(crate) port: Option<u16>,
    /// From its first slash; `None` where the address is a host alone.
    pub(crate) path: Option<&'a [u8]>,
}

/// Takes an address apart: `scheme://user:password@host:port/path?query#fragment`, or the same without a scheme, as in
/// `host:443`.
#[inline]
pub(crate) fn split(bytes: &[u8]) -> Option<Url<'_>> {
    // A scheme is followed by two slashes, and a host by a port.
    let scheme = memchr::memchr(b':', bytes.get(..bytes.len().min(16))?);
    let behind_scheme = scheme.and_then(|at| bytes.get(at + 1..)?.strip_prefix(b"//"));
    let rest = behind_scheme.unwrap_or(bytes);
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#')).unwrap_or(rest.len());
    let authority = rest.get(..end)?;
    let authority = match memchr::memrchr(b'@', authority) {
        Some(at) => authority.get(at + 1..)?,
        None => authority,
    };
    let (host, port) = host_and_port(authority)?;
    if host.is_empty() {
        return None;
    }
    let behind = rest.get(end..)?;
    let path = behind.first().map(|first| if *first == b'/' { path(behind) } else { &b"/"[..] });
    Some(Url { host, port, path })
}

/// Returns a path without what follows `?` or `#`.
#[inline]
pub(crate) fn path(bytes: &[u8]) -> &[u8] {
    let end = memchr::memchr2(b'?', b'#', bytes).unwrap_or(bytes.len());
    bytes.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_left() {
        type Case<'c> = (&'c [u8], &'c [u8], Option<u16>, Option<&'c [u8]>);
        let cases: [Case<'_>; 7] = [
            (
                b"https://mate:anchor@quay.example:8443/v1/x?key=1#y",
                b"quay.example",
                Some(8443),
                Some(b"/v1/x"),
            ),
            (b"http://quay.example", b"quay.example", None, None),
            (b"http://quay.example?key=1", b"quay.example", None, Some(b"/")),
            (b"http://quay.example/#x", b"quay.example", None, Some(b"/")),
            (b"quay.example:443", b"quay.example", Some(443), None),
            (b"https://a@b@quay.example/p@q", b"quay.example", None, Some(b"/p@q")),
            (b"https://[2001:db8::7]:443/", b"2001:db8::7", Some(443), Some(b"/")),
        ];
        for (text, host, port, path) in cases {
            assert_eq!(split(text), Some(Url { host, port, path }));
        }
        for wrong in [&b""[..], b"/relative", b"http:///x", b"https://quay.example:x/"] {
            assert_eq!(split(wrong), None);
        }
    }
}
