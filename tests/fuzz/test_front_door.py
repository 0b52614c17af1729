"""Tests that any file gives a sound result, or one clear line and exit code 2.

FUZZ_EXAMPLES=2000 tests/run.sh -k fuzz tries 2,000 random files, other ones each time, and prints how the runs ended.
"""

import pytest

from tests.fuzz.checks import MAX_TEST_SECONDS, try_files
from tests.fuzz.files import calls

pytestmark = pytest.mark.slow


@pytest.mark.timeout(MAX_TEST_SECONDS)
@pytest.mark.usefixtures("_small")
def test_any_file_gives_a_sound_result_or_one_line(capsys):
    endings = try_files(calls(), 200, capsys)
    assert endings["sound"] > endings.total() / 4 and len(endings) > 10
