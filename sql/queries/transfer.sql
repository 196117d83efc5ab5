-- name: export_page
-- The next users in the order of their ids, each with the groups that the user is in: their ids and names, and
-- whether another group is called the same.  $1 organisation, $2 after this user, $3 how many
SELECT u.id, u.document, u.mail_stand_in, team.ids, team.names, team.shared
FROM (SELECT id, document, mail_stand_in FROM users
      WHERE org_id = $1 AND id > $2 ORDER BY id LIMIT $3) AS u
LEFT JOIN LATERAL (
    SELECT array_agg(g.id ORDER BY g.display_name_key, g.id) AS ids,
           array_agg(g.display_name ORDER BY g.display_name_key, g.id) AS names,
           array_agg(EXISTS (SELECT FROM groups AS o
                             WHERE o.org_id = $1 AND o.display_name_key = g.display_name_key AND o.id <> g.id)
                     ORDER BY g.display_name_key, g.id) AS shared
    FROM group_members AS m JOIN groups AS g ON g.org_id = $1 AND g.id = m.group_id
    WHERE m.org_id = $1 AND m.user_id = u.id
) AS team ON true
ORDER BY u.id;

-- name: count_users
-- How many users there are, from the totals.  $1 organisation
SELECT ((SELECT coalesce(sum(t.total), 0) FROM totals AS t WHERE t.org_id = $1 AND t.kind = 'User')
        + (SELECT coalesce(sum(d.delta), 0) FROM total_deltas AS d
           WHERE d.org_id = $1 AND d.kind = 'User'))::bigint AS users;
