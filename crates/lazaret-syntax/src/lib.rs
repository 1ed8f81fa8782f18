//! Cuts source text at the borders of its syntax.
