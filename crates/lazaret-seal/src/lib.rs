//! Makes a data set provable: keys, signed statements, Merkle trees, and the documents that go with them.
