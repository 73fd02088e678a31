"""Which process holds a claim, told so that others can see whether it still runs."""

from __future__ import annotations

import json
import os
import socket
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self
from uuid import uuid4

import psutil

_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
_PID_NAMESPACE: Final = Path("/proc/self/ns/pid")
_SAME_START_SECONDS: Final = 2.0
"""The instant at which a process started is computed from the time since boot, and moves a little with the clock."""


@dataclass(frozen=True, slots=True)
class Holder:
    """One execution of a step: where it runs, and a token that tells two executions in one process apart.

    ``machine`` names the host, its boot and the namespace of its process ids: a number means one process only there.
    ``started_at`` is in seconds since the epoch; numbers are used again, together with the start they are not.
    """

    machine: str
    pid: int
    started_at: float
    token: str

    @classmethod
    def here(cls) -> Self:
        """Return a holder of this process that equals no other."""
        return cls(_this_machine(), os.getpid(), psutil.Process().create_time(), uuid4().hex)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Return the holder that ``to_text`` wrote."""
        return cls(**json.loads(text))

    def to_text(self) -> str:
        """Return the holder as the ledger keeps it."""
        return json.dumps(asdict(self))

    @property
    def is_gone(self) -> bool:
        """Tell that the process ran on this very machine and does so no more; of others nothing is known."""
        if self.machine != _this_machine():
            return False
        try:
            process = psutil.Process(self.pid)
            is_another = abs(process.create_time() - self.started_at) > _SAME_START_SECONDS
            has_ended = process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True
        except psutil.AccessDenied:  # it is there
            return False
        return bool(is_another or has_ended)


def _this_machine() -> str:
    names = [socket.gethostname()]
    with suppress(OSError):  # Linux alone has these; elsewhere the name must do
        names += [_BOOT.read_text().strip(), str(_PID_NAMESPACE.readlink())]
    return "/".join(names)
