"""PostgreSQL, and nothing about our tables: pools, named queries, migrations, the embedded server."""
