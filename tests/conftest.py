"""What holds for every test: Qt draws off screen, and no test leaves a thread behind."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["LC_ALL"] = "C.UTF-8"  # whatever this computer speaks, the program speaks English unless a test asks otherwise


@pytest.fixture(autouse=True)
def no_thread_is_left_running() -> Iterator[None]:
    """Fail a test that ends while a thread that it started still runs.

    Threads that Python did not start are let be: it keeps a dummy entry of those that called into it, alive or not.
    """
    before = set(threading.enumerate())
    yield
    started = [thread for thread in threading.enumerate() if thread not in before]
    left = [thread for thread in started if not isinstance(thread, threading._DummyThread)]
    for thread in left:
        thread.join(timeout=1.0)  # one that is on its way out may finish
    running = sorted(thread.name for thread in left if thread.is_alive())
    assert not running, f"these threads were left running: {', '.join(running)}"
