-- change: insert_connection
-- A SAML connection.
-- $1 organisation, $2 id, $3 name, $4 state, $5 entity id, $6 address of sign-in, $7 certificates, $8 address of the metadata,
-- $9 when it was fetched, $10 unsolicited, $11 age of a sign-in, $12 address of passwords, $13 contact, $14 adds users, $15 now
change AS (
    INSERT INTO saml_connections (org_id, id, name, state, idp_entity_id, sso_url, certificates, metadata_url, fetched,
                                  allow_unsolicited, authenticated_within, reset_uri, contact, jit,
                                  created, last_modified)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15)
    RETURNING id
)

-- change: update_connection
-- A SAML connection's next version, if it still is the one that was read; the organisation's rules are others from
-- then on: users are marked by it.
-- $1 organisation, $2 id, $3 name, $4 state, $5 entity id, $6 address of sign-in, $7 certificates, $8 address of the metadata,
-- $9 when it was fetched, $10 unsolicited, $11 age of a sign-in, $12 address of passwords, $13 contact, $14 adds users,
-- $15 now, $16 version
change AS (
    UPDATE saml_connections
    SET name = $3, state = $4, idp_entity_id = $5, sso_url = $6, certificates = $7, metadata_url = $8, fetched = $9,
        allow_unsolicited = $10, authenticated_within = $11, reset_uri = $12, contact = $13, jit = $14,
        version = version + 1, last_modified = greatest(last_modified, $15)
    WHERE org_id = $1 AND id = $2 AND version = $16
    RETURNING id
), ruled AS (
    UPDATE organizations SET rules = gen_random_uuid() WHERE id = $1 AND EXISTS (SELECT FROM change)
)

-- name: find_connection
-- The SAML connection of that name.  $1 organisation, $2 name
SELECT id, name, state, idp_entity_id, sso_url, certificates, metadata_url, fetched, allow_unsolicited,
       authenticated_within, reset_uri, contact, jit, version, created, last_modified
FROM saml_connections WHERE org_id = $1 AND name = $2;

-- name: get_connection
-- The SAML connection of that id.  $1 organisation, $2 id
SELECT id, name, state, idp_entity_id, sso_url, certificates, metadata_url, fetched, allow_unsolicited,
       authenticated_within, reset_uri, contact, jit, version, created, last_modified
FROM saml_connections WHERE org_id = $1 AND id = $2;

-- name: list_connections
-- An organisation's SAML connections.  $1 organisation
SELECT id, name, state, idp_entity_id, sso_url, certificates, metadata_url, fetched, allow_unsolicited,
       authenticated_within, reset_uri, contact, jit, version, created, last_modified
FROM saml_connections WHERE org_id = $1 ORDER BY name;

-- change: insert_request
-- A request to an identity provider.
-- $1 organisation, $2 connection, $3 id, $4 digest of the browser's secret, $5 who tries it out, or NULL,
-- $6 where they want to go, $7 now, $8 until when
change AS (
    INSERT INTO saml_requests (org_id, connection_id, id, browser, user_id, return_to, created, expires)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    RETURNING id
)

-- name: peek_request
-- The request that waits for its answer in a browser: somebody's who tries the connection out, and what they may do
-- now, or nobody's who is to be signed in.
-- $1 organisation, $2 connection, $3 id, $4 digest of the browser's secret, $5 now
SELECT q.user_id, q.return_to, r.permissions
FROM saml_requests AS q
LEFT JOIN users AS u ON u.org_id = q.org_id AND u.id = q.user_id
LEFT JOIN roles AS r ON r.org_id = u.org_id AND r.id = u.role_id
WHERE q.org_id = $1 AND q.connection_id = $2 AND q.id = $3 AND q.browser = $4 AND q.expires > $5
  AND (q.user_id IS NULL OR u.active);

-- change: take_request
-- A request is answered: nobody else's answer counts. The connection is still the one that was looked at.
-- $1 organisation, $2 connection, $3 id, $4 now, $5 version of the connection
change AS (
    DELETE FROM saml_requests AS q USING saml_connections AS c
    WHERE q.org_id = $1 AND q.connection_id = $2 AND q.id = $3 AND q.expires > $4
      AND c.org_id = q.org_id AND c.id = q.connection_id AND c.version = $5
    RETURNING q.id
)

-- change: use_assertion
-- An assertion is used, if it was not before.  $1 organisation, $2 connection, $3 id, $4 until when
change AS (
    INSERT INTO saml_assertions (org_id, connection_id, id, expires) VALUES ($1, $2, $3, $4)
    ON CONFLICT DO NOTHING
    RETURNING id
)

-- name: hold_connection
-- A SAML connection, kept as is until the transaction ends: whoever takes it out of use waits, or was before.
-- $1 organisation, $2 id
SELECT state, version FROM saml_connections WHERE org_id = $1 AND id = $2 FOR SHARE;

-- name: hold_linked
-- Whom an identity provider means by a name that it has signed in before, kept as is until the transaction ends.
-- $1 organisation, $2 connection, $3 name
SELECT u.id, u.user_name, u.active, u.saml_connection_id
FROM saml_links AS l JOIN users AS u ON u.org_id = l.org_id AND u.id = l.user_id
WHERE l.org_id = $1 AND l.connection_id = $2 AND l.name_id = $3
FOR NO KEY UPDATE OF u FOR KEY SHARE OF l;

-- name: hold_named
-- The user of an address, kept as is until the transaction ends.  $1 organisation, $2 userName's key
SELECT u.id, u.user_name, u.active, u.saml_connection_id FROM users AS u
WHERE u.org_id = $1 AND u.user_name_key = $2
FOR NO KEY UPDATE;

-- name: known_as
-- By which name the identity provider knows a user already.  $1 organisation, $2 connection, $3 user
SELECT name_id FROM saml_links WHERE org_id = $1 AND connection_id = $2 AND user_id = $3;

-- change: insert_link
-- An identity provider knows a user by a name.  $1 organisation, $2 connection, $3 name, $4 its format, $5 user, $6 now
change AS (
    INSERT INTO saml_links (org_id, connection_id, name_id, name_id_format, user_id, linked)
    VALUES ($1, $2, $3, $4, $5, $6)
    RETURNING name_id
)

-- name: is_proven_domain
-- Whether an organisation has proved that a domain is its own, or one of which it is a sub-domain.
-- $1 organisation, $2 domain, $3 its parent domains
SELECT EXISTS (SELECT FROM email_domains AS d
               WHERE d.org_id = $1 AND (d.domain = $2 OR (d.subdomains AND d.domain = ANY ($3::text[])))
                 AND d.verified_at IS NOT NULL);

-- name: connection_of_domain
-- By which connection people of a domain sign in, if it is in use: all of them where the domain is enforced, else
-- whoever is SAML-managed.  $1 organisation, $2 domain, $3 its parent domains
SELECT c.id, d.saml_connection_id IS NOT NULL AS enforced
FROM email_domains AS d JOIN saml_connections AS c ON c.org_id = d.org_id
WHERE d.org_id = $1 AND (d.domain = $2 OR (d.subdomains AND d.domain = ANY ($3::text[])))
  AND c.state = 'active' AND (d.saml_connection_id IS NULL OR c.id = d.saml_connection_id)
ORDER BY d.saml_connection_id IS NULL, length(d.domain) DESC, c.created, c.id LIMIT 1;
