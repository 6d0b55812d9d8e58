"""The whole job: recorded once, replayed without provider, keys or the right to write."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from conftest import ALIASES, digest
from mock_provider.launch import mock_provider
from offline import everything
from scenarios import ASYNC, SYNC

from f3dx_cache import use

NOBODY = 65534


@pytest.fixture
def folder():
    """A folder that others can reach, which pytest's own is not."""
    made = Path(tempfile.mkdtemp(prefix="f3dx-cache-"))
    made.chmod(0o755)
    yield made
    made.chmod(0o755)
    shutil.rmtree(made)


@pytest.mark.skipif(sys.platform == "win32", reason="needs users and modes of files")
def test_a_warm_run_needs_no_provider_no_key_and_may_not_write(folder, tmp_path):
    path = folder / "cache.redb"
    options = {"path": str(path), "hosts": ["127.0.0.1:*"], "host_aliases": ALIASES}
    with mock_provider() as provider, use(**options):
        cold = everything(provider.url, api_key="sk-test")
        assert provider.total() == len(SYNC) + len(ASYNC)

    options["copy"] = str(shutil.copy(path, tmp_path))
    path.chmod(0o444)
    folder.chmod(0o555)
    recorded, files = digest(path), sorted(folder.iterdir())
    user = NOBODY if os.getuid() == 0 else os.getuid()
    assert not any(name.endswith("_API_KEY") for name in os.environ)
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("offline.py"), json.dumps(options), str(user)],
        cwd=folder,  # a configuration is looked for here and above
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == cold
    assert digest(path) == recorded
    assert sorted(folder.iterdir()) == files
