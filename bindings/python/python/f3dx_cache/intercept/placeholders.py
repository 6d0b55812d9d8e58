"""Keys for replay: SDKs refuse to start without one, and replay needs none."""

from __future__ import annotations

import os

from .._native import replay_key_placeholders

PLACEHOLDER = "replayed-by-f3dx-cache"

_users = 0
_names: list[str] = []


def set_unset() -> None:
    """Gives the provider key variables that are unset a placeholder."""
    global _users
    _users += 1
    if _users == 1:
        _names[:] = [name for name in replay_key_placeholders() if name not in os.environ]
        os.environ.update(dict.fromkeys(_names, PLACEHOLDER))


def remove() -> None:
    """Takes the placeholders away again with the last user, but no key set meanwhile."""
    global _users
    _users -= 1
    if _users == 0:
        for name in _names:
            if os.environ.get(name) == PLACEHOLDER:
                del os.environ[name]
        _names.clear()
