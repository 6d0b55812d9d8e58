"""What is sent through real SDKs is nowhere in the file, though the model repeats it."""

import random
import resource
import string
import subprocess
import sys
import warnings

import anthropic
import openai
import pytest
from conftest import NOWHERE
from scenarios import said

from f3dx_cache import use

LETTERS = string.ascii_letters + string.digits


@pytest.fixture
def key():
    """A key of this run, in the format of OpenAI's."""
    return "sk-proj-" + "".join(random.Random(7).choices(LETTERS, k=60)) + "a7"


def leaks(folder, key, *told):
    """Returns what holds the key: a file beside the cache, the cache, or what was told."""
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert any(files.values())
    files["told"] = "\n".join(map(str, told)).encode()
    return [name for name, content in files.items() if key.encode() in content]


def ask_openai(url, key, text, **options):
    client = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)
    answer = client.chat.completions.create(model="m", messages=said(text), **options)
    if not options:
        return answer.choices[0].message.content
    return "".join(event.choices[0].delta.content or "" for event in answer if event.choices)


def ask_anthropic(url, key, text, **options):
    client = anthropic.Anthropic(base_url=url, api_key=key, max_retries=0)
    if not options:
        answer = client.messages.create(model="m", max_tokens=99, messages=said(text))
        return answer.content[0].text
    with client.messages.stream(model="m", max_tokens=99, messages=said(text)) as stream:
        return "".join(stream.text_stream)


ASK = pytest.mark.parametrize("ask", [ask_openai, ask_anthropic], ids=["openai", "anthropic"])
STREAM = pytest.mark.parametrize("how", [{}, {"stream": True}], ids=["unary", "stream"])
CUT = pytest.mark.parametrize("cut", ["", "[[gzip]]", "[[chunk:7]]"], ids=["whole", "gzip", "cut"])


@ASK
@STREAM
@CUT
def test_a_key_that_the_model_repeats_is_not_kept(
    ask, how, cut, key, provider, options, tmp_path
):
    text = f"[[echo]]{cut} My key is {key} and its password=hunter2hunter2 too."
    with use(**options) as cache:
        cold = ask(provider.url, key, text, **how)
        assert key in cold, "the caller gets what the model said"
        assert cache.summary()["recorded"] == 1
        told = [*cache.warnings(), cache.summary()]
    assert "test_a_key_that_the_model_repeats" in told[0]
    with use(mode="replay", **options):
        warm = ask(NOWHERE, "another-key-of-a-colleague-1", text, **how)
    assert warm == cold.replace(key, "[secret]").replace("hunter2hunter2", "[secret]")
    assert leaks(tmp_path, key, *told) == []
    assert leaks(tmp_path, "hunter2hunter2", *told) == []


@ASK
def test_a_miss_shows_no_key(ask, key, provider, options, tmp_path):
    with use(**options):
        ask(provider.url, key, f"[[echo]] is {key} valid?")
    with pytest.raises(BaseException) as missed, use(mode="replay", **options):  # noqa: PT011
        ask(NOWHERE, key, f"[[echo]] is {key[:-1]}8 valid?")
    assert "nearest" in str(missed.value)
    assert leaks(tmp_path, key[:-1], missed.value) == []


BIG = """
import resource, sys
from f3dx_cache import Cache
path, length = sys.argv[1], int(sys.argv[2])
body = b"0123456789abcde\\n" * (length // 16)
with Cache(path, mode="record") as cache:
    cache.put({"big": 1}, body)
with Cache(path, mode="replay") as cache:
    assert cache.get({"big": 1}) == body
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs getrusage")
def test_a_big_response_takes_six_times_its_length_at_most(tmp_path):
    assert resource.getpagesize()
    length = 100_000_000
    done = subprocess.run(
        [sys.executable, "-c", BIG, tmp_path / "big.redb", str(length)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    peak = int(done.stdout)
    assert peak * 1024 < 6 * length + (64 << 20), f"{peak} KiB"
    warnings.warn(f"peak {peak} KiB", stacklevel=1)
