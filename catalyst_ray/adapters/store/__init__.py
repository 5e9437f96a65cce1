"""Owns everything that survives the process: one SQL store for SQLite and PostgreSQL.

``SqlStore`` is the port's implementation and the only name to import from here; each other module holds
the statements of one concern and takes an open connection.
"""

from catalyst_ray.adapters.store.store import SqlStore

__all__ = ["SqlStore"]
