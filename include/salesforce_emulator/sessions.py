"""Who is signed in. Sessions live in memory and end with the process, as an org's end with a release."""

from __future__ import annotations

import secrets
import threading
from datetime import datetime, timedelta
from http import HTTPStatus

from include.salesforce_emulator.clock import Clock
from include.salesforce_emulator.errors import SalesforceFault

LIFETIME = timedelta(hours=2)  # the default of Setup > Session Settings; each use extends it
_SWEEP_AT = 10_000


class Sessions:
    """The valid access tokens and whose they are; thread-safe."""

    def __init__(self, clock: Clock, organization_id: str) -> None:
        self._clock = clock
        self._prefix = organization_id[:15]
        self._lock = threading.Lock()
        self._sessions: dict[str, tuple[str, datetime]] = {}

    def begin(self, user_id: str) -> str:
        """Open a session and return its access token."""
        token = f"{self._prefix}!{secrets.token_urlsafe(48)}"
        now = self._clock.now()
        with self._lock:
            if len(self._sessions) >= _SWEEP_AT:
                self._sessions = {
                    token: session for token, session in self._sessions.items() if session[1] >= now
                }
            self._sessions[token] = (user_id, now + LIFETIME)
        return token

    def user_of(self, authorization: str) -> str:
        """Return the user of an ``Authorization`` header (``Bearer`` or ``OAuth``) and extend the session.

        Raises:
            SalesforceFault: INVALID_SESSION_ID, there is no such session, or none any more.
        """
        scheme, _, token = authorization.partition(" ")
        now = self._clock.now()
        with self._lock:
            session = self._sessions.get(token) if scheme.lower() in ("bearer", "oauth") else None
            if session is None or session[1] < now:
                raise SalesforceFault(
                    HTTPStatus.UNAUTHORIZED, "INVALID_SESSION_ID", "Session expired or invalid"
                )
            self._sessions[token] = (session[0], now + LIFETIME)
            return session[0]

    def end(self, token: str) -> None:
        """Sign one session out."""
        with self._lock:
            self._sessions.pop(token, None)

    def expire_all(self) -> int:
        """End every session and return how many there were."""
        with self._lock:
            ended = len(self._sessions)
            self._sessions.clear()
            return ended
