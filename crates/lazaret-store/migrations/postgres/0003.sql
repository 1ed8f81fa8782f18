-- Findings about calls. They can be deleted; what the ledger has of them are commitments to batches of them.
CREATE TABLE finding (
    batch TEXT COLLATE "C" NOT NULL,
    -- Within the batch, from 0.
    number BIGINT NOT NULL,
    -- The name of what was found, and how many times it was recorded before with less.
    id TEXT COLLATE "C" NOT NULL,
    revision BIGINT NOT NULL,
    class TEXT COLLATE "C" NOT NULL,
    detector TEXT COLLATE "C" NOT NULL,
    -- The hour of the calls, in microseconds since 1970; the largest number where it is not known.
    hour BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (batch, number),
    UNIQUE (id, revision)
);

CREATE INDEX finding_by_hour ON finding (hour, id);
