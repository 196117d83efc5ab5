-- name: lock_case
-- Hold a case until the transaction ends.  $1 organisation, $2 id
SELECT id FROM cases WHERE org_id = $1 AND id = $2 FOR UPDATE;

-- name: read_owner
-- A user as somebody who is to own a case.  $1 organisation, $2 id
SELECT id, display_name AS name, active FROM users WHERE org_id = $1 AND id = $2;

-- change: insert_case
-- A new case, counted, if its owner is an active user, who stays one until the transaction ends.
-- $1 organisation, $2 id, $3 now, $4 subject, $5 its key, $6 status, $7 external id, $8 document, $9 shadow,
-- $10 owner, or NULL
holder AS (
    SELECT id FROM users WHERE org_id = $1 AND id = $10 AND active FOR SHARE
), change AS (
    INSERT INTO cases (org_id, id, version, created, last_modified,
                       subject, subject_key, status, external_id, document, shadow, owner_id)
    SELECT $1, $2, 1, $3, $3, $4, $5, $6, $7, $8, $9, $10
    WHERE $10::uuid IS NULL OR EXISTS (SELECT FROM holder)
    RETURNING id
), counted AS (
    INSERT INTO total_deltas (org_id, kind, id, delta) SELECT $1, 'Case', id, 1 FROM change
)

-- change: update_case
-- The case's next version, if it still is the one that was read; who becomes its owner has to be an active user,
-- and stays one until the transaction ends.
-- $1 organisation, $2 id, $3 now, $4 subject, $5 its key, $6 status, $7 external id, $8 document, $9 shadow,
-- $10 owner, or NULL, $11 who becomes it, or NULL, $12 the version read
holder AS (
    SELECT id FROM users WHERE org_id = $1 AND id = $11 AND active FOR SHARE
), change AS (
    UPDATE cases
    SET version = version + 1, last_modified = $3, subject = $4, subject_key = $5, status = $6,
        external_id = $7, document = $8, shadow = $9, owner_id = $10
    WHERE org_id = $1 AND id = $2 AND version = $12
      AND ($11::uuid IS NULL OR EXISTS (SELECT FROM holder))
    RETURNING id
)

-- change: delete_case
-- The case goes, if it still is the one that was read.
-- $1 organisation, $2 id, $3 id of the delta, $4 the version read
change AS (
    DELETE FROM cases WHERE org_id = $1 AND id = $2 AND version = $4 RETURNING id
), counted AS (
    INSERT INTO total_deltas (org_id, kind, id, delta) SELECT $1, 'Case', $3, -1 FROM change
)

-- name: count_owned
-- How many cases a user owns.  $1 organisation, $2 user
SELECT count(*) FROM cases WHERE org_id = $1 AND owner_id = $2;

-- name: unassign_cases
-- Some of the cases of a user who is held become nobody's: fewer than asked for where no more are left.
-- $1 organisation, $2 user, $3 now, $4 how many at most
WITH owned AS MATERIALIZED (
    SELECT c.id FROM cases AS c WHERE c.org_id = $1 AND c.owner_id = $2 ORDER BY c.id LIMIT $4 FOR UPDATE
)
UPDATE cases AS c SET owner_id = NULL, version = c.version + 1, last_modified = greatest(c.last_modified, $3)
FROM owned WHERE c.org_id = $1 AND c.id = owned.id
RETURNING c.id, c.subject;
