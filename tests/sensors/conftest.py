"""What holds for tests on the virtual radio: bleak knows asyncio only, and no test leaves a task behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def no_task_is_left_behind() -> AsyncIterator[None]:
    """Fail a test that ends while a task that it started still runs."""
    yield
    assert [t for t in asyncio.all_tasks() if "TestRunner" not in repr(t.get_coro())] == []
