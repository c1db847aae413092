"""Files that could not be filed: what is said of them, and how they are tried again."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pikepdf
import pytest
from conftest import Cli
from ocfl_judge import assert_valid_root
from pikepdf import Dictionary, Name
from terminal import Terminal

from recordkit import files
from recordkit.archive import pdf as pdf_module
from recordkit.archive import reading

DAY = ("--as-of", "2026-12-01")
AS_CLASS = ("--class", "visit-record", "--no-ocr", *DAY)
SECRET = "湘江 secret 8"


def paper(path: Path, pages: int = 1, **saving: object) -> Path:
    with pikepdf.new() as pdf:
        font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
        for number in range(pages):
            page = pdf.add_blank_page(page_size=(595, 842))
            page.Resources = Dictionary(Font=Dictionary(F1=font))
            said = f"BT /F1 12 Tf 72 700 Td (Visit of the house, {path.stem}, page {number + 1}) Tj ET"
            page.Contents = pdf.make_stream(said.encode())
        pdf.save(path, **saving)
    return path


def locked(path: Path, user: str = SECRET) -> Path:
    return paper(path, encryption=pikepdf.Encryption(owner="the owner", user=user))


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def kept(cli: Cli, place: str) -> list[str]:
    """Digests of the papers in a place of the store; copies and notes made beside them do not count."""
    made = {"repaired.pdf", "decrypted.pdf"}
    return sorted(digest(path) for path in (cli.store / place).rglob("*.pdf") if path.name not in made)


def passwords(cli: Cli, *lines: str) -> Path:
    path = cli.store.parent / "passwords.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_the_list_says_what_is_wrong_and_what_to_do(cli: Cli) -> None:
    inbox = cli.store / "inbox"
    locked(inbox / "a-锁.pdf")
    (inbox / "b-text.pdf").write_text("不是PDF", encoding="utf-8")
    cli("ingest", *AS_CLASS, expect=4)
    assert "quarantine list" in cli.err
    listed = cli.json("quarantine", "list")
    assert listed["total"] == 2
    items = {item["file"]: item for item in listed["items"]}
    assert {"key", "file", "reason", "message", "time", "how", "path"} <= set(items["a-锁.pdf"])
    assert [items[name]["reason"] for name in sorted(items)] == ["encrypted", "not-a-pdf"]
    assert "--password-file" in items["a-锁.pdf"]["how"]
    assert digest(Path(items["a-锁.pdf"]["path"])).startswith(items["a-锁.pdf"]["key"])
    assert "a-锁.pdf" in cli("quarantine", "list")


def test_an_empty_quarantine_is_no_error(cli: Cli) -> None:
    assert cli.json("quarantine", "list")["items"] == []
    assert cli.json("ingest", "--retry", *AS_CLASS)["total"] == 0


def test_the_right_password_files_a_locked_paper_as_it_came_with_an_open_copy_beside_it(cli: Cli) -> None:
    source = locked(cli.store / "inbox" / "锁.pdf")
    came = digest(source)
    cli("ingest", *AS_CLASS, expect=4)
    secrets = passwords(cli, "wrong", "", SECRET)
    assert cli.json("ingest", "--retry", "--password-file", secrets, "--dry-run", *AS_CLASS)["items"][0][
        "outcome"] == "archived"
    assert kept(cli, "quarantine") == [came]
    (item,) = cli.json("ingest", "--retry", "--password-file", secrets, *AS_CLASS)["items"]
    assert item["outcome"] == "archived"
    assert "decrypted" in [one["code"] for one in item["findings"]]
    assert list((cli.store / "quarantine").iterdir()) == []
    (original,) = (cli.store / "objects").rglob("original.pdf")
    (copy,) = (cli.store / "objects").rglob("decrypted.pdf")
    assert digest(original) == came
    with pikepdf.open(copy) as opened:
        assert not opened.is_encrypted
    assert "Visit of the house" in cli("text", item["record_id"])
    assert cli.json("search", "Visit of the house")["total"] == 1
    assert cli.json("verify")["ok"]
    assert_valid_root(cli.store / "objects")


def test_a_password_is_in_no_file_and_no_message(cli: Cli) -> None:
    locked(cli.store / "inbox" / "a.pdf")
    locked(cli.store / "inbox" / "b.pdf", "quite another one")
    said = cli("ingest", "--password-file", passwords(cli, SECRET, "never right"), *AS_CLASS, expect=4) + cli.err
    said += cli("ingest", "--retry", "--password-file", passwords(cli, "never right"), *AS_CLASS, expect=4) + cli.err
    for path in cli.store.rglob("*"):
        if path.is_file():
            said += path.read_bytes().decode("latin-1") + path.read_bytes().decode("utf-8", "replace")
    assert "secret 8" not in said
    assert "never right" not in said


def test_on_a_terminal_the_password_is_asked_for_and_not_shown(cli: Cli) -> None:
    locked(cli.store / "inbox" / "锁.pdf")
    cli("ingest", *AS_CLASS, expect=4)
    terminal = Terminal("-m", "recordkit", "--store", str(cli.store), "--lang", "en", "ingest", "--retry", *AS_CLASS)
    try:
        terminal.expect("锁.pdf")
        for answer in ("wrong", SECRET, ""):
            terminal.expect("no more): ")
            terminal.type(answer + "\n")
        assert terminal.ends() == 0
        assert "1 archived" in terminal.screen
        assert "secret 8" not in terminal.screen
    finally:
        terminal.close()
    assert kept(cli, "quarantine") == []


def test_without_input_no_password_is_asked_for(cli: Cli) -> None:
    locked(cli.store / "inbox" / "锁.pdf")
    cli("ingest", *AS_CLASS, expect=4)
    terminal = Terminal("-m", "recordkit", "--store", str(cli.store), "--lang", "en", "ingest", "--retry",
                        "--no-input", *AS_CLASS)
    try:
        assert terminal.ends() == 4
        assert "no more" not in terminal.screen
    finally:
        terminal.close()


def test_a_file_that_fails_again_stays_as_it_was(cli: Cli) -> None:
    locked(cli.store / "inbox" / "锁.pdf")
    (cli.store / "inbox" / "text.pdf").write_text("不是PDF", encoding="utf-8")
    cli("ingest", *AS_CLASS, expect=4)

    def state() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in (cli.store / "quarantine").rglob("*") if path.is_file()}

    before = state()
    cli("ingest", "--retry", *AS_CLASS[:-1], "2026-12-24", expect=4)
    result = cli.json("ingest", "--retry", "--password-file", passwords(cli, "wrong"), *AS_CLASS, expect=4)
    assert "None of the passwords" in next(one["reason"] for one in result["items"] if "锁" in one["source"])
    assert state() == before


def test_only_the_named_file_is_tried(cli: Cli) -> None:
    for name in ("a.pdf", "b.pdf"):
        locked(cli.store / "inbox" / name)
    cli("ingest", *AS_CLASS, expect=4)
    secrets = passwords(cli, SECRET)
    cli("ingest", "--retry", "c.pdf", "--password-file", secrets, *AS_CLASS, expect=5)
    assert [one["outcome"] for one in cli.json(
        "ingest", "--retry", "a.pdf", "--password-file", secrets, *AS_CLASS)["items"]] == ["archived"]
    (rest,) = cli.json("quarantine", "list")["items"]
    assert cli.json("ingest", "--retry", rest["key"], "--password-file", secrets, *AS_CLASS)["total"] == 1
    assert cli.json("quarantine", "list")["total"] == 0


def test_a_paper_without_a_code_waits_after_its_retry_and_leaves_the_quarantine(cli: Cli) -> None:
    came = digest(locked(cli.store / "inbox" / "锁.pdf"))
    cli("ingest", "--no-ocr", *DAY, expect=4)
    (item,) = cli.json("ingest", "--retry", "--password-file", passwords(cli, SECRET), "--no-ocr", *DAY)["items"]
    assert item["outcome"] == "unmatched"
    assert kept(cli, "quarantine") == []
    assert kept(cli, "inbox") == [came]


def test_limits_of_the_settings_hold_and_a_raised_one_lets_the_file_in(cli: Cli) -> None:
    paper(cli.store / "inbox" / "long.pdf", pages=3)
    settings = cli.store / "recordkit.toml"
    before = settings.read_text(encoding="utf-8")
    assert before.count("most_pages = 2000") == 1
    settings.write_text(before.replace("most_pages = 2000", "most_pages = 2"), encoding="utf-8")
    cli("ingest", *AS_CLASS, expect=4)
    (item,) = cli.json("quarantine", "list")["items"]
    assert item["reason"] == "too-many-pages"
    assert "most_pages" in item["how"]
    settings.write_text(before.replace("most_pages = 2000", "most_pages = 3"), encoding="utf-8")
    assert cli.json("ingest", "--retry", *AS_CLASS)["items"][0]["outcome"] == "archived"


def test_a_damaged_paper_is_filed_with_its_own_bytes_and_the_repaired_copy(cli: Cli) -> None:
    source = paper(cli.store / "inbox" / "cut.pdf", pages=3)
    source.write_bytes(source.read_bytes()[:-40])
    came = digest(source)
    (item,) = cli.json("ingest", *AS_CLASS)["items"]
    assert (item["outcome"], item["pages"]) == ("archived", 3)
    assert {"code": "repaired", "message": "the file is damaged; pages brought back: 3"} in item["findings"]
    (original,) = (cli.store / "objects").rglob("original.pdf")
    (copy,) = (cli.store / "objects").rglob("repaired.pdf")
    assert digest(original) == came
    with pikepdf.open(copy) as opened:
        assert len(opened.pages) == 3
    shutil.copyfile(original, cli.store / "inbox" / "again.pdf")
    assert cli.json("ingest", *AS_CLASS)["items"][0]["outcome"] == "duplicate"


def test_without_the_repairing_part_a_damaged_paper_waits_for_it_in_quarantine(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = paper(cli.store / "inbox" / "cut.pdf", pages=3)
    source.write_bytes(source.read_bytes()[:-40])
    with monkeypatch.context() as without:
        for module in (pdf_module, reading):
            without.setattr(module, "can_rewrite", lambda: False)
        cli("ingest", *AS_CLASS, expect=4)
        assert "recordkit[pdf]" in cli.json("quarantine", "list")["items"][0]["how"]
    assert cli.json("ingest", "--retry", *AS_CLASS)["items"][0]["outcome"] == "archived"
    assert kept(cli, "quarantine") == []


def test_a_full_disk_while_trying_again_loses_nothing(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    came = digest(locked(cli.store / "inbox" / "锁.pdf"))
    cli("ingest", *AS_CLASS, expect=4)
    secrets = passwords(cli, SECRET)
    real = files._rename
    calls = []

    def full(nth: int) -> Callable[[Path, Path], None]:
        def rename(source: Path, target: Path) -> None:
            calls.append(target)
            if len(calls) == nth:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))
            real(source, target)

        return rename

    for nth in range(1, 40):
        calls.clear()
        monkeypatch.setattr(files, "_rename", full(nth))
        outcome = None
        with contextlib.suppress(AssertionError):
            outcome = cli.json("ingest", "--retry", "--password-file", secrets, *AS_CLASS)["items"]
        monkeypatch.setattr(files, "_rename", real)
        places = set(kept(cli, "quarantine")) | {digest(one) for one in (cli.store / "objects").rglob("original.pdf")}
        assert came in places
        if outcome:
            break
    else:
        raise AssertionError("never filed")
    assert nth > 2
    assert kept(cli, "quarantine") == []


def test_findings_say_what_a_filed_paper_carries(cli: Cli) -> None:
    path = cli.store / "inbox" / "a.pdf"
    paper(path)
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        pdf.Root.OpenAction = Dictionary(S=Name.JavaScript, JS="app.alert(1)")
        pdf.attachments["note.txt"] = b"hello"
        pdf.save(path, encryption=pikepdf.Encryption(owner="the owner", user=""))
    (item,) = cli.json("ingest", *AS_CLASS)["items"]
    assert item["outcome"] == "archived"
    codes = {one["code"] for one in item["findings"]}
    assert {"owner-password", "javascript", "embedded-files"} <= codes
    (note,) = (cli.store / "objects").rglob("record.json")
    facts = json.loads(note.read_bytes())["pdf"]
    assert (facts["encrypted"], facts["javascript"], facts["carries"]) == (True, True, ["embedded-files", "javascript"])


@pytest.mark.office
def test_a_damaged_or_locked_paper_finds_its_document_by_the_code(issued: Cli) -> None:
    numbers = ("换通〔2026〕0001号", "换通〔2026〕0002号")
    cut, shut = (next(path for path in (issued.store.parent / "pdf").iterdir() if one in path.name) for one in numbers)
    inbox = issued.store / "inbox"
    (inbox / "cut.pdf").write_bytes(cut.read_bytes()[:-60])
    with pikepdf.open(shut) as pdf:
        pdf.save(inbox / "shut.pdf", encryption=pikepdf.Encryption(owner="o", user=SECRET))
    first, second = issued.json("ingest", *DAY, expect=4)["items"]
    assert (first["outcome"], first["number"]) == ("archived", numbers[0])
    assert second["outcome"] == "quarantined"
    assert "repaired" in [one["code"] for one in first["findings"]]
    (item,) = issued.json("ingest", "--retry", "--password-file", passwords(issued, SECRET), *DAY)["items"]
    assert (item["outcome"], item["number"]) == ("archived", numbers[1])


@pytest.mark.office
def test_a_damaged_paper_that_waited_is_matched_with_its_copy(issued: Cli, tmp_path: Path) -> None:
    path = paper(tmp_path / "cut.pdf", pages=2)
    path.write_bytes(path.read_bytes()[:-40])
    assert issued.json("ingest", path, "--no-ocr", *DAY)["items"][0]["outcome"] == "unmatched"
    number = "换通〔2026〕0001号"
    assert issued.json("match", "cut.pdf", number, *DAY)["outcome"] == "archived"
    assert len(list((issued.store / "objects").rglob("repaired.pdf"))) == 1
    assert list((issued.store / "inbox" / "unmatched").iterdir()) == []
    shutil.copyfile(path, issued.store / "inbox" / "again.pdf")
    assert issued.json("ingest", *DAY)["items"][0]["outcome"] == "duplicate"


def test_a_paper_that_comes_again_lies_in_quarantine_since_it_first_came(cli: Cli, tmp_path: Path) -> None:
    source = locked(tmp_path / "锁.pdf")
    cli("ingest", source, *AS_CLASS, expect=4)
    (note,) = (cli.store / "quarantine").rglob("reason.json")
    about = json.loads(note.read_bytes())
    note.write_text(json.dumps({**about, "time": "2026-01-02T03:04:05Z"}), encoding="utf-8")
    cli("ingest", source, *AS_CLASS, expect=4)
    assert cli.json("quarantine", "list")["items"][0]["time"] == "2026-01-02T03:04:05Z"


def test_the_list_fits_the_screen_and_names_the_command(cli: Cli) -> None:
    locked(cli.store / "inbox" / "锁.pdf")
    cli("ingest", *AS_CLASS, expect=4)
    listed = cli("quarantine", "list").splitlines()
    key = cli.json("quarantine", "list")["items"][0]["key"]
    assert listed[0].split() == [key, "锁.pdf"]
    assert f"    recordkit ingest --retry {key} --password-file FILE" in listed
    assert max(map(len, listed)) <= 80


def test_a_watch_knows_the_passwords_and_says_what_was_not_whole(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    from recordkit.archive import watching

    locked(cli.store / "inbox" / "锁.pdf")
    (cli.store / "inbox" / "half.pdf").write_bytes(b"%PDF-1.7")

    def looks_thrice(watch: watching.Watch, *, listing: Callable[[], dict[Path, watching.State]],
                     take: Callable[[list[Path]], list[Path]], **_: object) -> None:
        for _look in range(3):
            for path in take(watch.look(listing(), watching.looks_finished)):
                watch.settle(path)

    monkeypatch.setattr(watching, "keep_watch", looks_thrice)
    result = cli.json("ingest", "--watch", "--password-file", passwords(cli, SECRET), *AS_CLASS)
    assert [one["outcome"] for one in result["items"]] == ["archived"]
    assert "1 files were still being written" in cli.err
