-- How far the histories of themes and cases reached when a digest was made: what happened to them later is told in the next
-- one, and nothing twice. By numbers, as with mentions: a time would lose what was written down while the digest was made.
ALTER TABLE digests ADD COLUMN theme_steps INTEGER NOT NULL DEFAULT 0;
ALTER TABLE digests ADD COLUMN case_steps INTEGER NOT NULL DEFAULT 0;

-- Only the newest of each is ever asked; of it, only the time is known.
UPDATE digests SET
    theme_steps = (SELECT ifnull(max(id), 0) FROM theme_history WHERE at < digests.made),
    case_steps = (SELECT ifnull(max(id), 0) FROM case_history WHERE at < digests.made)
WHERE until = (SELECT max(until) FROM digests AS d WHERE d.department = digests.department AND d.kind = digests.kind);
