-- name: policy
-- What an organisation asks of passwords, and what it is called.  $1 organisation
SELECT o.password_profile, o.support_contact, o.must_change_locked, o.name, o.title,
       ARRAY(SELECT d.domain FROM email_domains AS d WHERE d.org_id = $1
             ORDER BY d.created, d.domain LIMIT 50) AS domains
FROM organizations AS o WHERE o.id = $1;

-- name: find_credential
-- A user's password as it is stored.  $1 organisation, $2 user
SELECT password_hash, changed, must_change, expires, set_by, former
FROM credentials WHERE org_id = $1 AND user_id = $2;

-- change: set_password
-- A user's password, if the user and the password before still are those that were looked at, and the user one
-- who has a password here.
-- $1 organisation, $2 user, $3 digest, $4 now, $5 whether it has to be changed, $6 when it expires unused,
-- $7 who set it, $8 digests of former ones, $9 version of the user, $10 digest of the one before: NULL where
-- none was looked at, '' where there was none
change AS (
    INSERT INTO credentials (org_id, user_id, password_hash, changed, must_change, expires, set_by, former)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8 FROM users AS u
    WHERE u.org_id = $1 AND u.id = $2 AND u.version = $9 AND u.saml_connection_id IS NULL
    ON CONFLICT (org_id, user_id) DO UPDATE
    SET password_hash = excluded.password_hash, changed = excluded.changed, must_change = excluded.must_change,
        expires = excluded.expires, set_by = excluded.set_by, former = excluded.former
    WHERE $10::text IS NULL OR credentials.password_hash = $10
    RETURNING user_id
)

-- change: use_password
-- Somebody signed in: a password that was to be used in time was; its digest may be made anew.
-- $1 organisation, $2 user, $3 the digest that was verified, $4 the one to store
change AS (
    UPDATE credentials SET password_hash = $4, expires = CASE WHEN must_change THEN expires END
    WHERE org_id = $1 AND user_id = $2 AND password_hash = $3
    RETURNING user_id
)

-- change: clear_password
-- A user has no password any more, nor former ones.  $1 organisation, $2 user, $3 the digest that was there
change AS (
    DELETE FROM credentials WHERE org_id = $1 AND user_id = $2 AND password_hash = $3
    RETURNING user_id
)

-- change: drop_password
-- A user has no password any more, whatever it was.  $1 organisation, $2 user
change AS (
    DELETE FROM credentials WHERE org_id = $1 AND user_id = $2
    RETURNING user_id
)
