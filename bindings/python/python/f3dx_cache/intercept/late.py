"""Notices libraries that are imported later.

Importing them here instead would cost every run that does not use them, and would
break `httpx2.alias_httpx()`, which must come before the first `import httpx`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


def imported(names: Sequence[str]) -> Iterator[ModuleType]:
    """Returns those of the modules that are completely imported."""
    for name in names:
        module = sys.modules.get(name)
        if module is not None and not getattr(module.__spec__, "_initializing", False):
            yield module


def watch(names: Sequence[str], seen: Callable[[ModuleType], None]) -> None:
    """Calls `seen` with each of the modules right after its first import."""
    if not watching():
        sys.meta_path.insert(0, _Watcher(names, seen))


def unwatch() -> None:
    """Stops watching."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Watcher)]


def watching() -> bool:
    """Returns whether imports are watched."""
    return any(isinstance(finder, _Watcher) for finder in sys.meta_path)


class _Watcher(MetaPathFinder):
    def __init__(self, names: Sequence[str], seen: Callable[[ModuleType], None]) -> None:
        self.names = names
        self.seen = seen

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self.names:
            return None
        for finder in sys.meta_path:
            if isinstance(finder, _Watcher):
                continue
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _Loader(spec.loader, self.seen)
                return spec
        return None


class _Loader(Loader):
    """Loads as the loader it stands for does, then says so."""

    def __init__(self, loader: Any, seen: Callable[[ModuleType], None]) -> None:
        self._loader = loader
        self._seen = seen

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None and module.__spec__.loader is self:
            module.__spec__.loader = self._loader
            module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._seen(module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)
