-- change: insert_organization
-- A new organisation.  $1 id, $2 name, $3 title, $4 addresses, $5 time zone, $6 now
change AS (
    INSERT INTO organizations (id, name, title, addresses, timezone, created)
    VALUES ($1, $2, $3, $4, $5, $6)
    RETURNING id
)

-- change: update_organization
-- How an organisation works.  $1 id, $2 title, $3 addresses, $4 time zone, $5 profile of passwords,
-- $6 support contact, $7 whether passwords that administrators set always have to be changed
change AS (
    UPDATE organizations
    SET title = $2, addresses = $3, timezone = $4, password_profile = $5, support_contact = $6,
        must_change_locked = $7, version = version + 1, rules = gen_random_uuid()
    WHERE id = $1
    RETURNING id
)

-- name: find_organization
-- The organisation of that name.  $1 name
SELECT id, name, title, addresses, timezone, password_profile, support_contact, must_change_locked, created
FROM organizations WHERE name = $1;

-- name: list_organizations
-- Every organisation of the installation, for its operator.
SELECT id, name, title, addresses, timezone, password_profile, support_contact, must_change_locked, created
FROM organizations ORDER BY name;
