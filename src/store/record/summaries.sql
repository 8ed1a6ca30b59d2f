-- Collected mail and reports. One row a digest that was made: none is made twice, and the next one begins where it ended.
CREATE TABLE digests (
    department TEXT NOT NULL,
    kind       TEXT NOT NULL,                -- digest, meeting, management
    until      INTEGER NOT NULL,             -- up to when it reaches: when it was to come
    upto       INTEGER NOT NULL,             -- the last mention that it may hold
    made       INTEGER NOT NULL,
    mailed     INTEGER NOT NULL,             -- 0: the beginning of the first one, which is no mail
    PRIMARY KEY (department, kind, until)
) WITHOUT ROWID;

-- Times in which a source was not heard. The source's own row only knows the present one.
CREATE TABLE blind (
    id     INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    since  INTEGER NOT NULL,
    until  INTEGER NOT NULL
);
CREATE INDEX blind_until ON blind (until);

-- A source that was deaf is heard again.
CREATE TRIGGER blind_ended BEFORE INSERT ON sources WHEN NEW.blind_since IS NULL BEGIN
    INSERT INTO blind (source, since, until)
    SELECT name, blind_since, ifnull(NEW.last_heard, NEW.last_poll) FROM sources
    WHERE name = NEW.name AND blind_since IS NOT NULL AND ifnull(NEW.last_heard, NEW.last_poll) > blind_since;
END;

-- Nobody asked the source for two hours longer than planned: mentiond itself did not run.
CREATE TRIGGER blind_standstill BEFORE INSERT ON sources BEGIN
    INSERT INTO blind (source, since, until)
    SELECT name, next_poll, NEW.last_poll FROM sources
    WHERE name = NEW.name AND blind_since IS NULL AND NEW.last_poll > next_poll + 7200000;
END;

CREATE INDEX mentions_fetched ON mentions (fetched);
CREATE INDEX gaps_at ON gaps (at);
