-- Mail is sent by a job that is written with what caused it; links for resetting a password are known by
-- digests. Administrators may have such links mailed: the built-in role holds every permission of an
-- organisation, so it gets this one. Servers of the version before may go on: they send nothing.

CREATE TABLE mail_jobs (
    org_id          uuid        NOT NULL,
    id              uuid        NOT NULL,
    user_id         uuid        NOT NULL,
    kind            text        COLLATE "C" NOT NULL,
    former_address  text,
    request_id      text        NOT NULL,
    created         timestamptz NOT NULL,
    due             timestamptz NOT NULL,
    until           timestamptz NOT NULL,
    attempts        integer     NOT NULL DEFAULT 0,
    failure         text        COLLATE "C",
    failed          timestamptz,
    CONSTRAINT mail_jobs_pkey PRIMARY KEY (org_id, id),
    CONSTRAINT mail_jobs_user_id_fkey FOREIGN KEY (org_id, user_id)
        REFERENCES users (org_id, id) ON DELETE CASCADE,
    CONSTRAINT mail_jobs_address_check CHECK ((former_address IS NOT NULL) = (kind = 'notice.address_changed'))
);
CREATE INDEX mail_jobs_user_id_idx ON mail_jobs (org_id, user_id);
CREATE INDEX mail_jobs_due_idx ON mail_jobs (due) WHERE failed IS NULL;

CREATE TABLE mail_allowances (
    org_id   uuid          NOT NULL,
    kind     text          COLLATE "C" NOT NULL,
    subject  text          COLLATE "C" NOT NULL,
    moments  timestamptz[] NOT NULL,
    CONSTRAINT mail_allowances_pkey PRIMARY KEY (org_id, kind, subject)
);

CREATE TABLE reset_requests (
    org_id   uuid        NOT NULL,
    id       uuid        NOT NULL,
    sealed   bytea       NOT NULL,
    created  timestamptz NOT NULL,
    due      timestamptz NOT NULL,
    CONSTRAINT reset_requests_pkey PRIMARY KEY (org_id, id)
);
CREATE INDEX reset_requests_due_idx ON reset_requests (due);

CREATE TABLE password_resets (
    org_id         uuid        NOT NULL,
    user_id        uuid        NOT NULL,
    digest         bytea       NOT NULL,
    purpose        text        COLLATE "C" NOT NULL,
    user_name_key  text        COLLATE "C" NOT NULL,
    issued         timestamptz NOT NULL,
    expires        timestamptz NOT NULL,
    used           timestamptz,
    CONSTRAINT password_resets_pkey PRIMARY KEY (org_id, user_id),
    CONSTRAINT password_resets_digest_key UNIQUE (org_id, digest),
    CONSTRAINT password_resets_user_id_fkey FOREIGN KEY (org_id, user_id)
        REFERENCES users (org_id, id) ON DELETE CASCADE
);

UPDATE roles SET permissions = array_append(permissions, 'users.mail_reset_link')
WHERE built_in AND name_key = 'admin role' AND NOT 'users.mail_reset_link' = ANY (permissions);
