"""Processes end with the stack, whatever ends the stack."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.local_stack.processes import Interrupted, Processes, StackError, ending_on_signals, first_line
from tests.conftest import PROJECT_ROOT

SECONDS_TO_BE_GONE = 30

FAMILY = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    for name, source in {
        "family": FAMILY,
        "failing": "import sys; print('no such thing'); sys.exit(3)",
    }.items():
        (tmp_path / f"{name}.py").write_text(source)
    running = Processes({**os.environ, "PYTHONPATH": str(tmp_path)}, tmp_path, tmp_path / "logs")
    yield running
    running.stop()


def test_stopping_ends_what_a_process_started_itself(processes: Processes) -> None:
    processes.start("family", "family")
    grandchild = int(first_line(processes, "family", timeout_seconds=60))
    its_end = os.pidfd_open(grandchild)

    processes.stop()

    # Killed is not yet gone: the kernel says when it is.
    gone, _, _ = select.select([its_end], [], [], SECONDS_TO_BE_GONE)
    os.close(its_end)
    assert gone


def test_a_process_that_fails_is_reported_with_the_end_of_its_output(processes: Processes) -> None:
    with pytest.raises(StackError, match="failing failed with exit code 3:\nno such thing"):
        processes.run("failing", "failing")


def test_a_process_that_died_is_named(processes: Processes) -> None:
    processes.start("failing", "failing")
    processes.running["failing"].wait()

    with pytest.raises(StackError, match="failing ended with exit code 3"):
        processes.check_alive()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_every_way_of_ending_the_program_ends_in_order(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(Interrupted) as interrupted, ending_on_signals():
        signal.raise_signal(number)

    assert interrupted.value.exit_code == 128 + number
    assert signal.getsignal(number) is before


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")
def test_processes_end_even_when_the_stack_is_killed(tmp_path: Path) -> None:
    stack = (
        "from pathlib import Path; import os, sys, time\n"
        "from include.local_stack.processes import Processes\n"
        "p = Processes(dict(os.environ), Path(sys.argv[1]), Path(sys.argv[1]))\n"
        "p.start('sleeper', 'sleeper')\n"
        "print(p.running['sleeper'].pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    (tmp_path / "sleeper.py").write_text("import time; time.sleep(600)")
    with subprocess.Popen(
        [sys.executable, "-c", stack, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": f"{PROJECT_ROOT}{os.pathsep}{tmp_path}"},
        stdout=subprocess.PIPE,
        text=True,
    ) as killed:
        assert killed.stdout is not None
        sleeper = int(killed.stdout.readline())
        watch = os.pidfd_open(sleeper)
        killed.kill()

    try:
        import select

        ended, _, _ = select.select([watch], [], [], 60)
    finally:
        os.close(watch)
    assert ended == [watch]
