"""The subject: organisations, their Email Domains, their users and groups, by their rules.

Each slice is called through its door: `users.create(work, …)`, `domains.add(work, …)`.
"""
