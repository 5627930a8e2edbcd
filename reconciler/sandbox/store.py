"""A pretend system with a file under it: a seed in YAML at first, the state in JSON after each change."""

import gc
import json
import os
import re
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, Generic, Self, TypeVar

import yaml

from reconciler.sandbox.switching import from_mapping

S = TypeVar("S")


class _Loader(yaml.CSafeLoader):
    """YAML in which ``off`` and ``0420`` are text, as they are in desired-state files.

    A repeated key is an error.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 (PyYAML's signature)
        mapping = super().construct_mapping(node, deep)
        if len(mapping) < len(node.value):
            keys = [key for key, _ in node.value]
            texts = [key.value for key in keys]
            twice = next((key for index, key in enumerate(keys) if key.value in texts[:index]), keys[-1])
            message = f"line {twice.start_mark.line + 1}: the key {twice.value!r} stands twice"
            raise yaml.YAMLError(message)
        return mapping


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("null", r"~|null|", ["~", "n", ""]),
    ("bool", r"true|false", ["t", "f"]),
    ("int", r"-?(0|[1-9][0-9]*)", list("-0123456789")),
    ("float", r"-?(0|[1-9][0-9]*)\.[0-9]+", list("-0123456789")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_pattern})\Z"), _first)


def _read_yaml(path: Path) -> Any:
    # Nothing here is garbage until the end, and looking for some takes twice as long as the reading.
    collecting = gc.isenabled()
    gc.disable()
    try:
        return yaml.load(path.read_bytes(), _Loader)  # noqa: S506 (a safe loader)
    finally:
        if collecting:
            gc.enable()


class Stored(ABC, Generic[S]):
    """What a pretend system holds, kept in ``path`` where there is one.

    ``serial`` counts writes: where it has not moved, nothing has changed. ``switches`` is a
    frozen dataclass of ``switch_type``.
    """

    switch_type: ClassVar[type[Any]]
    serial: int
    switches: S
    path: Path | None = None
    _saved_at = 0
    _kept: S | None = None

    @abstractmethod
    def fill(self, seed: Mapping[str, object]) -> None:
        """Put a seed into what is empty; raises ValueError that names the key with the mistake."""

    @abstractmethod
    def load_json(self, data: Any) -> None:
        """Take what to_json gave into what is empty; anything else raises whatever it trips over."""

    @abstractmethod
    def data(self) -> dict[str, object]:
        """Everything but the switches, as plain data."""

    @classmethod
    def from_seed(cls, seed: Mapping[str, object]) -> Self:
        """A store in memory; raises ValueError that names the key with the mistake."""
        store = cls()
        store.fill(seed)
        return store

    @classmethod
    def open(cls, seed_path: Path, state_path: Path | None = None) -> Self:
        """The store that the state file holds; where there is none yet, one that starts from the seed file.

        The state holds the switches too: to begin anew with a changed seed,
        remove the state file. Raises ValueError for a file that cannot be
        read or does not hold what it should.
        """
        if state_path is not None and state_path.exists():
            store = cls()
            try:
                store.load_json(json.loads(state_path.read_bytes()))
            except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
                message = (
                    f"{state_path}: this is no state of a sandbox; remove it to start from the seed again"
                )
                raise ValueError(message) from error
        else:
            try:
                store = cls.from_seed(_read_yaml(seed_path))
            except (ValueError, OSError, yaml.YAMLError) as error:
                reason = error.strerror if isinstance(error, OSError) else " ".join(str(error).split())
                message = f"{seed_path}: the sandbox cannot start from this seed: {reason}"
                raise ValueError(message) from error
        store.keep_in(state_path)
        return store

    def behave(self, switches: Mapping[str, object]) -> None:
        """Set these switches from now on; the state file keeps the earlier ones."""
        now: Any = self.switches
        self._kept = self._kept or self.switches
        self.switches = from_mapping(self.switch_type, {**asdict(now), **switches})

    def to_json(self) -> dict[str, object]:
        """Everything, as plain data that load_json takes back."""
        kept: Any = self._kept or self.switches
        return self.data() | {"switches": asdict(kept)}

    def keep_in(self, path: Path | None) -> None:
        """Keep the state in this file from the next change on."""
        self.path, self._saved_at = path, self.serial

    def save(self) -> None:
        """Write the state file, whole or not at all, where there is one and something has changed."""
        if self.path is None or self._saved_at == self.serial:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        draft = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(json.dumps(self.to_json(), separators=(",", ":")))
            draft.replace(self.path)
        except BaseException:
            draft.unlink()
            raise
        self._saved_at = self.serial
