-- A careless provider cannot empty the house: how many users a connection may deactivate and delete in
-- an hour, when it was held up because it wanted more, and what it did in that hour. Servers of the version
-- before neither count nor hold anybody up: stop them first.

ALTER TABLE connections
    ADD COLUMN removal_limit   integer DEFAULT 20,
    ADD COLUMN removal_percent integer NOT NULL DEFAULT 10,
    ADD COLUMN removals_paused timestamptz,
    ADD COLUMN removals_made   integer,
    ADD CONSTRAINT connections_removal_limit_check CHECK (removal_limit >= 0),
    ADD CONSTRAINT connections_removal_percent_check CHECK (removal_percent BETWEEN 0 AND 100),
    ADD CONSTRAINT connections_removals_made_check CHECK ((removals_paused IS NULL) = (removals_made IS NULL));

CREATE TABLE removals (
    org_id         uuid        NOT NULL,
    connection_id  uuid        NOT NULL,
    removed        timestamptz NOT NULL,
    number         bigint      NOT NULL,
    deletions      bigint      NOT NULL,
    is_deletion    boolean     NOT NULL,
    CONSTRAINT removals_pkey PRIMARY KEY (org_id, connection_id, removed, number),
    CONSTRAINT removals_connection_id_fkey FOREIGN KEY (org_id, connection_id)
        REFERENCES connections (org_id, id) ON DELETE CASCADE
);
