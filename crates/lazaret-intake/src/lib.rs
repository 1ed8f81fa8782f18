//! Reads the world and reports facts: git histories and folders.
