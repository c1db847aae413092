"""What the headings of other departments' tables mean for a form: usual other names, and what this office has said.

What a person answered once stands in ``headings.toml`` of the store: by form, a heading and the key of its field, or ""
for a column that is not used. The file may be edited; it holds headings only, never a customer's data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from recordkit.errors import InputRefused
from recordkit.messages import msg
from recordkit.templates.remembered import read_remembered, write_remembered
from recordkit.templates.spec import FormSpec, plain_heading

FILE_NAME = "headings.toml"
ACCOUNT_HEADINGS = ("户号", "用户号", "用户编号", "客户编号", "客户号", "用户户号", "用水户号", "水户号", "用户代码",
                    "客户代码", "account", "account no", "account number")
_OF_ROLES: Mapping[str, tuple[str, ...]] = {
    "account": ACCOUNT_HEADINGS,
    "party": ("户名", "用户名", "用户名称", "客户名称", "客户姓名", "用户姓名"),
    "address": ("地址", "用水地址", "装表地址", "用户地址", "安装地址", "客户地址"),
    "phone": ("联系电话", "电话", "手机", "手机号", "手机号码", "电话号码"),
}
_OF_LABELS: Mapping[str, tuple[str, ...]] = {
    "接水点编号": ("接水点", "接水点号"),
    "口径": ("水表口径", "表口径"),
    "旧表号": ("表号", "水表号", "水表编号", "表身号", "表身码", "原表号"),
    "旧表检定日期": ("检定日期", "检定合格日期"),
    "上次抄见行度": ("上次抄码", "上次行度", "上次读数", "上期行度", "上期读数"),
}
_REMARK = "电子表格的列名各是哪个字段（字段的英文键）；\"\" 表示不用这一列。可以修改，删去一行就会重新询问。"
_TODO = msg("Correct it or delete it: what the headings mean is then asked again.")


def aliases_of(spec: FormSpec) -> dict[str, str]:
    """Key by plain heading for the usual other names of the form's fields; what would mean two of them is left out."""
    found: dict[str, set[str]] = {}
    roles = spec.roles
    of_role = {"account": roles.account, "party": roles.party, "address": roles.address, "phone": roles.phone}
    before = {one.key: one for one in spec.of_stage("before")}
    for role, names in _OF_ROLES.items():
        if of_role[role] in before:
            for name in names:
                found.setdefault(plain_heading(name), set()).add(of_role[role])
    for one in before.values():
        for name in _OF_LABELS.get(one.label, ()):
            found.setdefault(plain_heading(name), set()).add(one.key)
    return {name: next(iter(keys)) for name, keys in found.items() if len(keys) == 1 and name not in spec.by_heading}


def meaning(spec: FormSpec, said: Mapping[str, str]) -> Callable[[str], str | None]:
    """What a heading means for a form, as ``headed.head_rows`` asks it.

    A field's own key or label comes first, then ``said`` (plain heading: key, or "" for not used), then a usual other
    name; each of them also without what stands in brackets behind it: 检定日期(年月日).
    """
    aliases = aliases_of(spec)

    def means(heading: str) -> str | None:
        plain = plain_heading(heading)
        for text in (plain, plain.partition("(")[0]):
            if text in spec.by_heading:
                return spec.by_heading[text].key
            if (found := said.get(text, aliases.get(text))) is not None:
                return found
        return None

    return means


def said_in(root: Path, spec: FormSpec) -> dict[str, str]:
    """What the office has said of headings for this form: key, or "", by plain heading.

    Raises:
        InputRefused: headings.toml cannot be read, or names a field that the form does not have.
    """
    path = root / FILE_NAME
    table = read_remembered(path, _TODO).get(spec.id, {})
    found = {}
    for heading, name in table.items():
        one = spec.by_heading.get(plain_heading(name)) if name else None
        if name and one is None:
            raise InputRefused(
                msg("{file}: {heading} means {name}, which is no field of form {form}.", file=FILE_NAME,
                    heading=heading, name=name, form=spec.id),
                msg("Correct or delete the line in {file}.", file=str(path)),
            )
        found[plain_heading(heading)] = one.key if one is not None else ""
    return found


def remember(root: Path, spec: FormSpec, said: Mapping[str, str]) -> None:
    """Add what was said of headings (as they stand in the file: key, or "") to headings.toml of the store."""
    path = root / FILE_NAME
    known = read_remembered(path, _TODO)
    known[spec.id] = {**known.get(spec.id, {}), **{heading: key for heading, key in said.items()
                                                  if heading.isprintable()}}
    write_remembered(path, _REMARK, known)
