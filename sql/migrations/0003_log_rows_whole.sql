-- A row of the log stays whole in its page up to 8 KB. Beyond 2 KB PostgreSQL would try to compress it
-- and move it aside: a new user's entry is mostly salts and digests, which do not shrink, and trying
-- took a fifth of the database's time for creating the user. Rows that are there stay as they are.
-- Servers of the version before may go on.

ALTER TABLE log_entries SET (toast_tuple_target = 8160);
ALTER TABLE log_values SET (toast_tuple_target = 8160);
