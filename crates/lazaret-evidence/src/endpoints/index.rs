//! The index of endpoints: from a host, an address or a request to the rows of the catalog, the most specific alone.

use std::net::IpAddr;

use lazaret_core::{Endpoint, EndpointId, EndpointPattern};
use rustc_hash::FxHashMap;

use super::addresses::{RangeTable, SystemTable};
use super::host::{Host, HostBuffer, read_host};
use super::names::{LABELS_MAX, NameTree, literal_tail};
use super::path;
use crate::catalog::ExpressionError;
use crate::catalog::compile_expression;

/// Why rows make no index.
#[derive(Debug, Clone, thiserror::Error)]
pub enum IndexError {
    /// An expression that the catalog does not take.
    #[error("the pattern of `{id}` is refused")]
    Expression {
        /// The row.
        id: EndpointId,
        /// Why.
        #[source]
        source: ExpressionError,
    },
    /// An expression that does not say under which name its matches lie.
    #[error(
        "the expression `{expression}` of `{id}` must end in a literal domain of two labels, such as `\\.example\\.com$`"
    )]
    OpenEnd {
        /// The row.
        id: EndpointId,
        /// The expression.
        expression: String,
    },
    /// A name with too many labels.
    #[error("the name `{name}` of `{id}` has more than {LABELS_MAX} labels")]
    Deep {
        /// The row.
        id: EndpointId,
        /// The name.
        name: String,
    },
}

/// Which rows a host, an address or a request belongs to.
///
/// Only the most specific rows are given: an exact name before an expression, an expression before a suffix, a longer
/// suffix or prefix before a shorter one, an address range before an autonomous system, and among rows of one name the
/// one whose path fits, which fixes more, before one without paths. A row with paths needs a path to be recognised.
#[derive(Debug, Clone, Default)]
pub struct EndpointIndex {
    rows: Vec<Endpoint>,
    names: NameTree,
    ranges: RangeTable<Vec<u32>>,
    systems: FxHashMap<u32, Vec<u32>>,
    announced: Option<SystemTable>,
}

/// The rows that were found, equally specific; in the order of their ids.
#[derive(Debug, Clone)]
pub struct Matches<'a> {
    rows: &'a [Endpoint],
    /// Empty, and then nothing is allocated, for nearly all hosts there are.
    numbers: Vec<u32>,
}

impl<'a> Matches<'a> {
    const NONE: Self = Self { rows: &[], numbers: Vec::new() };

    /// Returns whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// The rows.
    pub fn iter(&self) -> impl Iterator<Item = &'a Endpoint> {
        self.places().filter_map(|place| self.rows.get(place))
    }

    /// The places of the rows in [`EndpointIndex::rows`].
    pub fn places(&self) -> impl Iterator<Item = usize> {
        self.numbers.iter().filter_map(|number| usize::try_from(*number).ok())
    }
}

impl EndpointIndex {
    /// Compiles rows.
    ///
    /// # Errors
    /// [`IndexError`] for the first row that cannot be matched.
    pub fn new(rows: impl IntoIterator<Item = Endpoint>) -> Result<Self, IndexError> {
        let mut index = Self { rows: rows.into_iter().collect(), ..Self::default() };
        index.rows.sort_by(|a, b| a.id.cmp(&b.id));
        let Self { rows, names, ranges, systems, .. } = &mut index;
        for (number, row) in (0_u32..).zip(rows.iter()) {
            let id = || row.id.clone();
            for pattern in &row.patterns {
                let deep = |name: &str| IndexError::Deep { id: id(), name: name.to_owned() };
                let group = match pattern {
                    EndpointPattern::Exact(name) => &mut names.node(name).ok_or_else(|| deep(name))?.exact,
                    EndpointPattern::Suffix(name) => &mut names.node(name).ok_or_else(|| deep(name))?.suffix,
                    EndpointPattern::Expression(expression) => {
                        let regex = compile_expression(expression)
                            .map_err(|source| IndexError::Expression { id: id(), source })?;
                        let tail = literal_tail(expression).ok_or_else(|| IndexError::OpenEnd {
                            id: id(),
                            expression: expression.clone(),
                        })?;
                        names.node(&tail).ok_or_else(|| deep(&tail))?.expressions.push((regex, number));
                        continue;
                    }
                    EndpointPattern::Range(range) => ranges.entry(*range, Vec::new()),
                    EndpointPattern::Asn(system) => systems.entry(*system).or_default(),
                };
                group.push(number);
            }
        }
        Ok(index)
    }

    /// Returns the index with a table that says which autonomous system announces an address; without one, no row is
    /// found by its system.
    #[must_use]
    pub fn with_announced(mut self, table: SystemTable) -> Self {
        self.announced = Some(table);
        self
    }

    /// Whether there is such a table.
    #[must_use]
    pub fn has_announced(&self) -> bool {
        self.announced.is_some()
    }

    /// All rows, by id.
    #[must_use]
    pub fn rows(&self) -> &[Endpoint] {
        &self.rows
    }

    /// Returns one row.
    #[must_use]
    pub fn row(&self, id: &EndpointId) -> Option<&Endpoint> {
        let at = self.rows.binary_search_by(|row| row.id.cmp(id)).ok()?;
        self.rows.get(at)
    }

    /// Returns the rows of a host as it is written, and of a request where its path is known.
    #[must_use]
    pub fn host(&self, written: &[u8], path: Option<&[u8]>) -> Matches<'_> {
        let mut buffer = HostBuffer::default();
        match read_host(written, &mut buffer) {
            Some(host) => self.read(host, path),
            None => Matches::NONE,
        }
    }

    /// Returns the rows of a host that has been read, and of a request where its path is known.
    #[must_use]
    pub fn read(&self, host: Host<'_>, path: Option<&[u8]>) -> Matches<'_> {
        match host {
            Host::Name(name) => self.name(name, path),
            Host::Address(address) => self.at(address, path),
        }
    }

    /// Returns the rows of an address.
    #[must_use]
    pub fn address(&self, address: IpAddr) -> Matches<'_> {
        self.at(address, None)
    }

    fn name(&self, name: &str, path: Option<&[u8]>) -> Matches<'_> {
        let Some(way) = self.names.way(name) else { return Matches::NONE };
        let path = path.map(path::plain);
        let path = path.as_deref();
        if let Some(node) = way.upwards().next().filter(|_| way.whole)
            && let Some(found) = self.best(node.exact.iter(), path)
        {
            return found;
        }
        let by_expression = way.upwards().find_map(|node| {
            let matching = node.expressions.iter().filter(|(expression, _)| expression.is_match(name));
            self.best(matching.map(|(_, number)| number), path)
        });
        let by_suffix = || way.upwards().find_map(|node| self.best(node.suffix.iter(), path));
        by_expression.or_else(by_suffix).unwrap_or(Matches::NONE)
    }

    fn at(&self, address: IpAddr, path: Option<&[u8]>) -> Matches<'_> {
        let path = path.map(path::plain);
        let path = path.as_deref();
        if let Some(found) = self.ranges.around(address).find_map(|numbers| self.best(numbers.iter(), path)) {
            return found;
        }
        let system = self.announced.as_ref().and_then(|table| table.system(address));
        let numbers = system.and_then(|system| self.systems.get(&system));
        numbers.and_then(|numbers| self.best(numbers.iter(), path)).unwrap_or(Matches::NONE)
    }

    /// Returns those of equally named rows whose path fits best; `None` where none fits.
    fn best<'n>(&self, numbers: impl Iterator<Item = &'n u32>, path: Option<&[u8]>) -> Option<Matches<'_>> {
        let mut found = Vec::new();
        let mut best = 0;
        for number in numbers {
            let row = self.rows.get(usize::try_from(*number).ok()?)?;
            let Some(fixed) = fixed(row, path) else { continue };
            if fixed > best {
                found.clear();
                best = fixed;
            }
            if fixed == best && found.last() != Some(number) {
                found.push(*number);
            }
        }
        (!found.is_empty()).then_some(Matches { rows: &self.rows, numbers: found })
    }
}

/// How much of a path a row fixes; `None` where it has paths and none fits, zero where it has none.
fn fixed(row: &Endpoint, path: Option<&[u8]>) -> Option<usize> {
    if row.paths.is_empty() {
        return Some(0);
    }
    let path = path?;
    let fitting = row.paths.iter().filter(|pattern| path::fits(pattern.as_bytes(), path));
    fitting.map(|pattern| path::fixed(pattern)).max()
}
