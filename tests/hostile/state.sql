-- An organisation's rows, a phrase for each table. Each row counts with the transaction that wrote it, so
-- that what is written again differs, even if it says the same.
SELECT
    (SELECT count(*) || ' users ' || COALESCE(sum(hashtextextended(id || xmin::text, version)), 0)
        FROM users WHERE org_id = $1),
    (SELECT count(*) || ' groups ' || COALESCE(sum(hashtextextended(id || xmin::text, version)), 0)
        FROM groups WHERE org_id = $1),
    (SELECT count(*) || ' members ' || COALESCE(sum(hashtextextended(group_id::text || user_id || xmin::text, 0)), 0)
        FROM group_members WHERE org_id = $1),
    (SELECT count(*) || ' cases ' || COALESCE(sum(hashtextextended(id || xmin::text, version)), 0)
        FROM cases WHERE org_id = $1),
    (SELECT count(*) || ' deleted ' || COALESCE(sum(hashtextextended(id || xmin::text, version)), 0)
        FROM deleted_users WHERE org_id = $1),
    (SELECT count(*) || ' passwords ' || COALESCE(sum(hashtextextended(user_id || xmin::text, 0)), 0)
        FROM credentials WHERE org_id = $1),
    (SELECT count(*) || ' roles ' || COALESCE(sum(hashtextextended(id || xmin::text, version)), 0)
        FROM roles WHERE org_id = $1),
    (SELECT count(*) || ' connections ' || COALESCE(sum(hashtextextended(id || xmin::text, 0)), 0)
        FROM connections WHERE org_id = $1),
    (SELECT count(*) || ' removals ' || COALESCE(sum(number), 0) FROM removals WHERE org_id = $1),
    (SELECT count(*) || ' domains ' || COALESCE(sum(hashtextextended(domain || xmin::text, 0)), 0)
        FROM email_domains WHERE org_id = $1),
    (SELECT count(*) || ' tokens ' || COALESCE(sum(hashtextextended(
            id || digest::text || scopes::text || COALESCE(revoked::text, '') || COALESCE(expires::text, ''), 0)), 0)
        FROM api_tokens WHERE org_id = $1),
    (SELECT count(*) || ' organizations ' || COALESCE(sum(hashtextextended(id || xmin::text, version)), 0)
        FROM organizations WHERE id = $1),
    (SELECT 'totals ' || string_agg(kind || ' ' || total, ' ' ORDER BY kind) FROM (
        SELECT kind, sum(total) AS total FROM (
            SELECT kind, total FROM totals WHERE org_id = $1
            UNION ALL
            SELECT kind, delta FROM total_deltas WHERE org_id = $1
        ) AS parts GROUP BY kind
    ) AS sums)
