"""`verify` lists what is damaged, `recover` saves the rest; both are commands, too."""

import subprocess
import sys

import pytest

from f3dx_cache import Cache, FileError, recover, verify


@pytest.fixture
def whole(tmp_path):
    path = tmp_path / "llm.redb"
    with Cache(path, mode="record") as cache:
        for n in range(10):
            cache.put({"n": n}, f"<the answer to {n}>")
    return path


@pytest.fixture
def damaged(whole):
    damaged = whole.with_name("damaged.redb")
    damaged.write_bytes(whole.read_bytes().replace(b"<the answer to 4>", b"<the answer to 5>"))
    return damaged


def run(*arguments):
    command = [sys.executable, "-m", "f3dx_cache", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def test_a_whole_file_has_no_flaws(whole):
    assert verify(whole) == {"entries": 10, "intact": 10, "flaws": []}


def test_what_is_intact_is_saved(damaged):
    found = verify(damaged)
    assert (found["entries"], found["intact"]) == (10, 9)
    saved = recover(damaged, damaged.with_name("saved.redb"))
    assert saved["recovered"] == 9
    assert saved["lost"] == [flaw["fingerprint"] for flaw in found["flaws"] if flaw["fingerprint"]]
    with Cache(damaged.with_name("saved.redb"), mode="replay") as cache:
        assert cache.get({"n": 5}) == b"<the answer to 5>"
        assert cache.get({"n": 4}) is None


def test_no_file_is_an_error(tmp_path):
    with pytest.raises(FileError, match="there is no cache file"):
        verify(tmp_path / "missing.redb")


def test_a_new_file_is_not_written_over_another(whole):
    with pytest.raises(FileError, match="exists already"):
        recover(whole, whole)


def test_the_command_tells_scripts_by_its_exit_status(whole, damaged, tmp_path):
    told = run("verify", whole)
    assert (told.returncode, told.stdout) == (0, f"{whole}: 10 of 10 entries are intact\n")
    told = run("verify", damaged)
    assert told.returncode == 1
    assert "does not match its checksum" in told.stdout
    assert f"recover {damaged}" in told.stdout
    told = run("recover", damaged, tmp_path / "saved.redb")
    assert told.returncode == 1
    assert "9 entries recovered, 1 lost" in told.stdout
    told = run("verify", tmp_path / "missing.redb")
    assert (told.returncode, told.stdout) == (2, "")
    assert "there is no cache file" in told.stderr
