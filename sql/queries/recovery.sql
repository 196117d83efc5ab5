-- name: hold_organization
-- One at a time enrols or withdraws recovery accounts, takes away what one rests on, or enforces SAML.
-- $1 organisation
SELECT id FROM organizations WHERE id = $1 FOR NO KEY UPDATE;

-- name: hold_user
-- A user, kept as is until the transaction ends.  $1 organisation, $2 user
SELECT id FROM users WHERE org_id = $1 AND id = $2 FOR UPDATE;

-- name: look
-- A user as somebody who may have a recovery account, and the account. A password counts that its owner has chosen:
-- one that an administrator set may expire.  $1 organisation, $2 user
SELECT u.active, u.saml_connection_id IS NOT NULL AS is_managed, r.permissions,
       EXISTS (SELECT FROM credentials AS c WHERE c.org_id = u.org_id AND c.user_id = u.id AND c.expires IS NULL) AS has_password,
       a.secret, a.confirmed, a.last_step
FROM users AS u JOIN roles AS r ON r.org_id = u.org_id AND r.id = u.role_id
LEFT JOIN recovery_accounts AS a ON a.org_id = u.org_id AND a.user_id = u.id
WHERE u.org_id = $1 AND u.id = $2;

-- change: prepare
-- A user's secret for codes, in place of one that was never confirmed.
-- $1 organisation, $2 user, $3 sealed secret, $4 who enrols, $5 now
change AS (
    INSERT INTO recovery_accounts (org_id, user_id, secret, enrolled_by, created) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (org_id, user_id) DO UPDATE
    SET secret = excluded.secret, enrolled_by = excluded.enrolled_by, created = excluded.created
    WHERE recovery_accounts.confirmed IS NULL
    RETURNING user_id
)

-- change: confirm
-- A user has a recovery account; whoever read the user before knows an older version.
-- $1 organisation, $2 user, $3 the sealed secret that was looked at, $4 step of the code, $5 now
change AS (
    UPDATE recovery_accounts SET confirmed = $5, last_step = $4
    WHERE org_id = $1 AND user_id = $2 AND secret = $3 AND confirmed IS NULL
    RETURNING user_id
), raised AS (
    UPDATE users SET version = version + 1, last_modified = greatest(last_modified, $5)
    WHERE org_id = $1 AND id = $2 AND EXISTS (SELECT FROM change)
)

-- change: withdraw
-- A user has no recovery account any more; whoever read the user before knows an older version.
-- $1 organisation, $2 user, $3 now
change AS (
    DELETE FROM recovery_accounts WHERE org_id = $1 AND user_id = $2 RETURNING user_id
), raised AS (
    UPDATE users SET version = version + 1, last_modified = greatest(last_modified, $3)
    WHERE org_id = $1 AND id = $2 AND EXISTS (SELECT FROM change)
)

-- change: use_code
-- A code is used, if it is later than the last one.  $1 organisation, $2 user, $3 its step
change AS (
    UPDATE recovery_accounts SET last_step = $3
    WHERE org_id = $1 AND user_id = $2 AND confirmed IS NOT NULL AND last_step < $3
    RETURNING user_id
)

-- name: is_account
-- Whether a user has a recovery account.  $1 organisation, $2 user
SELECT user_id FROM recovery_accounts WHERE org_id = $1 AND user_id = $2 AND confirmed IS NOT NULL;

-- name: is_enforced
-- Whether SAML is enforced somewhere.  $1 organisation
SELECT EXISTS (SELECT FROM email_domains WHERE org_id = $1 AND saml_connection_id IS NOT NULL);

-- name: is_left
-- Whether somebody gets in by a recovery account.
-- $1 organisation, $2 a user who does not count, or NULL, $3 a role that does not count, or NULL, $4 what an owner may do
SELECT EXISTS (
    SELECT FROM recovery_accounts AS a
    JOIN users AS u ON u.org_id = a.org_id AND u.id = a.user_id
    JOIN roles AS r ON r.org_id = u.org_id AND r.id = u.role_id
    JOIN credentials AS c ON c.org_id = u.org_id AND c.user_id = u.id
    WHERE a.org_id = $1 AND a.confirmed IS NOT NULL AND c.expires IS NULL AND u.active AND u.saml_connection_id IS NULL
      AND r.permissions @> $4::text[]
      AND u.id IS DISTINCT FROM $2::uuid AND r.id IS DISTINCT FROM $3::uuid
);

-- name: list_accounts
-- An organisation's recovery accounts, and whether each gets in.  $1 organisation, $2 what an owner may do
SELECT a.user_id, u.user_name, a.confirmed, a.enrolled_by, a.created,
       a.confirmed IS NOT NULL AND u.active AND u.saml_connection_id IS NULL AND r.permissions @> $2::text[]
       AND EXISTS (SELECT FROM credentials AS c WHERE c.org_id = u.org_id AND c.user_id = u.id AND c.expires IS NULL) AS gets_in
FROM recovery_accounts AS a
JOIN users AS u ON u.org_id = a.org_id AND u.id = a.user_id
JOIN roles AS r ON r.org_id = u.org_id AND r.id = u.role_id
WHERE a.org_id = $1 ORDER BY u.user_name_key;

-- name: owners
-- Who is told that a recovery account was used.  $1 organisation, $2 what an owner may do, $3 how many
SELECT u.id FROM roles AS r JOIN users AS u ON u.org_id = r.org_id AND u.role_id = r.id
WHERE r.org_id = $1 AND r.permissions @> $2::text[] AND u.active ORDER BY u.id LIMIT $3;
