"""The manifest beside a pool CSV: how the pool was made, and all that is needed to continue an unfinished pool."""

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path

from pool.files import replacing
from pool.missing_indicators import Contradictions
from pool.parameters import CyclePlan, CycleSettings, PoolParameters
from pool.protocols import Epoch, TrainingRecord

FORMAT = 4  # a manifest of another format is left alone
DECIDING_PACKAGES = ("mostlyai", "mostlyai-engine", "torch", "numpy", "pandas")  # other versions give other rows
WITHOUT_EFFECT = ("cycle_backend",)  # parameters that do not change the rows


@dataclass(frozen=True, kw_only=True)
class CycleRecord:
    """One finished cycle. Its rows are in the file `part` until the pool is finished, and then in the pool CSV.

    settings: as trained, so with a smaller batch than planned if memory ran out. retry_reason: why it was trained a
    second time, or None. size, sha256: of its bytes. accuracy: overall accuracy of its first rows, 0 to 1, or None if
    nothing scores them. repaired: the rows that broke each rule and were repaired, by the text of the rule.
    """

    number: int  # from 1
    seed: int
    rows: int
    settings: CycleSettings
    retry_reason: str | None
    size: int
    sha256: str
    seconds: float
    training: TrainingRecord
    accuracy: float | None
    contradictions: Contradictions
    repaired: dict[str, int]
    part: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a pool is built from, and its finished cycles by their numbers.

    treatment: what is done to columns and rows, in words. sha256: of the CSV once it is finished.
    """

    training_sha256: str | None
    treatment: tuple[str, ...]
    parameters: dict[str, object]
    plan: tuple[CyclePlan, ...]
    versions: dict[str, str]
    cycles: dict[int, CycleRecord]
    sha256: str | None = None

    @classmethod
    def of(
        cls,
        parameters: PoolParameters,
        plan: tuple[CyclePlan, ...],
        training_sha256: str | None,
        treatment: Sequence[str] = (),
    ) -> "Manifest":
        """Return the manifest of a pool that has no cycle yet."""
        versions = {"python": platform.python_version()} | {package: version(package) for package in DECIDING_PACKAGES}
        return cls(
            training_sha256=training_sha256,
            treatment=tuple(treatment),
            parameters=asdict(parameters),
            plan=plan,
            versions=versions,
            cycles={},
        )

    @property
    def is_complete(self) -> bool:
        return self.sha256 is not None

    def with_cycle(self, cycle: CycleRecord) -> "Manifest":
        """Return the manifest with this record, in place of an earlier record of the same cycle."""
        return replace(self, cycles=self.cycles | {cycle.number: cycle})

    def difference(self, wanted: "Manifest") -> str | None:
        """Say why the rows of this pool differ from those that `wanted` asks for; None if they do not."""
        if self.training_sha256 != wanted.training_sha256:
            return "other training data"
        if self.treatment != wanted.treatment:
            return "other kinds of columns or other rules"
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
    """Write the manifest beside the pool CSV in place of the one before, whole or not at all."""
    cycles = [manifest.cycles[number] for number in sorted(manifest.cycles)]
    rows = sum(cycle.rows for cycle in cycles)
    content = {"format": FORMAT, "pool": pool.name, "is_complete": manifest.is_complete, "rows": rows}
    content |= asdict(manifest) | {"cycles": [asdict(cycle) for cycle in cycles]}
    with replacing(manifest_path(pool)) as file:
        file.write(json.dumps(content, indent=2).encode() + b"\n")


def read_manifest(path: Path) -> Manifest | None:
    """Return the manifest in a file; None if the file is no manifest, has another format, or cannot be read."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            return None
        cycles = [_cycle(entry) for entry in content["cycles"]]
        return Manifest(
            training_sha256=content["training_sha256"],
            treatment=tuple(content["treatment"]),
            parameters=content["parameters"],
            plan=tuple(CyclePlan(**_with_settings(entry)) for entry in content["plan"]),
            versions=content["versions"],
            cycles={cycle.number: cycle for cycle in cycles},
            sha256=content["sha256"],
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _cycle(entry: dict) -> CycleRecord:
    training = entry["training"]
    epochs = tuple(Epoch(**epoch) for epoch in training["epochs"])
    parts = {
        "training": TrainingRecord(**training | {"epochs": epochs}),
        "contradictions": Contradictions(**entry["contradictions"]),
    }
    return CycleRecord(**_with_settings(entry) | parts)


def _with_settings(entry: dict) -> dict:
    return entry | {"settings": CycleSettings(**entry["settings"])}


def _plain(values: dict[str, object]) -> dict[str, object]:
    return json.loads(json.dumps(values))
