-- change: insert_organization
-- A new organisation.  $1 id, $2 name, $3 title, $4 addresses, $5 time zone, $6 now, $7 deactivation
change AS (
    INSERT INTO organizations (id, name, title, addresses, timezone, created, deactivation)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    RETURNING id
)

-- change: update_organization
-- How an organisation works.  $1 id, $2 title, $3 addresses, $4 time zone, $5 profile of passwords,
-- $6 support contact, $7 whether passwords that administrators set always have to be changed,
-- $8 what becomes of the Cases of who is deactivated, $9 of passwords of whoever has none here
change AS (
    UPDATE organizations
    SET title = $2, addresses = $3, timezone = $4, password_profile = $5, support_contact = $6,
        must_change_locked = $7, deactivation = $8, password_push = $9, version = version + 1, rules = gen_random_uuid()
    WHERE id = $1
    RETURNING id
)

-- name: find_organization
-- The organisation of that name.  $1 name
SELECT id, name, title, addresses, timezone, password_profile, support_contact, must_change_locked, deactivation,
       password_push, created
FROM organizations WHERE name = $1;

-- name: list_organizations
-- Every organisation of the installation, for its operator.
SELECT id, name, title, addresses, timezone, password_profile, support_contact, must_change_locked, deactivation,
       password_push, created
FROM organizations ORDER BY name;

-- name: read_deactivation
-- What becomes of the Cases of users who are deactivated.  $1 organisation
SELECT deactivation FROM organizations WHERE id = $1;

-- name: read_password_push
-- What becomes of passwords that are sent for whoever has none here.  $1 organisation
SELECT password_push FROM organizations WHERE id = $1;
