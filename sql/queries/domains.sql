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
-- Take an Email Domain away; the organisation's rules are others from then on.  $1 organisation, $2 domain
change AS (
    DELETE FROM email_domains WHERE org_id = $1 AND domain = $2 RETURNING domain
), ruled AS (
    UPDATE organizations SET rules = gen_random_uuid() WHERE id = $1 AND EXISTS (SELECT FROM change)
)

-- change: take_for_proven
-- An Email Domain counts as proven, and did from the first time on.  $1 organisation, $2 domain, $3 now
change AS (
    UPDATE email_domains SET verified_at = coalesce(verified_at, $3) WHERE org_id = $1 AND domain = $2
    RETURNING domain
)

-- name: list_domains
-- An organisation's Email Domains.  $1 organisation
SELECT domain, subdomains, public_override, verified_at, created
FROM email_domains WHERE org_id = $1 ORDER BY domain;

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
