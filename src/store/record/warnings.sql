-- Early warning. What it counts: one row a mention that began a story and watchlist, by the hour of publication. Nothing
-- that says who wrote it.
CREATE TABLE counted (
    hour      INTEGER NOT NULL,              -- hours since 1970 UTC
    watchlist TEXT NOT NULL,
    mention   INTEGER NOT NULL,
    source    TEXT NOT NULL,
    category  TEXT NOT NULL,
    negative  INTEGER NOT NULL,
    heard     INTEGER NOT NULL,              -- the hour in which it was heard
    PRIMARY KEY (hour, watchlist, mention)
) WITHOUT ROWID;

-- Since when each source is listened to: silence before that is none.
CREATE TABLE listening (
    source TEXT PRIMARY KEY,
    since  INTEGER NOT NULL
) WITHOUT ROWID;
-- (OR IGNORE would not do: in a trigger the conflict policy of the statement that fires it holds, and that one replaces.)
CREATE TRIGGER listening_begins AFTER INSERT ON sources WHEN NEW.last_heard IS NOT NULL BEGIN
    INSERT INTO listening (source, since)
    SELECT NEW.name, NEW.last_heard WHERE NOT EXISTS (SELECT 1 FROM listening WHERE source = NEW.name);
END;

-- Warnings that were given. `content` is JSON of the model's warning.
CREATE TABLE warnings (
    id        INTEGER PRIMARY KEY,
    watchlist TEXT NOT NULL,
    given     INTEGER NOT NULL,
    last      INTEGER NOT NULL,              -- when it was last seen to go on
    content   TEXT NOT NULL
);
CREATE INDEX warnings_given ON warnings (given);

-- What is known already teaches what is usual: nobody waits two weeks after an upgrade.
INSERT OR IGNORE INTO listening (source, since)
    SELECT m.source, min(m.fetched) FROM mentions m JOIN sources s ON s.name = m.source GROUP BY m.source;
INSERT OR IGNORE INTO listening (source, since) SELECT name, last_heard FROM sources WHERE last_heard IS NOT NULL;
INSERT OR IGNORE INTO counted (hour, watchlist, mention, source, category, negative, heard)
    SELECT min(ifnull(unixepoch(m.content ->> '$.entry.published'), m.fetched / 1000), m.fetched / 1000) / 3600, w.value ->> '$.name', m.id,
        m.source, m.category, m.content ->> '$.classification.sentiment.label' IN ('very-negative', 'negative'), m.fetched / 3600000
    FROM mentions m, json_each(m.content, '$.watchlists') w
    WHERE m.original = 1 AND m.fetched > (SELECT max(fetched) FROM mentions) - 57 * 86400000
        AND NOT EXISTS (SELECT 1 FROM held h WHERE h.mention = m.id);
