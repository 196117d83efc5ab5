-- The whole schema as it stands: the sum of migrations/, to be read. Nothing runs this file but a
-- test, which builds one database from it and one from the migrations, and finds no difference.
--
-- org_id leads every primary key, unique key, foreign key and query (sql/README.md lists the
-- exceptions), so that one organisation lives on one shard. Keys that compare text are computed by
-- the server and compared byte by byte (COLLATE "C"): one rule for index, filter and order.

-- Global: found before an organisation is known. rules: another one with each change of what decides who
-- may be a user, Email Domains included; users are written under the condition that it is the one that
-- was looked at.
CREATE TABLE organizations (
    id          uuid        NOT NULL,
    name        text        COLLATE "C" NOT NULL,
    title       text        NOT NULL,
    addresses   text        NOT NULL DEFAULT 'required',
    timezone    text        NOT NULL DEFAULT 'UTC',
    version     bigint      NOT NULL DEFAULT 1,
    created     timestamptz NOT NULL,
    rules       uuid        NOT NULL DEFAULT gen_random_uuid(),
    deactivation text       NOT NULL DEFAULT 'keep_cases',
    CONSTRAINT organizations_pkey PRIMARY KEY (id),
    CONSTRAINT organizations_name_key UNIQUE (name),
    CONSTRAINT organizations_addresses_check CHECK (addresses IN ('required', 'free')),
    CONSTRAINT organizations_deactivation_check CHECK (deactivation IN ('keep_cases', 'unassign_cases'))
);

-- Global: a domain belongs to one organisation of the installation.
CREATE TABLE email_domains (
    domain           text        COLLATE "C" NOT NULL,
    org_id           uuid        NOT NULL,
    subdomains       boolean     NOT NULL,
    public_override  boolean     NOT NULL,
    verified_at      timestamptz,
    created          timestamptz NOT NULL,
    CONSTRAINT email_domains_pkey PRIMARY KEY (domain),
    CONSTRAINT email_domains_org_id_fkey FOREIGN KEY (org_id) REFERENCES organizations (id)
);
CREATE INDEX email_domains_org_id_idx ON email_domains (org_id, domain);

CREATE TABLE roles (
    org_id         uuid        NOT NULL,
    id             uuid        NOT NULL,
    name           text        NOT NULL,
    name_key       text        COLLATE "C" NOT NULL,
    built_in       boolean     NOT NULL,
    permissions    text[]      NOT NULL,
    version        bigint      NOT NULL DEFAULT 1,
    created        timestamptz NOT NULL,
    start_page     text        COLLATE "C",
    external_id    text        COLLATE "C",
    last_modified  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT roles_pkey PRIMARY KEY (org_id, id),
    CONSTRAINT roles_org_id_fkey FOREIGN KEY (org_id) REFERENCES organizations (id),
    CONSTRAINT roles_name_key UNIQUE (org_id, name_key)
);

CREATE TABLE connections (
    org_id      uuid        NOT NULL,
    id          uuid        NOT NULL,
    name        text        COLLATE "C" NOT NULL,
    dialect     text        NOT NULL,
    strict      boolean     NOT NULL DEFAULT false,
    passwords   text        NOT NULL DEFAULT 'ignore',
    revive      boolean     NOT NULL DEFAULT false,
    created     timestamptz NOT NULL,
    CONSTRAINT connections_pkey PRIMARY KEY (org_id, id),
    CONSTRAINT connections_org_id_fkey FOREIGN KEY (org_id) REFERENCES organizations (id),
    CONSTRAINT connections_name_key UNIQUE (org_id, name),
    CONSTRAINT connections_dialect_check CHECK (dialect IN ('generic', 'okta', 'entra')),
    CONSTRAINT connections_passwords_check CHECK (passwords IN ('ignore', 'accept'))
);

-- Global: the digest of a bearer token is found before an organisation is known.
CREATE TABLE api_tokens (
    digest         bytea       NOT NULL,
    org_id         uuid        NOT NULL,
    id             uuid        NOT NULL,
    connection_id  uuid        NOT NULL,
    name           text        NOT NULL,
    hint           text        NOT NULL,
    scopes         text[]      NOT NULL,
    created        timestamptz NOT NULL,
    expires        timestamptz,
    revoked        timestamptz,
    last_used      timestamptz,
    CONSTRAINT api_tokens_pkey PRIMARY KEY (digest),
    CONSTRAINT api_tokens_id_key UNIQUE (org_id, id),
    CONSTRAINT api_tokens_connection_id_fkey FOREIGN KEY (org_id, connection_id)
        REFERENCES connections (org_id, id)
);

-- document: the SCIM document as stored bytes, only what this row determines; shadow: the same with
-- every string in its form for comparison, for filters that no column serves; mail_stand_in: the
-- document's only e-mail was made from user_name, because the client sent none.
CREATE TABLE users (
    org_id            uuid        NOT NULL,
    id                uuid        NOT NULL,
    user_name         text        NOT NULL,
    user_name_key     text        COLLATE "C" NOT NULL,
    mail_domain       text        COLLATE "C",
    external_id       text        COLLATE "C",
    display_name      text,
    display_name_key  text        COLLATE "C",
    family_name_key   text        COLLATE "C",
    active            boolean     NOT NULL,
    role_id           uuid        NOT NULL,
    manager_id        uuid,
    mail_stand_in     boolean     NOT NULL,
    version           bigint      NOT NULL,
    created           timestamptz NOT NULL,
    last_modified     timestamptz NOT NULL,
    document          bytea       NOT NULL,
    shadow            jsonb       NOT NULL,
    CONSTRAINT users_pkey PRIMARY KEY (org_id, id),
    CONSTRAINT users_user_name_key UNIQUE (org_id, user_name_key) INCLUDE (id),
    CONSTRAINT users_role_id_fkey FOREIGN KEY (org_id, role_id) REFERENCES roles (org_id, id)
);
CREATE INDEX users_external_id_idx ON users (org_id, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX users_last_modified_idx ON users (org_id, last_modified, id);
CREATE INDEX users_display_name_idx ON users (org_id, display_name_key, id);
CREATE INDEX users_family_name_idx ON users (org_id, family_name_key, id);
CREATE INDEX users_role_id_idx ON users (org_id, role_id);
CREATE INDEX users_emails_idx ON users USING gin ((shadow -> 'emails') jsonb_path_ops);
CREATE INDEX users_phone_numbers_idx ON users USING gin ((shadow -> 'phoneNumbers') jsonb_path_ops);

CREATE TABLE credentials (
    org_id         uuid        NOT NULL,
    user_id        uuid        NOT NULL,
    password_hash  text        NOT NULL,
    changed        timestamptz NOT NULL,
    CONSTRAINT credentials_pkey PRIMARY KEY (org_id, user_id),
    CONSTRAINT credentials_user_id_fkey FOREIGN KEY (org_id, user_id)
        REFERENCES users (org_id, id) ON DELETE CASCADE
);

CREATE TABLE groups (
    org_id            uuid        NOT NULL,
    id                uuid        NOT NULL,
    display_name      text        NOT NULL,
    display_name_key  text        COLLATE "C" NOT NULL,
    external_id       text        COLLATE "C",
    version           bigint      NOT NULL,
    created           timestamptz NOT NULL,
    last_modified     timestamptz NOT NULL,
    document          bytea       NOT NULL,
    shadow            jsonb       NOT NULL,
    CONSTRAINT groups_pkey PRIMARY KEY (org_id, id),
    CONSTRAINT groups_org_id_fkey FOREIGN KEY (org_id) REFERENCES organizations (id)
);
CREATE INDEX groups_display_name_idx ON groups (org_id, display_name_key, id);
CREATE INDEX groups_external_id_idx ON groups (org_id, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX groups_last_modified_idx ON groups (org_id, last_modified, id);

CREATE TABLE group_members (
    org_id    uuid        NOT NULL,
    group_id  uuid        NOT NULL,
    user_id   uuid        NOT NULL,
    added     timestamptz NOT NULL,
    CONSTRAINT group_members_pkey PRIMARY KEY (org_id, group_id, user_id),
    CONSTRAINT group_members_group_id_fkey FOREIGN KEY (org_id, group_id)
        REFERENCES groups (org_id, id) ON DELETE CASCADE,
    CONSTRAINT group_members_user_id_fkey FOREIGN KEY (org_id, user_id)
        REFERENCES users (org_id, id) ON DELETE CASCADE
);
CREATE INDEX group_members_user_id_idx ON group_members (org_id, user_id, group_id);

-- document: the SCIM document as stored bytes, without its owner, which derives from this row and the user's.
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

-- How many resources of a kind an organisation has: `totals` plus the deltas not yet folded in.
-- Writers only append, so that no row is hot.
CREATE TABLE totals (
    org_id  uuid   NOT NULL,
    kind    text   COLLATE "C" NOT NULL,
    total   bigint NOT NULL,
    CONSTRAINT totals_pkey PRIMARY KEY (org_id, kind)
);
CREATE TABLE total_deltas (
    org_id  uuid   NOT NULL,
    kind    text   COLLATE "C" NOT NULL,
    id      uuid   NOT NULL,
    delta   bigint NOT NULL,
    CONSTRAINT total_deltas_pkey PRIMARY KEY (org_id, kind, id)
);

-- The provisioning log. `entry` is the entry itself, canonical JSON without personal data; the
-- columns beside it are what one filters by. Rows are only ever inserted. They stay whole in their page
-- up to 8 KB: most of a long one is salts and digests, which trying to compress does not make shorter.
CREATE TABLE log_entries (
    org_id         uuid        NOT NULL,
    id             uuid        NOT NULL,
    occurred       timestamptz NOT NULL,
    event          text        COLLATE "C" NOT NULL,
    outcome        text        COLLATE "C" NOT NULL,
    reason         text        COLLATE "C",
    connection_id  uuid,
    request_id     text        NOT NULL,
    target_id      uuid,
    entry          text        NOT NULL,
    CONSTRAINT log_entries_pkey PRIMARY KEY (org_id, id),
    CONSTRAINT log_entries_outcome_check CHECK (outcome IN ('success', 'failure', 'noop'))
) WITH (toast_tuple_target = 8160);
CREATE INDEX log_entries_target_id_idx ON log_entries (org_id, target_id, id);
CREATE INDEX log_entries_request_id_idx ON log_entries (org_id, request_id);

-- The personal data that entries commit to, a row for each person (the nil UUID: nobody known); kept: a
-- JSON object that gives each field its salt, in hexadecimal, and the JSON text of its value. Deleting
-- a row erases; the entry's proof still holds. No foreign key to log_entries: the two are written by
-- one statement, and erasing must not wait for a lock on the log.
CREATE TABLE log_values (
    org_id    uuid NOT NULL,
    entry_id  uuid NOT NULL,
    subject   uuid NOT NULL,
    kept      text NOT NULL,
    CONSTRAINT log_values_pkey PRIMARY KEY (org_id, entry_id, subject)
) WITH (toast_tuple_target = 8160);
CREATE INDEX log_values_subject_idx ON log_values (org_id, subject)
    WHERE subject <> '00000000-0000-0000-0000-000000000000';

-- What others must hear, at least once.
CREATE TABLE outbox (
    org_id   uuid        NOT NULL,
    id       uuid        NOT NULL,
    topic    text        COLLATE "C" NOT NULL,
    payload  text        NOT NULL,
    created  timestamptz NOT NULL,
    CONSTRAINT outbox_pkey PRIMARY KEY (org_id, id)
);
CREATE INDEX outbox_created_idx ON outbox (created);
