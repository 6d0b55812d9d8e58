"""Bad input gets an error that names the thing, the place and the way out."""

import os
import shutil
import tempfile

import pytest

from f3dx_cache import Cache, CacheMiss, ConfigError, Error, FileError, JsonError, JsonTypeError

REQUEST = {"model": "gpt-4o", "messages": []}
CALL = ("POST", "https://api.openai.com/v1/chat/completions", [("host", "api.openai.com")])


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in ("F3DX_CACHE_MODE", "F3DX_CACHE_PATH", "F3DX_CACHE_DIR", "CI"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "llm.redb"


@pytest.fixture
def open_folder():
    """A folder that another user may look into, as pytest's own may not."""
    folder = tempfile.mkdtemp()
    os.chmod(folder, 0o755)
    yield folder
    os.chmod(folder, 0o755)
    shutil.rmtree(folder)


def unprivileged(work):
    """Return what `work` returns in a child that is not the superuser."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.getuid() == 0:
                os.setgid(65534)
                os.setuid(65534)
            text = work()
        except BaseException as cause:
            text = f"{type(cause).__name__} {getattr(cause, 'kind', '')}: {cause}"
        os.write(writing, text.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return text


def test_every_failure_is_an_error_and_a_miss_is_none():
    for failure in (JsonError, JsonTypeError, ConfigError, FileError):
        assert issubclass(failure, Error)
    assert issubclass(JsonError, ValueError)
    assert issubclass(JsonTypeError, TypeError)
    assert not issubclass(CacheMiss, Exception)


def test_garbage_is_no_cache(path):
    path.write_bytes(b"this is something else " * 500)
    for mode in ("record", "replay"):
        with pytest.raises(FileError) as caught:
            Cache(path, mode)
        assert caught.value.kind == "corrupt"
        assert str(path) in str(caught.value)
        assert "give another path" in str(caught.value)
    assert path.read_bytes().startswith(b"this is something else")


def test_a_git_lfs_pointer_is_recognized(path):
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
    with pytest.raises(FileError, match="git lfs pull"):
        Cache(path)


def test_a_folder_is_no_cache(tmp_path):
    with pytest.raises(FileError, match="is a directory") as caught:
        Cache(tmp_path)
    assert caught.value.kind == "io"


@pytest.mark.parametrize("mode", ["replay", "read_only"])
def test_a_missing_file_is_an_error_that_says_how_to_record_it(path, mode):
    with pytest.raises(FileError, match='mode="record" where the cache is opened') as caught:
        Cache(path, mode)
    assert str(path) in str(caught.value)
    assert not path.exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
class TestAsAnUnprivilegedUser:
    def test_an_unreadable_file_is_named(self, open_folder):
        path = f"{open_folder}/llm.redb"
        Cache(path).close()
        os.chmod(path, 0)
        message = unprivileged(lambda: str(Cache(path, "replay")))
        assert message.startswith(f"FileError io: {path}: ")
        assert "ermission denied" in message

    def test_a_read_only_folder_cannot_be_recorded_into(self, open_folder):
        path = f"{open_folder}/llm.redb"
        os.chmod(open_folder, 0o555)
        message = unprivileged(lambda: str(Cache(path, "record")))
        assert message.startswith("FileError read_only: ")
        assert open_folder in message
        assert not os.path.exists(path)

    def test_a_read_only_file_in_a_read_only_folder_is_replayed(self, open_folder):
        path = f"{open_folder}/llm.redb"
        with Cache(path) as cache:
            cache.put(REQUEST, b"an answer")
        os.chmod(path, 0o444)
        os.chmod(open_folder, 0o555)
        assert unprivileged(lambda: str(Cache(path, "replay").get(REQUEST))) == "b'an answer'"
        message = unprivileged(lambda: str(Cache(path, "record").put({}, b"another")))
        assert message.startswith(f"FileError read_only: {path}: ")
        assert "replay and read_only need no write access" in message


def test_replay_does_not_record(path):
    Cache(path).close()
    with Cache(path, "replay") as cache:
        for change in (lambda: cache.put(REQUEST, b"x"), lambda: cache.delete(REQUEST)):
            with pytest.raises(FileError) as caught:
                change()
            assert caught.value.kind == "read_only"
            assert 'mode="record" where the cache is opened' in str(caught.value)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"host": ["a"]}, "option host: "),
        ({"hosts": "a"}, "option hosts: "),
        ({"hosts": [{1}]}, "option hosts: /0: set is not JSON"),
        ({"repeats": "never"}, "`same` or `sequence`"),
        ({"lock_timeout_ms": -1}, "option lock_timeout_ms: "),
        ({"normalize": [{"at": "/a"}]}, "option normalize: "),
        ({"mode": "once"}, "replay, record, refresh, read_only, off"),
        ({"mode": 1}, "option mode: "),
        ({"mirror": "recordings"}, "mirror"),
    ],
)
def test_a_wrong_option_is_named(path, options, named):
    with pytest.raises(ConfigError) as caught:
        Cache(path, **options)
    assert caught.value.kind == "config"
    assert named in str(caught.value)
    assert not path.exists()


def test_a_wrong_mode_in_the_environment_is_named(path, monkeypatch):
    monkeypatch.setenv("F3DX_CACHE_MODE", "once")
    with pytest.raises(ConfigError, match='F3DX_CACHE_MODE: unknown mode "once"'):
        Cache(path)


def test_a_wrong_configuration_file_is_named(tmp_path, monkeypatch):
    (tmp_path / "f3dx-cache.toml").write_text("hosts = 1\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        Cache.for_tests()
    assert f"{tmp_path / 'f3dx-cache.toml'}: correct line 1, column 9" in str(caught.value)


@pytest.mark.parametrize(
    ("request_", "json_kind", "at"),
    [
        ("hello", "syntax", 0),
        (b'{"a": 1,}', "syntax", 8),
        ('{"a": NaN}', "syntax", 6),
        ("", "empty_input", 0),
        ('{"a":1,"a":2}', "duplicate_key", 7),
        (b'"\xff"', "invalid_utf8", 1),
        ({"temperature": float("nan")}, "syntax", "/temperature"),
        ({"messages": [b"x"]}, "unsupported_type", "/messages/0"),
    ],
)
def test_a_request_that_is_not_json_is_refused_with_its_place(path, request_, json_kind, at):
    with Cache(path) as cache:
        for use in (
            cache.get,
            cache.peek,
            cache.fingerprint,
            cache.explain,
            cache.delete,
            cache.meta,
            lambda request: request in cache,
            lambda request: cache.put(request, b""),
        ):
            with pytest.raises(JsonError) as caught:
                use(request_)
            error = caught.value
            assert (error.kind, error.json_kind, error.at) == ("invalid_json", json_kind, at)
            assert str(at) in str(error)
        assert cache.stats()["entries"] == 0
        assert cache.summary()["misses"] == 0


def test_a_fingerprint_is_64_digits(path):
    with Cache(path) as cache, pytest.raises(Error, match="64 hexadecimal digits") as caught:
        cache.request("abc")
    assert caught.value.kind == "invalid_argument"


def test_a_refused_call_explains_itself_and_is_kept(path):
    with Cache(path) as cache:
        exchange = cache.intercept(*CALL, b'{"model": "a"}')
        exchange.head(200, [("content-type", "application/json")])
        exchange.chunk(b'{"id": "1"}')
        assert exchange.finish("eof")
    with Cache(path, "replay") as cache:
        session = cache.session("a test", "the command that records")
        with pytest.raises(CacheMiss) as caught:
            session.intercept(*CALL, b'{"model": "b"}')
        explanation = caught.value.explanation
        assert explanation == str(caught.value)
        assert "POST api.openai.com/v1/chat/completions" in explanation
        assert "at /body/model" in explanation
        assert "the command that records" in explanation
        assert session.refused_misses() == [explanation]
        assert cache.refused_misses() == []
