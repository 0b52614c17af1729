"""The pool CSV and the manifest beside it, which says what each of its bytes comes from.

A cycle's rows go to a part file first and join the CSV only when the cycle is whole, so that the CSV holds whole cycles
at any time, and what is finished outlives a crash.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from pool.indicators import Contradictions
from pool.parameters import PoolParameters

PACKAGES = ("mostlyai", "mostlyai-engine", "torch", "numpy", "pandas")  # whose versions the manifest names


@dataclass(frozen=True, kw_only=True)
class CycleResult:
    """One finished cycle; its rows are the `rows` rows of the pool CSV that end at byte `end`."""

    number: int  # from 1
    seed: int
    rows: int
    end: int
    seconds: float
    accuracy: float | None  # overall accuracy of its first rows, 0 to 1; None where nothing scores
    contradictions: Contradictions


@dataclass(frozen=True, kw_only=True)
class PoolResult:
    """A finished pool: the CSV, its manifest, and the number of rows."""

    path: Path
    manifest: Path
    rows: int
    cycles: tuple[CycleResult, ...]


class PoolFile:
    """The pool CSV and its manifest; both exist from the first finished cycle on."""

    def __init__(
        self,
        folder: Path,
        parameters: PoolParameters,
        *,
        time: datetime,
        training_sha256: str | None,
    ) -> None:
        self.path = folder / f"flat_pool_{time:%Y%m%d_%H%M}.csv"
        self.cycles: dict[int, CycleResult] = {}
        self._parameters, self._training_sha256 = parameters, training_sha256

    @contextmanager
    def part(self) -> Iterator[BinaryIO]:
        """A file beside the CSV for the rows of a cycle, gone afterwards."""
        path = self.path.with_name(f"{self.path.stem}_{uuid4().hex[:8]}.part")
        try:
            with path.open("x+b") as part:
                yield part
        finally:
            path.unlink(missing_ok=True)

    def add(self, part: BinaryIO) -> int:
        """Make the part's rows the last ones of the CSV, wholly or not at all; returns where they end, in bytes."""
        part.flush()
        os.fsync(part.fileno())
        if self.cycles:
            part.seek(0)
            self._append(part)
        else:
            self._create(Path(part.name))
        return self.path.stat().st_size

    def record(self, cycle: CycleResult) -> None:
        """Bring the manifest up to date with a cycle whose rows were added."""
        self.cycles[cycle.number] = cycle
        content = {
            "pool": self.path.name,
            "is_complete": len(self.cycles) == self._parameters.train_iterations,
            "rows": self._rows(),
            "training_sha256": self._training_sha256,
            "parameters": asdict(self._parameters),
            "cycles": [
                asdict(cycle) | {"contradictions": cycle.contradictions._asdict()} for cycle in self.cycles.values()
            ],
            "versions": {package: version(package) for package in PACKAGES},
        }
        new = _manifest_of(self.path).with_suffix(".part")
        try:
            with new.open("w", encoding="utf-8") as file:
                json.dump(content, file, indent=2)
                file.flush()
                os.fsync(file.fileno())
            new.replace(_manifest_of(self.path))
        finally:
            new.unlink(missing_ok=True)

    def result(self) -> PoolResult:
        return PoolResult(
            path=self.path,
            manifest=_manifest_of(self.path),
            rows=self._rows(),
            cycles=tuple(self.cycles.values()),
        )

    def _rows(self) -> int:
        return sum(cycle.rows for cycle in self.cycles.values())

    def _create(self, part: Path) -> None:
        wanted = self.path
        for number in count(2):
            if not _manifest_of(self.path).exists():
                with suppress(FileExistsError):
                    self._name(part)
                    return
            self.path = wanted.with_name(f"{wanted.stem}_{number}{wanted.suffix}")

    def _name(self, part: Path) -> None:
        try:
            os.link(part, self.path)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links: take the name first, then put the file in its place
            self.path.open("xb").close()
            part.replace(self.path)

    def _append(self, part: BinaryIO) -> None:
        end = self.path.stat().st_size
        try:
            with self.path.open("ab") as file:
                shutil.copyfileobj(part, file)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            os.truncate(self.path, end)
            raise


def _manifest_of(pool: Path) -> Path:
    return pool.with_name(f"{pool.stem}_manifest.json")
