"""What the office has laid down for its forms, so that it is neither asked nor guessed from another document.

It stands in ``recordkit.toml`` (``documents.proposals``), or in ``proposals.toml`` where a person confirmed it on the
last screen of the questions. The settings count first.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from recordkit.errors import InputRefused
from recordkit.messages import msg
from recordkit.templates.remembered import read_remembered, write_remembered
from recordkit.templates.spec import FieldSpec, FormSpec

FILE_NAME = "proposals.toml"
_REMARK = "签发文书时（--ask）本单位固定填写的内容，由经办人在最后一屏确认。可以修改；删去一行就会重新询问。"
_TODO = msg("Correct it or delete it: what the office has laid down is then asked again.")


def can_be_laid_down(one: FieldSpec, spec: FormSpec) -> bool:
    """Whether a value may hold for every customer: nothing that is one customer's, and no day."""
    roles = spec.roles
    own = {roles.party, roles.account, roles.address, roles.phone, roles.date, *roles.meters}
    return not (one.is_masked or one.key in own
                or one.type in ("table", "person", "account", "date", "instant", "uscc"))


def laid_down(root: Path, spec: FormSpec, settings: Mapping[str, str]) -> dict[str, str]:
    """Raw values by key; ``settings`` are those of ``documents.proposals`` for this form.

    Raises:
        InputRefused: proposals.toml cannot be read, or names what the form does not have.
    """
    path = root / FILE_NAME
    confirmed = read_remembered(path, _TODO).get(spec.id, {})
    for name in confirmed:
        if name not in {one.key for one in spec.fields}:
            raise InputRefused(
                msg("{file}: {name} is no field of form {form}.", file=FILE_NAME, name=name, form=spec.id),
                msg("Correct or delete the line in {file}.", file=str(path)))
    return {**confirmed, **settings}


def lay_down(root: Path, spec: FormSpec, one: FieldSpec, raw: str) -> Path:
    """Let ``raw`` be proposed for the field from now on; returns the file in which it stands."""
    path = root / FILE_NAME
    known = read_remembered(path, _TODO)
    known[spec.id] = {**known.get(spec.id, {}), one.key: raw}
    write_remembered(path, _REMARK, known)
    return path
