-- change: insert_request
-- What somebody asked for who cannot sign in, sealed.  $1 organisation, or the installation, $2 id, $3 sealed, $4 now
change AS (
    INSERT INTO reset_requests (org_id, id, sealed, created, due) VALUES ($1, $2, $3, $4, $4) RETURNING id
)

-- name: claim_request
-- The request that waits longest, of whichever organisation. Whoever claims it has time until it is due again.
-- $1 now, $2 when it is due again
UPDATE reset_requests AS r SET due = $2
FROM (SELECT org_id, id FROM reset_requests WHERE due <= $1 ORDER BY due, id LIMIT 1 FOR UPDATE SKIP LOCKED) AS next
WHERE r.org_id = next.org_id AND r.id = next.id
RETURNING r.org_id, r.id, r.sealed, r.created;

-- change: delete_request
-- A request that was answered.  $1 organisation, or the installation, $2 id
change AS (
    DELETE FROM reset_requests WHERE org_id = $1 AND id = $2 RETURNING id
)

-- name: find_accounts
-- Who has that address, in one organisation or in all: nobody says which where people sign in.
-- $1 organisation, or NULL for all, $2 userName's key, $3 how many at most
SELECT u.org_id, u.id, u.user_name, u.active, u.document, u.saml_connection_id IS NOT NULL AS managed
FROM organizations AS o JOIN users AS u ON u.org_id = o.id AND u.user_name_key = $2
WHERE $1::uuid IS NULL OR o.id = $1
ORDER BY u.org_id LIMIT $3;
