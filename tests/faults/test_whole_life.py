"""A random string is planted wherever a record leaves words or bytes; after its destruction no byte of it is left."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import os
import random
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pikepdf
import pytest
from conftest import ISSUE_DAY, Cli
from openpyxl import Workbook
from papers import pdf_bytes
from scans import scan, signed

FILED = ("--as-of", "2026-12-01")
DUE = ("--as-of", "2037-01-15")
PEOPLE = (("admin", "administrator"), ("arch", "archivist"), ("appr", "appraiser"), ("lead", "approver"),
          ("w1", "supervisor"), ("w2", "supervisor"))


class Planted:
    """The string in Chinese and in Latin letters, and the digests of the papers that hold it."""

    def __init__(self, seed: int) -> None:
        draw = random.Random(seed)
        self.chinese = "".join(chr(draw.randrange(0x5000, 0x9F00)) for _ in range(5))
        self.latin = "".join(draw.choice("bcdfghjkmnpqrstvwxz") for _ in range(14))
        self.digests: set[str] = set()

    def knows(self, path: Path) -> Path:
        """Note the digests of a paper; the path again."""
        data = path.read_bytes()
        self.digests |= {hashlib.new(name, data).hexdigest() for name in ("sha256", "sha512", "md5")}
        return path

    def traces(self, root: Path) -> list[str]:
        """Files of the store, and parts inside them, that hold the string or a digest: ``path: what``."""
        words = [self.chinese, self.latin, *self.digests]
        needles = {word.encode(code) for word in words for code in ("utf-8", "utf-16-le", "utf-16-be")}
        needles |= {self.chinese.encode("gb18030"), self.chinese.encode("unicode_escape")}
        # As XML may write characters that its encoding lacks.
        needles |= {"".join(f"&#{form.format(ord(one))};" for one in self.chinese).encode()
                    for form in ("{}", "x{:x}", "x{:X}")}
        needles |= {bytes.fromhex(one) for one in self.digests}
        found = []
        for path in sorted(root.rglob("*")):
            name = path.relative_to(root).as_posix()
            contents = [name.encode()]
            if path.is_file():
                contents += unpacked(path.read_bytes())
            found += [f"{name}: {needle!r}" for needle in needles
                      if any(needle.lower() in content.lower() for content in contents)]
        return found


def unpacked(data: bytes) -> Iterator[bytes]:
    """The bytes, and what is compressed in them: members of a ZIP, streams of a PDF, anything deflated."""
    yield data
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            for member in package.namelist():
                yield from unpacked(package.read(member))
    elif data.startswith(b"%PDF"):
        with pikepdf.open(io.BytesIO(data)) as paper:
            for one in paper.objects:
                if isinstance(one, pikepdf.Stream):
                    yield one.read_bytes() if one.stream_dict.get("/Filter") == "/FlateDecode" else one.read_raw_bytes()
    else:
        for head in (b"\x78\x01", b"\x78\x9c", b"\x78\xda"):
            at = data.find(head)
            while at >= 0:
                with contextlib.suppress(zlib.error):
                    yield zlib.decompressobj().decompress(data[at:])
                at = data.find(head, at + 1)


def compressed(path: Path) -> Path:
    """The PDF with its streams deflated, as every scanner writes them: no plain byte search sees its text."""
    with pikepdf.open(path, allow_overwriting_input=True) as paper:
        paper.save(path, compress_streams=True, recompress_flate=True, deterministic_id=True)
    return path


@pytest.fixture
def lived(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Cli, Planted, str]:
    """A store with a record that has been through everything, beside one that stays; string, and its number."""
    planted = Planted(random.SystemRandom().getrandbits(64))
    temp = tmp_path / "temp"
    temp.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temp))
    monkeypatch.setenv("TMPDIR", str(temp))
    zh, la = planted.chinese, planted.latin
    settings = cli.store / "recordkit.toml"
    settings.write_text(settings.read_text("utf-8").replace(
        "[engines]", '[[archive.fields]]\nkey = "project"\nlabel = "工程名称"\n\n[engines]', 1), "utf-8")
    one = ["--set", f"客户={zh}", "--set", f"关联工单号={zh}〔2026〕00001号",
           "--set", f"地址=河湾区{zh}{la}巷", "--set", "户号=0099118822"]
    issued = cli.json("generate", "visit-record", "--data", sample(), *one, "--as-of", ISSUE_DAY)["items"][0]
    number = str(issued["number"])
    other = cli.json("generate", "visit-record", "--data", sample(), "--as-of", ISSUE_DAY)["items"][0]["number"]
    cli("generate", "visit-record", "--data", sample(), *one, "--set", f"电话={la}", "--as-of", ISSUE_DAY, expect=3)
    cli("issued", "render", number, "--out", cli.store / "outbox" / "补打.docx", *FILED)
    paper = planted.knows(compressed(signed(cli, tmp_path / f"{zh}.pdf", str(number), f"{la} signed", 2)))
    inbox = cli.store / "inbox" / paper.name
    inbox.write_bytes(paper.read_bytes())
    assert [item["outcome"] for item in cli.json("ingest", *FILED)["items"]] == ["archived"]
    cli("ingest", signed(cli, tmp_path / "other.pdf", str(other), "neighbour"), *FILED)
    card = planted.knows(compressed(scan(tmp_path / f"{zh}身份证.pdf", f"card {la}")))
    cli("ingest", "--attach-to", number, card, *FILED)
    cli("edit", number, "--set", f"电话=139{draw(8)}", "--reason", f"{zh}换了号码", *FILED)
    cli("edit", number, "--set", f"工程名称={zh}{la}工程", "--reason", "补录", *FILED)
    assert cli.json("search", f"工程名称:{zh}")["total"] == 1
    cli("edit", number, "--set", "盒号=88", "--reason", f"{zh}入盒", *FILED)
    cli("box", "place", "88", "--shelf", "3架", "--reason", f"{zh}移架", *FILED)
    cli("box", "sheet", "88", "--out", cli.store / "outbox" / "盒88.xlsx")
    cli("catalogue", "sheet", "--out", cli.store / "outbox" / "更正.xlsx")
    shown = cli.json("show", number)
    row = f"{shown['code']},{shown['version']},昨天,{zh}{la}"
    (tmp_path / "错行.csv").write_text(f"档号,版本,日期,备注\n{row}\n", "utf-8")
    cli("edit", "--data", tmp_path / "错行.csv", "--reason", "x", *FILED, expect=3)
    again = planted.knows(compressed(signed(cli, tmp_path / f"{la}.pdf", str(number), f"{la} rescanned", 2)))
    cli("ingest", again, *FILED)
    key = cli.json("unmatched", "list")["items"][0]["key"]
    cli("match", key, number, "--new-version", "--reason", f"{zh}第一次扫歪了", *FILED)
    unread = compressed(scan(tmp_path / f"{la}-letter.pdf", f"letter of {la}"))
    cli("ingest", "--attach-to", number, planted.knows(unread), *FILED)
    cli("open", number)
    hold = cli.json("hold", "place", number, "--kind", "complaint", "--reason", f"{zh}投诉", *FILED)["hold"]
    cli("hold", "release", hold, "--reason", f"{zh}已办结", *FILED)
    cli("event", "add", "completed", "--date", "2026-11-30", number, "--note", f"{zh}办结", *FILED)
    (tmp_path / f"{zh}.csv").write_text("户号,户名\n0099118822,某\n", "utf-8")
    for_account = ("--kind", "arrears", "--reason", f"{zh}欠费", "--list", "北区")
    cli("hold", "import", tmp_path / f"{zh}.csv", *for_account, *FILED)
    (tmp_path / "later.csv").write_text("户号\n0099000001\n", "utf-8")
    cli("hold", "import", tmp_path / "later.csv", *for_account[:2], "--reason", "欠费", "--list", "北区",
        "--release-missing", "--release-reason", f"{zh}缴清", *FILED)
    (other_hold,) = cli.json("hold", "list")["items"]
    cli("hold", "release", other_hold["hold"], "--reason", "查无此户", *FILED)
    hold = cli.json("hold", "place", "--query", f"{zh}", "--kind", "other", "--reason", f"{la}", *FILED)["hold"]
    cli("hold", "extend", hold, "--reason", f"{zh}延期", *FILED)
    cli("hold", "release", hold, "--reason", "查毕", *FILED)
    event = cli.json("event", "add", "account-closed", "--date", "2026-11-29", "--account", "0099118822", "--note",
                     f"{zh}销户", *FILED)["event"]
    event = cli.json("event", "revise", event, "--date", "2026-11-30", "--reason", f"{zh}写错", *FILED)["event"]
    cli("event", "withdraw", event, "--reason", f"{zh}未销", *FILED)
    volume = cli.json("volume", "create", "--project", f"{zh}巷改造", *FILED)["code"]
    cli("volume", "add", volume, number, *FILED)
    cli("volume", "remove", volume, number, "--reason", f"{zh}放错", *FILED)
    own = cli.json("volume", "create", "--account", "0099118822", "--title", f"{zh}用户档案", *FILED)["code"]
    cli("volume", "add", own, number, *FILED)
    cli("volume", "close", own, "--note", f"{la}缺页", "--arranged-by", la, *FILED)
    cli("volume", "reopen", own, "--reason", f"{zh}补归", *FILED)
    cli("volume", "note", own, "--title", f"{la}{zh}", "--checked-by", zh, *FILED)
    cli("export", number, "--out", tmp_path / "bag", "--note", f"{zh}取走", *FILED)
    for kind, ending in (("items", "xlsx"), ("items", "docx"), ("transfer", "csv"), ("volume", "docx"),
                         ("volumes", "json"), ("notes", "docx"), ("covers", "xlsx")):
        cli("catalogue", "export", "--kind", kind, "--out", cli.store / "outbox" / f"{kind}.{ending}", *FILED)
    assert cli.json("search", zh)["total"] == 1 and cli.json("search", la)["total"] == 1
    staff(cli, tmp_path, monkeypatch)
    return cli, planted, number


def staff(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Register the people who destroy."""
    monkeypatch.setenv("RECORDKIT_PASSPHRASE", "planted-passphrase")
    for place, (person, role) in enumerate(PEOPLE):
        cli("key", "create", tmp_path / "keys" / person)
        cli("people", "add", person, "--name", person, "--role", role, "--staff-no", f"G{place}",
            "--key", tmp_path / "keys" / f"{person}.pub", *DUE)
        monkeypatch.setenv("RECORDKIT_ADMIN_KEY", str(tmp_path / "keys" / "admin"))


def sample() -> Path:
    from recordkit.templates.forms import shipped_forms

    return shipped_forms() / "visit-record" / "sample.toml"


def draw(digits: int) -> str:
    return "".join(random.choice("0123456789") for _ in range(digits))


def destroyed(cli: Cli, number: str, keys: Path, stopped_by: Path | None = None) -> str:
    """The order by which the record went; a file that a person has to decide about stops it the first time."""
    def by(person: str) -> tuple[object, ...]:
        return ("--as", person, "--key", keys / person, *DUE)

    order = str(cli.json("destruction", "propose", number, *by("arch"))["order"])
    cli("destruction", "appraise", order, "--all", "destroy", *by("appr"))
    cli("destruction", "approve", order, *by("lead"))
    cli("destruction", "sign", order, *by("w1"))
    cli("destruction", "sign", order, *by("w2"))
    word = cli.json("destruction", "show", order).get("confirm")
    confirmed = ("--confirm", word) if word else ()
    execute = ("destruction", "execute", order, "--place", "档案室", "--method", "删除", "--as", "w1", *confirmed, *DUE)
    if stopped_by is not None:
        assert stopped_by.name in str(cli.json(*execute, expect=4)) and stopped_by.exists()
        stopped_by.unlink()
    done = cli.json(*execute)
    assert [item["outcome"] for item in done["items"]] == ["destroyed"], done["items"]
    cli("destruction", "complete", order, *by("w1"))
    cli("destruction", "complete", order, *by("w2"))
    return order


@pytest.mark.parametrize("titles", ["title", "class"])
def test_no_byte_of_a_destroyed_record_is_left_but_the_title_in_its_register(
    lived: tuple[Cli, Planted, str], tmp_path: Path, titles: str
) -> None:
    cli, planted, number = lived
    settings = cli.store / "recordkit.toml"
    text = settings.read_text(encoding="utf-8")
    assert 'register_titles = "title"' in text
    settings.write_text(text.replace('register_titles = "title"', f'register_titles = "{titles}"'), encoding="utf-8")
    before = {one.partition(":")[0].partition("/")[0] for one in planted.traces(cli.store)}
    assert before == {"catalogue.sqlite3", "inbox", "issued", "notes", "objects", "outbox", "work"}
    order = destroyed(cli, number, tmp_path / "keys")
    (register,) = [one for one in cli.json("search", order)["items"] if one["record_class"] == "destruction-register"]
    for _ in range(2):
        assert [cli.json("search", word)["total"] for word in (planted.chinese, planted.latin)] == [0, 0]
        after = planted.traces(cli.store)
        if titles == "class":
            assert after == []
        else:
            assert len(after) == 1 and after[0].startswith("objects/") and register["record_id"] in after[0], after
        assert planted.traces(tmp_path / "temp") == []
        cli("rebuild")
    assert cli.json("ledger", "verify")["ok"] and cli.json("verify")["ok"]


def test_no_byte_of_a_record_that_came_with_a_catalogue_is_left_where_the_catalogue_lay(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = Planted(random.SystemRandom().getrandbits(64))
    settings = cli.store / "recordkit.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace('register_titles = "title"', 'register_titles = "class"'), encoding="utf-8")
    zh, la = planted.chinese, planted.latin
    folder = cli.store / "inbox" / "旧档"
    folder.mkdir()
    for name in ("0001", "0002"):
        (folder / f"{name}.pdf").write_bytes(pdf_bytes(text=f"{la if name == '0001' else 'neighbour'} paper {name}"))
    planted.knows(folder / "0001.pdf")
    head = ["档号", "题名", "日期", "文件名", "户号", "类别"]
    others = [["旧-2", "另一件", "2024-03-02", "0002.pdf", "0099000002", "visit-record"]]
    catalogue = folder / "目录.xlsx"
    book = Workbook()
    assert book.active is not None
    for row in (head, ["旧-1", f"{zh}回访", "2024-03-01", "0001.pdf", "0099118822", "visit-record"],
                ["旧-3", f"{zh}附页", "2024-02-31", "0003.pdf", "0099118822", "visit-record"]):
        book.active.append(row)
    book.save(catalogue)
    result = cli.json("ingest", "--catalogue", catalogue, folder / "0001.pdf", "--no-ocr", *FILED, expect=4)
    refused = Path(result["refused_file"])
    assert refused.parent == cli.store.resolve() / "outbox"
    with (folder / "另.csv").open("w", encoding="utf-8-sig", newline="") as handle:
        csv.writer(handle).writerows([head, *others])
    cli("ingest", "--catalogue", folder / "另.csv", folder / "0002.pdf", "--no-ocr", *FILED)
    # One list with the row of a record that stays: nobody but a person may take it away.
    both = folder / "两件.csv"
    with both.open("w", encoding="utf-8-sig", newline="") as handle:
        csv.writer(handle).writerows([head, ["旧-1", f"{zh}回访"], *others])
    for path in (catalogue, refused, both, folder / "另.csv"):
        os.utime(path, (1_790_000_000, 1_790_000_000))  # 2026-09-21: before the filing
    staff(cli, tmp_path, monkeypatch)
    assert {one.partition(":")[0].partition("/")[0] for one in planted.traces(cli.store)} >= {"inbox", "outbox"}
    destroyed(cli, "旧-1", tmp_path / "keys", stopped_by=both)
    assert planted.traces(cli.store) == []
    assert not catalogue.exists() and not refused.exists() and (folder / "另.csv").exists()
