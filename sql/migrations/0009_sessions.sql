-- People sign in: sessions, how often somebody tried, and which devices are known. Administrators may end the
-- sessions of others, and connections may ask about sessions: the built-in role holds every permission of an
-- organisation, so it gets these. Servers of the version before may go on.

CREATE TABLE sessions (
    org_id     uuid        NOT NULL,
    digest     bytea       NOT NULL,
    id         uuid        NOT NULL,
    user_id    uuid        NOT NULL,
    method     text        COLLATE "C" NOT NULL,
    created    timestamptz NOT NULL,
    last_used  timestamptz NOT NULL,
    expires    timestamptz NOT NULL,
    network    text        NOT NULL,
    agent      text        NOT NULL,
    CONSTRAINT sessions_pkey PRIMARY KEY (org_id, digest),
    CONSTRAINT sessions_id_key UNIQUE (org_id, user_id, id),
    CONSTRAINT sessions_user_id_fkey FOREIGN KEY (org_id, user_id)
        REFERENCES users (org_id, id) ON DELETE CASCADE,
    CONSTRAINT sessions_method_check CHECK (method IN ('password'))
);
CREATE INDEX sessions_expires_idx ON sessions (expires);

CREATE TABLE sign_in_tries (
    org_id    uuid        NOT NULL,
    account   uuid        NOT NULL,
    device    bytea       NOT NULL,
    failures  integer     NOT NULL,
    latest    timestamptz NOT NULL,
    next_try  timestamptz NOT NULL,
    CONSTRAINT sign_in_tries_pkey PRIMARY KEY (org_id, account, device)
);
CREATE INDEX sign_in_tries_latest_idx ON sign_in_tries (latest);

CREATE TABLE known_devices (
    org_id     uuid        NOT NULL,
    user_id    uuid        NOT NULL,
    digest     bytea       NOT NULL,
    last_used  timestamptz NOT NULL,
    CONSTRAINT known_devices_pkey PRIMARY KEY (org_id, user_id, digest),
    CONSTRAINT known_devices_user_id_fkey FOREIGN KEY (org_id, user_id)
        REFERENCES users (org_id, id) ON DELETE CASCADE
);
CREATE INDEX known_devices_last_used_idx ON known_devices (last_used);

CREATE TABLE sign_in_sources (
    source    bytea       NOT NULL,
    empty_at  timestamptz NOT NULL,
    CONSTRAINT sign_in_sources_pkey PRIMARY KEY (source)
);
CREATE INDEX sign_in_sources_empty_at_idx ON sign_in_sources (empty_at);

UPDATE roles SET permissions = permissions || '{sessions.introspect,sessions.manage}'::text[]
WHERE built_in AND name_key = 'admin role' AND NOT 'sessions.manage' = ANY (permissions);
