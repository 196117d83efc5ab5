-- name: hold_user
-- One at a time does something with a user's links: a link is not sent while it is withdrawn, nor after.
-- $1 organisation, $2 user
SELECT id FROM users WHERE org_id = $1 AND id = $2 FOR NO KEY UPDATE;

-- change: issue
-- A user's link, in place of the one before, if the mail that will carry it was not withdrawn and goes to the
-- user's address.
-- $1 organisation, $2 user, $3 job, $4 its attempt, $5 digest, $6 purpose, $7 userName's key, $8 now, $9 expires
change AS (
    INSERT INTO password_resets (org_id, user_id, digest, purpose, user_name_key, issued, expires)
    SELECT $1, $2, $5, $6, $7, $8, $9
    FROM mail_jobs AS j JOIN users AS u ON u.org_id = j.org_id AND u.id = j.user_id
    WHERE j.org_id = $1 AND j.id = $3 AND j.attempts = $4 AND u.id = $2 AND u.user_name_key = $7 AND u.active
      AND u.saml_connection_id IS NULL
    ON CONFLICT (org_id, user_id) DO UPDATE
    SET digest = excluded.digest, purpose = excluded.purpose, user_name_key = excluded.user_name_key,
        issued = excluded.issued, expires = excluded.expires, used = NULL
    RETURNING user_id
)

-- name: peek
-- Whose link it is, if it can be used.  $1 organisation, $2 digest, $3 now
SELECT r.user_id, r.purpose, r.expires
FROM password_resets AS r JOIN users AS u ON u.org_id = r.org_id AND u.id = r.user_id
WHERE r.org_id = $1 AND r.digest = $2 AND r.used IS NULL AND r.expires > $3
  AND u.active AND u.user_name_key = r.user_name_key AND u.saml_connection_id IS NULL;

-- change: consume
-- Use a link, if it can be used. Of two at once the second waits for the first, and finds it used.
-- $1 organisation, $2 digest, $3 now
change AS (
    UPDATE password_resets AS r SET used = $3
    FROM users AS u
    WHERE r.org_id = $1 AND r.digest = $2 AND r.used IS NULL AND r.expires > $3
      AND u.org_id = r.org_id AND u.id = r.user_id AND u.active AND u.user_name_key = r.user_name_key
      AND u.saml_connection_id IS NULL
    RETURNING r.user_id
)

-- change: revoke
-- A user's link can not be used any more.  $1 organisation, $2 user
change AS (
    DELETE FROM password_resets WHERE org_id = $1 AND user_id = $2 RETURNING user_id
)
