-- What the store is: the name of its format, and what its maker wrote beside it.
CREATE TABLE store_meta (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- How far the ledger has come: one row.
CREATE TABLE head (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    size INTEGER NOT NULL CHECK (size >= 0),
    -- The roots of the complete subtrees, 32 bytes each, from the left.
    peaks BLOB NOT NULL CHECK (length(peaks) % 32 = 0),
    -- Of the last entry, in microseconds since 1970.
    last_time INTEGER
) STRICT;

INSERT INTO head (id, size, peaks, last_time) VALUES (1, 0, x'', NULL);

-- The ledger. It only grows.
CREATE TABLE entry (
    seq INTEGER NOT NULL PRIMARY KEY,
    body BLOB NOT NULL,
    leaf BLOB NOT NULL CHECK (length(leaf) = 32)
) STRICT;

CREATE TRIGGER entry_follows BEFORE INSERT ON entry
WHEN NEW.seq IS NOT (SELECT COALESCE(MAX(seq) + 1, 0) FROM entry)
BEGIN SELECT RAISE(ABORT, 'an entry must follow the last one'); END;

CREATE TRIGGER entry_stays BEFORE UPDATE ON entry
BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END;

CREATE TRIGGER entry_remains BEFORE DELETE ON entry
BEGIN SELECT RAISE(ABORT, 'entries are never removed'); END;

-- What follows from the ledger: the present state of everything it speaks of.
CREATE TABLE state (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    status TEXT NOT NULL,
    -- In microseconds since 1970; the largest number where nothing is due.
    due INTEGER NOT NULL,
    owner TEXT,
    weight INTEGER NOT NULL,
    bound TEXT,
    -- The entry that changed it last.
    seq INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT;

CREATE INDEX state_by_due ON state (kind, status, due, id);
CREATE INDEX state_by_weight ON state (kind, status, weight, id);
CREATE INDEX state_by_owner ON state (kind, owner, status, due, id) WHERE owner IS NOT NULL;

-- The personal values behind the commitments that entries hold. They can be erased.
CREATE TABLE secret_value (
    commitment TEXT NOT NULL PRIMARY KEY,
    class TEXT NOT NULL,
    salt BLOB NOT NULL CHECK (length(salt) = 32),
    value BLOB NOT NULL,
    -- SHA-256 of the value, to find it by: no index takes a value of any length.
    digest BLOB NOT NULL CHECK (length(digest) = 32)
) STRICT;

CREATE INDEX secret_value_by_digest ON secret_value (class, digest);

-- Public texts that entries name by their digest. They stay as they were.
CREATE TABLE document (
    digest TEXT NOT NULL PRIMARY KEY,
    media TEXT NOT NULL,
    body BLOB NOT NULL
) STRICT;

CREATE TRIGGER document_is_new BEFORE INSERT ON document
WHEN EXISTS (SELECT 1 FROM document WHERE digest = NEW.digest)
BEGIN SELECT RAISE(ABORT, 'documents are never changed'); END;

CREATE TRIGGER document_stays BEFORE UPDATE ON document
BEGIN SELECT RAISE(ABORT, 'documents are never changed'); END;

CREATE TRIGGER document_remains BEFORE DELETE ON document
BEGIN SELECT RAISE(ABORT, 'documents are never removed'); END;
