-- What the store is: the name of its format, and what its maker wrote beside it.
CREATE TABLE store_meta (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

-- How far the ledger has come: one row.
CREATE TABLE head (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    size BIGINT NOT NULL CHECK (size >= 0),
    -- The roots of the complete subtrees, 32 bytes each, from the left.
    peaks BYTEA NOT NULL CHECK (length(peaks) % 32 = 0),
    -- Of the last entry, in microseconds since 1970.
    last_time BIGINT
);

INSERT INTO head (id, size, peaks, last_time) VALUES (1, 0, '', NULL);

-- The ledger. It only grows.
CREATE TABLE entry (
    seq BIGINT NOT NULL PRIMARY KEY,
    body BYTEA NOT NULL,
    leaf BYTEA NOT NULL CHECK (length(leaf) = 32)
);

CREATE FUNCTION entry_must_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.seq IS DISTINCT FROM (SELECT COALESCE(MAX(seq) + 1, 0) FROM entry) THEN
        RAISE EXCEPTION 'an entry must follow the last one';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a row of % is never changed and never removed', TG_TABLE_NAME;
END $$;

CREATE TRIGGER entry_follows BEFORE INSERT ON entry FOR EACH ROW EXECUTE FUNCTION entry_must_follow();
CREATE TRIGGER entry_stays BEFORE UPDATE OR DELETE ON entry FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER entry_remains BEFORE TRUNCATE ON entry EXECUTE FUNCTION refuse_change();

-- What follows from the ledger: the present state of everything it speaks of.
-- Texts are compared byte by byte, as SQLite does, so that pages follow each other the same way.
CREATE TABLE state (
    kind TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    -- In microseconds since 1970; the largest number where nothing is due.
    due BIGINT NOT NULL,
    owner TEXT COLLATE "C",
    weight BIGINT NOT NULL,
    bound TEXT COLLATE "C",
    -- The entry that changed it last.
    seq BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (kind, id)
);

CREATE INDEX state_by_due ON state (kind, status, due, id);
CREATE INDEX state_by_weight ON state (kind, status, weight, id);
CREATE INDEX state_by_owner ON state (kind, owner, status, due, id) WHERE owner IS NOT NULL;

-- The personal values behind the commitments that entries hold. They can be erased.
CREATE TABLE secret_value (
    commitment TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    class TEXT COLLATE "C" NOT NULL,
    salt BYTEA NOT NULL CHECK (length(salt) = 32),
    value BYTEA NOT NULL,
    -- SHA-256 of the value, to find it by: no index takes a value of any length.
    digest BYTEA NOT NULL CHECK (length(digest) = 32)
);

CREATE INDEX secret_value_by_digest ON secret_value (class, digest);

-- Public texts that entries name by their digest. They stay as they were.
CREATE TABLE document (
    digest TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    media TEXT NOT NULL,
    body BYTEA NOT NULL
);

CREATE TRIGGER document_stays BEFORE UPDATE OR DELETE ON document FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER document_remains BEFORE TRUNCATE ON document EXECUTE FUNCTION refuse_change();
