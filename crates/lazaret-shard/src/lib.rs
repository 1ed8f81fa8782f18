//! Reads shards of data sets as facts about records, and writes them again without what is held.
