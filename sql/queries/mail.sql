-- change: insert_job
-- A mail that is to be sent.
-- $1 organisation, $2 id, $3 user, $4 kind, $5 the address before a change, $6 request, $7 now, $8 last moment
change AS (
    INSERT INTO mail_jobs (org_id, id, user_id, kind, former_address, request_id, created, due, until)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8)
    RETURNING id
)

-- change: insert_address_notice
-- A notice to the address before a change, for a user who signs in with a password: the address is half of
-- what that takes.
-- $1 organisation, $2 id, $3 user, $4 kind, $5 the address before the change, $6 request, $7 now, $8 last moment
change AS (
    INSERT INTO mail_jobs (org_id, id, user_id, kind, former_address, request_id, created, due, until)
    SELECT $1, $2, $3, $4, $5, $6, $7, $7, $8
    WHERE EXISTS (SELECT FROM credentials AS c WHERE c.org_id = $1 AND c.user_id = $3)
    RETURNING id
)

-- change: cancel_jobs
-- What has not been sent to a user, of some kinds, is not sent any more.  $1 organisation, $2 user, $3 kinds
change AS (
    DELETE FROM mail_jobs WHERE org_id = $1 AND user_id = $2 AND kind = ANY ($3::text[]) RETURNING id
)

-- name: claim_job
-- The mail that waits longest, of whichever organisation, links before notices. Whoever claims it has time
-- until it is due again; a claimer who died is followed by another one then.  $1 now, $2 when it is due again
UPDATE mail_jobs AS j SET due = $2, attempts = j.attempts + 1
FROM (SELECT org_id, id FROM mail_jobs
      WHERE failed IS NULL AND due <= $1
      ORDER BY (kind LIKE 'link.%') DESC, due, id
      LIMIT 1 FOR UPDATE SKIP LOCKED) AS next
WHERE j.org_id = next.org_id AND j.id = next.id
RETURNING j.org_id, j.id, j.user_id, j.kind, j.former_address, j.request_id, j.created, j.until, j.attempts;

-- name: read_addressee
-- To whom a mail goes, and in whose name.  $1 organisation, $2 user
SELECT u.user_name, u.user_name_key, u.active, u.document, o.title, o.support_contact,
       CASE WHEN p.id IS NOT NULL THEN
           ARRAY[p.org_id::text, p.id::text, p.name, p.sso_url, p.reset_uri,
                 coalesce(nullif(p.contact, ''), o.support_contact)]
       END AS provider
FROM users AS u JOIN organizations AS o ON o.id = u.org_id
LEFT JOIN saml_connections AS p ON p.org_id = u.org_id AND p.id = u.saml_connection_id
WHERE u.org_id = $1 AND u.id = $2;

-- change: delete_job
-- A mail that was sent.  $1 organisation, $2 id
change AS (
    DELETE FROM mail_jobs WHERE org_id = $1 AND id = $2 RETURNING id
)

-- change: fail_job
-- A mail that will not be sent.  $1 organisation, $2 id, $3 why, $4 now
change AS (
    UPDATE mail_jobs SET failure = $3, failed = $4 WHERE org_id = $1 AND id = $2 RETURNING id
)

-- change: defer_job
-- A mail that is tried again.  $1 organisation, $2 id, $3 why, $4 when
change AS (
    UPDATE mail_jobs SET failure = $3, due = $4 WHERE org_id = $1 AND id = $2 AND failed IS NULL RETURNING id
)

-- change: postpone_jobs
-- The organisation has sent what it may: its mail waits. The one that found so has not been tried.
-- $1 organisation, $2 the one, $3 until when
change AS (
    UPDATE mail_jobs
    SET due = $3, failure = 'budget', attempts = CASE WHEN id = $2 THEN attempts - 1 ELSE attempts END
    WHERE org_id = $1 AND failed IS NULL AND (id = $2 OR due < $3)
    RETURNING id
)

-- name: spend
-- Take one from what is allowed within an hour and within a day; no row where nothing is left. Two at once
-- take one after the other.
-- $1 organisation, $2 kind, $3 whose, $4 now, $5 allowed within an hour, $6 within a day, or NULL for any number
INSERT INTO mail_allowances (org_id, kind, subject, moments) VALUES ($1, $2, $3, ARRAY[$4::timestamptz])
ON CONFLICT (org_id, kind, subject) DO UPDATE
SET moments = ARRAY(SELECT m FROM unnest(mail_allowances.moments) AS m
                    WHERE m > $4 - CASE WHEN $6::int IS NULL THEN interval '1 hour' ELSE interval '1 day' END) || $4
WHERE (SELECT count(*) FROM unnest(mail_allowances.moments) AS m WHERE m > $4 - interval '1 hour') < $5
  AND ($6 IS NULL OR (SELECT count(*) FROM unnest(mail_allowances.moments) AS m WHERE m > $4 - interval '1 day') < $6)
RETURNING org_id;

-- name: count_jobs
-- How many mails wait, of all organisations: for the metrics.
SELECT count(*) FROM mail_jobs WHERE failed IS NULL;

-- name: list_jobs
-- What an organisation has waiting, and what could not be sent, oldest first.  $1 organisation
SELECT j.id, j.user_id, u.user_name, j.kind, j.created, j.due, j.until, j.attempts, j.failure, j.failed
FROM mail_jobs AS j JOIN users AS u ON u.org_id = j.org_id AND u.id = j.user_id
WHERE j.org_id = $1 ORDER BY j.created, j.id;
