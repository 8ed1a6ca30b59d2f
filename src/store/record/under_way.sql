-- Mail that is under way is noted in a file beside the record (store/under_way.rs), no longer here.
UPDATE outbox SET possible_duplicate = 1
WHERE id = (SELECT outbox FROM on_its_way) AND status IN ('queued', 'deferred');
DROP TABLE on_its_way;
