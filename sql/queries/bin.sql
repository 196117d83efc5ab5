-- name: list_deleted
-- Who is in an organisation's bin, the latest first.  $1 organisation
SELECT d.id, d.user_name, d.deleted, d.request_id, r.name AS role
FROM deleted_users AS d LEFT JOIN roles AS r ON r.org_id = d.org_id AND r.id = d.role_id
WHERE d.org_id = $1 ORDER BY d.deleted DESC, d.id;

-- name: find_deleted
-- Those in the bin whom somebody names by address or id.  $1 organisation, $2 userName's key, $3 id, or NULL
SELECT d.id, d.user_name, d.deleted, d.request_id, r.name AS role
FROM deleted_users AS d LEFT JOIN roles AS r ON r.org_id = d.org_id AND r.id = d.role_id
WHERE d.org_id = $1 AND (d.user_name_key = $2 OR d.id = $3) ORDER BY d.deleted DESC, d.id LIMIT 10;

-- name: lock_deleted
-- All that is kept of somebody in the bin, held until the transaction ends.  $1 organisation, $2 id
SELECT d.id, d.version, d.created, d.deleted, d.document, d.mail_stand_in, d.group_ids, d.saml_connection_id,
       r.name AS role,
       (SELECT o.addresses FROM organizations AS o WHERE o.id = $1) AS addresses
FROM deleted_users AS d LEFT JOIN roles AS r ON r.org_id = d.org_id AND r.id = d.role_id
WHERE d.org_id = $1 AND d.id = $2 FOR UPDATE OF d;

-- name: hold_groups
-- Those of the groups that are still there, held until the transaction ends.  $1 organisation, $2 ids
SELECT g.id, g.display_name AS name FROM unnest($2::uuid[]) AS asked (id)
JOIN groups AS g ON g.org_id = $1 AND g.id = asked.id ORDER BY g.id FOR UPDATE OF g;

-- change: take_out
-- Somebody is in the bin no more.  $1 organisation, $2 id
change AS (
    DELETE FROM deleted_users WHERE org_id = $1 AND id = $2 RETURNING id
)

-- name: purge_deleted
-- Those of the users who were deleted before a moment are in the bin no more.
-- $1 organisation, $2 ids, $3 the moment
DELETE FROM deleted_users WHERE org_id = $1 AND id = ANY ($2::uuid[]) AND deleted < $3 RETURNING id, deleted;

-- name: overdue
-- Some of those who were deleted before a moment, the earliest first. Every organisation's: housekeeping.
-- $1 the moment, $2 how many at most
SELECT org_id, id FROM deleted_users WHERE deleted < $1 ORDER BY deleted LIMIT $2;
