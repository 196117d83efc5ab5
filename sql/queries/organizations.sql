-- change: insert_organization
-- A new organisation.  $1 id, $2 name, $3 title, $4 addresses, $5 time zone, $6 now
change AS (
    INSERT INTO organizations (id, name, title, addresses, timezone, created)
    VALUES ($1, $2, $3, $4, $5, $6)
    RETURNING id
)

-- change: update_organization
-- How an organisation works.  $1 id, $2 title, $3 addresses, $4 time zone
change AS (
    UPDATE organizations
    SET title = $2, addresses = $3, timezone = $4, version = version + 1, rules = gen_random_uuid()
    WHERE id = $1
    RETURNING id
)

-- name: find_organization
-- The organisation of that name.  $1 name
SELECT id, name, title, addresses, timezone, created FROM organizations WHERE name = $1;

-- name: list_organizations
-- Every organisation of the installation, for its operator.
SELECT id, name, title, addresses, timezone, created FROM organizations ORDER BY name;
