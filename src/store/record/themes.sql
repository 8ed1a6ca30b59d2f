-- Themes: different mentions about the same issue. `content` is JSON of the model's theme; the columns beside it are what
-- is searched for.
CREATE TABLE themes (
    id        INTEGER PRIMARY KEY,
    watchlist TEXT NOT NULL,
    status    TEXT NOT NULL,                 -- growing, open, closed, merged
    last_seen INTEGER NOT NULL,
    mentions  INTEGER NOT NULL,              -- how many its terms were added up from
    terms     BLOB NOT NULL,                 -- what it is recognised by
    content   TEXT NOT NULL
);
CREATE INDEX themes_last_seen ON themes (last_seen);

-- Which theme a mention is in, and why. `person` tells distinct people apart: the author, or the story of one unknown.
CREATE TABLE theme_mentions (
    mention INTEGER PRIMARY KEY REFERENCES mentions (id),
    theme   INTEGER NOT NULL REFERENCES themes (id),
    at      INTEGER NOT NULL,
    person  BLOB NOT NULL,
    why     TEXT NOT NULL                    -- JSON
);
CREATE INDEX theme_mentions_theme ON theme_mentions (theme, at);

CREATE TABLE theme_history (
    id    INTEGER PRIMARY KEY,
    theme INTEGER NOT NULL REFERENCES themes (id),
    at    INTEGER NOT NULL,
    by    TEXT,
    what  TEXT NOT NULL                      -- JSON
);
CREATE INDEX theme_history_theme ON theme_history (theme);

-- Changes with every change of themes: a memory of them that was made before is read again.
CREATE TABLE theme_memory (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    mark INTEGER NOT NULL
);
INSERT INTO theme_memory (one, mark) VALUES (1, 0);

-- A case can be about a theme: the theme's first mention may have a case of its own beside it. (A UNIQUE of a table
-- cannot be taken back, so the table is made anew: https://www.sqlite.org/lang_altertable.html, 7.)
CREATE TABLE cases_anew (
    id         INTEGER PRIMARY KEY,
    mention    INTEGER NOT NULL REFERENCES mentions (id),
    department TEXT NOT NULL,
    status     TEXT NOT NULL,
    opened     INTEGER NOT NULL,
    person     TEXT,
    author     BLOB,
    ended      INTEGER,
    due        INTEGER,
    content    TEXT NOT NULL DEFAULT '',
    theme      INTEGER REFERENCES themes (id)
);
INSERT INTO cases_anew (id, mention, department, status, opened, person, author, ended, due, content)
    SELECT id, mention, department, status, opened, person, author, ended, due, content FROM cases;
DROP TABLE cases;
ALTER TABLE cases_anew RENAME TO cases;
CREATE UNIQUE INDEX cases_mention ON cases (mention) WHERE theme IS NULL;
CREATE INDEX cases_theme ON cases (theme) WHERE theme IS NOT NULL;
CREATE INDEX cases_due ON cases (due) WHERE due IS NOT NULL;
CREATE INDEX cases_open ON cases (id) WHERE ended IS NULL;
CREATE INDEX cases_author ON cases (author, opened) WHERE author IS NOT NULL;
CREATE INDEX cases_person ON cases (person) WHERE ended IS NULL AND person IS NOT NULL;
