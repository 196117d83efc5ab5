-- change: insert_role
-- A role of an organisation, counted.
-- $1 organisation, $2 id, $3 name, $4 its key, $5 start page, $6 external id, $7 permissions, $8 built in, $9 now
change AS (
    INSERT INTO roles (org_id, id, name, name_key, start_page, external_id, permissions, built_in, created, last_modified)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
    RETURNING id
), counted AS (
    INSERT INTO total_deltas (org_id, kind, id, delta) SELECT $1, 'Role', id, 1 FROM change
)

-- change: update_role
-- The role's next version, if it still is the one that was read.
-- $1 organisation, $2 id, $3 name, $4 its key, $5 start page, $6 external id, $7 permissions, $8 the version read, $9 now
change AS (
    UPDATE roles
    SET name = $3, name_key = $4, start_page = $5, external_id = $6, permissions = $7,
        version = version + 1, last_modified = $9
    WHERE org_id = $1 AND id = $2 AND version = $8 AND NOT built_in
    RETURNING id
)

-- change: delete_role
-- A role that nobody has goes, if it still is the one that was read.
-- $1 organisation, $2 id, $3 the version read, $4 id of the delta
change AS (
    DELETE FROM roles WHERE org_id = $1 AND id = $2 AND version = $3 AND NOT built_in RETURNING id
), counted AS (
    INSERT INTO total_deltas (org_id, kind, id, delta) SELECT $1, 'Role', $4, -1 FROM change
)

-- change: renew_rules
-- Nobody is added any more by what was looked at before.  $1 organisation
change AS (
    UPDATE organizations SET rules = gen_random_uuid() WHERE id = $1 RETURNING id
)

-- change: give_role
-- Users get a role; their documents say so, unless roles are stored there as they come. A document is JSON
-- without spaces, in which "roles": can be a name only: in a string its quotes would be escaped.
-- $1 organisation, $2 role, $3 users, $4 their roles, or NULL to leave documents alone, $5 the same for
-- comparisons, $6 now
change AS (
    UPDATE users AS u
    SET role_id = $2, version = u.version + 1, last_modified = greatest(u.last_modified, $6),
        document = CASE WHEN $4::text IS NULL THEN u.document
                        WHEN d.roles IS NULL THEN convert_to('{"roles":' || $4 || ',' || substr(d.document, 2), 'UTF8')
                        ELSE convert_to(replace(d.document, '"roles":' || d.roles, '"roles":' || $4), 'UTF8') END,
        shadow = CASE WHEN $4::text IS NULL THEN u.shadow ELSE jsonb_set(u.shadow, '{roles}', $5::jsonb) END
    FROM (SELECT w.id, convert_from(w.document, 'UTF8') AS document,
                 (convert_from(w.document, 'UTF8')::json -> 'roles')::text AS roles
          FROM users AS w WHERE w.org_id = $1 AND w.id = ANY ($3::uuid[])) AS d
    WHERE u.org_id = $1 AND u.id = d.id
    RETURNING u.id
)

-- change: rename_in_users
-- Users who name a role by its name name it by the new one, in the form of `give_role`.
-- $1 organisation, $2 role, $3 key of the old name, $4 new name, $5 its key, $6 now
change AS (
    UPDATE users AS u
    SET version = u.version + 1, last_modified = greatest(u.last_modified, $6),
        document = convert_to(replace(d.document, '"roles":' || d.roles,
                                      '"roles":' || jsonb_build_array(d.entry || d.named)::text), 'UTF8'),
        shadow = jsonb_set(u.shadow, '{roles,0}', (u.shadow #> '{roles,0}') || d.compared)
    FROM (SELECT w.id, e.document, e.roles, e.roles::jsonb -> 0 AS entry,
                 CASE WHEN btrim(w.shadow #>> '{roles,0,value}') = $3
                      THEN jsonb_build_object('value', $4::text) ELSE '{}' END
                 || CASE WHEN btrim(w.shadow #>> '{roles,0,display}') = $3
                      THEN jsonb_build_object('display', $4::text) ELSE '{}' END AS named,
                 CASE WHEN btrim(w.shadow #>> '{roles,0,value}') = $3
                      THEN jsonb_build_object('value', $5::text) ELSE '{}' END
                 || CASE WHEN btrim(w.shadow #>> '{roles,0,display}') = $3
                      THEN jsonb_build_object('display', $5::text) ELSE '{}' END AS compared
          FROM users AS w
          CROSS JOIN LATERAL (SELECT convert_from(w.document, 'UTF8') AS document,
                                     (convert_from(w.document, 'UTF8')::json -> 'roles')::text AS roles) AS e
          WHERE w.org_id = $1 AND w.role_id = $2
            AND $3 IN (btrim(w.shadow #>> '{roles,0,value}'), btrim(w.shadow #>> '{roles,0,display}'))) AS d
    WHERE u.org_id = $1 AND u.id = d.id
    RETURNING u.id
)

-- name: get_role
-- A role.  $1 organisation, $2 id
SELECT id, name, start_page, permissions, external_id, built_in, version, created, last_modified
FROM roles WHERE org_id = $1 AND id = $2;

-- name: lock_role
-- Hold a role until the transaction ends: nobody changes it, or is given it.  $1 organisation, $2 id
SELECT version FROM roles WHERE org_id = $1 AND id = $2 FOR UPDATE;

-- name: find_role
-- The role that somebody names by its name or id.  $1 organisation, $2 key of the name, $3 id, or NULL
SELECT id FROM roles WHERE org_id = $1 AND (name_key = $2 OR id = $3)
ORDER BY (id = $3) DESC NULLS LAST LIMIT 1;

-- name: list_roles
-- An organisation's roles, and how many users have each.  $1 organisation
SELECT r.id, r.name, r.start_page, r.permissions, r.external_id, r.built_in, r.version, r.created, r.last_modified,
       (SELECT count(*) FROM users AS u WHERE u.org_id = r.org_id AND u.role_id = r.id) AS users
FROM roles AS r WHERE r.org_id = $1 ORDER BY NOT r.built_in, r.name_key;

-- name: lock_managers
-- One at a time may take away who manages users: the same rows as when a user goes.  $1 organisation
SELECT id FROM roles WHERE org_id = $1 AND 'users.update' = ANY (permissions) ORDER BY id FOR NO KEY UPDATE;

-- name: is_held
-- Whether somebody active has a role.  $1 organisation, $2 role
SELECT EXISTS (SELECT FROM users WHERE org_id = $1 AND role_id = $2 AND active);

-- name: managers_beside
-- Whether somebody is active who may manage users.
-- $1 organisation, $2 a role that does not count, or NULL
SELECT EXISTS (
    SELECT FROM roles AS r JOIN users AS u ON u.org_id = r.org_id AND u.role_id = r.id
    WHERE r.org_id = $1 AND 'users.update' = ANY (r.permissions) AND r.id IS DISTINCT FROM $2 AND u.active
);

-- name: lock_holders
-- The next users who have a role, held until the transaction ends.
-- $1 organisation, $2 role, $3 after this user, $4 how many
SELECT u.id, u.user_name, u.active, u.role_id, r.permissions,
       (convert_from(u.document, 'UTF8')::json -> 'roles')::text AS roles
FROM users AS u JOIN roles AS r ON r.org_id = u.org_id AND r.id = u.role_id
WHERE u.org_id = $1 AND u.role_id = $2 AND u.id > $3
ORDER BY u.id LIMIT $4 FOR UPDATE OF u;

-- name: lock_users
-- Users by their ids, held until the transaction ends.  $1 organisation, $2 ids
SELECT u.id, u.user_name, u.active, u.role_id, r.permissions,
       (convert_from(u.document, 'UTF8')::json -> 'roles')::text AS roles
FROM users AS u JOIN roles AS r ON r.org_id = u.org_id AND r.id = u.role_id
WHERE u.org_id = $1 AND u.id = ANY ($2::uuid[])
ORDER BY u.id FOR UPDATE OF u;

-- name: has_free_names
-- The organisation, if it stores the roles of users as they come.  $1 organisation
SELECT id FROM organizations WHERE id = $1 AND addresses = 'free';
