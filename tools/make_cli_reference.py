"""Writes docs/cli.md from the program itself: exit codes from the error classes, every command from click.

Run it after a change of commands, options or help texts; ``tests/cli/test_docs.py`` fails while the page is stale.
Usage: ``python tools/make_cli_reference.py``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from recordkit.cli.i18n import tr, use_language
from recordkit.cli.main import cli
from recordkit.errors import RecordkitError

PAGE = Path(__file__).resolve().parents[1] / "docs" / "cli.md"

_COMMON = ("as_json", "as_person", "as_of", "no_input", "help")

_MEANINGS = {
    1: ("A fault of recordkit itself; RECORDKIT_DEBUG=1 shows the traceback.",
        "recordkit 本身出错；设 RECORDKIT_DEBUG=1 可看到详细出错信息。"),
    2: ("The call itself makes no sense: unknown command, missing argument.", "命令写错：没有此命令、缺少参数等。"),
    3: ("The input was refused; nothing was done.", "输入被拒绝，未作任何改动。"),
    4: ("Partly done; the rest is listed and can be fed in again.", "部分完成；其余已列出，更正后可再次提交。"),
    5: ("The named record, form, document, order, person or file does not exist.",
        "所指的档案、表单、文书、销毁单、人员或文件不存在。"),
    6: ("Another process is writing to the store, or the store was made by a newer version.",
        "档案库正被另一程序占用，或由更新版本的 recordkit 建立。"),
    7: ("Something is not what it was when it was written: ledger, record or catalogue.",
        "台账、档案或目录与写入时不一致。"),
    8: ("A rule forbids it: role, second person, hold, missing signature.",
        "制度不允许：角色不符、须由另一人办理、冻结中、缺少签字等。"),
    9: ("An optional part is missing; the message says how to install it.", "缺少可选组件；提示中写明安装方法。"),
    130: ("Interrupted; what was done stays done.", "被中断；已完成的保留。"),
}

_HEAD = """# Command line · 命令行

This page is written by `tools/make_cli_reference.py` from the program; do not edit it by hand.
本页由 `tools/make_cli_reference.py` 从程序生成，请勿手工修改。

```
recordkit [--store DIR] [--lang zh|en] [--quiet] [--json] COMMAND ...
```

- The store is `--store`, else the environment variable `RECORDKIT_STORE`, else the folder `archive_store` in the
  current folder. · 档案库由 `--store` 指定，否则取环境变量 `RECORDKIT_STORE`，再否则是当前文件夹下的 `archive_store`。
- The language is `--lang`, else `RECORDKIT_LANG`, else that of the system. · 语言由 `--lang` 指定，否则取
  `RECORDKIT_LANG`，再否则随系统。
- Results go to standard output, talk and errors to standard error. With `--json` standard output is one JSON document
  (listings: `{"items": [...], "total": n}`), dates in ISO 8601. · 结果写到标准输出，说明和错误写到标准错误；
  加 `--json` 时，标准输出是一份 JSON，日期用 ISO 8601 格式。
- RECORD is a record id, an archival code or a document number. · RECORD 可以是档案ID、档号或文书编号。
- Passphrases of keys come from a prompt, `RECORDKIT_PASSPHRASE` or `--passphrase-file`, never from an argument.
  `RECORDKIT_ADMIN_KEY` names the administrator's private key file. · 密钥口令由提示输入，或取自
  `RECORDKIT_PASSPHRASE`、`--passphrase-file`，不作为命令参数；`RECORDKIT_ADMIN_KEY` 指明管理员的私钥文件。
- Every command also takes · 每个命令都可加：
"""


def exit_codes() -> dict[int, str]:
    """Exit code to the name of the class that owns it, in the order of the codes."""
    classes: list[type[RecordkitError]] = [RecordkitError, *_descendants(RecordkitError)]
    return dict(sorted((one.exit_code, one.__name__) for one in classes if "exit_code" in vars(one)))


def commands() -> Iterator[tuple[str, click.Command, click.Context]]:
    """Every command and group with its full name, in the order of the program's own help."""
    yield from _walk(cli, click.Context(cli, info_name="recordkit"), "")


def page() -> str:
    """The whole page."""
    use_language("en")
    parts = [_HEAD, *_option_lines(_common_options()), "\n## Exit codes · 退出码\n"]
    parts.append("| code · 码 | class · 类 | meaning | 含义 |\n|---|---|---|---|\n")
    parts.append("| 0 | | Done. | 完成。 |\n")
    for code, name in exit_codes().items():
        english, chinese = _MEANINGS[code]
        parts.append(f"| {code} | `{name}` | {english} | {chinese} |\n")
    parts.append("\n## Commands · 命令\n")
    for name, command, context in commands():
        parts.append(_section(name, command, context))
    return "".join(parts)


def _descendants(one: type[RecordkitError]) -> Iterator[type[RecordkitError]]:
    for child in one.__subclasses__():
        if child.__module__ == "recordkit.errors":
            yield child
            yield from _descendants(child)


def _walk(
    group: click.Group, context: click.Context, prefix: str
) -> Iterator[tuple[str, click.Command, click.Context]]:
    for short in group.list_commands(context):
        command = group.get_command(context, short)
        assert command is not None
        name = f"{prefix} {short}".strip()
        inner = click.Context(command, parent=context, info_name=short)
        yield name, command, inner
        if isinstance(command, click.Group):
            yield from _walk(command, inner, name)


def _section(name: str, command: click.Command, context: click.Context) -> str:
    if isinstance(command, click.Group):
        inside = ", ".join(f"`{one}`" for one in command.list_commands(context))
        return f"\n### {name}\n\n{_both(command.help)}\n\n{inside}\n"
    arguments = [piece for one in command.params if isinstance(one, click.Argument) for piece in
                 one.get_usage_pieces(context)]
    own = [one for one in command.params if isinstance(one, click.Option) and one.name not in _COMMON]
    usage = " ".join(["recordkit", name, *arguments, *(["[OPTIONS]"] if own else [])])
    level = "###" if " " not in name else "####"
    lines = "".join(_option_lines(own))
    return f"\n{level} {name}\n\n{_both(command.help)}\n\n`{usage}`\n" + (f"\n{lines}" if lines else "")


def _common_options() -> list[click.Option]:
    doctor = cli.get_command(click.Context(cli), "doctor")
    assert doctor is not None
    return [one for one in doctor.params if isinstance(one, click.Option) and one.name in _COMMON]


def _option_lines(options: list[click.Option]) -> list[str]:
    return [f"- `{_shown(one)}` {_both(one.help)}\n" for one in options]


def _shown(option: click.Option) -> str:
    names = " / ".join([*option.opts, *option.secondary_opts])
    if option.is_flag:
        return names
    if isinstance(option.type, click.Choice):
        return f"{names} {'|'.join(str(one) for one in option.type.choices)}"
    return f"{names} {option.metavar or option.type.name.upper()}"


def _both(text: str | None) -> str:
    """The English text and its translation; both languages stand side by side, none can be forgotten."""
    if not text:
        return ""
    use_language("zh")
    try:
        chinese = tr(text)
    finally:
        use_language("en")
    return f"{text} · {chinese}" if chinese != text else text


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")
