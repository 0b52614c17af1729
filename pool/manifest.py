"""The manifest beside a pool CSV: what each of its bytes comes from, and all that is needed to go on with it."""

import json
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path

from pool.disk import write_whole
from pool.indicators import Contradictions
from pool.parameters import CycleSettings, PoolParameters
from pool.plan import CyclePlan

FORMAT = 2  # of the manifest; pools of another one are left alone
DECIDING_PACKAGES = ("mostlyai", "mostlyai-engine", "torch", "numpy", "pandas")  # other versions, other bytes
WITHOUT_EFFECT = ("cycle_backend",)  # parameters that leave the bytes as they are


@dataclass(frozen=True, kw_only=True)
class TrainingFacts:
    """What a generator tells of its training."""

    epochs: float | None = None
    validation_loss: float | None = None  # the lowest one, whose weights are sampled
    device: str | None = None
    gpu_memory_bytes: int | None = None  # most that was in use on the whole GPU; None without one


@dataclass(frozen=True, kw_only=True)
class CycleRecord:
    """One finished cycle: its rows are the bytes `start` to `end` of the pool CSV, or those of the file `part`."""

    number: int  # from 1
    seed: int
    rows: int
    settings: CycleSettings  # as trained: with a smaller batch than planned where memory ran out
    retry_reason: str | None  # why it was trained a second time
    size: int  # bytes
    sha256: str  # of those bytes
    seconds: float
    training: TrainingFacts
    accuracy: float | None  # overall accuracy of its first rows, 0 to 1; None where nothing scores
    contradictions: Contradictions
    rare_cells: int  # shown as _RARE_, where the training data has no such value
    training_copies: int  # rows that equal a training row
    start: int | None = None  # byte of the pool CSV; None while the rows wait in a file of their own
    part: str | None = None  # that file's name, while they wait

    @property
    def end(self) -> int | None:
        return None if self.start is None else self.start + self.size

    def part_beside(self, pool: Path) -> Path:
        """The file that the rows of a waiting cycle are in."""
        assert self.part is not None, "the rows are in the pool CSV"
        return pool.with_name(self.part)


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a pool is built from, and its finished cycles, by number."""

    training_sha256: str | None
    parameters: dict[str, object]
    plan: tuple[CyclePlan, ...]
    versions: dict[str, str]
    cycles: dict[int, CycleRecord]
    sha256: str | None = None  # of the whole pool CSV, as far as the cycles reach

    @classmethod
    def of(cls, parameters: PoolParameters, plan: tuple[CyclePlan, ...], training_sha256: str | None) -> "Manifest":
        """The manifest of a pool that has no cycle yet."""
        versions = {"python": platform.python_version()} | {package: version(package) for package in DECIDING_PACKAGES}
        return cls(
            training_sha256=training_sha256, parameters=asdict(parameters), plan=plan, versions=versions, cycles={}
        )

    @property
    def is_complete(self) -> bool:
        return len(self.added()) == len(self.plan)

    def added(self) -> list[CycleRecord]:
        """The cycles whose rows are in the pool CSV, in order."""
        return [self.cycles[number] for number in sorted(self.cycles) if self.cycles[number].part is None]

    def waiting(self) -> list[CycleRecord]:
        """The cycles whose rows wait in a file of their own, in order."""
        return [self.cycles[number] for number in sorted(self.cycles) if self.cycles[number].part is not None]

    def end(self) -> int:
        """Bytes of the pool CSV that hold whole cycles."""
        return sum(cycle.size for cycle in self.added())

    def rows(self) -> int:
        """Rows of the pool CSV."""
        return sum(cycle.rows for cycle in self.added())

    def having(self, *cycles: CycleRecord) -> "Manifest":
        """With these cycles, in place of what was known of them."""
        return replace(self, cycles=self.cycles | {cycle.number: cycle for cycle in cycles})

    def without(self, numbers: Iterable[int]) -> "Manifest":
        """Without these cycles."""
        gone = set(numbers)
        return replace(self, cycles={number: cycle for number, cycle in self.cycles.items() if number not in gone})

    def difference(self, wanted: "Manifest") -> str | None:
        """Why the rows of this pool are not those that `wanted` asks for; None where they are."""
        if self.training_sha256 != wanted.training_sha256:
            return "other training data"
        for name, now in wanted.versions.items():
            if name in DECIDING_PACKAGES and self.versions.get(name) != now:
                return f"{name} {self.versions.get(name)}, now {now}"
        if self.plan == wanted.plan:
            return None
        before = _plain(self.parameters)
        for name, value in _plain(wanted.parameters).items():
            if before.get(name) != value and name not in WITHOUT_EFFECT:
                return f"{name}={before.get(name)!r}, now {value!r}"
        return "other cycles"


def manifest_path(pool: Path) -> Path:
    return pool.with_name(f"{pool.stem}_manifest.json")


def pool_path(manifest: Path) -> Path:
    return manifest.with_name(manifest.name.removesuffix("_manifest.json") + ".csv")


def write_manifest(manifest: Manifest, pool: Path) -> None:
    """Write it beside the pool CSV in place of the one before, whole or not at all, and safe from a power cut."""
    cycles = [manifest.cycles[number] for number in sorted(manifest.cycles)]
    content = {
        "format": FORMAT,
        "pool": pool.name,
        "is_complete": manifest.is_complete,
        "rows": manifest.rows(),
        "bytes": manifest.end(),
        "sha256": manifest.sha256,
        "training_sha256": manifest.training_sha256,
        "versions": manifest.versions,
        "parameters": manifest.parameters,
        "plan": [asdict(cycle) for cycle in manifest.plan],
        "cycles": [asdict(cycle) | {"end": cycle.end} for cycle in cycles],
    }
    write_whole(manifest_path(pool), json.dumps(content, indent=2) + "\n")


def read_manifest(path: Path) -> Manifest | None:
    """The manifest of a file; None where it is none, one of another format, or cannot be read."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            return None
        cycles = [_cycle(entry) for entry in content["cycles"]]
        return Manifest(
            training_sha256=content["training_sha256"],
            parameters=content["parameters"],
            plan=tuple(CyclePlan(**entry | {"settings": _settings(entry)}) for entry in content["plan"]),
            versions=content["versions"],
            cycles={cycle.number: cycle for cycle in cycles},
            sha256=content["sha256"],
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _cycle(entry: dict) -> CycleRecord:
    values = {name: value for name, value in entry.items() if name != "end"}
    parts = {
        "settings": _settings(entry),
        "training": TrainingFacts(**entry["training"]),
        "contradictions": Contradictions(**entry["contradictions"]),
    }
    return CycleRecord(**values | parts)


def _settings(entry: dict) -> CycleSettings:
    return CycleSettings(**entry["settings"])


def _plain(values: dict[str, object]) -> dict[str, object]:
    return json.loads(json.dumps(values))
