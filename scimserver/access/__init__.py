"""Who is calling: connections of identity providers, their bearer tokens, refused credentials."""
