"""Signing in by SAML 2.0: what a response has to be, whose it is, and what it says.

`guard` looks at the text before anything is made of it, `verify` at the signature and what it covers,
`checks` at what was verified. Each of them refuses; none of them lets anybody in alone.
"""
