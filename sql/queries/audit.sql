-- record: append_entries
-- Log entries, the personal values they commit to, and what others must hear, beside a change: nothing
-- is recorded of a change that hit no row.  $1 organisation; $2-$10 a column of entries each;
-- $11-$15 a column of values each; $16-$19 a column of the outbox each; $3 is also the outbox's time
entry AS (
    INSERT INTO log_entries (org_id, id, occurred, event, outcome, reason, connection_id, request_id, target_id, entry)
    SELECT $1::uuid, e.*
    FROM unnest($2::uuid[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::uuid[], $8::text[], $9::uuid[], $10::text[]) AS e
    WHERE EXISTS (SELECT FROM change)
), value AS (
    INSERT INTO log_values (org_id, entry_id, field, subject, salt, value)
    SELECT $1::uuid, v.*
    FROM unnest($11::uuid[], $12::text[], $13::uuid[], $14::bytea[], $15::text[]) AS v
    WHERE EXISTS (SELECT FROM change)
), message AS (
    INSERT INTO outbox (org_id, id, topic, payload, created)
    SELECT $1::uuid, m.*
    FROM unnest($16::uuid[], $17::text[], $18::text[], $19::timestamptz[]) AS m
    WHERE EXISTS (SELECT FROM change)
)

-- name: list_entries
-- A page of the log, oldest first, with the personal values that are still there.
-- $1 organisation, $2 after this entry, $3 since, $4 until, $5 events, $6 outcomes, $7 target,
-- $8 connection, $9 request, $10 how many
SELECT e.id, e.entry,
       (SELECT jsonb_object_agg(v.field, v.value)::text FROM log_values AS v
        WHERE v.org_id = e.org_id AND v.entry_id = e.id) AS personal
FROM log_entries AS e
WHERE e.org_id = $1
  AND ($2::uuid IS NULL OR e.id > $2)
  AND ($3::timestamptz IS NULL OR e.occurred >= $3)
  AND ($4::timestamptz IS NULL OR e.occurred < $4)
  AND ($5::text[] IS NULL OR e.event = ANY ($5))
  AND ($6::text[] IS NULL OR e.outcome = ANY ($6))
  AND ($7::uuid IS NULL OR e.target_id = $7)
  AND ($8::uuid IS NULL OR e.connection_id = $8)
  AND ($9::text IS NULL OR e.request_id = $9)
ORDER BY e.id
LIMIT $10;

-- name: latest_entries
-- Where the last so many entries of a log begin.  $1 organisation, $2 how many
SELECT id FROM log_entries WHERE org_id = $1 ORDER BY id DESC OFFSET $2 LIMIT 1;

-- name: count_entries
-- How many entries there are of each event and outcome.  $1 organisation, $2 one connection's, or all
SELECT event, outcome, count(*) AS entries FROM log_entries
WHERE org_id = $1 AND ($2::uuid IS NULL OR connection_id = $2)
GROUP BY event, outcome ORDER BY event, outcome;
