//! Chores of the project: tidy, test, ci, bench.

fn main() {}
