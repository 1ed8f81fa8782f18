//! Keeps what was decided.
