-- record: append_entries
-- Log entries, the personal values they commit to, and what others must hear, beside a change: nothing
-- is recorded of a change that hit no row. As JSON, because the driver takes longer to encode many
-- arrays than everything else does.  $1 organisation, $2 entries, $3 values by person, $4 messages
entry AS (
    INSERT INTO log_entries (org_id, id, occurred, event, outcome, reason, connection_id, request_id, target_id, entry)
    SELECT $1::uuid, e.*
    FROM json_to_recordset($2::json) AS e (id uuid, occurred timestamptz, event text, outcome text, reason text,
                                           connection_id uuid, request_id text, target_id uuid, entry text)
    WHERE EXISTS (SELECT FROM change)
), value AS (
    INSERT INTO log_values (org_id, entry_id, subject, kept)
    SELECT $1::uuid, v.*
    FROM json_to_recordset($3::json) AS v (entry_id uuid, subject uuid, kept text)
    WHERE EXISTS (SELECT FROM change)
), message AS (
    INSERT INTO outbox (org_id, id, topic, payload, created)
    SELECT $1::uuid, m.*
    FROM json_to_recordset($4::json) AS m (id uuid, topic text, payload text, created timestamptz)
    WHERE EXISTS (SELECT FROM change)
)

-- record: append_entry
-- The same for one entry, which is nearly every one: of plain arguments there is no JSON to be parsed.
-- $1 organisation, $2 id, $3 occurred, $4 event, $5 outcome, $6 reason, $7 connection, $8 request, $9 target,
-- $10 entry, $11 values of nobody known, $12 values of the target, $13 id of a message, $14 its topic, or NULL
-- for none, $15 its payload
entry AS (
    INSERT INTO log_entries (org_id, id, occurred, event, outcome, reason, connection_id, request_id, target_id, entry)
    SELECT $1::uuid, $2::uuid, $3::timestamptz, $4::text, $5::text, $6::text, $7::uuid, $8::text, $9::uuid, $10::text
    WHERE EXISTS (SELECT FROM change)
), value AS (
    INSERT INTO log_values (org_id, entry_id, subject, kept)
    SELECT $1::uuid, $2::uuid, v.subject, v.kept
    FROM (VALUES ('00000000-0000-0000-0000-000000000000'::uuid, $11::text), ($9::uuid, $12::text)) AS v (subject, kept)
    WHERE v.kept IS NOT NULL AND EXISTS (SELECT FROM change)
), message AS (
    INSERT INTO outbox (org_id, id, topic, payload, created)
    SELECT $1::uuid, $13::uuid, $14::text, $15::text, $3::timestamptz
    WHERE $14::text IS NOT NULL AND EXISTS (SELECT FROM change)
)

-- name: list_entries
-- A page of the log, oldest first, with the personal values that are still there.
-- $1 organisation, $2 after this entry, $3 since, $4 until, $5 events, $6 outcomes, $7 target,
-- $8 connection, $9 request, $10 how many
SELECT e.id, e.entry,
       (SELECT array_agg(v.kept) FROM log_values AS v
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

-- name: confirm_entry
-- An entry, and a message in the write-ahead log that nobody reads: the answer has waited for a
-- synchronous standby, so what the entry tells of is not lost in a fail-over.  $1 organisation, $2 entry
SELECT outcome, entry, pg_logical_emit_message(true, 'scimserver', id::text)::text AS position
FROM log_entries WHERE org_id = $1 AND id = $2;

-- name: latest_entries
-- Where the last so many entries of a log begin.  $1 organisation, $2 how many
SELECT id FROM log_entries WHERE org_id = $1 ORDER BY id DESC OFFSET $2 LIMIT 1;

-- name: count_entries
-- How many entries there are of each event and outcome.  $1 organisation, $2 one connection's, or all
SELECT event, outcome, count(*) AS entries FROM log_entries
WHERE org_id = $1 AND ($2::uuid IS NULL OR connection_id = $2)
GROUP BY event, outcome ORDER BY event, outcome;

-- name: count_refusals
-- How many attempts of a connection were refused for a reason since a moment, and how many things they aimed at.
-- $1 organisation, $2 an entry that is older, $3 connection, $4 reason, $5 since
SELECT count(*) AS attempts, count(DISTINCT target_id) AS targets FROM log_entries
WHERE org_id = $1 AND id > $2 AND connection_id = $3 AND reason = $4 AND occurred >= $5;
