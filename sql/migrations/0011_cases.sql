-- Cases: what people work on, each owned by one user or by nobody. The product registers them. Administrators
-- may read and write them. What becomes of a deactivated user's Cases is the organisation's choice. Servers
-- of the version before may go on; until they are gone, they cannot delete who owns a Case.

ALTER TABLE organizations ADD COLUMN deactivation text NOT NULL DEFAULT 'keep_cases';
ALTER TABLE organizations ADD CONSTRAINT organizations_deactivation_check
    CHECK (deactivation IN ('keep_cases', 'unassign_cases'));

CREATE TABLE cases (
    org_id         uuid        NOT NULL,
    id             uuid        NOT NULL,
    subject        text        NOT NULL,
    subject_key    text        COLLATE "C" NOT NULL,
    status         text        COLLATE "C",
    external_id    text        COLLATE "C",
    owner_id       uuid,
    version        bigint      NOT NULL,
    created        timestamptz NOT NULL,
    last_modified  timestamptz NOT NULL,
    document       bytea       NOT NULL,
    shadow         jsonb       NOT NULL,
    CONSTRAINT cases_pkey PRIMARY KEY (org_id, id),
    CONSTRAINT cases_org_id_fkey FOREIGN KEY (org_id) REFERENCES organizations (id),
    CONSTRAINT cases_owner_id_fkey FOREIGN KEY (org_id, owner_id) REFERENCES users (org_id, id),
    CONSTRAINT cases_status_check CHECK (status IN ('open', 'pending', 'closed'))
);
CREATE INDEX cases_owner_id_idx ON cases (org_id, owner_id, id) WHERE owner_id IS NOT NULL;
CREATE INDEX cases_subject_idx ON cases (org_id, subject_key, id);
CREATE INDEX cases_external_id_idx ON cases (org_id, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX cases_last_modified_idx ON cases (org_id, last_modified, id);

UPDATE roles SET permissions = permissions || ARRAY['cases.read', 'cases.write']
WHERE built_in AND name_key = 'admin role' AND NOT 'cases.write' = ANY (permissions);
