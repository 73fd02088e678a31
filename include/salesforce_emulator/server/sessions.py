"""Who is signed in. A session outlives a restart of the org; of its token only a hash is kept."""

from __future__ import annotations

import hashlib
import secrets
import threading
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus

from include.salesforce_emulator.engine.clock import Clock
from include.salesforce_emulator.engine.errors import SalesforceFault
from include.salesforce_emulator.server.keeping import Shelf

LIFETIME = timedelta(hours=2)  # the default of Setup > Session Settings; each use extends it
_KEPT_EVERY = timedelta(minutes=1)
_SWEEP_AT = 10_000


@dataclass(frozen=True, slots=True)
class _Session:
    """One session.

    Attributes:
        kept_until: the end that would hold after a restart: not every use is worth a write.
    """

    user_id: str
    until: datetime
    kept_until: datetime

    def as_kept(self) -> dict[str, str]:
        return {"user_id": self.user_id, "until": self.until.isoformat()}


class Sessions:
    """The valid sessions, by the hash of their access tokens, and whose they are; thread-safe."""

    def __init__(self, clock: Clock, organization_id: str, shelf: Shelf) -> None:
        self._clock = clock
        self._prefix = organization_id[:15]
        self._shelf = shelf
        self._lock = threading.Lock()
        self._sessions: dict[str, _Session] = {}
        for key, kept in shelf.load().items():
            until = datetime.fromisoformat(kept["until"])
            self._sessions[key] = _Session(kept["user_id"], until, until)
        self._sweep()

    def begin(self, user_id: str) -> str:
        """Open a session and return its access token."""
        token = f"{self._prefix}!{secrets.token_urlsafe(48)}"
        until = self._clock.now() + LIFETIME
        with self._lock:
            if len(self._sessions) >= _SWEEP_AT:
                self._sweep()
            session = self._sessions[_key(token)] = _Session(user_id, until, until)
            self._shelf.keep(_key(token), session.as_kept)
        return token

    def user_of(self, authorization: str) -> str:
        """Return the user of an ``Authorization`` header (``Bearer`` or ``OAuth``) and extend the session.

        Raises:
            SalesforceFault: INVALID_SESSION_ID, there is no such session, or none any more.
        """
        scheme, _, token = authorization.partition(" ")
        key = _key(token)
        now = self._clock.now()
        with self._lock:
            session = self._sessions.get(key) if scheme.lower() in ("bearer", "oauth") else None
            if session is None or session.until < now:
                raise SalesforceFault(
                    HTTPStatus.UNAUTHORIZED, "INVALID_SESSION_ID", "Session expired or invalid"
                )
            self._sessions[key] = self._extended(key, session, now + LIFETIME)
            return session.user_id

    def end(self, token: str) -> None:
        """Sign one session out."""
        with self._lock:
            self._end(_key(token))

    def expire_all(self) -> int:
        """End every session and return how many there were."""
        return self.expire_others_than(None)

    def expire_others_than(self, user_id: str | None) -> int:
        """End the sessions of everybody else and return how many there were."""
        with self._lock:
            ended = [key for key, session in self._sessions.items() if session.user_id != user_id]
            for key in ended:
                self._end(key)
            return len(ended)

    def _extended(self, key: str, session: _Session, until: datetime) -> _Session:
        if abs(until - session.kept_until) < _KEPT_EVERY:
            return replace(session, until=until)
        extended = replace(session, until=until, kept_until=until)
        self._shelf.keep(key, extended.as_kept, can_wait=True)
        return extended

    def _sweep(self) -> None:
        now = self._clock.now()
        for key in [key for key, session in self._sessions.items() if session.until < now]:
            self._end(key)

    def _end(self, key: str) -> None:
        if self._sessions.pop(key, None) is not None:
            self._shelf.drop(key)


def _key(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
