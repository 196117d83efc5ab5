-- What the hostile tier keeps beside the product's tables: an organisation as it was when it was made.
CREATE SCHEMA IF NOT EXISTS hostile;
CREATE TABLE IF NOT EXISTS hostile.users (LIKE users);
CREATE TABLE IF NOT EXISTS hostile.groups (LIKE groups);
CREATE TABLE IF NOT EXISTS hostile.roles (LIKE roles);
CREATE TABLE IF NOT EXISTS hostile.group_members (LIKE group_members);
CREATE TABLE IF NOT EXISTS hostile.cases (LIKE cases);

CREATE OR REPLACE FUNCTION hostile.total(org uuid, wanted text) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT ((SELECT COALESCE(sum(total), 0) FROM totals WHERE org_id = org AND kind = wanted)
        + (SELECT COALESCE(sum(delta), 0) FROM total_deltas WHERE org_id = org AND kind = wanted))::bigint
$$;

CREATE OR REPLACE FUNCTION hostile.keep(org uuid) RETURNS void LANGUAGE sql AS $$
    INSERT INTO hostile.users SELECT * FROM users WHERE org_id = org;
    INSERT INTO hostile.roles SELECT * FROM roles WHERE org_id = org;
    INSERT INTO hostile.groups SELECT * FROM groups WHERE org_id = org;
    INSERT INTO hostile.group_members SELECT * FROM group_members WHERE org_id = org;
    INSERT INTO hostile.cases SELECT * FROM cases WHERE org_id = org;
$$;

CREATE OR REPLACE FUNCTION hostile.restore(org uuid) RETURNS void LANGUAGE sql AS $$
    DELETE FROM credentials WHERE org_id = org;
    DELETE FROM removals WHERE org_id = org;
    DELETE FROM cases WHERE org_id = org;
    DELETE FROM deleted_users WHERE org_id = org;
    DELETE FROM users u WHERE org_id = org
        AND NOT EXISTS (SELECT FROM hostile.users s WHERE (s.org_id, s.id, s.version) = (org, u.id, u.version));
    -- Roles after the users who have them, and those that were changed are put right where they are.
    DELETE FROM roles r WHERE org_id = org
        AND NOT EXISTS (SELECT FROM hostile.roles s WHERE (s.org_id, s.id) = (org, r.id));
    UPDATE roles r SET (name, name_key, permissions, version, start_page, external_id, last_modified)
        = (s.name, s.name_key, s.permissions, s.version, s.start_page, s.external_id, s.last_modified)
        FROM hostile.roles s WHERE r.org_id = org AND (s.org_id, s.id) = (org, r.id) AND s.version <> r.version;
    INSERT INTO roles SELECT * FROM hostile.roles WHERE org_id = org ON CONFLICT DO NOTHING;
    DELETE FROM groups g WHERE org_id = org
        AND NOT EXISTS (SELECT FROM hostile.groups s WHERE (s.org_id, s.id, s.version) = (org, g.id, g.version));
    DELETE FROM group_members m WHERE org_id = org
        AND NOT EXISTS (SELECT FROM hostile.group_members s
                        WHERE (s.org_id, s.group_id, s.user_id) = (org, m.group_id, m.user_id));
    INSERT INTO users SELECT * FROM hostile.users WHERE org_id = org ON CONFLICT DO NOTHING;
    INSERT INTO groups SELECT * FROM hostile.groups WHERE org_id = org ON CONFLICT DO NOTHING;
    INSERT INTO group_members SELECT * FROM hostile.group_members WHERE org_id = org ON CONFLICT DO NOTHING;
    INSERT INTO cases SELECT * FROM hostile.cases WHERE org_id = org;
    INSERT INTO total_deltas
        SELECT org, kind, gen_random_uuid(), counted - hostile.total(org, kind)
        FROM (VALUES ('User', (SELECT count(*) FROM users WHERE org_id = org)),
                     ('Role', (SELECT count(*) FROM roles WHERE org_id = org)),
                     ('Group', (SELECT count(*) FROM groups WHERE org_id = org)),
                     ('Case', (SELECT count(*) FROM cases WHERE org_id = org))) AS now (kind, counted)
        WHERE counted <> hostile.total(org, kind);
$$;
