"""A SCIM 2.0 provisioning endpoint: the user directory of a customer-experience suite."""

__version__ = "0.1.0"
