//! What a format is to the reader: how a line is taken apart, and how its values are written.

use std::fmt::Debug;
use std::sync::Arc;

use lazaret_core::{Outcome, Part, Visibility};

use crate::counts::Fault;
use crate::row::Row;
use crate::values::number::Unit;
use crate::values::time::Clock;

/// What a format says of a line that it took apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) visibility: Visibility,
    pub(crate) part: Part,
    pub(crate) outcome: Outcome,
}

impl Told {
    /// The whole of a call, of which the log does not say how it ended.
    pub(crate) const fn whole(visibility: Visibility) -> Self {
        Self { visibility, part: Part::Whole, outcome: Outcome::Unstated }
    }
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken<'l> {
    /// It tells of a call.
    Call(Told),
    /// It is of the format, and tells of something else: of what, in the log's own word.
    Beside(&'l [u8]),
}

/// How a format writes values.
#[derive(Debug, Clone)]
pub(crate) struct Manner {
    pub(crate) clock: Clock,
    pub(crate) duration: Unit,
    /// Whether the time of a line is when the call ended: then it began earlier by its duration.
    pub(crate) time_is_end: bool,
}

/// A format. It is asked for every line, by any number of threads.
pub(crate) trait Grammar: Debug + Send + Sync {
    /// Takes a line apart. `line` holds no line end.
    ///
    /// # Errors
    /// What is wrong with the line.
    fn take<'l>(&'l self, line: &'l [u8], row: &mut Row) -> Result<Taken<'l>, Fault>;

    /// How values are written.
    fn manner(&self) -> &Manner;

    /// Whether a line must be UTF-8.
    fn is_utf8(&self) -> bool {
        false
    }

    /// Whether a line that ends with the input, and not with a line end, may lack something without showing it.
    fn hides_a_cut(&self) -> bool {
        false
    }

    /// Names of request headers, by the numbers that [`Row::headers`] holds.
    fn headers(&self) -> &[Vec<u8>] {
        &[]
    }

    /// Whether some lines say how those after them are read. Only then [`Grammar::after`] is called.
    fn has_headers(&self) -> bool {
        false
    }

    /// Whether a line says how those after it are read.
    fn is_header(&self, _line: &[u8]) -> bool {
        false
    }

    /// Returns how lines are read after one that says so.
    fn after(&self, _line: &[u8]) -> Option<Arc<dyn Grammar>> {
        None
    }
}
