"""The verifier that knows nothing of recordkit: how it reads files, checkpoints and its command line."""

from __future__ import annotations

import builtins
import json
import runpy
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from forger import DAY, ONE, STORE, Body, Step, code, digest, held, honest, key_of, public, settings
from test_accepted_terms import TERMS
from test_two_verifiers import verifier

from recordkit.archive.checkpoint_pages import lines_of, payload_of
from recordkit.checkpoints import Checkpoint
from recordkit.model import canonical_json
from recordkit.people import plain_staff_no
from recordkit.templates.code import check_characters, crockford32

TOOL = verifier()
Seen = list[tuple[int, str]]


def read(folder: Path) -> Any:
    """The verifier when it has read a folder."""
    found = TOOL.Verifier()
    found.read(folder)
    found.end()
    return found


def seen(folder: Path) -> Seen:
    """Entries and codes of what it finds."""
    return [(seq, code) for seq, code, *_ in read(folder).findings]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return honest().write(tmp_path / "ledger")


def lines(folder: Path) -> list[bytes]:
    return (folder / "ledger-000001.jsonl").read_bytes().splitlines(keepends=True)


def write(folder: Path, *files: bytes) -> None:
    for old in folder.glob("*.jsonl"):
        old.unlink()
    for number, data in enumerate(files, start=1):
        (folder / f"ledger-{number:06}.jsonl").write_bytes(data)


# --- files and lines


def test_a_ledger_in_several_files_is_one_chain(folder: Path) -> None:
    every = lines(folder)
    write(folder, b"".join(every[:9]), b"".join(every[9:30]), b"".join(every[30:]))
    found = read(folder)
    assert (found.findings, found.entries, found.torn) == ([], 44, None)
    assert found.head == json.loads(every[-1])["hash"] == found.hashes[44] and found.hashes[1] != found.head
    (folder / "ledger-000002.jsonl").rename(folder / "ledger-000007.jsonl")
    told = read(folder).findings
    assert [(one[0], one[1]) for one in told[:2]] == [(1, "files"), (10, "chain")]
    assert "ledger-000002.jsonl" in told[0][2] and "ledger-000003" not in told[0][2]
    assert "ledger-000002.jsonl" in told[0][3]


def test_a_foreign_file_between_those_of_the_ledger_is_named(folder: Path) -> None:
    (folder / "ledger-0.jsonl").write_bytes(b"")
    told = read(folder).findings
    assert (told[0][0], told[0][1]) == (1, "files") and "ledger-000002.jsonl" in told[0][2]


def test_a_file_that_ends_within_an_entry_is_damage_but_at_the_end_of_all(folder: Path) -> None:
    every = lines(folder)
    write(folder, b"".join(every[:9]) + every[9][:20], b"".join(every[10:]))
    assert seen(folder) == [(10, "unended")]
    write(folder, b"".join(every[:9]) + every[9][:20])
    found = read(folder)
    assert (found.findings, found.torn, found.entries) == ([], (20, 0), 9)


def batch(folder: Path, *left: int) -> bytes:
    """The last entries of an honest ledger as one batch."""
    story = honest()
    for step, more in zip(story.steps[-len(left):], left, strict=True):
        step.left = more
    story.write(folder)
    return b"".join(lines(folder))


@pytest.mark.parametrize(("left", "expected"), [
    ((2, 1, 0), []), ((1, 0, 0), []), ((0, 0, 0), []), ((2, 0, 0), [(43, "batch")]), ((2, 2, 0), [(43, "batch")]),
    ((3, 2, 0), [(44, "batch")]), ((-1, 0, 0), [(42, "changed")]), ((0, -1, 0), [(43, "changed")]),
])
def test_a_batch_counts_down_to_its_last_entry(folder: Path, left: tuple[int, ...], expected: Seen) -> None:
    batch(folder, *left)
    assert seen(folder) == expected


def test_a_batch_that_was_never_confirmed_is_told_with_its_size(folder: Path) -> None:
    whole = batch(folder, 3, 2, 1)
    found = read(folder)
    assert found.findings == [] and found.torn == (sum(map(len, whole.splitlines(keepends=True)[-3:])), 3)
    write(folder, whole + b"xyz")
    assert read(folder).torn == (found.torn[0] + 3, 3)
    assert read(folder).destroyed == {"R1": ONE}, "what was confirmed counts"


@pytest.mark.parametrize("change", [
    lambda line: line.replace(b'"act":', b'"act" :'), lambda line: line.replace(b'"left":0', b'"left":0.0'),
    lambda line: line.replace(b'"left":0', b'"left":false'), lambda line: b"[]", lambda line: b"null",
    lambda line: b"\xff", lambda line: line[:-1], lambda line: line.replace(b"2037", b"2036", 1),
    lambda line: b'{"hash":1}', lambda line: b"[" * 100_000,
])
def test_a_line_that_is_not_what_was_written_is_named_and_ends_the_reading(
    folder: Path, change: Callable[[bytes], bytes]
) -> None:
    every = lines(folder)
    write(folder, b"".join([*every[:4], change(every[4].rstrip(b"\n")) + b"\n", *every[5:]]))
    assert seen(folder) == [(5, "changed")]


@pytest.mark.parametrize("order", [[0, 1, 3, 4], [0, 1, 3, 2], [1, 0, 2], [0, 1, 1, 2]])
def test_entries_that_were_moved_break_the_chain(folder: Path, order: list[int]) -> None:
    every = lines(folder)
    write(folder, b"".join(every[at] for at in order))
    assert seen(folder)[0] == (next(at for at, place in enumerate(order) if at != place) + 1, "chain")


def test_a_number_alone_or_a_link_alone_is_not_enough(folder: Path) -> None:
    for name, value in (("seq", 7), ("prev", "1" * 64)):
        entry = json.loads(lines(folder)[4])
        entry[name] = value
        entry["hash"] = digest({key: one for key, one in entry.items() if key != "hash"})
        write(folder, b"".join(lines(folder)[:4]) + canonical_json(entry) + b"\n")
        assert seen(folder) == [(5, "chain")]
        honest().write(folder)


@pytest.mark.parametrize(("change", "told"), [
    ({"body": []}, "form"), ({"body": {"statement": []}}, "order"), ({"time": None}, "time"),
    ({"time": "2037-03-05T08:00:00"}, "time"), ({"time": 5}, "form"), ({"actor": None}, ""),
])
def test_an_entry_without_the_form_of_its_act_is_named(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    entries = honest().sealed()
    at = next(at for at, one in enumerate(entries) if one["act"] == "order.approved")
    head = entries[at]["prev"]
    entries[at].update(change)
    for one in entries[at:]:
        one["prev"] = head
        one["hash"] = head = digest({key: value for key, value in one.items() if key != "hash"})
    write(tmp_path, b"".join(canonical_json(one) + b"\n" for one in entries))
    found = [code for seq, code in seen(tmp_path) if seq == at + 1]
    assert (told in found) if told else found == []


def test_what_the_ledger_says_does_not_steer_the_screen(tmp_path: Path) -> None:
    story = honest()
    story["intended"].body["order"] = "\x1b[2J\n0"
    for one in read(story.write(tmp_path)).findings:
        assert all(char.isprintable() for char in one[2] + one[3])


# --- keys, codes, words


def test_an_unsound_key_or_a_key_in_another_spelling_signs_nothing() -> None:
    statement = {"a": 1}
    good, signed = public("x"), key_of("x").sign(canonical_json(statement)).hex()
    assert TOOL.signature_holds(good, statement, signed)
    for wrong_key, wrong in ((good.upper(), signed), (good, signed.upper()), (good[:-2], signed), (good, signed[:-2]),
                             (good + "00", signed), (good, signed + "00"), (None, signed), (good, None), (5, 5),
                             (public("y"), signed), (good, "00" * 64)):
        if (wrong_key, wrong) != (good, signed):
            assert not TOOL.signature_holds(wrong_key, statement, wrong)
    assert not TOOL.signature_holds(good, {"a": 2}, signed)
    neutral = (1).to_bytes(32, "little").hex()
    # With such a key any statement would hold under the signature of the neutral point and nothing.
    assert not TOOL.signature_holds(neutral, statement, neutral + "00" * 32)
    assert not TOOL.signature_holds(good, statement, neutral + "00" * 32)


def test_points_of_small_order_or_of_no_canonical_form_vanish_and_others_do_not() -> None:
    for y in (1, 0, TOOL.PRIME - 1):
        assert TOOL.vanishes(y.to_bytes(32, "little")), y
        assert TOOL.vanishes((y | 1 << 255).to_bytes(32, "little")), y
    eighth = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"
    other = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"
    for text in (eighth, other):
        assert TOOL.vanishes(bytes.fromhex(text))
    for y in (TOOL.PRIME, TOOL.PRIME + 1, (1 << 255) - 1):
        assert TOOL.vanishes(y.to_bytes(32, "little"))
    assert TOOL.vanishes(b"") and TOOL.vanishes(bytes(31)) and TOOL.vanishes(bytes(33))
    off_curve = [y for y in range(2, 12) if TOOL.vanishes(y.to_bytes(32, "little"))]
    assert off_curve == [2, 7, 8, 11], "the others are the y of points of large order"
    for name in "abcdefghijklmnop":
        assert not TOOL.vanishes(bytes.fromhex(public(name)))


def test_the_codes_of_registers_and_lines_are_those_that_recordkit_prints() -> None:
    for number, width in ((0, 1), (31, 1), (32, 2), (12345678, 6)):
        assert TOOL.base32(number, width) == crockford32(number, width)
    for text in ("0", "Z", "RKD0123ABC", "7" * 40):
        assert TOOL.check_of(text) == check_characters(text)
    assert TOOL.LETTERS == "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    for room, bits in (("approve", 1), ("sign", 2), ("approve sign", 3), ("complete", 4)):
        assert TOOL.register_code(STORE, "D2037-0041", bits, digest("x")) == code("D2037-0041", room, digest("x"))


def test_staff_numbers_and_days_are_compared_as_recordkit_does() -> None:
    for text in ("G001", "ｇ００１", "G 001", " - ", "ß1", "ﬀ", ""):
        assert TOOL.plain_staff_no(text) == plain_staff_no(text)
    assert TOOL.plain_staff_no(12) == "12"
    assert TOOL.day_number("2037-03-05") == date(2037, 3, 5).toordinal()
    assert TOOL.day_number("2037-02-30") is TOOL.day_number(None) is TOOL.day_number("") is None


def test_how_long_a_term_keeps_its_records() -> None:
    ever = float("inf")
    for term, terms, months in (
            ("永久", {"永久": "1m"}, ever), ("Y", {}, ever), ("长期", {"长 期": "50y"}, 600), ("长期", {}, ever),
            ("长期", {"长期": "permanent"}, ever), ("长期", {"长期": "18m"}, 18), ("长期", {"长期": "soon"}, 0),
            ("长期", {"长期": ""}, 0), ("长期", {"长期": None}, 0), ("20年", {}, 240), ("定期20年", {}, 240),
            ("定期(5年)", {}, 60), ("(定期)5年", {}, ever), ("定期", {}, ever), ("D30", {}, 360), ("D030", {}, 360),
            ("D1000", {}, ever), ("D0", {}, ever), ("30", {}, ever)):
        assert TOOL.term_months(term, terms) == months, term


@pytest.mark.parametrize(("before", "after", "found"), TERMS)
def test_a_term_that_keeps_for_less_time_is_looser(
    before: dict[str, str], after: dict[str, str], found: list[str]
) -> None:
    assert TOOL.looser(settings(old_terms=before), settings(old_terms=after)) == [f"old_terms.{one}" for one in found]


@pytest.mark.parametrize(("before", "after", "found"), [
    ({}, {}, []), ({"supervisors": 3}, {}, ["supervisors"]), ({"supervisors": 2}, {"supervisors": 3}, []),
    ({"supervisors": 1}, {"supervisors": True}, ["supervisors"]), ({}, {"supervisors": "3"}, ["supervisors"]),
    ({"supervisor_excludes": ["a"]}, {"supervisor_excludes": ["b"]}, ["supervisor_excludes"]),
    ({"supervisor_excludes": ["a"]}, {"supervisor_excludes": ["a", "b"]}, []),
    ({"supervisor_excludes": None}, {"supervisor_excludes": []}, []),
    ({"separate_roles": [["a", "b"]]}, {"separate_roles": []}, ["separate_roles"]),
    ({"total_share_millionths": 5}, {"total_share_millionths": 6}, ["total_share"]),
    ({"total_share_millionths": 5}, {"total_share_millionths": 5}, []),
    ({"total_share_millionths": 5}, {"total_share_millionths": "6"}, []),
    ({"paper": False}, {"paper": True}, ["paper"]), ({"paper": False}, {"paper": None}, ["paper"]),
    ({"paper": False}, {"paper": False}, []), ({"paper": True}, {"paper": False}, []),
    ({"old_terms": None}, {"old_terms": {"长期": "1m"}}, []),
    ({}, {"old_terms": []}, ["old_terms.短期", "old_terms.长期"]),
    ({"old_terms": {"长期": None}}, {"old_terms": {"长期": "1m"}}, []),
])
def test_settings_that_ask_for_less_are_looser(before: Body, after: Body, found: list[str]) -> None:
    assert TOOL.looser(settings(**before), settings(**after)) == found
    if not before and not after:
        told = settings()
        share, terms = told.pop("total_share_millionths"), told.pop("old_terms")
        assert TOOL.looser(settings(), {**told, "old_terms": terms}) == ["total_share"]
        assert TOOL.looser({**told, "total_share_millionths": share}, settings()) == []
        assert TOOL.looser(settings(), {**told, "total_share_millionths": share}) == []


# --- checkpoints


def checkpoint(folder: Path, seq: int = 44, signer: str = "admin", **changed: Any) -> dict[str, Any]:
    head = read(folder).hashes.get(seq, "0" * 64)
    statement = {"act": "ledger.checkpoint", "store": STORE, "seq": seq, "entries": seq, "head": head,
                 "time": DAY.format(10), "by": signer, **changed}
    return {"statement": statement, "key": public(signer),
            "signature": key_of(signer).sign(canonical_json(statement)).hex()}


def compared(folder: Path, data: bytes) -> list[tuple[int, str, str]]:
    path = folder / "checkpoint"
    path.write_bytes(data)
    found = read(folder)
    found.compare(path)
    return [(seq, code, english) for seq, code, english, _ in found.findings]


def plain(one: dict[str, Any]) -> bytes:
    return json.dumps(one).encode()


def printed(one: dict[str, Any]) -> str:
    """The text of the code on paper."""
    return payload_of(msgspec.convert(one, Checkpoint))


@pytest.mark.parametrize("seq", [1, 2, 3, 21, 44])
def test_a_true_checkpoint_of_any_place_says_nothing(folder: Path, seq: int) -> None:
    expected = [] if seq >= 2 else [(1, "checkpoint")]
    assert [one[:2] for one in compared(folder, plain(checkpoint(folder, seq)))] == expected, \
        "the first entry comes before the first administrator"


def test_a_checkpoint_on_paper_is_read_from_its_code_and_from_its_lines(folder: Path) -> None:
    one = checkpoint(folder)
    text = printed(one)
    typed = "\n".join(["台账检查点", *lines_of(text), "x"])
    careless = "\n".join(one[:2] + one[2:].lower().replace("0", "O").replace("1", "l") for one in typed.split("\n"))
    backwards = "\n".join(reversed(typed.split("\n")))
    for data in (text, f"RKC {text} .", typed, careless, typed.replace(" ", "  "), backwards):
        assert compared(folder, data.encode()) == []
    assert TOOL.typed_checkpoint(text.encode()) == one
    (wrong,) = compared(folder, printed(checkpoint(folder, head="0" * 64)).encode())
    assert wrong[:2] == (44, "rewritten") and "up to entry 44" in wrong[2]


def test_a_wrong_or_missing_line_is_named(folder: Path) -> None:
    every = lines_of(printed(checkpoint(folder)))
    assert len(every) > 9

    def why(*told: str) -> str:
        ((_, found, english),) = compared(folder, "\n".join(told).encode())
        assert found == "checkpoint" and "is no checkpoint" in english
        return english.rpartition("is no checkpoint")[2]

    spoilt = every[2][:-1] + ("0" if every[2][-1] != "0" else "1")
    assert why(*every[:2], spoilt, *every[3:]) == " (line 03)"
    assert why(*every[:2], every[2] + "0000 0000", *every[3:]) == " (line 03)"
    assert why(*every[:2], every[2][:4] + "U" + every[2][5:], *every[3:]) == " (line 03)"
    assert why(*every[:2], *every[3:]) == why("x") == why(*every[1:]) == " (a line is missing)"
    assert why(*every[:-1]) == ""
    for length in (143, 145):
        raw = b"\1" + b"\x01s" + b"\x01p" + bytes(length)
        width = -(-len(raw) * 8 // 5)
        assert why("RKC1" + TOOL.base32(int.from_bytes(raw, "big"), width)) == " (lines are missing)"
    assert why("%PDF-1.7", *every) == (
        " (line by line or as the text of its code only: pictures and PDFs are not read here)")
    assert why("\0", *every) == why("%PDF", *every)
    assert why("RKC1" + "0" * 120) == why("RKC1" + "Z" * 120) == ""


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"{", b'{"statement": []}', b'{"statement": {}, "key": 1}',
                                  b"[" * 100_000])
def test_what_is_no_checkpoint_is_named(folder: Path, data: bytes) -> None:
    ((seq, found, english),) = compared(folder, data)
    assert (seq, found) == (0, "checkpoint") and english.endswith("is no checkpoint")


def test_a_checkpoint_that_is_not_there_is_named(folder: Path) -> None:
    found = read(folder)
    found.compare(folder / "nowhere")
    assert [one[:2] for one in found.findings] == [(0, "checkpoint")]


@pytest.mark.parametrize(("changed", "expected"), [
    ({"seq": "44"}, [(0, "checkpoint")]), ({"by": 5}, [(0, "checkpoint")]), ({"seq": True}, [(0, "checkpoint")]),
    ({"act": "order.approved"}, [(44, "checkpoint")]), ({"store": "x"}, [(44, "checkpoint")]),
    ({"head": "0" * 64}, [(44, "rewritten")]), ({"by": "arch"}, [(44, "checkpoint")]),
    ({"seq": 45}, [(45, "cut")]), ({"seq": 47}, [(45, "cut")]),
])
def test_a_checkpoint_that_says_something_else_is_named(folder: Path, changed: dict[str, Any], expected: Seen) -> None:
    told = compared(folder, plain(checkpoint(folder, **{"seq": 44, **changed})))
    assert [one[:2] for one in told] == expected
    if expected[0][1] == "cut":
        assert f"entries 45 to {changed['seq']} are missing" in told[0][2]


def test_a_checkpoint_by_somebody_else_vouches_for_nothing(folder: Path) -> None:
    spoilt = checkpoint(folder)
    spoilt["signature"] = "00" * 64
    ((_, _, english),) = compared(folder, plain(spoilt))
    assert "the signature does not hold" in english
    for signer in ("arch", "stranger"):
        ((_, _, english),) = compared(folder, plain(checkpoint(folder, signer=signer)))
        assert f"{signer} was no administrator in office" in english
    foreign = checkpoint(folder)
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))
    foreign["key"] = other.public_key().public_bytes_raw().hex()
    foreign["signature"] = other.sign(canonical_json(foreign["statement"])).hex()
    ((_, _, english),) = compared(folder, plain(foreign))
    assert "admin was no administrator" in english


def test_an_administrator_vouches_while_in_office_only(tmp_path: Path) -> None:
    story = honest()
    second = story.person("admin2", "administrator")
    story.steps.pop()
    second.time = DAY.format(5)
    story.behind("person sup3", second)
    gone = Step("person.revoked", {"by": "admin", "statement": {
        "act": "person.revoked", "store": STORE, "seq": None, "id": "admin2"}}, "admin", DAY.format(10))
    story.behind("accepted", gone)
    folder = story.write(tmp_path)
    begun = next(at for at, step in enumerate(story.steps, 1) if step is second)
    ended = next(at for at, step in enumerate(story.steps, 1) if step is gone)
    assert seen(folder) == []
    for seq in (begun - 1, begun, ended - 1, ended, ended + 1):
        told = compared(folder, plain(checkpoint(folder, seq, "admin2")))
        assert bool(told) is not (begun <= seq < ended), seq


# --- the command line


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Exit code, what was printed, what was said beside it."""
    def ran(folder: Path, *more: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["verify_ledger.py", str(folder), *more])
        return (TOOL.main(), *capsys.readouterr())

    return ran


def test_a_genuine_ledger_is_told_in_one_line_and_the_signatures_by_hand(folder: Path, run: Run) -> None:
    head = read(folder).head
    code, out, err = run(folder, "--lang", "en")
    told = out.splitlines()
    assert (code, err, len(told)) == (0, "", 6)
    assert told[0] == "Entry 31: order D2037-0002, order.approved: chief signed on paper, entered by arch"
    assert told[-1] == f"44 entries, 11 people, 2 orders, 1 records destroyed; 0 findings. Head {head}"
    code, out, _ = run(folder.parent)
    assert (code, out.splitlines()[0]) == (0, "第 31 条：批次 D2037-0002，order.approved，chief 手签，arch 录入")
    assert out.splitlines()[-1] == f"台账 44 条，人员 11 名，批次 2 个，已销毁 1 件；问题 0 处。末条摘要 {head}"


def test_findings_and_what_is_to_be_looked_at_are_told_with_their_entry(tmp_path: Path, run: Run) -> None:
    story = honest()
    for step in (held("H1", account=True, freed=True), held("H1", account=True)):
        story.behind("proposed", step)
    story.drop("J1 proposed", "J1 accepted", "J2 proposed", "J2 withdrawn")
    story["destroyed"].body["record"] = "R\x1b9"
    folder = story.write(tmp_path)
    seq = story.at("destroyed")
    code, out, _ = run(folder, "--lang", "en")
    assert code == 1 and out.splitlines()[0] == f"Entry {seq}: no signed order covers the record R?9"
    assert "To be looked at, entry 20: while order D2037-0001 was on its way, 1 hold(s)" in out
    code, out, _ = run(folder)
    assert code == 1 and out.splitlines()[0] == f"第 {seq} 条：没有已签批次涵盖档案 R?9"
    assert "请核对，第 20 条：批次 D2037-0001 办理期间" in out
    code, out, _ = run(folder, "--json")
    told = json.loads(out)
    assert (code, told["ok"], told["torn_bytes"]) == (1, False, 0)
    assert told["findings"] == [{"entry": seq, "code": "order", "message": "no signed order covers the record R?9"}]
    assert [(one["entry"], one["code"]) for one in told["remarks"]] == [(20, "hold-released")]


def test_the_json_says_what_was_read_and_by_which_route_each_act_was_signed(folder: Path, run: Run) -> None:
    with (folder / "ledger-000001.jsonl").open("ab") as handle:
        handle.write(b"half")
    code, out, err = run(folder, "--json")
    told = json.loads(out)
    assert (code, err, told["ok"], told["findings"], told["remarks"]) == (0, "", True, [], [])
    counts = {"entries": 44, "head": read(folder).head, "orders": 2, "handovers": 2, "destroyed": 1, "people": 11,
              "torn_bytes": 4}
    assert {key: told[key] for key in counts} == counts
    assert told["acts"][0] == {"entry": 18, "order": ONE, "act": "order.proposed", "person": "arch", "route": "key",
                               "entered_by": None}
    assert told["acts"][-1] == {"entry": 38, "order": "D2037-0002", "act": "order.completed", "person": "hand2",
                                "route": "paper", "entered_by": "arch"}
    assert "4 bytes (0 entries) of a batch that was never confirmed" in run(folder, "--lang", "en")[1]
    assert "末尾有 4 字节（0 条）从未确认的批次" in run(folder)[1]


def test_checkpoints_in_the_folder_and_those_named_are_compared(folder: Path, tmp_path: Path, run: Run) -> None:
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / "good.json").write_bytes(plain(checkpoint(folder)))
    (folder / "checkpoints" / "other.txt").write_bytes(b"x")
    assert run(folder)[0] == 0
    (folder / "checkpoints" / "bad.json").write_bytes(b"{}")
    code, out, _ = run(folder)
    assert code == 1 and "bad.json 不是检查点" in out
    (folder / "checkpoints" / "bad.json").unlink()
    names = []
    for at, head in enumerate(("0" * 64, "1" * 64)):
        names += ["--against", str(tmp_path / f"{at}.json")]
        (tmp_path / f"{at}.json").write_bytes(plain(checkpoint(folder, head=head)))
    code, out, _ = run(folder, *names, "--lang", "en")
    assert code == 1 and out.count("is not the one that was signed") == 2


def test_where_nothing_can_be_checked_the_exit_code_says_so(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    (tmp_path / "empty").mkdir()
    assert run(tmp_path / "empty") == (2, "", f"没有台账：{tmp_path / 'empty'}\n")
    assert run(tmp_path / "empty", "--lang", "en") == (2, "", f"No ledger in {tmp_path / 'empty'}\n")
    (tmp_path / "odd" / "ledger-000001.jsonl").mkdir(parents=True)
    code, out, err = run(tmp_path / "odd")
    assert (code, out) == (2, "") and "ledger-000001.jsonl" in err
    before = builtins.__import__

    def without(name: str, *more: Any) -> Any:
        if name.startswith("cryptography"):
            raise ImportError(name)
        return before(name, *more)

    monkeypatch.setattr(builtins, "__import__", without)
    code, out, err = run(folder)
    assert (code, out) == (2, "") and "pip install cryptography" in err


def test_started_as_a_program_it_ends_with_its_exit_code(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["verify_ledger.py", str(folder)])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(TOOL.__file__), run_name="__main__")
    assert ended.value.code == 0 and "问题 0 处" in capsys.readouterr().out


def test_of_orders_on_their_way_the_first_and_the_last_release_are_told(tmp_path: Path) -> None:
    story = honest()
    steps = [held(f"H{at}", account=True, freed=freed) for at in range(3) for freed in (False, True)]
    story.behind("proposed", *steps)
    (remark,) = read(story.write(tmp_path)).remarks
    assert remark[:2] == (20, "hold-released") and "3 hold(s)" in remark[2] and "by entry 24" in remark[2]
    assert "3 个户号冻结，最后一个在第 24 条" in remark[3]
