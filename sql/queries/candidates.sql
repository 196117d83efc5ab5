-- name: organization_of_name
-- The organisation whose people sign in: the one that is named, else the one whose Email Domains the address is in.
-- $1 its name, or NULL, $2 domain of the address, or NULL, $3 its parent domains
SELECT o.id FROM organizations AS o WHERE o.name = $1
UNION ALL
SELECT d.org_id FROM email_domains AS d
WHERE $1::text IS NULL AND (d.domain = $2 OR (d.subdomains AND d.domain = ANY ($3::text[])))
LIMIT 1;

-- name: candidate
-- Whoever might sign in under a name, whether the device is known as theirs, the password, whether SAML is enforced
-- where the address is, and the recovery account of an owner.
-- $1 organisation, $2 userName's key, $3 digest of the device's secret, or NULL, $4 what an owner may do
SELECT u.id, u.user_name, u.active, o.password_profile,
       EXISTS (SELECT FROM known_devices AS d
               WHERE d.org_id = $1 AND d.user_id = u.id AND d.digest = $3) AS known_device,
       c.password_hash, c.changed, c.must_change, c.expires, c.set_by,
       EXISTS (SELECT FROM email_domains AS e
               WHERE e.org_id = $1 AND e.saml_connection_id IS NOT NULL
                 AND (e.domain = u.mail_domain
                      OR (e.subdomains AND right(u.mail_domain, length(e.domain) + 1) = '.' || e.domain))) AS enforced,
       a.secret AS recovery_secret, a.last_step AS recovery_step
FROM users AS u JOIN organizations AS o ON o.id = u.org_id
LEFT JOIN credentials AS c ON c.org_id = u.org_id AND c.user_id = u.id
LEFT JOIN recovery_accounts AS a ON a.org_id = u.org_id AND a.user_id = u.id AND a.confirmed IS NOT NULL
    AND u.saml_connection_id IS NULL
    AND EXISTS (SELECT FROM roles AS r WHERE r.org_id = u.org_id AND r.id = u.role_id AND r.permissions @> $4::text[])
WHERE u.org_id = $1 AND u.user_name_key = $2;

-- name: is_enforced
-- Whether SAML is enforced where a user's address is.  $1 organisation, $2 user
SELECT EXISTS (
    SELECT FROM users AS u JOIN email_domains AS e ON e.org_id = u.org_id AND e.saml_connection_id IS NOT NULL
        AND (e.domain = u.mail_domain
             OR (e.subdomains AND right(u.mail_domain, length(e.domain) + 1) = '.' || e.domain))
    WHERE u.org_id = $1 AND u.id = $2
);
