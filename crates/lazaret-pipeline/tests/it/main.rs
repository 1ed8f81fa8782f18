//! The workflows on repositories that tests build.

mod attribution;
