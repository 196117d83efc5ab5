-- name: lock_group
-- Hold a group until the transaction ends.  $1 organisation, $2 id
SELECT id FROM groups WHERE org_id = $1 AND id = $2 FOR UPDATE;

-- name: members
-- Those of the ids that are users of the organisation.  $1 organisation, $2 ids
SELECT id, display_name AS name FROM users
WHERE org_id = $1 AND id = ANY ($2::uuid[]) ORDER BY id;

-- change: insert_group
-- A new group, counted.
-- $1 organisation, $2 id, $3 now, $4 name, $5 its key, $6 external id, $7 document, $8 shadow
change AS (
    INSERT INTO groups (org_id, id, version, created, last_modified,
                        display_name, display_name_key, external_id, document, shadow)
    VALUES ($1, $2, 1, $3, $3, $4, $5, $6, $7, $8)
    RETURNING id
), counted AS (
    INSERT INTO total_deltas (org_id, kind, id, delta) SELECT $1, 'Group', id, 1 FROM change
)

-- change: update_group
-- The group's next version, if it still is the one that was read.
-- $1 organisation, $2 id, $3 now, $4 name, $5 its key, $6 external id, $7 document, $8 shadow, $9 the version read
change AS (
    UPDATE groups
    SET version = version + 1, last_modified = $3, display_name = $4, display_name_key = $5,
        external_id = $6, document = $7, shadow = $8
    WHERE org_id = $1 AND id = $2 AND version = $9
    RETURNING id
)

-- change: add_members
-- Users who are not in the group yet.  $1 organisation, $2 group, $3 users, $4 now
change AS (
    INSERT INTO group_members (org_id, group_id, user_id, added)
    SELECT $1, $2, asked.id, $4 FROM unnest($3::uuid[]) AS asked (id)
    ON CONFLICT (org_id, group_id, user_id) DO NOTHING
    RETURNING user_id
)

-- change: remove_members
-- Users who are in the group.  $1 organisation, $2 group, $3 users
change AS (
    DELETE FROM group_members WHERE org_id = $1 AND group_id = $2 AND user_id = ANY ($3::uuid[])
    RETURNING user_id
)

-- change: delete_group
-- The group goes, and its memberships with it, if it still is the one that was read.
-- $1 organisation, $2 id, $3 id of the delta, $4 the version read
change AS (
    DELETE FROM groups WHERE org_id = $1 AND id = $2 AND version = $4 RETURNING id
), counted AS (
    INSERT INTO total_deltas (org_id, kind, id, delta) SELECT $1, 'Group', $3, -1 FROM change
)

-- name: named_groups
-- The groups that somebody names, by the keys of their names or by their ids.  $1 organisation, $2 keys, $3 ids
SELECT id, display_name, display_name_key FROM groups
WHERE org_id = $1 AND (display_name_key = ANY ($2::text[]) OR id = ANY ($3::uuid[])) ORDER BY id;

-- name: lock_groups
-- Hold groups until the transaction ends, always in the same order.  $1 organisation, $2 ids
SELECT id, display_name FROM groups WHERE org_id = $1 AND id = ANY ($2::uuid[]) ORDER BY id FOR UPDATE;

-- change: enter_groups
-- A user joins groups, which get their next version.  $1 organisation, $2 user, $3 groups, $4 now
change AS (
    INSERT INTO group_members (org_id, group_id, user_id, added)
    SELECT $1, asked.id, $2, $4 FROM unnest($3::uuid[]) AS asked (id)
    ON CONFLICT (org_id, group_id, user_id) DO NOTHING
    RETURNING group_id
), grown AS (
    UPDATE groups SET version = version + 1, last_modified = greatest(last_modified, $4)
    WHERE org_id = $1 AND id IN (SELECT group_id FROM change)
)

-- change: quit_groups
-- A user leaves groups, which get their next version.  $1 organisation, $2 user, $3 groups, $4 now
change AS (
    DELETE FROM group_members WHERE org_id = $1 AND user_id = $2 AND group_id = ANY ($3::uuid[])
    RETURNING group_id
), shrunk AS (
    UPDATE groups SET version = version + 1, last_modified = greatest(last_modified, $4)
    WHERE org_id = $1 AND id IN (SELECT group_id FROM change)
)
