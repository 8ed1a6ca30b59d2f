-- Mail that is under way is noted in a file beside the record (store/under_way.rs), no longer here.
UPDATE outbox SET possible_duplicate = 1
WHERE id = (SELECT outbox FROM on_its_way) AND status IN ('queued', 'deferred');
DROP TABLE on_its_way;

-- How the relay fares: one row.
CREATE TABLE relay (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    failures   INTEGER NOT NULL DEFAULT 0,   -- in a row
    down_since INTEGER,
    hold_until INTEGER,                      -- left alone until then
    locked     INTEGER NOT NULL DEFAULT 0,   -- waits for the operator: login refused, or no encryption
    told       INTEGER NOT NULL DEFAULT 0    -- the operator was told of this outage
);
INSERT INTO relay (one) VALUES (1);
