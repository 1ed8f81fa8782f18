//! git's C-style quoting of paths, as `fast-import` reads it and `blame --porcelain` writes it.

/// Returns the path in double quotes, every byte outside plain ASCII letters, digits and `/._-` escaped.
pub(crate) fn quote(path: &[u8]) -> Vec<u8> {
    let mut quoted = vec![b'"'];
    for &byte in path {
        if byte.is_ascii_alphanumeric() || b"/._-".contains(&byte) {
            quoted.push(byte);
        } else {
            quoted.extend(format!("\\{byte:03o}").into_bytes());
        }
    }
    quoted.push(b'"');
    quoted
}

/// Undoes git's quoting; a path that does not start with a double quote is taken as it is.
pub(crate) fn unquote(written: &[u8]) -> Vec<u8> {
    let Some(inner) = written.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")) else {
        return written.to_vec();
    };
    let mut path = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            path.push(byte);
            continue;
        }
        let escape = bytes.next().expect("git ends no path with a lone backslash");
        path.push(match escape {
            b'a' => 0x07,
            b'b' => 0x08,
            b't' => b'\t',
            b'n' => b'\n',
            b'v' => 0x0b,
            b'f' => 0x0c,
            b'r' => b'\r',
            b'0'..=b'3' => {
                let mut digit = || bytes.next().expect("octal escapes have three digits") - b'0';
                (escape - b'0') << 6 | digit() << 3 | digit()
            }
            literal => literal,
        });
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_round_trips_every_byte() {
        let all: Vec<u8> = (1..=255).collect();
        assert_eq!(unquote(&quote(&all)), all);
        assert_eq!(unquote(b"plain/path"), b"plain/path");
        assert_eq!(unquote(br#""tab\there \"quoted\" \\ \303\244""#), "tab\there \"quoted\" \\ ä".as_bytes());
    }
}
