//! Walks over one JSON row: validates all of it, finds its columns, and gathers every other string.

use std::borrow::Cow;
use std::ops::Range;

use super::found::Found;
use super::plan::{Level, Node, Plan, Role};
use super::scan::{Kind, Malformed, Scanner};
use crate::facts::Fault;
use crate::profile::Column;

/// Objects and lists nested deeper than this are refused, as `serde_json` does, because other readers run out of stack.
const DEPTH_MAX: usize = 127;

/// A row with more records than this is over the limits, whatever its bytes: each takes memory beside them.
const RECORDS_OF_ROW_MAX: usize = 1 << 18;

/// A name is compared with all others of its object up to this many; beyond, they are sorted.
const N_NAMES_SMALL: usize = 12;

/// One record of a row that holds several.
#[derive(Debug, Default)]
pub(crate) struct Element {
    pub(crate) found: Found,
    pub(crate) range: Range<usize>,
}

/// A row as it was found. Kept from row to row for its memory.
#[derive(Debug, Default)]
pub(crate) struct Row {
    pub(crate) found: Found,
    elements: Vec<Element>,
    n_elements: usize,
    /// Whether the list of records is there, be it null.
    pub(crate) has_list: bool,
}

impl Row {
    /// Returns the records, where a row holds several.
    pub(crate) fn elements(&self) -> &[Element] {
        self.elements.get(..self.n_elements).unwrap_or_default()
    }

    /// Reads `bytes` from `start` to their end. A row that has a fault of its own has no elements: what it says of them
    /// is in doubt, so that it is one record, and held as a whole.
    pub(crate) fn read(&mut self, plan: &Plan, bytes: &[u8], start: usize) {
        self.n_elements = 0;
        self.has_list = false;
        let mut found = std::mem::take(&mut self.found);
        found.clear(&plan.row);
        if str::from_utf8(bytes.get(start..).unwrap_or_default()).is_err() {
            found.note(Fault::NotUtf8);
        } else {
            let mut walk = Walk { scanner: Scanner::new(bytes, start), plan, names: Vec::new(), row: self };
            if walk.top(&mut found).is_err() {
                found.clear(&plan.row);
                found.note(Fault::Malformed);
            }
        }
        if self.n_elements > RECORDS_OF_ROW_MAX {
            found.fault = Some(Fault::OverLimit);
        }
        if found.fault.is_some() {
            self.n_elements = 0;
        }
        self.found = found;
    }

    /// Notes what is missing, after a row was read without a fault that leaves that in doubt, and calls `missing` with
    /// every column that may not be missing and is. Returns whether a record could be read.
    pub(crate) fn complete(
        &mut self,
        plan: &Plan,
        row_bytes_max: usize,
        missing: &mut impl FnMut(&Column),
    ) -> bool {
        let Some((level, list)) = &plan.element else {
            return self.found.complete(&plan.row, true, missing);
        };
        self.found.complete(&plan.row, false, missing);
        if !self.has_list {
            missing(list);
        }
        // What the row says besides goes along with every record of it, so every record is looked at with it.
        let fault = if self.found.bytes().saturating_mul(self.n_elements) > row_bytes_max {
            Some(Fault::OverLimit)
        } else {
            self.found.fault
        };
        let mut is_readable = false;
        for element in self.elements.get_mut(..self.n_elements).unwrap_or_default() {
            is_readable |= element.found.complete(level, true, missing);
            if let Some(fault) = fault {
                element.found.note(fault);
            } else {
                element.found.join_beside(&self.found.beside);
            }
        }
        if fault == Some(Fault::OverLimit) {
            self.found.clear(&plan.row);
        }
        is_readable
    }

    /// Takes out the memory for one more record. Beyond the bound nothing is kept.
    fn take_element(&mut self) -> Element {
        if self.n_elements >= RECORDS_OF_ROW_MAX {
            return Element::default();
        }
        if self.elements.len() <= self.n_elements {
            self.elements.push(Element::default());
        }
        self.elements.get_mut(self.n_elements).map(std::mem::take).unwrap_or_default()
    }

    fn put_element(&mut self, element: Element) {
        if let Some(place) = self.elements.get_mut(self.n_elements) {
            *place = element;
        }
        self.n_elements += 1;
    }
}

/// Reads one JSON value as a record of its own, into what was found elsewhere: a member of an archive.
pub(crate) fn read_member(
    bytes: &[u8],
    node: Option<&Node>,
    level: &Level,
    found: &mut Found,
) -> Result<(), Malformed> {
    let plan = Plan::default();
    let mut row = Row::default();
    let mut walk = Walk { scanner: Scanner::new(bytes, 0), plan: &plan, names: Vec::new(), row: &mut row };
    walk.value(node, level, found, 0)?;
    walk.scanner.finish()
}

struct Walk<'a, 'w> {
    scanner: Scanner<'a>,
    plan: &'w Plan,
    /// The names of the objects that are open, each object's after those around it.
    names: Vec<Cow<'a, [u8]>>,
    row: &'w mut Row,
}

impl Walk<'_, '_> {
    fn top(&mut self, found: &mut Found) -> Result<(), Malformed> {
        let kind = self.scanner.kind()?;
        let start = self.scanner.at();
        self.value(Some(&self.plan.row.root), &self.plan.row, found, 0)?;
        if kind == Kind::Object {
            found.object = Some(start..self.scanner.at());
        } else {
            found.fault = Some(Fault::NotAnObject);
        }
        self.scanner.finish()
    }

    fn value(
        &mut self,
        node: Option<&Node>,
        level: &Level,
        found: &mut Found,
        depth: usize,
    ) -> Result<(), Malformed> {
        let kind = self.scanner.kind()?;
        if depth >= DEPTH_MAX && matches!(kind, Kind::Object | Kind::Array) {
            return Err(Malformed);
        }
        if let Some(node) = node {
            self.meet(node, kind, level, found);
        }
        match kind {
            Kind::Object => self.object(node, level, found, depth),
            Kind::Array if node.is_some_and(|node| node.is_records) => self.records(depth),
            Kind::Array => self.array(node.and_then(Node::each), level, found, depth),
            Kind::String => self.string(node, level, found),
            Kind::Number => {
                let digits = self.scanner.number()?;
                for target in targets(node, level) {
                    if target.takes_numbers() {
                        found.add_value(target, digits);
                    } else {
                        found.note(Fault::WrongType);
                    }
                }
                Ok(())
            }
            Kind::Bool | Kind::Null => self.scanner.word(),
        }
    }

    /// Notes which columns are here, and which of them cannot be read from a value of this kind.
    ///
    /// A null is the value of every column below it; so is a list, whose elements need not all have what is looked for.
    fn meet(&mut self, node: &Node, kind: Kind, level: &Level, found: &mut Found) {
        let is_value = matches!(kind, Kind::String | Kind::Number);
        if kind == Kind::Null || (kind == Kind::Array && node.each().is_some()) {
            node.for_each_target(&mut |target| found.see(target));
        }
        node.targets.iter().for_each(|target| found.see(*target));
        self.row.has_list |= node.is_records;
        let fits = match kind {
            Kind::Null => true,
            Kind::Object => node.targets.is_empty() && node.each().is_none() && !node.is_records,
            Kind::Array => node.targets.is_empty() && !node.has_fields(),
            Kind::String | Kind::Number | Kind::Bool => {
                let leads_on = node.has_fields() || node.each().is_some() || node.is_records;
                !leads_on && (node.targets.is_empty() || is_value)
            }
        };
        // The root of a row has no columns of its own, and what is no object there has a fault of its own.
        let is_root = std::ptr::eq(node, &level.root);
        if !fits && !is_root {
            node.for_each_target(&mut |target| found.see(target));
            found.note(Fault::WrongType);
        }
    }

    fn object(
        &mut self,
        node: Option<&Node>,
        level: &Level,
        found: &mut Found,
        depth: usize,
    ) -> Result<(), Malformed> {
        self.scanner.expect(b'{')?;
        if self.scanner.eat(b'}') {
            return Ok(());
        }
        let first = self.names.len();
        loop {
            self.scanner.skip_space();
            let name = self.scanner.name()?;
            self.scanner.expect(b':')?;
            let below = node.and_then(|node| node.field(&name));
            if below.is_none() {
                found.add_beside(&name);
            }
            self.names.push(name);
            self.value(below, level, found, depth + 1)?;
            if !self.scanner.eat(b',') {
                break;
            }
        }
        self.scanner.expect(b'}')?;
        if has_twins(self.names.get_mut(first..).unwrap_or_default()) {
            found.note(Fault::DuplicateKey);
        }
        self.names.truncate(first);
        Ok(())
    }

    fn array(
        &mut self,
        each: Option<&Node>,
        level: &Level,
        found: &mut Found,
        depth: usize,
    ) -> Result<(), Malformed> {
        self.scanner.expect(b'[')?;
        if self.scanner.eat(b']') {
            return Ok(());
        }
        loop {
            self.value(each, level, found, depth + 1)?;
            if !self.scanner.eat(b',') {
                return self.scanner.expect(b']');
            }
        }
    }

    /// Reads the list whose elements are the records.
    fn records(&mut self, depth: usize) -> Result<(), Malformed> {
        let plan = self.plan;
        let Some((level, _)) = &plan.element else { return Err(Malformed) };
        self.scanner.expect(b'[')?;
        if self.scanner.eat(b']') {
            return Ok(());
        }
        loop {
            let kind = self.scanner.kind()?;
            let start = self.scanner.at();
            let mut element = self.row.take_element();
            element.found.clear(level);
            self.value(Some(&level.root), level, &mut element.found, depth + 1)?;
            element.range = start..self.scanner.at();
            if kind == Kind::Object {
                element.found.object = Some(element.range.clone());
            } else {
                element.found.fault = Some(Fault::NotAnObject);
            }
            self.row.put_element(element);
            if !self.scanner.eat(b',') {
                return self.scanner.expect(b']');
            }
        }
    }

    fn string(&mut self, node: Option<&Node>, level: &Level, found: &mut Found) -> Result<(), Malformed> {
        let mut roles = targets(node, level).peekable();
        if roles.peek().is_none() {
            return found.read_beside(&mut self.scanner);
        }
        let start = self.scanner.at();
        let bytes = self.scanner.bytes();
        for role in roles {
            // A value that means several things is read once for each: there are few, and they are short.
            let mut scanner = Scanner::new(bytes, start);
            found.read_value(role, &mut scanner)?;
            self.scanner = scanner;
        }
        Ok(())
    }
}

fn targets<'n>(node: Option<&'n Node>, level: &'n Level) -> impl Iterator<Item = Role> + use<'n> {
    let targets = node.map(|node| node.targets.as_slice()).unwrap_or_default();
    targets.iter().filter_map(|target| Some(level.targets.get(*target)?.role))
}

/// Whether a name stands twice. Readers differ in which of the two values they take.
fn has_twins(names: &mut [Cow<'_, [u8]>]) -> bool {
    if names.len() > N_NAMES_SMALL {
        names.sort_unstable();
        return !names.is_sorted_by(|left, right| left < right);
    }
    let mut rest = &*names;
    while let Some((name, others)) = rest.split_first() {
        if others.contains(name) {
            return true;
        }
        rest = others;
    }
    false
}
