-- name: lock_domains
-- One at a time may add a domain: no two organisations get overlapping ones.
SELECT pg_advisory_xact_lock(hashtext('scimserver.email_domains'));

-- name: clashing_domains
-- Entries that overlap a new one, of whichever organisation.
-- $1 domain, $2 its parent domains, $3 whether the new entry takes sub-domains in
SELECT domain, subdomains, org_id FROM email_domains
WHERE domain = $1
   OR (subdomains AND domain = ANY ($2))
   OR ($3 AND right(domain, length($1) + 1) = '.' || $1);

-- change: insert_domain
-- An Email Domain of an organisation, whose rules are others from then on.  $1 organisation, $2 domain, $3 sub-domains too, $4 public override, $5 now
change AS (
    INSERT INTO email_domains (org_id, domain, subdomains, public_override, created)
    VALUES ($1, $2, $3, $4, $5)
    RETURNING domain
), ruled AS (
    UPDATE organizations SET rules = gen_random_uuid() WHERE id = $1
)

-- change: delete_domain
-- Take an Email Domain away, unless SAML is enforced there; the organisation's rules are others from then on.  $1 organisation, $2 domain
change AS (
    DELETE FROM email_domains WHERE org_id = $1 AND domain = $2 AND saml_connection_id IS NULL RETURNING domain
), ruled AS (
    UPDATE organizations SET rules = gen_random_uuid() WHERE id = $1 AND EXISTS (SELECT FROM change)
)

-- name: find_domain
-- An Email Domain of an organisation.  $1 organisation, $2 domain
SELECT verified_at, proof, saml_connection_id FROM email_domains WHERE org_id = $1 AND domain = $2;

-- change: set_proof
-- What proves an Email Domain, if nothing did yet.  $1 organisation, $2 domain, $3 token
change AS (
    UPDATE email_domains SET proof = $3 WHERE org_id = $1 AND domain = $2 AND proof IS NULL RETURNING domain
)

-- change: verify_domain
-- An Email Domain is proven, if its proof still is the one that was looked for.
-- $1 organisation, $2 domain, $3 token, $4 now
change AS (
    UPDATE email_domains SET verified_at = $4
    WHERE org_id = $1 AND domain = $2 AND proof = $3 AND verified_at IS NULL
    RETURNING domain
)

-- name: list_domains
-- An organisation's Email Domains.  $1 organisation
SELECT d.domain, d.subdomains, d.public_override, d.verified_at, d.created, p.name AS enforced
FROM email_domains AS d LEFT JOIN saml_connections AS p ON p.org_id = d.org_id AND p.id = d.saml_connection_id
WHERE d.org_id = $1 ORDER BY d.domain;

-- name: all_enforced
-- Whether everybody whose address is in any of an organisation's Email Domains signs in by an identity provider.
-- $1 organisation
SELECT coalesce(bool_and(saml_connection_id IS NOT NULL), false) FROM email_domains WHERE org_id = $1;

-- name: count_stranded
-- How many users' addresses only this entry allows. One look at each user of the organisation: an
-- operator's question, not a request's.  $1 organisation, $2 domain
SELECT count(*) FROM users AS u
WHERE u.org_id = $1
  AND u.mail_domain IS NOT NULL
  AND (u.mail_domain = $2
       OR (right(u.mail_domain, length($2) + 1) = '.' || $2
           AND EXISTS (SELECT FROM email_domains AS e WHERE e.org_id = $1 AND e.domain = $2 AND e.subdomains)))
  AND NOT EXISTS (
      SELECT FROM email_domains AS o
      WHERE o.org_id = $1 AND o.domain <> $2
        AND (u.mail_domain = o.domain
             OR (o.subdomains AND right(u.mail_domain, length(o.domain) + 1) = '.' || o.domain)));
