-- change: insert_connection
-- A connection of an organisation.
-- $1 organisation, $2 id, $3 name, $4 dialect, $5 strict, $6 passwords, $7 revive, $8 removals in an hour,
-- $9 the same as a percentage, $10 now
change AS (
    INSERT INTO connections (org_id, id, name, dialect, strict, passwords, revive,
                             removal_limit, removal_percent, created)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    RETURNING id
)

-- change: update_connection
-- How a connection is treated; without a limit of removals it is not paused either.
-- $1 organisation, $2 id, $3 dialect, $4 strict, $5 passwords, $6 revive, $7 removals in an hour, $8 the same as a percentage
change AS (
    UPDATE connections
    SET dialect = $3, strict = $4, passwords = $5, revive = $6, removal_limit = $7, removal_percent = $8,
        removals_paused = CASE WHEN $7::int IS NOT NULL THEN removals_paused END,
        removals_made = CASE WHEN $7::int IS NOT NULL THEN removals_made END
    WHERE org_id = $1 AND id = $2
    RETURNING id
)

-- name: find_connection
-- The connection of that name.  $1 organisation, $2 name
SELECT id, name, dialect, strict, passwords, revive, created, removal_limit, removal_percent, removals_paused
FROM connections WHERE org_id = $1 AND name = $2;

-- name: list_connections
-- An organisation's connections, and when each last called.  $1 organisation
SELECT c.id, c.name, c.dialect, c.strict, c.passwords, c.revive, c.created,
       c.removal_limit, c.removal_percent, c.removals_paused, max(t.last_used) AS last_call
FROM connections AS c LEFT JOIN api_tokens AS t ON t.org_id = c.org_id AND t.connection_id = c.id
WHERE c.org_id = $1
GROUP BY c.org_id, c.id
ORDER BY c.name;

-- change: insert_token
-- A bearer token's digest.
-- $1 digest, $2 organisation, $3 id, $4 connection, $5 name, $6 hint, $7 scopes, $8 now, $9 expiry
change AS (
    INSERT INTO api_tokens (digest, org_id, id, connection_id, name, hint, scopes, created, expires)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    RETURNING id
)

-- change: revoke_token
-- End a token at a moment, unless it ends earlier.  $1 organisation, $2 id, $3 when
change AS (
    UPDATE api_tokens SET revoked = least(revoked, $3) WHERE org_id = $1 AND id = $2 RETURNING id
)

-- name: find_token
-- The token of that id.  $1 organisation, $2 id
SELECT t.id, t.name, t.hint, t.scopes, t.created, t.expires, t.revoked, t.last_used, c.name AS connection, c.id AS connection_id
FROM api_tokens AS t JOIN connections AS c ON c.org_id = t.org_id AND c.id = t.connection_id
WHERE t.org_id = $1 AND t.id = $2;

-- name: list_tokens
-- An organisation's tokens, newest first.  $1 organisation
SELECT t.id, t.name, t.hint, t.scopes, t.created, t.expires, t.revoked, t.last_used, c.name AS connection, c.id AS connection_id
FROM api_tokens AS t JOIN connections AS c ON c.org_id = t.org_id AND c.id = t.connection_id
WHERE t.org_id = $1 ORDER BY t.id DESC;

-- name: caller_of_token
-- Who calls with a token: found by its digest alone, before an organisation is known.  $1 digest
SELECT t.org_id, t.id AS token_id, t.scopes, t.expires, t.revoked,
       c.id, c.name, c.dialect, c.strict, c.passwords, c.revive, c.created,
       c.removal_limit, c.removal_percent, c.removals_paused
FROM api_tokens AS t JOIN connections AS c ON c.org_id = t.org_id AND c.id = t.connection_id
WHERE t.digest = $1;

-- name: digests_in_use
-- Digests of tokens that have not ended, those used last first.  $1 now, $2 how many at most
SELECT digest FROM api_tokens
WHERE coalesce(expires, 'infinity') > $1 AND coalesce(revoked, 'infinity') > $1
ORDER BY last_used DESC NULLS LAST LIMIT $2;

-- name: touch_tokens
-- When tokens were last used, in one batch.  $1 organisations, $2 tokens, $3 times
UPDATE api_tokens AS t SET last_used = greatest(t.last_used, used.at)
FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) AS used (org_id, id, at)
WHERE t.org_id = used.org_id AND t.id = used.id;
