-- Counts by status read this index alone: it is a third of those that also carry what lists are sorted by.
CREATE INDEX state_by_status ON state (kind, status);
