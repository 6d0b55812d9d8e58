"""One suite in three languages: where each is, what runs it, and in which environment."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent

KEYS = {"OPENAI_API_KEY": "sk-demo-not-a-key", "ANTHROPIC_API_KEY": "sk-ant-demo-not-a-key"}


@dataclass
class Suite:
    """A suite, and the command that runs it in its folder."""

    folder: Path
    command: list[str]
    #: What has the command run only the chat completions, which all SDKs send alike.
    only_chat: list[str]

    def start(
        self, mode: str, cache: Path, variables: dict[str, str], *arguments: str
    ) -> subprocess.Popen:
        """Starts it in a mode, on a file; without keys unless they are among the variables."""
        inherited = {k: v for k, v in os.environ.items() if k not in KEYS and k != "CI"}
        ours = {"NO_COLOR": "1", "F3DX_CACHE_MODE": mode, "F3DX_CACHE_PATH": str(cache)}
        return subprocess.Popen(
            [*self.command, *arguments],
            cwd=self.folder,
            env={**inherited, **variables, **ours},
            stdout=subprocess.PIPE,
            text=True,
        )


def python_suite() -> Suite:
    """Returns the suite in Python."""
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."]
    return Suite(HERE / "suite", pytest, ["-k", "chat_completion or same_question"])


def node_suite(folder: Path) -> Suite:
    """Installs the npm package, as packed, and the SDKs into a folder; returns the suite there."""
    shutil.copytree(HERE / "node", folder)
    shutil.copy(HERE / "f3dx-cache.toml", folder)
    pack = ["npm", "pack", "--silent", "--json", "--pack-destination", str(folder)]
    package = HERE.parents[1] / "bindings" / "node"
    packed = subprocess.run(pack, cwd=package, stdout=subprocess.PIPE, text=True, check=True)
    [tarball] = json.loads(packed.stdout)
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefer-offline"]
    subprocess.run([*install, f"./{tarball['filename']}"], cwd=folder, check=True)
    return Suite(folder, ["npx", "vitest", "run"], ["-t", "chat completion|same question"])


def go_suite() -> Suite:
    """Returns the suite in Go."""
    command = ["go", "test", "-count=1", "-v", "."]
    return Suite(HERE / "go", command, ["-run", "ChatCompletion|SameQuestion"])
