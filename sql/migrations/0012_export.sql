-- Administrators may export users. The built-in role holds every permission of an organisation; a new
-- permission has to be given to those roles that are there. Servers of the version before do not know
-- it, and read the permissions of roles by their names: stop them first.

UPDATE roles SET permissions = array_append(permissions, 'users.export')
WHERE built_in AND name_key = 'admin role' AND NOT 'users.export' = ANY (permissions);
