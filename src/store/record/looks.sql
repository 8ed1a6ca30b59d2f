-- When mentions with open cases were last looked at where they came from, and what was counted then.
CREATE TABLE looks (
    mention INTEGER PRIMARY KEY REFERENCES mentions (id),
    due     INTEGER NOT NULL,                -- when to look again
    missing INTEGER,                         -- since when it is not found there; NULL: it is there
    base    TEXT NOT NULL,                   -- JSON: the counts that later ones are compared with
    base_at INTEGER NOT NULL
);
