-- name: hold_rules
-- Until the transaction ends nobody writes a user by rules that were looked at, nor enrols a recovery account.
-- $1 organisation
SELECT id FROM organizations WHERE id = $1 FOR UPDATE;

-- name: hold_connection
-- How it stands with a SAML connection, which stays so until the transaction ends.  $1 organisation, $2 id
SELECT state, tried FROM saml_connections WHERE org_id = $1 AND id = $2 FOR SHARE;

-- change: enforce
-- Everybody whose address is in a domain signs in by a connection; the organisation's rules are others from then on.
-- $1 organisation, $2 domain, $3 connection
change AS (
    UPDATE email_domains SET saml_connection_id = $3
    WHERE org_id = $1 AND domain = $2 AND verified_at IS NOT NULL
    RETURNING domain
), ruled AS (
    UPDATE organizations SET rules = gen_random_uuid() WHERE id = $1 AND EXISTS (SELECT FROM change)
)

-- change: release
-- That ends, where it was so; the organisation's rules are others from then on.  $1 organisation, $2 domain
change AS (
    UPDATE email_domains SET saml_connection_id = NULL
    WHERE org_id = $1 AND domain = $2 AND saml_connection_id IS NOT NULL
    RETURNING domain
), ruled AS (
    UPDATE organizations SET rules = gen_random_uuid() WHERE id = $1 AND EXISTS (SELECT FROM change)
)

-- name: lock_unmanaged
-- The next users of a domain whom another connection signs in, or none, held until the transaction ends. Not those
-- of a longer domain that has a connection of its own, nor those who have a recovery account.
-- $1 organisation, $2 domain, $3 connection, $4 after this user, $5 how many
SELECT u.id FROM users AS u
WHERE u.org_id = $1 AND u.id > $4 AND u.saml_connection_id IS DISTINCT FROM $3
  AND (u.mail_domain = $2
       OR (right(u.mail_domain, length($2) + 1) = '.' || $2
           AND EXISTS (SELECT FROM email_domains AS e WHERE e.org_id = $1 AND e.domain = $2 AND e.subdomains)))
  AND NOT EXISTS (
      SELECT FROM email_domains AS o
      WHERE o.org_id = $1 AND o.saml_connection_id IS NOT NULL AND length(o.domain) > length($2)
        AND (u.mail_domain = o.domain
             OR (o.subdomains AND right(u.mail_domain, length(o.domain) + 1) = '.' || o.domain)))
  AND NOT EXISTS (
      SELECT FROM recovery_accounts AS a WHERE a.org_id = $1 AND a.user_id = u.id AND a.confirmed IS NOT NULL)
ORDER BY u.id LIMIT $5 FOR UPDATE OF u;

-- name: recovering
-- Whoever of a domain has a recovery account, and stays as they are.  $1 organisation, $2 domain
SELECT u.id FROM recovery_accounts AS a JOIN users AS u ON u.org_id = a.org_id AND u.id = a.user_id
WHERE a.org_id = $1 AND a.confirmed IS NOT NULL
  AND (u.mail_domain = $2
       OR (right(u.mail_domain, length($2) + 1) = '.' || $2
           AND EXISTS (SELECT FROM email_domains AS e WHERE e.org_id = $1 AND e.domain = $2 AND e.subdomains)))
ORDER BY u.id;

-- name: look
-- What users who are held have that ends: who, marked by what, with a password or not, in how many sessions.
-- $1 organisation, $2 users
SELECT u.id, u.user_name, u.saml_mark, u.saml_connection_id,
       EXISTS (SELECT FROM credentials AS c WHERE c.org_id = u.org_id AND c.user_id = u.id) AS has_password,
       (SELECT count(*) FROM sessions AS s WHERE s.org_id = u.org_id AND s.user_id = u.id) AS sessions
FROM users AS u WHERE u.org_id = $1 AND u.id = ANY ($2::uuid[]) ORDER BY u.id;

-- change: mark
-- Users sign in by a connection from now on: their passwords, links for one, sessions, what another identity provider
-- knows of them, failures and known devices end.  $1 organisation, $2 users, $3 connection, $4 now, $5 kinds of links
change AS (
    UPDATE users SET saml_connection_id = $3, version = version + 1, last_modified = greatest(last_modified, $4)
    WHERE org_id = $1 AND id = ANY ($2::uuid[])
    RETURNING id
), passwords AS (
    DELETE FROM credentials WHERE org_id = $1 AND user_id = ANY ($2::uuid[])
), ended AS (
    DELETE FROM sessions WHERE org_id = $1 AND user_id = ANY ($2::uuid[])
), links AS (
    DELETE FROM password_resets WHERE org_id = $1 AND user_id = ANY ($2::uuid[])
), letters AS (
    DELETE FROM mail_jobs WHERE org_id = $1 AND user_id = ANY ($2::uuid[]) AND kind = ANY ($5::text[])
), unlinked AS (
    DELETE FROM saml_links WHERE org_id = $1 AND user_id = ANY ($2::uuid[])
), forgiven AS (
    DELETE FROM sign_in_tries WHERE org_id = $1 AND account = ANY ($2::uuid[])
), forgotten AS (
    DELETE FROM known_devices WHERE org_id = $1 AND user_id = ANY ($2::uuid[])
)
