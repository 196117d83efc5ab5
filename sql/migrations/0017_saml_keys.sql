-- Keys of ours with which requests to identity providers are signed, and what is noticed at identity providers. A key is
-- sealed for this installation's secret; one that signs no more has none. look_due: when the connection is looked at
-- next, its metadata and the ends of its certificates. Servers of the version before may go on, and sign nothing.

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

ALTER TABLE saml_connections
    ADD COLUMN sign_requests boolean NOT NULL DEFAULT false,
    ADD COLUMN look_due timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN look_asked timestamptz,
    ADD COLUMN looked timestamptz,
    ADD COLUMN metadata_checked timestamptz,
    ADD COLUMN metadata_failure text,
    ADD COLUMN metadata_pending text;

ALTER TABLE saml_requests ADD COLUMN refused integer NOT NULL DEFAULT 0;
