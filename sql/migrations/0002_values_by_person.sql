-- The personal values of an entry stand in one row for each person, no longer in one for each field:
-- a new user's entry has twenty, and two rows cost a write a fifth of what twenty do. What was kept
-- moves over. Servers of the version before cannot write the log afterwards: stop them first.

ALTER TABLE log_values RENAME TO log_values_by_field;
ALTER TABLE log_values_by_field RENAME CONSTRAINT log_values_pkey TO log_values_by_field_pkey;

CREATE TABLE log_values (
    org_id    uuid NOT NULL,
    entry_id  uuid NOT NULL,
    subject   uuid NOT NULL,
    kept      text NOT NULL,
    CONSTRAINT log_values_pkey PRIMARY KEY (org_id, entry_id, subject)
);

INSERT INTO log_values (org_id, entry_id, subject, kept)
SELECT org_id, entry_id, coalesce(subject, '00000000-0000-0000-0000-000000000000'),
       json_object_agg(field, json_build_array(encode(salt, 'hex'), value))::text
FROM log_values_by_field
GROUP BY org_id, entry_id, coalesce(subject, '00000000-0000-0000-0000-000000000000');

DROP TABLE log_values_by_field;

CREATE INDEX log_values_subject_idx ON log_values (org_id, subject)
    WHERE subject <> '00000000-0000-0000-0000-000000000000';
