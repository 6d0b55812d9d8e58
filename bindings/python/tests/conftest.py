import hashlib
import os
import signal
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(REPOSITORY / "tests"))

from mock_provider.launch import mock_provider  # noqa: E402

#: The provider's port differs from run to run; its calls are those of api.openai.com.
ALIASES = {"127.0.0.1:*": "api.openai.com"}
#: Nothing listens here: the provider, switched off.
NOWHERE = "http://127.0.0.1:1"

# A shell starts what runs in its background with Ctrl-C ignored, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def running_provider():
    with mock_provider() as provider:
        yield provider


@pytest.fixture
def provider(running_provider):
    running_provider.reset()
    return running_provider


@pytest.fixture(autouse=True)
def a_folder_and_an_environment_of_its_own(tmp_path, monkeypatch):
    """No configuration, key or mode of this machine takes part."""
    for name in list(os.environ):
        if name.startswith("F3DX_CACHE_") or name.endswith(("_API_KEY", "_BASE_URL")):
            monkeypatch.delenv(name)
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def options(tmp_path):
    """Options under which calls to the mock provider are recorded."""
    return {"path": tmp_path / "cache.redb", "hosts": ["127.0.0.1:*"], "host_aliases": ALIASES}


def digest(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
