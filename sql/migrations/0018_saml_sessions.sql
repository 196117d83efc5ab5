-- The sessions that a SAML connection began are found at once where it ends: with a certificate, or out of use.
-- Servers may go on.

CREATE INDEX sessions_saml_connection_id_idx ON sessions (org_id, saml_connection_id) WHERE saml_connection_id IS NOT NULL;
