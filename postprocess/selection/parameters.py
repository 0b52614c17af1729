"""The parameters of the selection, checked as a whole before anything is read."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

MIN_RESULT_ROWS = 100
SHARES_TOLERANCE = 1e-6  # of the sum of target shares, which should be 1


@dataclass(frozen=True, kw_only=True)
class SelectionParameters:
    """All sizes, limits and choices of the selection. The result depends on nothing else but the data and the pool.

    main.py says what each parameter does. Times are minutes, shares are 0..1, `max_memory` is in GiB.

    Raises ValueError, in one line that names the parameter, its value and what is allowed.
    """

    ipf_top_pairs: int | None
    ipf_iterations: int
    ipf_tolerance: float
    trimming_data_multiplier: float
    trimming_swapsize: int
    max_trimming_time: float
    refinement_top_pairs: int | None
    refinement_top_triples: int | None
    refinement_swapsize: int
    refinement_iterations: int
    refinement_tolerance: float
    max_refinement_time: float
    max_memory: float
    target_smoothing: float
    privacy_filter: float
    allow_training_copies: bool
    quasi_identifiers: tuple[str, ...]
    exclude_unique_combinations: bool
    threads: int | None
    seed: int
    rows: int | None = None
    exclude: tuple[str, ...] = ()
    weight_column: str | None = None
    target_shares: Mapping[str, Mapping[object, float]] = field(default_factory=dict)
    column_kinds: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[str, ...] = ()
    find_rules: bool = True
    realism: bool = True
    usefulness: bool = True
    target_column: str | None = None

    def __post_init__(self) -> None:
        for name, minimum in {"ipf_iterations": 1, "refinement_iterations": 0, "seed": 0}.items():
            self._check_whole(name, minimum)
        for name in ("trimming_swapsize", "refinement_swapsize"):
            self._check_whole(name, 2)
        limits = {"ipf_top_pairs": 1, "refinement_top_pairs": 0, "refinement_top_triples": 0, "threads": 1}
        for name, minimum in limits.items():
            self._check_whole(name, minimum, or_none=True)
        for name in ("max_trimming_time", "max_refinement_time"):
            self._check_number(name, "a number of minutes of at least 0", low=0)
        for name in ("ipf_tolerance", "refinement_tolerance", "privacy_filter"):
            self._check_number(name, "a share from 0 to 1", low=0, high=1)
        self._check_number("target_smoothing", "a number of at least 0", low=0)
        self._check_number("trimming_data_multiplier", "a number of at least 1", low=1)
        self._check_number("max_memory", "a number of GiB above 0", low=math.ulp(0.0))
        for name in ("allow_training_copies", "exclude_unique_combinations", "find_rules", "realism", "usefulness"):
            self._check(name, "True or False", isinstance(getattr(self, name), bool))
        for name in ("quasi_identifiers", "exclude", "rules"):
            if isinstance(value := getattr(self, name), list):
                object.__setattr__(self, name, tuple(value))
            self._check_texts(name)
        kinds = self.column_kinds
        are_kinds = isinstance(kinds, Mapping) and all(isinstance(each, str) for each in (*kinds, *kinds.values()))
        self._check("column_kinds", 'kinds by column, such as {"zip": "category"}', are_kinds)
        self._check(
            "exclude_unique_combinations",
            "False without quasi_identifiers",
            bool(self.quasi_identifiers) or not self.exclude_unique_combinations,
        )
        self._check_whole("rows", MIN_RESULT_ROWS, or_none=True)
        for name in ("weight_column", "target_column"):
            column = getattr(self, name)
            self._check(name, "None or the name of a column", column is None or isinstance(column, str))
        self._check_shares()

    def _check_texts(self, name: str) -> None:
        texts = getattr(self, name)
        are_texts = isinstance(texts, tuple) and all(isinstance(each, str) for each in texts)
        what = 'rules, such as ("price >= cost",)' if name == "rules" else 'column names, such as ("zip", "age")'
        self._check(name, f"a list or tuple of {what}", are_texts)
        self._check(name, "named once each", len(set(texts)) == len(texts))

    def _check_shares(self) -> None:
        allowed = 'shares of values by column, such as {"churn": {"yes": 0.3, "no": 0.7}}'
        self._check("target_shares", allowed, isinstance(self.target_shares, Mapping))
        for column, shares in self.target_shares.items():
            self._check("target_shares", allowed, isinstance(column, str) and isinstance(shares, Mapping))
            numbers = list(shares.values())
            are_shares = all(isinstance(share, int | float) and 0 <= share <= 1 for share in numbers)
            is_whole = are_shares and abs(sum(numbers) - 1) <= SHARES_TOLERANCE
            self._check("target_shares", f"shares from 0 to 1 that sum to 1, in column {column!r} as well", is_whole)

    def _check_whole(self, name: str, minimum: int, *, or_none: bool = False) -> None:
        value = getattr(self, name)
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        allowed = f"{'None or ' * or_none}a whole number of at least {minimum}"
        self._check(name, allowed, (is_whole and value >= minimum) or (or_none and value is None))

    def _check_number(self, name: str, allowed: str, *, low: float, high: float = math.inf) -> None:
        value = getattr(self, name)
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        self._check(name, allowed, is_number and low <= value <= high)

    def _check(self, name: str, allowed: str, is_valid: bool) -> None:
        if not is_valid:
            raise ValueError(f"{name}={getattr(self, name)!r}: must be {allowed}")
