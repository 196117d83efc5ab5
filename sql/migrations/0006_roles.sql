-- Roles become a resource that is read, searched, counted and changed: with a page to start on, an
-- identifier of the client's and a time of change. Administrators may manage them. Servers of the version
-- before do not count the roles of an organisation that they make: stop them first.

ALTER TABLE roles
    ADD COLUMN start_page text COLLATE "C",
    ADD COLUMN external_id text COLLATE "C",
    ADD COLUMN last_modified timestamptz NOT NULL DEFAULT now();

UPDATE roles SET last_modified = created;

UPDATE roles SET permissions = permissions || ARRAY['roles.read', 'roles.manage']
WHERE built_in AND name_key = 'admin role' AND NOT 'roles.manage' = ANY (permissions);

INSERT INTO totals (org_id, kind, total) SELECT org_id, 'Role', count(*) FROM roles GROUP BY org_id;
