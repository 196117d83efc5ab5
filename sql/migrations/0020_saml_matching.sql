-- What else a SAML connection may do with what is asserted: find users by the externalId that is in an attribute, and
-- take their names over. Servers of the version before may go on until an attribute is named.

ALTER TABLE saml_connections
    ADD COLUMN external_id_attribute text,
    ADD COLUMN takes_names boolean NOT NULL DEFAULT false;
