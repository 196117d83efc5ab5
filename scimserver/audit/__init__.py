"""The provisioning log: what every attempt to change leaves behind."""
