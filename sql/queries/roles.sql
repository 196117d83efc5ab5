-- change: insert_role
-- A role of an organisation.  $1 organisation, $2 id, $3 name, $4 its key, $5 built in, $6 permissions, $7 now
change AS (
    INSERT INTO roles (org_id, id, name, name_key, built_in, permissions, created)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    RETURNING id
)
