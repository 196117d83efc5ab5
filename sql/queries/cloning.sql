-- name: lock_stem
-- One at a time may take a number of a stem: the next one sees what this one took.
-- $1 organisation, $2 beginning of the copies' keys
SELECT pg_advisory_xact_lock(hashtextextended($1::uuid::text || $2::text, 0));

-- name: free_number
-- The smallest number of a stem that nobody has: from 1 on, each is looked up in the index, until one is not there.
-- $1 organisation, $2 beginning of the copies' keys
WITH RECURSIVE counted (number) AS (
    SELECT 1
    UNION ALL
    SELECT c.number + 1 FROM counted AS c
    WHERE EXISTS (SELECT FROM users WHERE org_id = $1 AND user_name_key = $2::text || c.number || ')')
)
SELECT max(number) FROM counted;
