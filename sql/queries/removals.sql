-- name: hold_limit
-- How many users a connection may remove, held until the transaction ends: so one at a time removes for it.
-- No row where there is no limit.  $1 organisation, $2 connection
SELECT c.removal_limit, c.removal_percent, c.removals_paused, c.removals_made, o.name AS organization
FROM connections AS c JOIN organizations AS o ON o.id = c.org_id
WHERE c.org_id = $1 AND c.id = $2 AND c.removal_limit IS NOT NULL
FOR NO KEY UPDATE OF c;

-- name: take
-- Count one more removal, if there are fewer than the limit since a moment; where that is used up, than the
-- percentage of all users, those included whom the connection deleted since. Users are counted only then.
-- A statement of its own after `hold_limit`: it sees what others committed while that one waited.
-- $1 organisation, $2 connection, $3 now, $4 since, $5 limit, $6 percentage, $7 whether the user is deleted
WITH latest AS (
    SELECT number, deletions, removed FROM removals WHERE org_id = $1 AND connection_id = $2
    ORDER BY removed DESC, number DESC LIMIT 1
), earliest AS (
    SELECT number, deletions, is_deletion FROM removals
    WHERE org_id = $1 AND connection_id = $2 AND removed > $4
    ORDER BY removed, number LIMIT 1
), made AS (
    SELECT coalesce(max(l.number - e.number) + 1, 0)::int AS removals,
           coalesce(max(l.deletions - e.deletions + e.is_deletion::int), 0)::int AS deletions
    FROM latest AS l CROSS JOIN earliest AS e
), allowed AS (
    SELECT CASE WHEN m.removals < $5::int THEN $5::int ELSE greatest($5::int, ((
        (SELECT coalesce(sum(t.total), 0) FROM totals AS t WHERE t.org_id = $1 AND t.kind = 'User')
        + (SELECT coalesce(sum(d.delta), 0) FROM total_deltas AS d WHERE d.org_id = $1 AND d.kind = 'User')
        + m.deletions) * $6::int)::bigint / 100) END AS removals
    FROM made AS m
), taken AS (
    INSERT INTO removals (org_id, connection_id, removed, number, deletions, is_deletion)
    SELECT $1, $2, greatest($3::timestamptz, l.removed), coalesce(l.number, 0) + 1,
           coalesce(l.deletions, 0) + $7::boolean::int, $7
    FROM made AS m CROSS JOIN allowed AS a LEFT JOIN latest AS l ON true
    WHERE m.removals < a.removals
    RETURNING number
)
SELECT EXISTS (SELECT FROM taken) AS taken, m.removals AS made, l.number AS latest
FROM made AS m LEFT JOIN latest AS l ON true;

-- change: pause
-- No more removals of a connection, until an administrator agrees; unless somebody has agreed since they were
-- counted.  $1 organisation, $2 connection, $3 now, $4 how many it made, $5 the number of the latest, or NULL
change AS (
    UPDATE connections SET removals_paused = $3, removals_made = $4
    WHERE org_id = $1 AND id = $2 AND removals_paused IS NULL AND removal_limit IS NOT NULL
      AND ($5::bigint IS NULL OR EXISTS (
          SELECT FROM removals AS r WHERE r.org_id = $1 AND r.connection_id = $2 AND r.number = $5))
    RETURNING id
)

-- change: resume
-- A connection may remove users again, and nothing counts that it removed before.  $1 organisation, $2 connection
change AS (
    UPDATE connections SET removals_paused = NULL, removals_made = NULL
    WHERE org_id = $1 AND id = $2 AND removals_paused IS NOT NULL
    RETURNING id
), forgotten AS (
    DELETE FROM removals WHERE org_id = $1 AND connection_id = $2 AND EXISTS (SELECT FROM change)
)

-- name: hold_paused
-- Since when a connection is paused, held until the transaction ends.  $1 organisation, $2 connection
SELECT removals_paused FROM connections WHERE org_id = $1 AND id = $2 FOR NO KEY UPDATE;
