-- name: organization_of_name
-- The organisation whose people sign in: the one that is named, else the one whose Email Domains the address is in.
-- $1 its name, or NULL, $2 domain of the address, or NULL, $3 its parent domains
SELECT o.id FROM organizations AS o WHERE o.name = $1
UNION ALL
SELECT d.org_id FROM email_domains AS d
WHERE $1::text IS NULL AND (d.domain = $2 OR (d.subdomains AND d.domain = ANY ($3::text[])))
LIMIT 1;

-- name: candidate
-- Whoever might sign in under a name, whether the device is known as theirs, and the password.
-- $1 organisation, $2 userName's key, $3 digest of the device's secret, or NULL
SELECT u.id, u.user_name, u.active, o.password_profile,
       EXISTS (SELECT FROM known_devices AS d
               WHERE d.org_id = $1 AND d.user_id = u.id AND d.digest = $3) AS known_device,
       c.password_hash, c.changed, c.must_change, c.expires, c.set_by
FROM users AS u JOIN organizations AS o ON o.id = u.org_id
LEFT JOIN credentials AS c ON c.org_id = u.org_id AND c.user_id = u.id
WHERE u.org_id = $1 AND u.user_name_key = $2;
