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
    password_profile    text     NOT NULL DEFAULT 'default',
    support_contact     text     NOT NULL DEFAULT '',
    must_change_locked  boolean  NOT NULL DEFAULT false,
    deactivation        text     NOT NULL DEFAULT 'keep_cases',
    password_push       text     COLLATE "C" NOT NULL DEFAULT 'refuse',
    CONSTRAINT organizations_pkey PRIMARY KEY (id),
    CONSTRAINT organizations_name_key UNIQUE (name),
    CONSTRAINT organizations_addresses_check CHECK (addresses IN ('required', 'free')),
    CONSTRAINT organizations_password_profile_check CHECK (password_profile IN ('default', 'pci')),
    CONSTRAINT organizations_deactivation_check CHECK (deactivation IN ('keep_cases', 'unassign_cases')),
    CONSTRAINT organizations_password_push_check CHECK (password_push IN ('refuse', 'ignore'))
);

-- Identity providers that sign the people of an organisation in. certificates: in PEM, of the keys that they sign
-- with. authenticated_within: how long ago somebody may have proved there who they are. tried: when a trial last
-- succeeded with this entity id, address and certificates. jit: whether people whom it knows are added as users when
-- they first come. external_id_attribute: in which attribute the externalId is by which they are found then, instead of
-- an address. takes_names: whether their names follow what it says. looked, look_due: when its metadata and the ends of
-- its certificates were looked at, and are next; look_asked: when somebody last wanted that at once.
-- metadata_checked, metadata_failure, metadata_pending: when the metadata at its address was last read, why it could not
-- be, and what would change with it, as JSON.
CREATE TABLE saml_connections (
    org_id                uuid        NOT NULL,
    id                    uuid        NOT NULL,
    name                  text        COLLATE "C" NOT NULL,
    state                 text        COLLATE "C" NOT NULL,
    idp_entity_id         text        COLLATE "C" NOT NULL,
    sso_url               text        NOT NULL,
    certificates          text[]      NOT NULL,
    metadata_url          text,
    fetched               timestamptz,
    allow_unsolicited     boolean     NOT NULL,
    authenticated_within  interval    NOT NULL,
    reset_uri             text,
    contact               text        NOT NULL,
    version               bigint      NOT NULL DEFAULT 1,
    created               timestamptz NOT NULL,
    last_modified         timestamptz NOT NULL,
    jit                   boolean     NOT NULL DEFAULT false,
    sign_requests         boolean     NOT NULL DEFAULT false,
    look_due              timestamptz NOT NULL DEFAULT now(),
    look_asked            timestamptz,
    looked                timestamptz,
    metadata_checked      timestamptz,
    metadata_failure      text,
    metadata_pending      text,
    tried                 timestamptz,
    external_id_attribute text,
    takes_names           boolean     NOT NULL DEFAULT false,
    CONSTRAINT saml_connections_pkey PRIMARY KEY (org_id, id),
    CONSTRAINT saml_connections_org_id_fkey FOREIGN KEY (org_id) REFERENCES organizations (id),
    CONSTRAINT saml_connections_name_key UNIQUE (org_id, name),
    CONSTRAINT saml_connections_idp_entity_id_key UNIQUE (org_id, idp_entity_id),
    CONSTRAINT saml_connections_state_check CHECK (state IN ('draft', 'testing', 'active', 'disabled'))
);

-- Our keys for signing requests to an identity provider, sealed; one that signs no more is its certificate alone.
CREATE TABLE saml_keys (
    org_id         uuid        NOT NULL,
    connection_id  uuid        NOT NULL,
    id             uuid        NOT NULL,
    role           text        COLLATE "C" NOT NULL,
    certificate    text        NOT NULL,
    sealed         bytea,
    created        timestamptz NOT NULL,
    CONSTRAINT saml_keys_pkey PRIMARY KEY (org_id, connection_id, id),
    CONSTRAINT saml_keys_role_key UNIQUE (org_id, connection_id, role) DEFERRABLE INITIALLY IMMEDIATE,
    CONSTRAINT saml_keys_connection_id_fkey FOREIGN KEY (org_id, connection_id)
        REFERENCES saml_connections (org_id, id) ON DELETE CASCADE,
    CONSTRAINT saml_keys_role_check CHECK (role IN ('next', 'current', 'previous')),
    CONSTRAINT saml_keys_sealed_check CHECK ((sealed IS NULL) = (role = 'previous'))
);

-- Global: a domain belongs to one organisation of the installation. saml_connection_id: by which all whose
-- addresses are in the domain sign in, where that is enforced. proof: what the domain's owner publishes in DNS.
CREATE TABLE email_domains (
    domain           text        COLLATE "C" NOT NULL,
    org_id           uuid        NOT NULL,
    subdomains       boolean     NOT NULL,
    public_override  boolean     NOT NULL,
    verified_at      timestamptz,
    created          timestamptz NOT NULL,
    saml_connection_id  uuid,
    proof            text        COLLATE "C",
    CONSTRAINT email_domains_pkey PRIMARY KEY (domain),
    CONSTRAINT email_domains_org_id_fkey FOREIGN KEY (org_id) REFERENCES organizations (id),
    CONSTRAINT email_domains_saml_connection_id_fkey FOREIGN KEY (org_id, saml_connection_id)
        REFERENCES saml_connections (org_id, id),
    CONSTRAINT email_domains_enforced_check CHECK (saml_connection_id IS NULL OR verified_at IS NOT NULL)
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

-- removal_limit, removal_percent: how many users may be deactivated and deleted in an hour, a number or a part
-- of the users, whichever is more; no limit without the number. removals_paused: since when no more may
-- be, until an administrator agrees; removals_made: how many were removed in the hour before.
CREATE TABLE connections (
    org_id           uuid        NOT NULL,
    id               uuid        NOT NULL,
    name             text        COLLATE "C" NOT NULL,
    dialect          text        NOT NULL,
    strict           boolean     NOT NULL DEFAULT false,
    passwords        text        NOT NULL DEFAULT 'ignore',
    revive           boolean     NOT NULL DEFAULT false,
    created          timestamptz NOT NULL,
    removal_limit    integer     DEFAULT 20,
    removal_percent  integer     NOT NULL DEFAULT 10,
    removals_paused  timestamptz,
    removals_made    integer,
    CONSTRAINT connections_pkey PRIMARY KEY (org_id, id),
    CONSTRAINT connections_org_id_fkey FOREIGN KEY (org_id) REFERENCES organizations (id),
    CONSTRAINT connections_name_key UNIQUE (org_id, name),
    CONSTRAINT connections_dialect_check CHECK (dialect IN ('generic', 'okta', 'entra')),
    CONSTRAINT connections_passwords_check CHECK (passwords IN ('ignore', 'accept')),
    CONSTRAINT connections_removal_limit_check CHECK (removal_limit >= 0),
    CONSTRAINT connections_removal_percent_check CHECK (removal_percent BETWEEN 0 AND 100),
    CONSTRAINT connections_removals_made_check CHECK ((removals_paused IS NULL) = (removals_made IS NULL))
);

-- Users whom a connection with a limit removed lately, in the order in which they went: number counts them,
-- deletions those that were deleted, this one included, so that two rows tell how many went between them.
-- `removed` never goes back. What is older than an hour counts no more and is dropped some time later.
CREATE TABLE removals (
    org_id         uuid        NOT NULL,
    connection_id  uuid        NOT NULL,
    removed        timestamptz NOT NULL,
    number         bigint      NOT NULL,
    deletions      bigint      NOT NULL,
    is_deletion    boolean     NOT NULL,
    CONSTRAINT removals_pkey PRIMARY KEY (org_id, connection_id, removed, number),
    CONSTRAINT removals_connection_id_fkey FOREIGN KEY (org_id, connection_id)
        REFERENCES connections (org_id, id) ON DELETE CASCADE
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
-- document's only e-mail was made from user_name, because the client sent none; saml_connection_id: by which
-- the user signs in, who has no password then; saml_mark: what a client said of that, answered as it was sent.
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
    saml_connection_id  uuid,
    saml_mark         boolean,
    CONSTRAINT users_pkey PRIMARY KEY (org_id, id),
    CONSTRAINT users_user_name_key UNIQUE (org_id, user_name_key) INCLUDE (id),
    CONSTRAINT users_role_id_fkey FOREIGN KEY (org_id, role_id) REFERENCES roles (org_id, id),
    CONSTRAINT users_saml_connection_id_fkey FOREIGN KEY (org_id, saml_connection_id)
        REFERENCES saml_connections (org_id, id)
);
CREATE INDEX users_saml_connection_id_idx ON users (org_id, saml_connection_id) WHERE saml_connection_id IS NOT NULL;
CREATE INDEX users_external_id_idx ON users (org_id, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX users_last_modified_idx ON users (org_id, last_modified, id);
CREATE INDEX users_display_name_idx ON users (org_id, display_name_key, id);
CREATE INDEX users_family_name_idx ON users (org_id, family_name_key, id);
CREATE INDEX users_role_id_idx ON users (org_id, role_id);
CREATE INDEX users_emails_idx ON users USING gin ((shadow -> 'emails') jsonb_path_ops);
CREATE INDEX users_phone_numbers_idx ON users USING gin ((shadow -> 'phoneNumbers') jsonb_path_ops);

-- password_hash names what it was made with, the id of the pepper's key included; expires: when nobody may
-- sign in with it any more, unless it was used; former: digests of the passwords before, the last one first,
-- where the organisation's profile looks at them.
CREATE TABLE credentials (
    org_id         uuid        NOT NULL,
    user_id        uuid        NOT NULL,
    password_hash  text        NOT NULL,
    changed        timestamptz NOT NULL,
    must_change    boolean     NOT NULL DEFAULT false,
    expires        timestamptz,
    set_by         text        COLLATE "C" NOT NULL DEFAULT 'connection',
    former         text[]      NOT NULL DEFAULT '{}',
    CONSTRAINT credentials_pkey PRIMARY KEY (org_id, user_id),
    CONSTRAINT credentials_user_id_fkey FOREIGN KEY (org_id, user_id)
        REFERENCES users (org_id, id) ON DELETE CASCADE,
    CONSTRAINT credentials_set_by_check CHECK (set_by IN ('owner', 'link', 'administrator', 'connection'))
);

-- Users who get in when the identity provider lets nobody in. secret: that of their codes, sealed for the server's
-- secret only; confirmed: when they showed a code, before which it is no such account; last_step: of the last
-- code that was used, since each counts once.
CREATE TABLE recovery_accounts (
    org_id       uuid        NOT NULL,
    user_id      uuid        NOT NULL,
    secret       bytea       NOT NULL,
    confirmed    timestamptz,
    last_step    bigint,
    enrolled_by  text        NOT NULL,
    created      timestamptz NOT NULL,
    CONSTRAINT recovery_accounts_pkey PRIMARY KEY (org_id, user_id),
    CONSTRAINT recovery_accounts_user_id_fkey FOREIGN KEY (org_id, user_id)
        REFERENCES users (org_id, id) ON DELETE CASCADE
);

-- Requests to identity providers that wait for their answers, each in the browser that was sent with it: by the
-- digest of the secret that its cookie holds. user_id: who tries the connection out; NULL where somebody signs in.
-- return_to: the path at which whoever signs in arrives.
CREATE TABLE saml_requests (
    org_id         uuid        NOT NULL,
    connection_id  uuid        NOT NULL,
    id             text        COLLATE "C" NOT NULL,
    browser        bytea       NOT NULL,
    user_id        uuid,
    created        timestamptz NOT NULL,
    expires        timestamptz NOT NULL,
    return_to      text        NOT NULL DEFAULT '/',
    refused        integer     NOT NULL DEFAULT 0,
    CONSTRAINT saml_requests_pkey PRIMARY KEY (org_id, connection_id, id),
    CONSTRAINT saml_requests_connection_id_fkey FOREIGN KEY (org_id, connection_id)
        REFERENCES saml_connections (org_id, id) ON DELETE CASCADE,
    CONSTRAINT saml_requests_user_id_fkey FOREIGN KEY (org_id, user_id)
        REFERENCES users (org_id, id) ON DELETE CASCADE
);
CREATE INDEX saml_requests_expires_idx ON saml_requests (expires);

-- Assertions that were used, for as long as anybody would take them again.
CREATE TABLE saml_assertions (
    org_id         uuid        NOT NULL,
    connection_id  uuid        NOT NULL,
    id             text        COLLATE "C" NOT NULL,
    expires        timestamptz NOT NULL,
    CONSTRAINT saml_assertions_pkey PRIMARY KEY (org_id, connection_id, id),
    CONSTRAINT saml_assertions_connection_id_fkey FOREIGN KEY (org_id, connection_id)
        REFERENCES saml_connections (org_id, id) ON DELETE CASCADE
);
CREATE INDEX saml_assertions_expires_idx ON saml_assertions (expires);

-- As whom an identity provider knows a user: the first time by the address, from then on by this alone.
CREATE TABLE saml_links (
    org_id          uuid        NOT NULL,
    connection_id   uuid        NOT NULL,
    name_id         text        COLLATE "C" NOT NULL,
    name_id_format  text        COLLATE "C",
    user_id         uuid        NOT NULL,
    linked          timestamptz NOT NULL,
    CONSTRAINT saml_links_pkey PRIMARY KEY (org_id, connection_id, name_id),
    CONSTRAINT saml_links_user_key UNIQUE (org_id, user_id, connection_id),
    CONSTRAINT saml_links_connection_id_fkey FOREIGN KEY (org_id, connection_id)
        REFERENCES saml_connections (org_id, id) ON DELETE CASCADE,
    CONSTRAINT saml_links_user_id_fkey FOREIGN KEY (org_id, user_id)
        REFERENCES users (org_id, id) ON DELETE CASCADE
);

-- Whoever is signed in, by the digest of the secret that a cookie or a program of the product holds. Ended
-- sessions are deleted. network, agent: for the list of sessions, cut to what people recognise.
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
    saml_connection_id  uuid,
    CONSTRAINT sessions_pkey PRIMARY KEY (org_id, digest),
    CONSTRAINT sessions_id_key UNIQUE (org_id, user_id, id),
    CONSTRAINT sessions_user_id_fkey FOREIGN KEY (org_id, user_id)
        REFERENCES users (org_id, id) ON DELETE CASCADE,
    CONSTRAINT sessions_saml_connection_id_fkey FOREIGN KEY (org_id, saml_connection_id)
        REFERENCES saml_connections (org_id, id) ON DELETE CASCADE,
    CONSTRAINT sessions_method_check CHECK (method IN ('password', 'saml', 'recovery')),
    CONSTRAINT sessions_saml_check CHECK ((method = 'saml') = (saml_connection_id IS NOT NULL))
);
CREATE INDEX sessions_expires_idx ON sessions (expires);
CREATE INDEX sessions_saml_connection_id_idx ON sessions (org_id, saml_connection_id) WHERE saml_connection_id IS NOT NULL;

-- How often somebody failed to sign in, one after the other: as a user, or under a name that nobody has,
-- which counts in the same way. device: the digest of a known device's secret, empty for all others together.
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

-- Devices from which a user has signed in, by the digest of the secret that a cookie holds.
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

-- Global: an address from which people sign in belongs to no organisation. empty_at: when its failures are
-- forgotten; each adds some seconds.
CREATE TABLE sign_in_sources (
    source    bytea       NOT NULL,
    empty_at  timestamptz NOT NULL,
    CONSTRAINT sign_in_sources_pkey PRIMARY KEY (source)
);
CREATE INDEX sign_in_sources_empty_at_idx ON sign_in_sources (empty_at);

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

-- The bin: what it takes to have a deleted user back. request_id: by which the log tells of the deletion.
CREATE TABLE deleted_users (
    org_id         uuid        NOT NULL,
    id             uuid        NOT NULL,
    user_name      text        NOT NULL,
    user_name_key  text        COLLATE "C" NOT NULL,
    role_id        uuid        NOT NULL,
    group_ids      uuid[]      NOT NULL,
    mail_stand_in  boolean     NOT NULL,
    version        bigint      NOT NULL,
    created        timestamptz NOT NULL,
    document       bytea       NOT NULL,
    deleted        timestamptz NOT NULL,
    request_id     text        NOT NULL,
    saml_connection_id  uuid,
    CONSTRAINT deleted_users_pkey PRIMARY KEY (org_id, id),
    CONSTRAINT deleted_users_org_id_fkey FOREIGN KEY (org_id) REFERENCES organizations (id)
);
CREATE INDEX deleted_users_user_name_idx ON deleted_users (org_id, user_name_key);
CREATE INDEX deleted_users_deleted_idx ON deleted_users (deleted);

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

-- Mail that is to be sent; gone once it was. Neither text nor secret: a link's token is made when it is sent.
-- No address either, because mail goes to the one that the user has then; but for the notice that the
-- address was changed, which goes to the one before. due: when somebody may try; until: the last moment to
-- try; failed: when it was given up, failure: why it was not sent.
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

-- When somebody took of what is allowed, of one kind, within the last day. Whose: a user's id, or a keyed
-- digest of a client's network.
CREATE TABLE mail_allowances (
    org_id   uuid          NOT NULL,
    kind     text          COLLATE "C" NOT NULL,
    subject  text          COLLATE "C" NOT NULL,
    moments  timestamptz[] NOT NULL,
    CONSTRAINT mail_allowances_pkey PRIMARY KEY (org_id, kind, subject)
);

-- What somebody asked for who cannot sign in. sealed: the address as it was written, and from where, for the
-- server's secret only; nobody has looked yet whether there is such a user.
CREATE TABLE reset_requests (
    org_id   uuid        NOT NULL,
    id       uuid        NOT NULL,
    sealed   bytea       NOT NULL,
    created  timestamptz NOT NULL,
    due      timestamptz NOT NULL,
    CONSTRAINT reset_requests_pkey PRIMARY KEY (org_id, id)
);
CREATE INDEX reset_requests_due_idx ON reset_requests (due);

-- The one link by which a user can set a password, as the digest of its token; good for the address to
-- which it was mailed.
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
