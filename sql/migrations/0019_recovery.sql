-- Requiring SAML: how an Email Domain is proven, when a connection was last tried out, and the accounts that get in
-- when the identity provider does not let anybody in. Servers of the version before may go on until the first
-- account is enrolled.

ALTER TABLE email_domains ADD COLUMN proof text COLLATE "C";

ALTER TABLE saml_connections ADD COLUMN tried timestamptz;

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
