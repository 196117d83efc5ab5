-- change: insert_connection
-- A SAML connection.
-- $1 organisation, $2 id, $3 name, $4 state, $5 entity id, $6 address of sign-in, $7 certificates, $8 address of the metadata,
-- $9 when it was fetched, $10 unsolicited, $11 age of a sign-in, $12 address of passwords, $13 contact, $14 signed requests,
-- $15 adds users, $16 attribute with externalId, $17 takes names, $18 now, $19 when it is looked at first
change AS (
    INSERT INTO saml_connections (org_id, id, name, state, idp_entity_id, sso_url, certificates, metadata_url, fetched,
                                  allow_unsolicited, authenticated_within, reset_uri, contact, sign_requests, jit,
                                  external_id_attribute, takes_names, created, last_modified, look_due)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $18, $19)
    RETURNING id
)

-- change: update_connection
-- A SAML connection's next version, if it still is the one that was read; the organisation's rules are others from
-- then on: users are marked by it. A trial with another entity id, address or certificates says nothing any more.
-- $1 organisation, $2 id, $3 name, $4 state, $5 entity id, $6 address of sign-in, $7 certificates, $8 address of the metadata,
-- $9 when it was fetched, $10 unsolicited, $11 age of a sign-in, $12 address of passwords, $13 contact, $14 signed requests,
-- $15 adds users, $16 attribute with externalId, $17 takes names, $18 now, $19 version
change AS (
    UPDATE saml_connections
    SET name = $3, state = $4, idp_entity_id = $5, sso_url = $6, certificates = $7, metadata_url = $8, fetched = $9,
        allow_unsolicited = $10, authenticated_within = $11, reset_uri = $12, contact = $13,
        sign_requests = $14, jit = $15, external_id_attribute = $16, takes_names = $17,
        tried = CASE WHEN idp_entity_id = $5 AND sso_url = $6 AND certificates = $7 THEN tried END,
        version = version + 1, last_modified = greatest(last_modified, $18)
    WHERE org_id = $1 AND id = $2 AND version = $19
    RETURNING id
), ruled AS (
    UPDATE organizations SET rules = gen_random_uuid() WHERE id = $1 AND EXISTS (SELECT FROM change)
)

-- name: connections
-- An organisation's SAML connections, or one of them.  $1 organisation, $2 id or NULL, $3 name or NULL
SELECT c.id, c.name, c.state, c.idp_entity_id, c.sso_url, c.certificates, c.metadata_url, c.fetched,
       c.allow_unsolicited, c.authenticated_within, c.reset_uri, c.contact, c.sign_requests, c.jit,
       c.external_id_attribute, c.takes_names,
       c.version, c.created, c.last_modified, c.looked, c.metadata_checked, c.metadata_failure, c.metadata_pending, c.tried,
       ARRAY(SELECT (k.id, k.role, k.certificate, k.sealed, k.created) FROM saml_keys AS k
             WHERE k.org_id = c.org_id AND k.connection_id = c.id) AS keys
FROM saml_connections AS c
WHERE c.org_id = $1 AND ($2::uuid IS NULL OR c.id = $2) AND ($3::text IS NULL OR c.name = $3)
ORDER BY c.name;

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
-- now, or nobody's who is to be signed in. One to which some answers were refused waits no more.
-- $1 organisation, $2 connection, $3 id, $4 digest of the browser's secret, $5 now
SELECT q.user_id, q.return_to, r.permissions
FROM saml_requests AS q
LEFT JOIN users AS u ON u.org_id = q.org_id AND u.id = q.user_id
LEFT JOIN roles AS r ON r.org_id = u.org_id AND r.id = u.role_id
WHERE q.org_id = $1 AND q.connection_id = $2 AND q.id = $3 AND q.browser = $4 AND q.expires > $5
  AND (q.user_id IS NULL OR u.active) AND q.refused < 5;

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
-- One at a time changes a connection, takes it out of use, or enforces it: before the connection itself is locked.
-- $1 organisation
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

-- name: lock_connection
-- A SAML connection, held until the transaction ends: its keys change one at a time.  $1 organisation, $2 id
SELECT id FROM saml_connections WHERE org_id = $1 AND id = $2 FOR UPDATE;

-- name: list_keys
-- Our keys for a SAML connection.  $1 organisation, $2 connection
SELECT id, role, certificate, sealed, created FROM saml_keys WHERE org_id = $1 AND connection_id = $2;

-- change: insert_key
-- The next key.  $1 organisation, $2 connection, $3 id, $4 certificate, $5 sealed private key, $6 now
change AS (
    INSERT INTO saml_keys (org_id, connection_id, id, role, certificate, sealed, created)
    VALUES ($1, $2, $3, 'next', $4, $5, $6)
    RETURNING id
)

-- change: advance_keys
-- The next key signs from now on, and the one that did is forgotten but for its certificate.
-- $1 organisation, $2 connection
change AS (
    UPDATE saml_keys
    SET role = CASE role WHEN 'next' THEN 'current' ELSE 'previous' END,
        sealed = CASE role WHEN 'next' THEN sealed END
    WHERE org_id = $1 AND connection_id = $2 AND role IN ('next', 'current')
    RETURNING id
)

-- change: delete_key
-- A key is no more.  $1 organisation, $2 connection, $3 id
change AS (
    DELETE FROM saml_keys WHERE org_id = $1 AND connection_id = $2 AND id = $3
    RETURNING id
)

-- name: claim_look
-- The connection that has waited longest to be looked at, of whichever organisation. Whoever claims it has time until
-- it is due again; a claimer who died is followed by another one then.  $1 now, $2 when it is due again
UPDATE saml_connections AS c SET look_due = $2
FROM (SELECT org_id, id FROM saml_connections
      WHERE look_due <= $1 AND state <> 'disabled'
      ORDER BY look_due, id
      LIMIT 1 FOR UPDATE SKIP LOCKED) AS next
WHERE c.org_id = next.org_id AND c.id = next.id
RETURNING c.org_id, c.id;

-- name: want_look
-- A connection is to be looked at now, unless that was wanted a moment ago.
-- $1 organisation, $2 id, $3 now, $4 before when it may have been wanted
UPDATE saml_connections SET look_due = $3, look_asked = $3
WHERE org_id = $1 AND id = $2 AND metadata_url IS NOT NULL AND (look_asked IS NULL OR look_asked <= $4)
RETURNING id;

-- change: finish_look
-- What was seen at a connection, if nobody else looked, or changed it, meanwhile.
-- $1 organisation, $2 id, $3 now, $4 when metadata was read, $5 why it was not, $6 what would change, $7 when it is due
-- again, $8 version, $9 when it was looked at before
change AS (
    UPDATE saml_connections
    SET looked = $3, metadata_checked = $4, metadata_failure = $5, metadata_pending = $6, look_due = $7
    WHERE org_id = $1 AND id = $2 AND version = $8 AND looked IS NOT DISTINCT FROM $9
    RETURNING id
)

-- change: forget_pending
-- What would change with other metadata is settled: an administrator has read some.  $1 organisation, $2 id
change AS (
    UPDATE saml_connections SET metadata_failure = NULL, metadata_pending = NULL WHERE org_id = $1 AND id = $2
    RETURNING id
)

-- change: count_refused
-- A response to a request was refused.  $1 organisation, $2 connection, $3 id
change AS (
    UPDATE saml_requests SET refused = refused + 1 WHERE org_id = $1 AND connection_id = $2 AND id = $3
    RETURNING id
)

-- name: hold_rules
-- Keep the organisation's rules as they are until the transaction ends: before the connection itself is held.
-- $1 organisation
SELECT id FROM organizations WHERE id = $1 FOR SHARE;

-- name: hold_connection
-- A SAML connection, kept as is until the transaction ends: whoever takes it out of use waits, or was before.
-- $1 organisation, $2 id
SELECT state, version FROM saml_connections WHERE org_id = $1 AND id = $2 FOR SHARE;

-- name: hold_linked
-- Whom an identity provider means by a name that it has signed in before, kept as is until the transaction ends.
-- $1 organisation, $2 connection, $3 name
SELECT u.id, u.user_name, u.active, u.external_id, u.saml_connection_id
FROM saml_links AS l JOIN users AS u ON u.org_id = l.org_id AND u.id = l.user_id
WHERE l.org_id = $1 AND l.connection_id = $2 AND l.name_id = $3
FOR NO KEY UPDATE OF u FOR KEY SHARE OF l;

-- name: hold_named
-- The user of an address, kept as is until the transaction ends.  $1 organisation, $2 userName's key
SELECT u.id, u.user_name, u.active, u.external_id, u.saml_connection_id FROM users AS u
WHERE u.org_id = $1 AND u.user_name_key = $2
FOR NO KEY UPDATE;

-- name: hold_provisioned
-- Whom a connection signs in who has an identifier of the client's, kept as is until the transaction ends: of several,
-- two, active ones first.  $1 organisation, $2 connection, $3 externalId
SELECT u.id, u.user_name, u.active, u.external_id, u.saml_connection_id FROM users AS u
WHERE u.org_id = $1 AND u.external_id = $3 AND u.saml_connection_id = $2
ORDER BY u.active DESC, u.id LIMIT 2
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

-- change: forget_links
-- A connection that is another identity provider's: whom its names mean, nobody knows yet.  $1 organisation, $2 connection
change AS (
    DELETE FROM saml_links WHERE org_id = $1 AND connection_id = $2 RETURNING user_id
)

-- name: is_proven_domain
-- Whether an organisation has proved that a domain is its own, or one of which it is a sub-domain.
-- $1 organisation, $2 domain, $3 its parent domains
SELECT EXISTS (SELECT FROM email_domains AS d
               WHERE d.org_id = $1 AND (d.domain = $2 OR (d.subdomains AND d.domain = ANY ($3::text[])))
                 AND d.verified_at IS NOT NULL);

-- name: connection_of_domain
-- By which connection people of a domain that was proved sign in, if it is in use: all of them where the domain is
-- enforced, else whoever is SAML-managed.  $1 organisation, $2 domain, $3 its parent domains
SELECT c.id, d.saml_connection_id IS NOT NULL AS enforced
FROM email_domains AS d JOIN saml_connections AS c ON c.org_id = d.org_id
WHERE d.org_id = $1 AND (d.domain = $2 OR (d.subdomains AND d.domain = ANY ($3::text[])))
  AND d.verified_at IS NOT NULL AND c.state = 'active'
  AND (d.saml_connection_id IS NULL OR c.id = d.saml_connection_id)
ORDER BY d.saml_connection_id IS NULL, length(d.domain) DESC, c.created, c.id LIMIT 1;
