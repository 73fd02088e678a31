"""Starts the stack's processes and ends them, each with everything it started itself."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import NoReturn

_PR_SET_PDEATHSIG = 1
_GRACE_SECONDS = 15.0


class StackError(RuntimeError):
    """A process of the local stack did not do what it was started for."""


class Interrupted(BaseException):
    """Somebody asked this program to end; carries the exit code that says so."""

    def __init__(self, signal_number: int) -> None:
        self.exit_code = 128 + signal_number
        super().__init__(f"ended by signal {signal_number}")


@contextlib.contextmanager
def ending_on_signals() -> Iterator[None]:
    """Turn Ctrl-C, a kill and a closed terminal into one exception, so that every process is ended in order."""

    def interrupt(number: int, _frame: FrameType | None) -> NoReturn:
        for signal_number in ended_by:  # a second Ctrl-C must not interrupt the tidying up
            signal.signal(signal_number, signal.SIG_IGN)
        raise Interrupted(number)

    ended_by = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    previous = {number: signal.signal(number, interrupt) for number in ended_by}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _die_with_parent() -> None:
    """Ask Linux to end this process when the one that started it is gone, even by SIGKILL."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass(slots=True)
class Processes:
    """The running processes of one stack, by name.

    Each leads a process group of its own: Airflow's components start further processes, which end with the group.
    """

    environment: Mapping[str, str]
    folder: Path
    logs: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, *arguments: str) -> None:
        """Start the Python module or program that ``arguments`` name; its output goes to ``<logs>/<name>.log``."""
        self.logs.mkdir(parents=True, exist_ok=True)
        with self.log(name).open("wb") as output:
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                cwd=self.folder,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - one system call, and no threads here
            )

    def run(self, name: str, *arguments: str) -> None:
        """Run a process to its end.

        Raises:
            StackError: when it fails; the message holds the end of its output.
        """
        self.start(name, *arguments)
        self.finish(name)

    def finish(self, name: str) -> None:
        """Wait for a started process that ends by itself.

        Raises:
            StackError: when it fails; the message holds the end of its output.
        """
        code = self.running[name].wait()
        del self.running[name]
        if code != 0:
            raise StackError(f"{name} failed with exit code {code}:\n{self.tail(name)}")

    def log(self, name: str) -> Path:
        """Return the file that holds a process's output."""
        return self.logs / f"{name}.log"

    def tail(self, name: str, *, lines: int = 25) -> str:
        """Return the last lines of a process's output."""
        return "\n".join(self.log(name).read_text(errors="replace").splitlines()[-lines:])

    def check_alive(self) -> None:
        """Make sure that nothing has died.

        Raises:
            StackError: naming the process that ended, with the end of its output.
        """
        for name, process in self.running.items():
            if process.poll() is not None:
                raise StackError(
                    f"{name} ended with exit code {process.returncode}; its output is in {self.log(name)}:\n"
                    f"{self.tail(name)}"
                )

    def stop(self) -> None:
        """End every process group: politely first, then surely."""
        for process in self.running.values():
            _signal_group(process, signal.SIGTERM)
        deadline = time.monotonic() + _GRACE_SECONDS
        for process in self.running.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
        for process in self.running.values():
            _signal_group(process, signal.SIGKILL)  # also what an ended leader left behind
            process.wait()
        self.running.clear()


def _signal_group(leader: subprocess.Popen[bytes], signal_number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader.pid, signal_number)


def first_line(processes: Processes, name: str, *, timeout_seconds: float) -> str:
    """Return the first complete line of a process's output.

    Raises:
        StackError: when it ends, or says nothing for too long.
    """
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        line, newline, _rest = processes.log(name).read_text(errors="replace").partition("\n")
        if newline:
            return line
        processes.check_alive()
        time.sleep(0.1)
    raise StackError(f"{name} said nothing for {timeout_seconds:.0f} seconds; see {processes.log(name)}.")


def seconds_since(start: float) -> str:
    """Return the whole seconds since a ``time.monotonic()``, as a column for progress lines."""
    return f"{time.monotonic() - start:5.0f}s"
