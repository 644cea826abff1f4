"""Sessions in the database, each schema's in its own table."""

from django.contrib.sessions.backends import db


class SessionStore(db.SessionStore):
    """Look up only what can be a key.

    A cookie may hold anything, also characters that PostgreSQL refuses to compare with, which is
    no reason to answer with an error of the server.
    """

    def _validate_session_key(self, key: str | None) -> bool:
        return key is not None and 8 <= len(key) <= 40 and key.isascii() and key.isalnum()
