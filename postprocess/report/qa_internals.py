"""The private functions of mostlyai-qa that this project needs. No other module imports them.

Importing this module takes seconds, so it is imported only for a holdout.
"""

from mostlyai.qa._accuracy import bin_data
from mostlyai.qa._distances import (
    calculate_dcr_share,
    calculate_distances,
    calculate_ims,
    calculate_nndr_ratio,
)
from mostlyai.qa._sampling import prepare_data_for_accuracy, prepare_data_for_embeddings

__all__ = [
    "bin_data",
    "calculate_dcr_share",
    "calculate_distances",
    "calculate_ims",
    "calculate_nndr_ratio",
    "prepare_data_for_accuracy",
    "prepare_data_for_embeddings",
]
