-- name: writing_context
-- All that the rules need to know of the organisation before a user is written. Which address has to
-- be covered by the Email Domains depends on the organisation. enforced: by what all sign in whose addresses are in
-- the domain; in_use: by what somebody does who is to be managed, and whose domain says nothing.
-- $1 organisation, $2 domain of the user name, $3 its parent domains, $4 key of the role's name,
-- $5 domain of the primary e-mail, $6 its parent domains
SELECT o.rules, o.addresses, o.timezone, r.id AS role_id, r.permissions, m.id AS default_role_id,
       CASE WHEN r.id IS NULL THEN
           ARRAY(SELECT n.name FROM roles AS n WHERE n.org_id = $1 ORDER BY NOT n.built_in, n.name_key LIMIT 10)
       END AS role_names,
       EXISTS (SELECT FROM email_domains AS d
               WHERE d.org_id = $1
                 AND (d.domain = asked.domain OR (d.subdomains AND d.domain = ANY (asked.parents)))) AS covered,
       (SELECT d.domain FROM email_domains AS d
        WHERE d.org_id = $1 AND d.domain = ANY (asked.parents)
        ORDER BY length(d.domain) DESC LIMIT 1) AS parent,
       (SELECT ARRAY[p.org_id::text, p.id::text, p.name, p.sso_url, p.reset_uri,
                     coalesce(nullif(p.contact, ''), o.support_contact)]
        FROM email_domains AS d JOIN saml_connections AS p ON p.org_id = d.org_id AND p.id = d.saml_connection_id
        WHERE d.org_id = $1
          AND (d.domain = asked.domain OR (d.subdomains AND d.domain = ANY (asked.parents)))
        ORDER BY length(d.domain) DESC LIMIT 1) AS enforced,
       (SELECT ARRAY[p.org_id::text, p.id::text, p.name, p.sso_url, p.reset_uri,
                     coalesce(nullif(p.contact, ''), o.support_contact)]
        FROM saml_connections AS p WHERE p.org_id = $1 AND p.state = 'active'
        ORDER BY p.created, p.id LIMIT 1) AS in_use
FROM organizations AS o
CROSS JOIN LATERAL (
    SELECT CASE WHEN o.addresses = 'free' THEN $5::text ELSE $2::text END AS domain,
           CASE WHEN o.addresses = 'free' THEN $6::text[] ELSE $3::text[] END AS parents
) AS asked
JOIN roles AS m ON m.org_id = $1 AND m.name_key = 'minimal permissions'
LEFT JOIN roles AS r ON r.org_id = $1 AND (r.name_key = $4 OR r.id::text = $4)
WHERE o.id = $1;

-- name: hold_rules
-- Keep the organisation's rules as they are until the transaction ends.  $1 organisation
SELECT id FROM organizations WHERE id = $1 FOR SHARE;

-- name: lock_user
-- Hold a user until the transaction ends: nobody changes it, or lets it join a group. The organisation first, as
-- enforcing does (enforcing.hold_rules): what follows refers to it.
-- $1 organisation, $2 id
SELECT version FROM users
WHERE org_id = $1 AND id = $2 AND EXISTS (SELECT FROM organizations AS o WHERE o.id = $1 FOR KEY SHARE)
FOR UPDATE;

-- name: lock_managing_roles
-- One at a time may take away somebody who manages users.  $1 organisation
SELECT id FROM roles WHERE org_id = $1 AND 'users.update' = ANY (permissions) ORDER BY id FOR NO KEY UPDATE;

-- name: has_other_administrator
-- Whether somebody else is active who may manage users.  $1 organisation, $2 user
SELECT EXISTS (
    SELECT FROM roles AS r JOIN users AS u ON u.org_id = r.org_id AND u.role_id = r.id
    WHERE r.org_id = $1 AND 'users.update' = ANY (r.permissions) AND u.active AND u.id <> $2
);

-- name: read_manager
-- A user as somebody's manager.  $1 organisation, $2 id
SELECT id, display_name AS name FROM users WHERE org_id = $1 AND id = $2;

-- name: find_user
-- The user that somebody names by address or id.  $1 organisation, $2 userName's key, $3 id, or NULL
SELECT id FROM users WHERE org_id = $1 AND (user_name_key = $2 OR id = $3)
ORDER BY (id = $3) DESC NULLS LAST LIMIT 1;

-- name: find_inactive
-- The deactivated user of that name, whom creating may revive.  $1 organisation, $2 userName's key
SELECT id FROM users WHERE org_id = $1 AND user_name_key = $2 AND NOT active;

-- name: list_users
-- Users by address.  $1 organisation, $2 the first key, $3 the last one, $4 a key that comes before, $5 how many
SELECT u.id, u.user_name, u.display_name, u.active, r.name AS role, u.last_modified
FROM users AS u JOIN roles AS r ON r.org_id = u.org_id AND r.id = u.role_id
WHERE u.org_id = $1 AND u.user_name_key >= $2 AND u.user_name_key <= $3 AND u.user_name_key > $4
ORDER BY u.user_name_key LIMIT $5;

-- change: insert_user
-- A new user, counted, if the organisation's rules still are those that were looked at. They stay so until the
-- transaction ends where somebody else holds them to change users by them (enforcing.hold_rules).
-- $1 organisation, $2 id, $3 now, $4.. the columns of a user as the model lists them, $19 those rules
change AS (
    INSERT INTO users (org_id, id, version, created, last_modified,
                       user_name, user_name_key, mail_domain, external_id, display_name, display_name_key,
                       family_name_key, active, role_id, manager_id, mail_stand_in, document, shadow,
                       saml_connection_id, saml_mark)
    SELECT $1, $2, 1, $3, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18
    FROM organizations AS o WHERE o.id = $1 AND o.rules = $19 FOR KEY SHARE
    RETURNING id
), counted AS (
    INSERT INTO total_deltas (org_id, kind, id, delta) SELECT $1, 'User', id, 1 FROM change
)

-- change: update_user
-- The user's next version, if it still is the one that was read, and the organisation's rules those that
-- were looked at.
-- $1 organisation, $2 id, $3 now, $4.. the columns of a user as the model lists them, $19 the version read,
-- $20 the rules looked at, or NULL where none were
change AS (
    UPDATE users
    SET version = version + 1, last_modified = $3,
        user_name = $4, user_name_key = $5, mail_domain = $6, external_id = $7, display_name = $8,
        display_name_key = $9, family_name_key = $10, active = $11, role_id = $12, manager_id = $13,
        mail_stand_in = $14, document = $15, shadow = $16, saml_connection_id = $17,
        saml_mark = $18
    WHERE org_id = $1 AND id = $2 AND version = $19
      AND ($20::uuid IS NULL OR EXISTS (SELECT FROM organizations AS o WHERE o.id = $1 AND o.rules = $20 FOR KEY SHARE))
    RETURNING id
)

-- change: leave_groups
-- The groups that a user is taken from get their next version.  $1 organisation, $2 user, $3 now
change AS (
    UPDATE groups AS g SET version = g.version + 1, last_modified = greatest(g.last_modified, $3)
    FROM group_members AS m
    WHERE g.org_id = $1 AND m.org_id = $1 AND m.group_id = g.id AND m.user_id = $2
    RETURNING g.id
)

-- name: groups_of
-- The groups that a user is in, held until the transaction ends.  $1 organisation, $2 user
SELECT g.id, g.display_name FROM groups AS g
JOIN group_members AS m ON m.org_id = g.org_id AND m.group_id = g.id
WHERE g.org_id = $1 AND m.user_id = $2 ORDER BY g.id FOR UPDATE OF g;

-- change: restore_user
-- A user who was deleted is there again, counted, if the organisation's rules still are those that were looked at.
-- $1 organisation, $2 id, $3 now, $4.. the columns of a user as the model lists them, $19 those rules,
-- $20 version, $21 when the user was created, $22 id of the delta
change AS (
    INSERT INTO users (org_id, id, version, created, last_modified,
                       user_name, user_name_key, mail_domain, external_id, display_name, display_name_key,
                       family_name_key, active, role_id, manager_id, mail_stand_in, document, shadow,
                       saml_connection_id, saml_mark)
    SELECT $1, $2, $20, $21, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18
    FROM organizations AS o WHERE o.id = $1 AND o.rules = $19 FOR KEY SHARE
    RETURNING id
), counted AS (
    INSERT INTO total_deltas (org_id, kind, id, delta) SELECT $1, 'User', $22, 1 FROM change
)

-- change: unlink
-- No identity provider knows the user any more.  $1 organisation, $2 user
change AS (
    DELETE FROM saml_links WHERE org_id = $1 AND user_id = $2 RETURNING user_id
)

-- change: unlink_addresses
-- No identity provider knows the user by an address any more: it may become somebody else's.
-- $1 organisation, $2 user
change AS (
    DELETE FROM saml_links WHERE org_id = $1 AND user_id = $2 AND position('@' IN name_id) > 0 RETURNING user_id
)

-- change: join_groups
-- The groups that another user is in, or was, get one more member and their next version.
-- $1 organisation, $2 user, $3 groups, $4 now
change AS (
    INSERT INTO group_members (org_id, group_id, user_id, added)
    SELECT $1, g.id, $2, $4 FROM groups AS g WHERE g.org_id = $1 AND g.id = ANY ($3::uuid[])
    RETURNING group_id
), grown AS (
    UPDATE groups SET version = version + 1, last_modified = greatest(last_modified, $4)
    WHERE org_id = $1 AND id IN (SELECT group_id FROM change)
)

-- change: delete_user
-- The user goes, and memberships and credentials with it; what it takes to come back goes into the bin.
-- $1 organisation, $2 id, $3 id of the delta, $4 now, $5 request id, $6 groups
change AS (
    DELETE FROM users WHERE org_id = $1 AND id = $2
    RETURNING id, user_name, user_name_key, role_id, mail_stand_in, version, created, document, saml_connection_id
), kept AS (
    INSERT INTO deleted_users (org_id, id, user_name, user_name_key, role_id, group_ids, mail_stand_in,
                               version, created, document, deleted, request_id, saml_connection_id)
    SELECT $1, id, user_name, user_name_key, role_id, $6, mail_stand_in, version, created, document, $4, $5,
           saml_connection_id
    FROM change
), counted AS (
    INSERT INTO total_deltas (org_id, kind, id, delta) SELECT $1, 'User', $3, -1 FROM change
)
