-- What decides who may be a user of an organisation (its Email Domains, how addresses are treated, its
-- time zone) gets another identifier with each change: a user is written under the condition that it
-- still is the one that was looked at. No number, because one could come again after a fail-over or a
-- restore. Servers of the version before do not give it a new one: stop them first.

ALTER TABLE organizations ADD COLUMN rules uuid NOT NULL DEFAULT gen_random_uuid();
