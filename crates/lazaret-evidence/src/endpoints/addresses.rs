//! Ranges of addresses with what belongs to them; the longest prefix first.

use std::net::IpAddr;

use lazaret_core::AddressRange;
use rustc_hash::FxHashMap;

use super::host::embedded;

/// Values by range.
#[derive(Debug, Clone)]
pub(super) struct RangeTable<V> {
    v4: Vec<(u8, FxHashMap<IpAddr, V>)>,
    v6: Vec<(u8, FxHashMap<IpAddr, V>)>,
}

impl<V> Default for RangeTable<V> {
    fn default() -> Self {
        Self { v4: Vec::new(), v6: Vec::new() }
    }
}

impl<V> RangeTable<V> {
    /// Returns the place of a range's value; a new one is `fresh`.
    pub(super) fn entry(&mut self, range: AddressRange, fresh: V) -> &mut V {
        let lengths = if range.address.is_ipv4() { &mut self.v4 } else { &mut self.v6 };
        let at = match lengths.binary_search_by(|(length, _)| range.prefix.cmp(length)) {
            Ok(at) => at,
            Err(at) => {
                lengths.insert(at, (range.prefix, FxHashMap::default()));
                at
            }
        };
        #[expect(clippy::indexing_slicing, reason = "the place was found or made just now")]
        lengths[at].1.entry(range.address).or_insert(fresh)
    }

    /// Returns the values of the ranges that an address lies in, the narrowest first.
    pub(super) fn around(&self, address: IpAddr) -> impl Iterator<Item = &V> {
        let address = match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(address) => embedded(address),
        };
        let lengths = if address.is_ipv4() { &self.v4 } else { &self.v6 };
        lengths
            .iter()
            .filter_map(move |(length, values)| values.get(&AddressRange::around(address, *length)?.address))
    }
}

/// Which autonomous system announces which addresses, as a caller's own table of routes says.
#[derive(Debug, Clone, Default)]
pub struct SystemTable(RangeTable<u32>);

impl SystemTable {
    /// Returns whose an address is.
    #[must_use]
    pub fn system(&self, address: IpAddr) -> Option<u32> {
        self.0.around(address).next().copied()
    }
}

impl FromIterator<(AddressRange, u32)> for SystemTable {
    fn from_iter<T: IntoIterator<Item = (AddressRange, u32)>>(rows: T) -> Self {
        let mut table = RangeTable::default();
        for (range, system) in rows {
            *table.entry(range, system) = system;
        }
        Self(table)
    }
}
