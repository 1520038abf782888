"""The names behind a model's numbers, saved with it as ``labels.json``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import get_args

from intents.capability import CATALOG, catalog, slot_types
from intents.understanding import Act


@dataclass(frozen=True)
class Labels:
    """Intents, acts and slots in the order of the model's outputs."""

    intents: tuple[str, ...]
    acts: tuple[Act, ...]
    slots: tuple[str, ...]

    @classmethod
    def of_catalog(cls, folder: Path = CATALOG) -> Labels:
        """Every capability, act and slot of the catalogue in *folder*."""
        return cls(tuple(catalog(folder)), get_args(Act), tuple(slot_types(folder)))

    @classmethod
    def load(cls, path: Path) -> Labels:
        """What ``save`` wrote."""
        raw = json.loads(path.read_text("utf-8"))
        return cls(tuple(raw["intents"]), tuple(raw["acts"]), tuple(raw["slots"]))

    def save(self, path: Path) -> None:
        """Write to *path* as JSON."""
        raw = {"intents": self.intents, "acts": self.acts, "slots": self.slots}
        path.write_text(json.dumps(raw, ensure_ascii=False, indent=1) + "\n", "utf-8")

    @cached_property
    def tags(self) -> tuple[str, ...]:
        """The slot head's classes: ``O``, then ``B-`` and ``I-`` of each slot in turn."""
        return ("O", *(f"{part}-{slot}" for slot in self.slots for part in "BI"))
