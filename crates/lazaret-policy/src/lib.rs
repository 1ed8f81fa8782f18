//! Parses and validates policy files, judges content by them, and explains the judgement.
