"""Owns what a database's failure means and what the operator should do; raises nothing itself.

Drivers tell failures apart by code (SQLite's error name, PostgreSQL's SQLSTATE). A refused connection to
PostgreSQL carries no code, so its words are read.
"""

from __future__ import annotations

from dataclasses import dataclass

_OTHER_PROGRAM = "end the other program that writes to it: a second driver, a backup, a database browser"
_FREE_SPACE = "free some space; nothing that was stored is lost"
_MEND_FILE = (
    "stop all that use it, then put your backup in its place (docs/operate.md), or save what can be had with "
    "sqlite3 FILE .recover; or move it away with its -wal and -shm files: a new store is made"
)
_MEND_SERVER = "the server's log names the table; put your backup in its place (docs/operate.md)"
_IS_IT_UP = "check that the server runs and that DATABASE_URL names its host and port"
_LOGIN = "check user and password in DATABASE_URL"
_DATABASE = "create it (createdb NAME), or correct its name in DATABASE_URL"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What went wrong, in words.

    Args:
        settings_wrong: The settings must be changed; trying again cannot help.
    """

    message: str
    hint: str | None = None
    settings_wrong: bool = False


_SQLITE = {
    "SQLITE_BUSY": Diagnosis("the database is locked and stayed so", _OTHER_PROGRAM),
    "SQLITE_LOCKED": Diagnosis("the database is locked and stayed so", _OTHER_PROGRAM),
    "SQLITE_FULL": Diagnosis("the disk is full", _FREE_SPACE),
    "SQLITE_IOERR": Diagnosis("the disk failed", "check its free space and its health"),
    "SQLITE_CORRUPT": Diagnosis("the file is damaged", _MEND_FILE),
    "SQLITE_NOTADB": Diagnosis("the file is no SQLite database, or its beginning is damaged", _MEND_FILE),
    "SQLITE_READONLY": Diagnosis(
        "the database cannot be written",
        "check the permissions of the file and its folder",
        settings_wrong=True,
    ),
    "SQLITE_CANTOPEN": Diagnosis(
        "the file cannot be opened",
        "check that it is a file, and the permissions of it and its folder",
        settings_wrong=True,
    ),
}

_POSTGRES = {
    "28": Diagnosis("the server refused the login", _LOGIN, settings_wrong=True),
    "3D": Diagnosis("the server has no such database", _DATABASE, settings_wrong=True),
    "42501": Diagnosis("the user may not do this", "grant it CREATE on the schema", settings_wrong=True),
    "53100": Diagnosis("the server's disk is full", _FREE_SPACE),
    "53300": Diagnosis("the server has no connection left", "raise max_connections or end other clients"),
    "55P03": Diagnosis("the database is locked and stayed so", _OTHER_PROGRAM),
    "25006": Diagnosis(
        "the server takes no writes", "name the primary server in DATABASE_URL, not a standby"
    ),
    "XX00": Diagnosis("the server's files are damaged", _MEND_SERVER),
    "57": Diagnosis("the server is shutting down or starting", _IS_IT_UP),
    "08": Diagnosis("the connection to the server broke", _IS_IT_UP),
}

_REFUSALS = (
    ("password authentication failed", _POSTGRES["28"]),
    ("no password supplied", _POSTGRES["28"]),
    ("no pg_hba.conf entry", _POSTGRES["28"]),
    ("role ", _POSTGRES["28"]),
    ("database ", _POSTGRES["3D"]),
)


def diagnose(error: BaseException) -> Diagnosis:
    """Return what an exception of SQLAlchemy or a driver means."""
    cause = getattr(error, "orig", None) or error
    code = getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None)
    if code:
        return _by_code(str(code)) or Diagnosis(f"{_first_line(cause)} [{code}]")
    words = _first_line(cause)
    if "FATAL:" in words:
        refusal = words.partition("FATAL:")[2].strip()
        for start, known in _REFUSALS:
            if refusal.startswith(start):
                return Diagnosis(f"{known.message}: {refusal}", known.hint, settings_wrong=True)
    if "connection" in words:
        return Diagnosis(words, _IS_IT_UP)
    return Diagnosis(words)


def _by_code(code: str) -> Diagnosis | None:
    table = _SQLITE if code.startswith("SQLITE_") else _POSTGRES
    return next((known for start, known in table.items() if code.startswith(start)), None)


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), "") or type(error).__name__
