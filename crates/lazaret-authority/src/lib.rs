//! Says who may do what.
