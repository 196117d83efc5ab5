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
-- A SAML connection's next version, if it still is the one that was read; the organisation's rules are others from
-- then on: users are marked by it. A trial with another entity id, address or certificates says nothing any more.
-- $1 organisation, $2 id, $3 name, $4 state, $5 entity id, $6 address of sign-in, $7 certificates, $8 address of the metadata,
-- $9 when it was fetched, $10 unsolicited, $11 age of a sign-in, $12 address of passwords, $13 contact, $14 now, $15 version
change AS (
    UPDATE saml_connections
    SET name = $3, state = $4, idp_entity_id = $5, sso_url = $6, certificates = $7, metadata_url = $8, fetched = $9,
        allow_unsolicited = $10, authenticated_within = $11, reset_uri = $12, contact = $13,
        tried = CASE WHEN idp_entity_id = $5 AND sso_url = $6 AND certificates = $7 THEN tried END,
        version = version + 1, last_modified = greatest(last_modified, $14)
    WHERE org_id = $1 AND id = $2 AND version = $15
    RETURNING id
), ruled AS (
    UPDATE organizations SET rules = gen_random_uuid() WHERE id = $1 AND EXISTS (SELECT FROM change)
)

-- name: find_connection
-- The SAML connection of that name.  $1 organisation, $2 name
SELECT id, name, state, idp_entity_id, sso_url, certificates, metadata_url, fetched, allow_unsolicited,
       authenticated_within, reset_uri, contact, version, created, last_modified, tried
FROM saml_connections WHERE org_id = $1 AND name = $2;

-- name: get_connection
-- The SAML connection of that id.  $1 organisation, $2 id
SELECT id, name, state, idp_entity_id, sso_url, certificates, metadata_url, fetched, allow_unsolicited,
       authenticated_within, reset_uri, contact, version, created, last_modified, tried
FROM saml_connections WHERE org_id = $1 AND id = $2;

-- name: list_connections
-- An organisation's SAML connections.  $1 organisation
SELECT id, name, state, idp_entity_id, sso_url, certificates, metadata_url, fetched, allow_unsolicited,
       authenticated_within, reset_uri, contact, version, created, last_modified, tried
FROM saml_connections WHERE org_id = $1 ORDER BY name;

-- change: insert_request
-- A request to an identity provider.
-- $1 organisation, $2 connection, $3 id, $4 digest of the browser's secret, $5 user, $6 now, $7 until when
change AS (
    INSERT INTO saml_requests (org_id, connection_id, id, browser, user_id, created, expires)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    RETURNING id
)

-- name: peek_request
-- The request that waits for its answer in a browser, and what whoever made it may do now.
-- $1 organisation, $2 connection, $3 id, $4 digest of the browser's secret, $5 now
SELECT q.user_id, r.permissions
FROM saml_requests AS q
JOIN users AS u ON u.org_id = q.org_id AND u.id = q.user_id
JOIN roles AS r ON r.org_id = u.org_id AND r.id = u.role_id
WHERE q.org_id = $1 AND q.connection_id = $2 AND q.id = $3 AND q.browser = $4 AND q.expires > $5 AND u.active;

-- change: take_request
-- A request is answered: nobody else's answer counts. The connection is still the one that was looked at.
-- $1 organisation, $2 connection, $3 id, $4 now, $5 version of the connection
change AS (
    DELETE FROM saml_requests AS q USING saml_connections AS c
    WHERE q.org_id = $1 AND q.connection_id = $2 AND q.id = $3 AND q.expires > $4
      AND c.org_id = q.org_id AND c.id = q.connection_id AND c.version = $5
    RETURNING q.id
)

-- change: mark_tried
-- A connection was tried out successfully, as it still is.  $1 organisation, $2 id, $3 now, $4 version
change AS (
    UPDATE saml_connections SET tried = $3 WHERE org_id = $1 AND id = $2 AND version = $4 RETURNING id
)

-- name: hold_organization
-- One at a time takes a connection out of use, or enforces it.  $1 organisation
SELECT id FROM organizations WHERE id = $1 FOR NO KEY UPDATE;

-- name: enforced_domains
-- Where all sign in by a connection.  $1 organisation, $2 connection
SELECT domain FROM email_domains WHERE org_id = $1 AND saml_connection_id = $2 ORDER BY domain;

-- change: use_assertion
-- An assertion is used, if it was not before.  $1 organisation, $2 connection, $3 id, $4 until when
change AS (
    INSERT INTO saml_assertions (org_id, connection_id, id, expires) VALUES ($1, $2, $3, $4)
    ON CONFLICT DO NOTHING
    RETURNING id
)
