-- Links that sign in to the pages: each works once, and not for long.
CREATE TABLE sign_ins (
    nonce TEXT PRIMARY KEY,
    email TEXT NOT NULL,                     -- in lower case
    asked INTEGER NOT NULL,
    used  INTEGER                            -- when it signed somebody in
) WITHOUT ROWID;
CREATE INDEX sign_ins_asked ON sign_ins (asked);
