-- Users whom an identity provider signs in: who is (rule P8), by which connection, as whom it knows them, and the
-- sessions that come of it. A request to sign in is nobody's yet; one of a trial is its administrator's.
-- Servers of the version before may go on until the first user is marked.

ALTER TABLE users
    ADD COLUMN saml_connection_id uuid,
    ADD COLUMN saml_mark boolean,
    ADD CONSTRAINT users_saml_connection_id_fkey FOREIGN KEY (org_id, saml_connection_id)
        REFERENCES saml_connections (org_id, id);
CREATE INDEX users_saml_connection_id_idx ON users (org_id, saml_connection_id) WHERE saml_connection_id IS NOT NULL;

ALTER TABLE deleted_users ADD COLUMN saml_connection_id uuid;

ALTER TABLE email_domains
    ADD COLUMN saml_connection_id uuid,
    ADD CONSTRAINT email_domains_saml_connection_id_fkey FOREIGN KEY (org_id, saml_connection_id)
        REFERENCES saml_connections (org_id, id),
    ADD CONSTRAINT email_domains_enforced_check CHECK (saml_connection_id IS NULL OR verified_at IS NOT NULL);

ALTER TABLE organizations
    ADD COLUMN password_push text COLLATE "C" NOT NULL DEFAULT 'refuse',
    ADD CONSTRAINT organizations_password_push_check CHECK (password_push IN ('refuse', 'ignore'));

ALTER TABLE saml_connections ADD COLUMN jit boolean NOT NULL DEFAULT false;

ALTER TABLE saml_requests
    ALTER COLUMN user_id DROP NOT NULL,
    ADD COLUMN return_to text NOT NULL DEFAULT '/';

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

ALTER TABLE sessions
    ADD COLUMN saml_connection_id uuid,
    ADD CONSTRAINT sessions_saml_connection_id_fkey FOREIGN KEY (org_id, saml_connection_id)
        REFERENCES saml_connections (org_id, id) ON DELETE CASCADE,
    DROP CONSTRAINT sessions_method_check,
    ADD CONSTRAINT sessions_method_check CHECK (method IN ('password', 'saml', 'recovery')),
    ADD CONSTRAINT sessions_saml_check CHECK ((method = 'saml') = (saml_connection_id IS NOT NULL));
