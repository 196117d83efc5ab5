-- change: insert_connection
-- A SAML connection.
-- $1 organisation, $2 id, $3 name, $4 state, $5 entity id, $6 address of sign-in, $7 certificates, $8 address of the metadata,
-- $9 when it was fetched, $10 unsolicited, $11 age of a sign-in, $12 address of passwords, $13 contact, $14 now
change AS (
    INSERT INTO saml_connections (org_id, id, name, state, idp_entity_id, sso_url, certificates, metadata_url, fetched,
                                  allow_unsolicited, authenticated_within, reset_uri, contact,
                                  created, last_modified)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)
    RETURNING id
)

-- change: update_connection
-- A SAML connection's next version, if it still is the one that was read.
-- $1 organisation, $2 id, $3 name, $4 state, $5 entity id, $6 address of sign-in, $7 certificates, $8 address of the metadata,
-- $9 when it was fetched, $10 unsolicited, $11 age of a sign-in, $12 address of passwords, $13 contact, $14 now, $15 version
change AS (
    UPDATE saml_connections
    SET name = $3, state = $4, idp_entity_id = $5, sso_url = $6, certificates = $7, metadata_url = $8, fetched = $9,
        allow_unsolicited = $10, authenticated_within = $11, reset_uri = $12, contact = $13,
        version = version + 1, last_modified = greatest(last_modified, $14)
    WHERE org_id = $1 AND id = $2 AND version = $15
    RETURNING id
)

-- name: find_connection
-- The SAML connection of that name.  $1 organisation, $2 name
SELECT id, name, state, idp_entity_id, sso_url, certificates, metadata_url, fetched, allow_unsolicited,
       authenticated_within, reset_uri, contact, version, created, last_modified
FROM saml_connections WHERE org_id = $1 AND name = $2;

-- name: get_connection
-- The SAML connection of that id.  $1 organisation, $2 id
SELECT id, name, state, idp_entity_id, sso_url, certificates, metadata_url, fetched, allow_unsolicited,
       authenticated_within, reset_uri, contact, version, created, last_modified
FROM saml_connections WHERE org_id = $1 AND id = $2;

-- name: list_connections
-- An organisation's SAML connections.  $1 organisation
SELECT id, name, state, idp_entity_id, sso_url, certificates, metadata_url, fetched, allow_unsolicited,
       authenticated_within, reset_uri, contact, version, created, last_modified
FROM saml_connections WHERE org_id = $1 ORDER BY name;
