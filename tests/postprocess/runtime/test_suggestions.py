import pytest

from postprocess.runtime.suggestions import closest, question


@pytest.mark.parametrize(
    ("name", "expected"), [("ID", "id"), ("zipp", "zip"), (" age ", "age"), ("wage", "age"), ("x", None)]
)
def test_the_closest_name_is_found_whatever_its_case(name, expected):
    assert closest(name, ["id", "zip", "age"]) == expected


def test_the_question_is_empty_if_no_name_is_alike():
    assert question("ID", ["id"]) == "; is 'id' meant?" and question("x", ["id"]) == ""
