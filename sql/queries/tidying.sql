-- name: try_tidying
-- One process tidies at a time; the others need not wait.
SELECT pg_try_advisory_xact_lock(hashtext('scimserver.tidying'));

-- name: fold_totals
-- Add the deltas up, so that counting stays cheap. Every organisation's: an operator's job.
WITH moved AS (
    DELETE FROM total_deltas RETURNING org_id, kind, delta
), summed AS (
    SELECT org_id, kind, sum(delta) AS delta FROM moved GROUP BY org_id, kind
)
INSERT INTO totals (org_id, kind, total)
SELECT org_id, kind, delta FROM summed
ON CONFLICT (org_id, kind) DO UPDATE SET total = totals.total + excluded.total;

-- name: drop_old_messages
-- What nobody fetched from the outbox in time. Every organisation's: an operator's job.  $1 before
DELETE FROM outbox WHERE created < $1;

-- name: drop_failed_mail
-- What could not be mailed, long ago. Every organisation's: an operator's job.  $1 before
DELETE FROM mail_jobs WHERE failed < $1;

-- name: drop_dead_links
-- Links that cannot be used any more. Every organisation's: an operator's job.  $1 before
DELETE FROM password_resets WHERE expires < $1 OR used < $1;

-- name: drop_idle_allowances
-- Allowances of which nothing is taken that still counts. Every organisation's: an operator's job.  $1 before
DELETE FROM mail_allowances WHERE $1 > ALL (moments);
