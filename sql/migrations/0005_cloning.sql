-- Administrators may clone users. The built-in role holds every permission of an organisation; a new
-- permission has to be given to those roles that are there. Servers of the version before may go on.

UPDATE roles SET permissions = array_append(permissions, 'users.clone')
WHERE built_in AND name_key = 'admin role' AND NOT 'users.clone' = ANY (permissions);
