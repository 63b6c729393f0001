"""The store in SQL: SQLite for one machine, PostgreSQL beyond it."""
