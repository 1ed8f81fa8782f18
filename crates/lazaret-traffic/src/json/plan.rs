//! Which names of an object mean what, and the walk that looks for them and holds the whole line to the grammar.

use super::scan::Scanner;
use crate::counts::Fault;
use crate::row::{Coding, Many, Piece, Row, Slot};

/// How many places the table of one object's names has.
const BUCKETS: usize = 64;

/// What a value is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// It is the one value of a slot: a string, a number or a word.
    One(Slot),
    /// It is one of several; where a list stands, each of its elements is.
    Many(Many),
    /// If it is there and neither null, empty nor `-`, the request had this header of the format's list.
    Header(u16),
    /// Its being there says something, whatever it is.
    Mark(Slot),
}

#[derive(Debug, Default)]
struct Node {
    targets: Vec<Target>,
    names: Vec<Name>,
    /// The first of `names` with a hash, counted from one; the next ones follow by `Name::next`.
    buckets: Vec<u16>,
}

#[derive(Debug)]
struct Name {
    name: Vec<u8>,
    next: u16,
    node: Node,
}

/// What is looked for in a line.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    root: Node,
}

#[inline]
fn hash(name: &[u8]) -> usize {
    let first = name.first().copied().map_or(0, usize::from);
    let last = name.last().copied().map_or(0, usize::from);
    let middle = name.get(name.len() / 2).copied().map_or(0, usize::from);
    (first.wrapping_mul(7) ^ last.wrapping_mul(31) ^ middle.wrapping_mul(13) ^ name.len()) % BUCKETS
}

impl Node {
    fn add(&mut self, path: &[&str], target: Target) {
        let Some((step, rest)) = path.split_first() else {
            self.targets.push(target);
            return;
        };
        let name = step.as_bytes();
        if let Some(known) = self.names.iter_mut().find(|known| known.name == name) {
            known.node.add(rest, target);
            return;
        }
        self.buckets.resize(BUCKETS, 0);
        let next = self.buckets.get(hash(name)).copied().unwrap_or_default();
        let mut node = Self::default();
        node.add(rest, target);
        self.names.push(Name { name: name.to_vec(), next, node });
        if let Some(bucket) = self.buckets.get_mut(hash(name)) {
            *bucket = u16::try_from(self.names.len()).unwrap_or_default();
        }
    }

    #[inline]
    fn find(&self, name: &[u8]) -> Option<&Name> {
        let mut at = self.buckets.get(hash(name)).copied().unwrap_or_default();
        while let Some(known) = usize::from(at).checked_sub(1).and_then(|at| self.names.get(at)) {
            if known.name == name {
                return Some(known);
            }
            at = known.next;
        }
        None
    }
}

impl Plan {
    /// Makes a plan. A step is a name; lists are gone through, whatever the path.
    pub(crate) fn new<'p>(rows: impl IntoIterator<Item = (&'p [&'p str], Target)>) -> Self {
        let mut plan = Self::default();
        for (path, target) in rows {
            plan.root.add(path, target);
        }
        plan
    }

    /// Reads one line, which must be UTF-8.
    ///
    /// # Errors
    /// [`Fault::Malformed`] where it is no JSON or no object, [`Fault::Twice`] where something that is looked for stands
    /// twice, [`Fault::Value`] where it is an object or a list and must not be.
    pub(crate) fn read(&self, line: &[u8], row: &mut Row) -> Result<(), Fault> {
        let mut walk = Walk { scanner: Scanner::new(line), row };
        if walk.scanner.next() != Some(b'{') {
            return Err(Fault::Malformed);
        }
        walk.object(&self.root, 0)?;
        walk.scanner.finish()
    }
}

struct Walk<'a, 'r> {
    scanner: Scanner<'a>,
    row: &'r mut Row,
}

impl Walk<'_, '_> {
    fn object(&mut self, node: &Node, depth: usize) -> Result<(), Fault> {
        self.scanner.open(depth)?;
        if self.scanner.eat(b'}') {
            return Ok(());
        }
        loop {
            let name = self.scanner.string()?;
            self.scanner.expect(b':')?;
            // A name that is written with escapes is one that no equipment writes, and may hide one that is looked for.
            let known = node.find(self.scanner.slice(name.start, name.end));
            if name.has_escapes && !node.names.is_empty() {
                return Err(Fault::Value);
            }
            match known {
                Some(known) => self.value(&known.node, depth + 1)?,
                None => self.scanner.skip(depth + 1)?,
            }
            if !self.scanner.goes_on(b'}')? {
                return Ok(());
            }
        }
    }

    fn value(&mut self, node: &Node, depth: usize) -> Result<(), Fault> {
        let kind = self.scanner.next();
        match kind {
            Some(b'{') if !node.names.is_empty() => {
                self.mark(node)?;
                self.object(node, depth)
            }
            Some(b'[')
                if !node.names.is_empty()
                    || node.targets.iter().any(|target| matches!(target, Target::Many(_))) =>
            {
                self.scanner.open(depth)?;
                if self.scanner.eat(b']') {
                    return Ok(());
                }
                loop {
                    self.value(node, depth + 1)?;
                    if !self.scanner.goes_on(b']')? {
                        return Ok(());
                    }
                }
            }
            Some(b'{' | b'[') => {
                self.mark(node)?;
                let is_value = |target: &Target| matches!(target, Target::One(_) | Target::Many(_));
                if node.targets.iter().any(is_value) {
                    // The grammar comes first: what is no JSON at all is called that.
                    self.scanner.skip(depth)?;
                    return Err(Fault::Value);
                }
                self.scanner.skip(depth)
            }
            Some(b'"') => {
                let text = self.scanner.string()?;
                let coding = if text.has_escapes { Coding::Json } else { Coding::Plain };
                self.scalar(node, Piece::new(text.start, text.end, coding), text.start == text.end)
            }
            Some(b'n') => {
                let at = self.scanner.at();
                self.scanner.word()?;
                node.targets.iter().try_for_each(|target| match *target {
                    Target::One(slot) => self.row.see(slot),
                    Target::Mark(slot) => {
                        self.row.set(slot, Piece::new(at, at, Coding::Plain));
                        Ok(())
                    }
                    Target::Many(_) | Target::Header(_) => Ok(()),
                })
            }
            _ => {
                let start = self.scanner.at();
                if matches!(kind, Some(b'-' | b'0'..=b'9')) {
                    self.scanner.number()?;
                } else {
                    self.scanner.word()?;
                }
                self.scalar(node, Piece::new(start, self.scanner.at(), Coding::Plain), false)
            }
        }
    }

    #[inline]
    fn scalar(&mut self, node: &Node, piece: Piece, is_empty: bool) -> Result<(), Fault> {
        for target in &node.targets {
            match *target {
                Target::One(slot) if is_empty => self.row.see(slot)?,
                Target::One(slot) => self.row.put(slot, piece)?,
                Target::Many(many) => self.row.push(many, piece),
                Target::Header(_)
                    if is_empty
                        || self.scanner.slice(self.scanner.at() - 3, self.scanner.at()) == b"\"-\"" => {}
                Target::Header(header) => self.row.headers.push(header),
                Target::Mark(slot) => self.row.set(slot, piece),
            }
        }
        Ok(())
    }

    fn mark(&mut self, node: &Node) -> Result<(), Fault> {
        let at = self.scanner.at();
        for target in &node.targets {
            if let Target::Mark(slot) = *target {
                self.row.set(slot, Piece::new(at, at, Coding::Plain));
            }
        }
        Ok(())
    }
}
