from __future__ import annotations

from recordkit import errors
from recordkit.archive import pdf  # noqa: F401  (brings its error classes)
from recordkit.archive.search import port  # noqa: F401


def families(cls: type[errors.RecordkitError]) -> list[type[errors.RecordkitError]]:
    return [cls, *(inner for sub in cls.__subclasses__() for inner in families(sub))]


def test_each_family_of_errors_owns_one_published_exit_code() -> None:
    own = {cls.__name__: cls.exit_code for cls in errors.RecordkitError.__subclasses__()}
    assert own == {
        "WrongUsage": 2, "InputRefused": 3, "PartlyDone": 4, "NotFound": 5, "StoreBusy": 6, "IntegrityFailure": 7,
        "RefusedByRule": 8, "MissingPart": 9, "Interrupted": 130,
    }
    assert errors.RecordkitError.exit_code == 1


def test_no_special_error_changes_the_code_of_its_family() -> None:
    for family in errors.RecordkitError.__subclasses__():
        assert {cls.exit_code for cls in families(family)} == {family.exit_code}
