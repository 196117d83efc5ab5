-- name: drop_ended_sessions
-- Sessions that have reached their end. Every organisation's: an operator's job.  $1 now
DELETE FROM sessions WHERE expires <= $1;

-- name: drop_old_devices
-- Devices from which nobody signed in for long. Every organisation's: an operator's job.  $1 before
DELETE FROM known_devices WHERE last_used < $1;

-- name: drop_old_tries
-- Tries that count nothing any more, or failed long ago under names that nobody has, for names are invented
-- without end, or in sessions that are over. A user's stay until they are forgiven. Every organisation's: an
-- operator's job.  $1 before
DELETE FROM sign_in_tries AS t
WHERE t.latest < $1
  AND (t.failures = 0
       OR NOT EXISTS (SELECT FROM users AS u WHERE u.org_id = t.org_id AND u.id = t.account)
       OR (t.device <> '' AND NOT EXISTS (SELECT FROM known_devices AS d
                                          WHERE d.org_id = t.org_id AND d.user_id = t.account AND d.digest = t.device)));

-- name: drop_old_sources
-- Addresses whose failures are forgotten.  $1 now
DELETE FROM sign_in_sources WHERE empty_at <= $1;

-- name: drop_failed_mail
-- What could not be mailed, long ago. Every organisation's: an operator's job.  $1 before
DELETE FROM mail_jobs WHERE failed < $1;

-- name: drop_dead_links
-- Links that cannot be used any more. Every organisation's: an operator's job.  $1 before
DELETE FROM password_resets WHERE expires < $1 OR used < $1;

-- name: drop_idle_allowances
-- Allowances of which nothing is taken that still counts. Every organisation's: an operator's job.  $1 before
DELETE FROM mail_allowances WHERE $1 > ALL (moments);

-- name: drop_old_saml_requests
-- Requests to identity providers that nobody answered. Every organisation's: an operator's job.  $1 now
DELETE FROM saml_requests WHERE expires <= $1;

-- name: drop_old_saml_assertions
-- Assertions that nobody would take again anyway. Every organisation's: an operator's job.  $1 now
DELETE FROM saml_assertions WHERE expires <= $1;
