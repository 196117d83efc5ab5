"""The SCIM 2.0 face: RFC 7643, RFC 7644 and RFC 9865 over the directory."""
