-- Requests to identity providers, and assertions that were used: each counts once. Servers may go on.

CREATE TABLE saml_requests (
    org_id         uuid        NOT NULL,
    connection_id  uuid        NOT NULL,
    id             text        COLLATE "C" NOT NULL,
    browser        bytea       NOT NULL,
    user_id        uuid        NOT NULL,
    created        timestamptz NOT NULL,
    expires        timestamptz NOT NULL,
    CONSTRAINT saml_requests_pkey PRIMARY KEY (org_id, connection_id, id),
    CONSTRAINT saml_requests_connection_id_fkey FOREIGN KEY (org_id, connection_id)
        REFERENCES saml_connections (org_id, id) ON DELETE CASCADE,
    CONSTRAINT saml_requests_user_id_fkey FOREIGN KEY (org_id, user_id)
        REFERENCES users (org_id, id) ON DELETE CASCADE
);
CREATE INDEX saml_requests_expires_idx ON saml_requests (expires);

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
