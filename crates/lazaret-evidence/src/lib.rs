//! Turns facts into claims: the catalog's meaning, the detectors, and line attribution.
