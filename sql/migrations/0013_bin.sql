-- Deleted users stay in a bin for thirty days: what it takes to have them back. No other table knows them, and
-- uniqueness ignores them. Servers of the version before may go on; whom they delete is not in the bin.

CREATE TABLE deleted_users (
    org_id         uuid        NOT NULL,
    id             uuid        NOT NULL,
    user_name      text        NOT NULL,
    user_name_key  text        COLLATE "C" NOT NULL,
    role_id        uuid        NOT NULL,
    group_ids      uuid[]      NOT NULL,
    mail_stand_in  boolean     NOT NULL,
    version        bigint      NOT NULL,
    created        timestamptz NOT NULL,
    document       bytea       NOT NULL,
    deleted        timestamptz NOT NULL,
    request_id     text        NOT NULL,
    CONSTRAINT deleted_users_pkey PRIMARY KEY (org_id, id),
    CONSTRAINT deleted_users_org_id_fkey FOREIGN KEY (org_id) REFERENCES organizations (id)
);
CREATE INDEX deleted_users_user_name_idx ON deleted_users (org_id, user_name_key);
CREATE INDEX deleted_users_deleted_idx ON deleted_users (deleted);
