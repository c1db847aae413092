"""The independent OCFL validator as a judge: ocfl-py's own return values pass invalid objects, so all is asked."""

from __future__ import annotations

from pathlib import Path

import ocfl


def assert_valid_root(folder: Path) -> int:
    """No error and no warning in the root or in any object; returns how many objects there are."""
    root = ocfl.StorageRoot(root=str(folder))
    whole = root.validate(validate_objects=True, log_warnings=True)
    assert whole, list(root.log.messages)
    assert root.num_traversal_errors == 0
    assert root.errors == [], root.errors
    assert root.good_objects == root.num_objects
    for declaration in folder.rglob("0=ocfl_object_1.1"):
        passed, validator = ocfl.Object().validate(str(declaration.parent))
        assert passed, validator.log.messages
        assert not validator.log.messages, validator.log.messages
    return int(root.num_objects)
