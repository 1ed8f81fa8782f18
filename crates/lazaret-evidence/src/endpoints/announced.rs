//! Tables of which autonomous system announces which addresses, as others publish them: a line for each range.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use lazaret_core::AddressRange;

use super::addresses::SystemTable;

/// A table of systems could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnnouncedError {
    /// A line is none of those that are known.
    #[error("line {line}: {problem}")]
    Line {
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// No line names a system.
    #[error("no line of it says which system announces which addresses")]
    Empty,
}

impl SystemTable {
    /// Reads a table. Lines are, with tabs, commas, bars or blanks between the fields:
    ///
    /// - `192.0.2.0/24 64500`, as pyasn and tables made of MRT dumps have it; more fields may follow, and a line of names
    ///   may come first;
    /// - `192.0.2.0 24 64500`, as CAIDA has it;
    /// - `192.0.2.0 192.0.2.255 64500`, first and last address, as iptoasn.com has it; the system 0 is none.
    ///
    /// A system may be written `AS64500`. Of several that announce one range (`64500_64501`), the first counts. Blank lines
    /// and comments (`#`, `;`) are nothing. Of ranges within ranges, the narrowest counts.
    ///
    /// # Errors
    /// [`AnnouncedError`] for the first line that is anything else, and for a table that names nothing.
    pub fn parse(text: &str) -> Result<Self, AnnouncedError> {
        let mut rows = Vec::new();
        let mut is_first = true;
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            match row(line) {
                Ok((_, _, 0)) => {}
                Ok((first, last, system)) => {
                    rows.extend(between(first, last).into_iter().map(|range| (range, system)));
                }
                Err(_) if is_first && is_header(line) => {}
                Err(problem) => return Err(AnnouncedError::Line { line: number, problem }),
            }
            is_first = false;
        }
        if rows.is_empty() { Err(AnnouncedError::Empty) } else { Ok(rows.into_iter().collect()) }
    }
}

/// Whether a line names columns: none of its words is a number or an address, and one of the first three says that it is a
/// system. Tables of places look the same otherwise, and have other numbers there.
fn is_header(line: &str) -> bool {
    let is_word = |field: &str| !field.starts_with(|sign: char| sign.is_ascii_digit() || sign == ':');
    let is_system =
        |field: &str| field.to_ascii_lowercase().starts_with("as") || field.contains("autonomous");
    fields(line).all(is_word) && fields(line).take(3).any(is_system)
}

fn fields(line: &str) -> impl Iterator<Item = &str> {
    let signs = [',', '\t', '|', ' '];
    line.split(signs).map(|field| field.trim().trim_matches('"')).filter(|field| !field.is_empty())
}

/// Reads the first and the last address of a line, and its system.
fn row(line: &str) -> Result<(IpAddr, IpAddr, u32), &'static str> {
    let mut fields = fields(line);
    let mut next = || fields.next();
    let begin = next().unwrap_or_default();
    if begin.contains('/') {
        let range = begin.parse().ok().ok_or("the range is none, such as 192.0.2.0/24")?;
        return Ok((first(range), last(range), system(next())?));
    }
    let address: IpAddr = begin.parse().ok().ok_or("it begins with no address and no range")?;
    let second = next().unwrap_or_default();
    if let Ok(end) = second.parse::<IpAddr>() {
        if end.is_ipv4() != address.is_ipv4() || end < address {
            return Err("the last address does not follow the first");
        }
        return Ok((address, end, system(next())?));
    }
    let prefix = second.parse().ok().ok_or("the second field is no address and no length of a prefix")?;
    let range = AddressRange::around(address, prefix).filter(|range| range.address == address);
    let range = range.ok_or("the length of the prefix does not fit the address")?;
    Ok((first(range), last(range), system(next())?))
}

fn system(field: Option<&str>) -> Result<u32, &'static str> {
    let field = field.ok_or("it names no system")?;
    let field = field.strip_prefix("AS").unwrap_or(field);
    let one = field.split_once('_').map_or(field, |(first, _)| first);
    one.parse().ok().ok_or("the system is no number, such as 64500 or AS64500")
}

fn first(range: AddressRange) -> IpAddr {
    range.address
}

fn last(range: AddressRange) -> IpAddr {
    match range.address {
        IpAddr::V4(v4) => {
            let rest = u32::MAX.checked_shr(range.prefix.into()).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() | rest))
        }
        IpAddr::V6(v6) => {
            let rest = u128::MAX.checked_shr(range.prefix.into()).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() | rest))
        }
    }
}

/// Returns the ranges that together are all addresses from the first to the last, both of one version.
fn between(first: IpAddr, last: IpAddr) -> Vec<AddressRange> {
    let (mut begin, end, bits): (u128, u128, u32) = match (first, last) {
        (IpAddr::V4(first), IpAddr::V4(last)) => (first.to_bits().into(), last.to_bits().into(), 32),
        (IpAddr::V6(first), IpAddr::V6(last)) => (first.to_bits(), last.to_bits(), 128),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return Vec::new(),
    };
    let mut ranges = Vec::new();
    while begin <= end {
        // As many addresses as the alignment of the first allows, and no more than are left.
        let left = (end - begin).checked_add(1).map_or(128, |left| left.ilog2());
        let free = begin.trailing_zeros().min(left).min(bits);
        let address = match first {
            IpAddr::V4(_) => u32::try_from(begin).ok().map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits))),
            IpAddr::V6(_) => Some(IpAddr::V6(Ipv6Addr::from_bits(begin))),
        };
        let prefix = u8::try_from(bits - free).ok();
        ranges
            .extend(address.zip(prefix).and_then(|(address, prefix)| AddressRange::around(address, prefix)));
        match 1_u128.checked_shl(free).and_then(|step| begin.checked_add(step)) {
            Some(next) => begin = next,
            None => break,
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(table: &SystemTable, address: &str) -> Option<u32> {
        table.system(address.parse().unwrap())
    }

    #[test]
    fn tables_are_read_as_they_are_published() {
        for (text, what) in [
            ("; IP-ASN32-DAT file\n; Original file : rib.example\n192.0.2.0/24\t64500\n", "pyasn"),
            ("192.0.2.0\t24\t64500_64501\n", "CAIDA"),
            (
                "192.0.2.0\t192.0.2.255\t64500\tDE\tEXAMPLE - An example\n198.51.100.0\t198.51.100.255\t0\tNone\tNot routed\n",
                "iptoasn",
            ),
            (
                "network,autonomous_system_number,autonomous_system_organization\n192.0.2.0/24,64500,\"An example, Inc.\"\n",
                "CSV",
            ),
            ("# of a dump\n192.0.2.0/24|AS64500\n\n", "bars"),
        ] {
            let table = SystemTable::parse(text).unwrap_or_else(|error| panic!("{what}: {error}"));
            for (address, expected) in [
                ("192.0.2.0", Some(64500)),
                ("192.0.2.255", Some(64500)),
                ("192.0.3.0", None),
                ("198.51.100.7", None),
            ] {
                assert_eq!(of(&table, address), expected, "{what}: {address}");
            }
        }
    }

    #[test]
    fn the_narrowest_range_counts_whatever_the_order() {
        let (wide, narrow) = ("2001:db8::/32 64500", "2001:db8:7::/48 64501");
        for text in [format!("{wide}\n{narrow}\n"), format!("{narrow}\n{wide}\n")] {
            let table = SystemTable::parse(&text).unwrap();
            assert_eq!(of(&table, "2001:db8:7::1"), Some(64501));
            assert_eq!(of(&table, "2001:db8:8::1"), Some(64500));
        }
    }

    #[test]
    fn a_line_that_is_none_is_named() {
        for (text, line) in [
            ("192.0.2.0/24 64500\nnonsense\n", 2),
            ("192.0.2.0/24\n", 1),
            ("192.0.2.1/24 64500\n", 1),
            ("192.0.2.0 33 64500\n", 1),
            ("192.0.2.9 192.0.2.1 64500\n", 1),
            ("192.0.2.0 2001:db8::1 64500\n", 1),
            ("192.0.2.0/24 example\n", 1),
            ("network asn\nnetwork asn\n192.0.2.0/24 64500\n", 2),
        ] {
            let error = SystemTable::parse(text).unwrap_err();
            assert!(matches!(error, AnnouncedError::Line { line: at, .. } if at == line), "{text}: {error}");
        }
        for text in ["", "# nothing\n", "network,asn\n", "192.0.2.0\t192.0.2.255\t0\n"] {
            assert_eq!(SystemTable::parse(text).unwrap_err(), AnnouncedError::Empty, "{text}");
        }
    }

    proptest! {
        #[test]
        fn ranges_between_two_addresses_are_those_addresses_and_no_others(
            first in any::<u32>(), length in 0_u32..5000, asked in any::<u32>(),
        ) {
            let last = first.saturating_add(length);
            let address = |bits: u32| IpAddr::V4(Ipv4Addr::from_bits(bits));
            let ranges = between(address(first), address(last));
            let holds = |bits: u32| ranges.iter().filter(|range| range.contains(address(bits))).count();
            for bits in [first, last, first + (last - first) / 2] {
                prop_assert_eq!(holds(bits), 1);
            }
            for bits in [first.wrapping_sub(1), last.wrapping_add(1), asked] {
                prop_assert_eq!(holds(bits), usize::from((first..=last).contains(&bits)));
            }
        }
    }

    #[test]
    fn all_addresses_are_one_range() {
        let everything = between("::".parse().unwrap(), IpAddr::V6(Ipv6Addr::from_bits(u128::MAX)));
        assert_eq!(everything, ["::/0".parse().unwrap()]);
    }
}
