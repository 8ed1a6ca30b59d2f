-- Cases with their whole life. `content` is JSON of the model's case; the columns beside it are what is searched for.

ALTER TABLE cases ADD COLUMN person TEXT;    -- owner's mail address in lower case, if it is one person's
ALTER TABLE cases ADD COLUMN author BLOB;    -- who wrote the mention, if that can be told
ALTER TABLE cases ADD COLUMN ended INTEGER;  -- when it was closed or dismissed
ALTER TABLE cases ADD COLUMN due INTEGER;    -- when to look at it again; NULL: nothing comes due
ALTER TABLE cases ADD COLUMN content TEXT NOT NULL DEFAULT '';

-- Cases that were opened before they could be followed begin now.
UPDATE cases SET due = 0, content = (
    SELECT json_object(
        'status', 'open',
        'owner', json_object('department', cases.department),
        'category', m.category,
        'severity', m.severity,
        'opened', strftime('%Y-%m-%dT%H:%M:%fZ', cases.opened / 1000.0, 'unixepoch'),
        'since', strftime('%Y-%m-%dT%H:%M:%fZ', cases.opened / 1000.0, 'unixepoch'),
        'round', 1)
    FROM mentions m WHERE m.id = cases.mention);

CREATE INDEX cases_due ON cases (due) WHERE due IS NOT NULL;
CREATE INDEX cases_open ON cases (id) WHERE ended IS NULL;
CREATE INDEX cases_author ON cases (author, opened) WHERE author IS NOT NULL;
CREATE INDEX cases_person ON cases (person) WHERE ended IS NULL AND person IS NOT NULL;

-- What happened to a case, in order.
CREATE TABLE case_history (
    id      INTEGER PRIMARY KEY,
    case_id INTEGER NOT NULL REFERENCES cases (id),
    at      INTEGER NOT NULL,
    by      TEXT,                            -- mail address; NULL: mentiond, or somebody who did not say
    what    TEXT NOT NULL                    -- JSON
);
CREATE INDEX case_history_case ON case_history (case_id);

-- Later mentions by the author of a case. A mention belongs to one case at most.
CREATE TABLE case_mentions (
    mention  INTEGER PRIMARY KEY REFERENCES mentions (id),
    case_id  INTEGER NOT NULL REFERENCES cases (id),
    complains INTEGER NOT NULL               -- 1: came back with a complaint
);
CREATE INDEX case_mentions_case ON case_mentions (case_id);

-- Every assignment to a person: whose turn it is next.
CREATE TABLE case_owners (
    id      INTEGER PRIMARY KEY,
    case_id INTEGER NOT NULL REFERENCES cases (id),
    person  TEXT NOT NULL
);
CREATE INDEX case_owners_person ON case_owners (person);

-- Reminders that went out: none is sent twice, whatever restarts or jumps of the clock come between.
CREATE TABLE case_reminders (
    case_id INTEGER NOT NULL REFERENCES cases (id),
    round   INTEGER NOT NULL,
    clock   TEXT NOT NULL,                   -- acknowledge, resolve, confirm
    rung    TEXT NOT NULL,                   -- owner, lead, management
    at      INTEGER NOT NULL,
    PRIMARY KEY (case_id, round, clock, rung)
) WITHOUT ROWID;
