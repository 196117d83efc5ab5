"""What runs beside requests: tidying, mail, and looking after SAML connections."""
