-- name: hold_user
-- A user, kept as is until the transaction ends: whoever signs the user in, and whoever deactivates the user or
-- sets another password, come one after the other.  $1 organisation, $2 user
SELECT user_name, active FROM users WHERE org_id = $1 AND id = $2 FOR NO KEY UPDATE;

-- change: insert_session
-- A session of a user.
-- $1 organisation, $2 digest, $3 id, $4 user, $5 method, $6 now, $7 expires, $8 network, $9 agent, $10 SAML connection, or NULL
change AS (
    INSERT INTO sessions (org_id, digest, id, user_id, method, created, last_used, expires, network, agent,
                          saml_connection_id)
    VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8, $9, $10)
    RETURNING id
)

-- name: find_session
-- Who is signed in, and what they may do, all as it is now.  $1 organisation, $2 digest
SELECT s.id, s.user_id, s.method, s.created, s.last_used, s.expires, s.network, s.agent,
       u.user_name, r.id AS role_id, r.name AS role_name, r.permissions,
       o.name AS organization_name, o.title AS organization_title, o.password_profile,
       c.changed, c.must_change
FROM sessions AS s
JOIN users AS u ON u.org_id = s.org_id AND u.id = s.user_id
JOIN roles AS r ON r.org_id = u.org_id AND r.id = u.role_id
JOIN organizations AS o ON o.id = s.org_id
LEFT JOIN credentials AS c ON c.org_id = u.org_id AND c.user_id = u.id
WHERE s.org_id = $1 AND s.digest = $2 AND u.active;

-- name: touch_session
-- A session was used, if nobody has written so since.  $1 organisation, $2 digest, $3 now, $4 a while ago
UPDATE sessions SET last_used = $3 WHERE org_id = $1 AND digest = $2 AND last_used <= $4;

-- name: list_sessions
-- The sessions of a user, the latest first.  $1 organisation, $2 user, $3 now
SELECT s.id, s.user_id, s.method, s.created, s.last_used, s.expires, s.network, s.agent, o.password_profile
FROM sessions AS s JOIN organizations AS o ON o.id = s.org_id
WHERE s.org_id = $1 AND s.user_id = $2 AND s.expires > $3
ORDER BY s.last_used DESC, s.id DESC;

-- change: end_session
-- One session of a user.  $1 organisation, $2 user, $3 session
change AS (
    DELETE FROM sessions WHERE org_id = $1 AND user_id = $2 AND id = $3 RETURNING id
)

-- change: end_sessions
-- All sessions of a user, or all but one.  $1 organisation, $2 user, $3 the session that stays, or NULL
change AS (
    DELETE FROM sessions WHERE org_id = $1 AND user_id = $2 AND ($3::uuid IS NULL OR id <> $3) RETURNING id
)

-- change: end_saml_sessions
-- All sessions that a SAML connection began.  $1 organisation, $2 connection
change AS (
    DELETE FROM sessions WHERE org_id = $1 AND saml_connection_id = $2 RETURNING id
)
