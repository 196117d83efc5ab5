-- SAML connections, and who may manage them. The built-in role holds every permission of an organisation. Servers of
-- the version before do not know the permission, and read those of roles by their names: stop them first.

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
    CONSTRAINT saml_connections_pkey PRIMARY KEY (org_id, id),
    CONSTRAINT saml_connections_org_id_fkey FOREIGN KEY (org_id) REFERENCES organizations (id),
    CONSTRAINT saml_connections_name_key UNIQUE (org_id, name),
    CONSTRAINT saml_connections_idp_entity_id_key UNIQUE (org_id, idp_entity_id),
    CONSTRAINT saml_connections_state_check CHECK (state IN ('draft', 'testing', 'active', 'disabled'))
);

UPDATE roles SET permissions = array_append(permissions, 'saml.manage')
WHERE built_in AND name_key = 'admin role' AND NOT 'saml.manage' = ANY (permissions);
