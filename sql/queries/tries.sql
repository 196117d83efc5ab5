-- name: take_from_source
-- Count a try for where it comes from; no row where it has failed too often.
-- $1 source, $2 now, $3 what a failure takes, $4 when a source that is full would be empty
INSERT INTO sign_in_sources AS s (source, empty_at) VALUES ($1, $2::timestamptz + $3::interval)
ON CONFLICT (source) DO UPDATE SET empty_at = greatest(s.empty_at, $2) + $3
WHERE greatest(s.empty_at, $2) + $3 <= $4
RETURNING empty_at;

-- name: wait_of_source
-- When a source will be empty.  $1 source
SELECT empty_at FROM sign_in_sources WHERE source = $1;

-- name: give_back_to_source
-- What was counted was no failure.  $1 source, $2 what a failure takes
UPDATE sign_in_sources SET empty_at = empty_at - $2::interval WHERE source = $1;

-- name: take_try
-- Count a try as a failure, which it is until it proves to be none; no row where it comes too early.
-- $1 organisation, $2 account, $3 device, $4 now, $5 seconds to wait after so many failures; after more, for ever,
-- $6 how long at most all the same, or NULL
INSERT INTO sign_in_tries (org_id, account, device, failures, latest, next_try)
VALUES ($1, $2, $3, 1, $4::timestamptz, $4::timestamptz + ($5::float8[])[1] * interval '1 second')
ON CONFLICT (org_id, account, device) DO UPDATE
SET failures = sign_in_tries.failures + 1, latest = $4,
    next_try = coalesce($4 + ($5::float8[])[sign_in_tries.failures + 1] * interval '1 second', 'infinity')
WHERE sign_in_tries.next_try <= $4 OR sign_in_tries.latest + $6::interval <= $4
RETURNING failures;

-- name: give_back_try
-- What was counted was no failure: nobody looked at the password. Beyond the ceiling, what waits for ever still does,
-- and who may try once in a while may do so now.
-- $1 organisation, $2 account, $3 device, $4 now, $5 the ceiling, $6 how long the others wait there
UPDATE sign_in_tries
SET failures = failures - 1,
    next_try = CASE WHEN failures > $5 THEN next_try ELSE $4 END,
    latest = CASE WHEN failures > $5 THEN $4::timestamptz - $6::interval ELSE latest END
WHERE org_id = $1 AND account = $2 AND device = $3 AND failures > 0;

-- change: forget_failures
-- Somebody signed in: what failed before on such a device does not count any more.
-- $1 organisation, $2 user, $3 device
change AS (
    DELETE FROM sign_in_tries WHERE org_id = $1 AND account = $2 AND device = $3 RETURNING account
)

-- change: forgive
-- A user has another password: no failure counts any more, and no device is known.  $1 organisation, $2 user
change AS (
    DELETE FROM sign_in_tries WHERE org_id = $1 AND account = $2 RETURNING account
), forgotten AS (
    DELETE FROM known_devices WHERE org_id = $1 AND user_id = $2
)

-- change: know_device
-- A user has signed in from a device.  $1 organisation, $2 user, $3 digest of the device's secret, $4 now
change AS (
    INSERT INTO known_devices (org_id, user_id, digest, last_used) VALUES ($1, $2, $3, $4)
    ON CONFLICT (org_id, user_id, digest) DO UPDATE SET last_used = excluded.last_used
    RETURNING user_id
)
