//! JSON lines: a strict scanner, and a plan of which names mean what.

mod plan;
mod scan;

pub(crate) use plan::{Plan, Target};
