-- Passwords by the policy of the organisation (rule P7): its profile, whom its people ask, and whether what
-- an administrator sets always has to be changed. Of each password: whether it has to be changed, when it
-- expires unless it is used, who set it, and digests of former ones where the profile looks at them.
-- Servers of the version before may go on.

ALTER TABLE organizations
    ADD COLUMN password_profile   text    NOT NULL DEFAULT 'default',
    ADD COLUMN support_contact    text    NOT NULL DEFAULT '',
    ADD COLUMN must_change_locked boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT organizations_password_profile_check CHECK (password_profile IN ('default', 'pci'));

ALTER TABLE credentials
    ADD COLUMN must_change boolean     NOT NULL DEFAULT false,
    ADD COLUMN expires     timestamptz,
    ADD COLUMN set_by      text        COLLATE "C" NOT NULL DEFAULT 'connection',
    ADD COLUMN former      text[]      NOT NULL DEFAULT '{}',
    ADD CONSTRAINT credentials_set_by_check CHECK (set_by IN ('owner', 'link', 'administrator', 'connection'));
