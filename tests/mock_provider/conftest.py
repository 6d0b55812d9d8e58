"""The provider that a file of tests shares."""

from collections.abc import Iterator

import pytest

from .launch import MockProvider, mock_provider


@pytest.fixture(scope="module")
def running() -> Iterator[MockProvider]:
    with mock_provider() as provider:
        yield provider


@pytest.fixture
def provider(running: MockProvider) -> MockProvider:
    running.reset()
    return running
