-- Sessions that were ended before their time: a copy of the cookie is worth nothing any more.
CREATE TABLE sign_outs (
    session BLOB PRIMARY KEY,                -- SHA-256 of the cookie
    until   INTEGER NOT NULL                 -- when the session would have ended by itself, and the row goes
) WITHOUT ROWID;
CREATE INDEX sign_outs_until ON sign_outs (until);
