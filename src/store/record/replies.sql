-- Replies by mail that were dealt with: each once, whatever is read again.
CREATE TABLE replies (
    message_id TEXT NOT NULL PRIMARY KEY,
    sender TEXT NOT NULL,
    at INTEGER NOT NULL,
    case_id INTEGER,
    -- What was done, or why nothing was.
    outcome TEXT NOT NULL,
    -- A mail went back to the sender.
    answered INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX replies_sender ON replies (sender, at);
-- A reply names the mail that it answers.
CREATE INDEX outbox_message_id ON outbox (message_id);
