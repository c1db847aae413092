"""Which files are ready, told from listings alone, and the loop around it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recordkit.archive.watching import Watch, is_partial, keep_watch, looks_finished, only_watcher, states_of
from recordkit.errors import NotFound, RecordkitError, RefusedByRule, StoreBusy
from recordkit.messages import Message, msg

A, B = Path("a.pdf"), Path("b.pdf")


def state(size: int) -> tuple[int, int, int]:
    return 1, size, size


def yes(_: Path) -> bool:
    return True


def no(_: Path) -> bool:
    return False


def test_a_file_is_ready_when_two_looks_found_it_the_same() -> None:
    watch = Watch()
    assert watch.look({A: state(1)}, yes) == []
    assert watch.look({A: state(2)}, yes) == []
    assert watch.look({A: state(2)}, yes) == [A]


def test_a_file_that_lacks_its_end_is_waited_for_and_taken_in_the_end() -> None:
    watch = Watch(patience=5)
    looks = [watch.look({A: state(1)}, no) for _ in range(5)]
    assert looks == [[], [], [], [], [A]]


def test_growing_begins_the_wait_anew() -> None:
    watch = Watch(patience=3)
    for size in (1, 1, 2, 2):
        assert watch.look({A: state(size)}, no) == []
    assert watch.look({A: state(2)}, no) == [A]


def test_what_was_dealt_with_and_still_lies_there_comes_again_only_when_it_changed() -> None:
    watch = Watch()
    watch.look({A: state(1)}, yes)
    assert watch.look({A: state(1)}, yes) == [A]
    watch.settle(A)
    assert [watch.look({A: state(1)}, yes) for _ in range(3)] == [[], [], []]
    assert watch.look({A: state(2)}, yes) == []
    assert watch.look({A: state(2)}, yes) == [A]
    watch.settle(A)
    assert watch.look({}, yes) == []
    watch.look({A: state(2)}, yes)
    assert watch.look({A: state(2)}, yes) == [A]


def test_a_file_that_vanishes_is_forgotten() -> None:
    watch = Watch()
    watch.look({A: state(1), B: state(1)}, yes)
    assert watch.look({B: state(1)}, yes) == [B]
    assert watch.look({A: state(1)}, yes) == []
    assert watch.waiting == 1


def test_the_end_of_a_file_is_looked_at_only_when_it_lies_still() -> None:
    asked: list[Path] = []

    def note(path: Path) -> bool:
        asked.append(path)
        return True

    watch = Watch()
    watch.look({A: state(1), B: state(1)}, note)
    watch.look({A: state(2), B: state(1)}, note)
    assert asked == [B]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.dictionaries(st.sampled_from([A, B]), st.integers(1, 3).map(state)), max_size=12),
       st.sets(st.integers(0, 12)))
def test_nothing_is_ready_that_was_not_the_same_in_the_look_before(
    listings: list[Mapping[Path, tuple[int, int, int]]], settling: set[int]
) -> None:
    watch = Watch()
    settled: dict[Path, tuple[int, int, int]] = {}
    for number, listing in enumerate(listings):
        before = listings[number - 1] if number else {}
        settled = {path: one for path, one in settled.items() if listing.get(path) == one}
        want = sorted(path for path in listing if before.get(path) == listing[path] and path not in settled)
        assert watch.look(listing, yes) == want
        if number in settling:
            for path in want:
                watch.settle(path)
                settled[path] = listing[path]


@pytest.mark.parametrize("name", [".hidden.pdf", "scan.pdf.part", "x.TMP", "~$合同.pdf", "y.crdownload", "z.filepart"])
def test_names_of_unfinished_files(name: str) -> None:
    assert is_partial(name)
    assert not is_partial("扫描 1.PDF")


def test_states_leave_out_what_vanished_and_what_is_unfinished(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"x")
    (tmp_path / "a.pdf.part").write_bytes(b"x")
    assert list(states_of([tmp_path / "a.pdf", tmp_path / "a.pdf.part", tmp_path / "gone.pdf"])) == [tmp_path / "a.pdf"]


def test_the_last_bytes_tell_a_whole_pdf(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(b"%PDF-1.7" + b"x" * 9000 + b"\n%%EOF\n")
    assert looks_finished(path)
    path.write_bytes(path.read_bytes()[:-6])
    assert not looks_finished(path)
    assert not looks_finished(tmp_path / "gone.pdf")


class Folder:
    """A folder whose listing, and whose troubles, are told look by look; what is taken leaves it."""

    def __init__(self, *looks: Mapping[Path, tuple[int, int, int]] | Exception) -> None:
        self.looks = list(looks)
        self.taken: list[Path] = []
        self.said: list[str] = []
        self.troubles: list[Exception] = []

    def listing(self) -> Mapping[Path, tuple[int, int, int]]:
        now = self.looks.pop(0)
        if isinstance(now, Exception):
            raise now
        return {path: one for path, one in now.items() if path not in self.taken}

    def take(self, ready: Sequence[Path]) -> Iterable[Path]:
        for path in ready:
            if self.troubles:
                raise self.troubles.pop(0)
            self.taken.append(path)
            yield path

    def run(self, watch: Watch | None = None) -> None:
        keep_watch(watch or Watch(), listing=self.listing, take=self.take, wait=lambda: not self.looks,
                   say=lambda told: self.said.append(str(told)), is_finished=yes)


def test_a_burst_of_a_thousand_files_is_taken_once_each_and_in_order() -> None:
    burst = {Path(f"{number:04}.pdf"): state(1) for number in range(1000)}
    folder = Folder({}, burst, burst, burst, burst)
    folder.run()
    assert folder.taken == sorted(burst)


def test_trouble_that_passes_is_told_once_and_nothing_is_lost_over_it() -> None:
    gone = OSError(5, "share is gone")
    folder = Folder({A: state(1)}, gone, gone, gone, {A: state(1)}, {A: state(1)})
    folder.run()
    assert folder.taken == [A]
    assert [("share is gone" in one, "again" in one) for one in folder.said] == [(True, True), (False, True)]


def test_trouble_while_filing_leaves_the_file_for_the_next_look() -> None:
    folder = Folder(*[{A: state(1), B: state(1)}] * 4)
    folder.troubles = [StoreBusy(msg("busy")), NotFound(msg("gone"))]
    folder.run()
    assert folder.taken == [A, B]
    assert len(folder.said) == 3


def test_trouble_at_the_first_look_ends_the_watch_and_so_does_trouble_that_does_not_pass() -> None:
    with pytest.raises(OSError, match="gone"):
        Folder(OSError(5, "gone")).run()
    folder = Folder(*[{A: state(1)}] * 3)
    folder.troubles = [RefusedByRule(msg("no"))]
    with pytest.raises(RefusedByRule):
        folder.run()


def test_after_the_wish_to_stop_the_paper_at_hand_is_the_last() -> None:
    taken: list[Path] = []

    def take(ready: Sequence[Path]) -> Iterator[Path]:
        for path in ready:
            taken.append(path)
            yield path
            if len(taken) == 2:
                return

    waits = iter([False, True])
    listing = {Path(f"{number}.pdf"): state(1) for number in range(5)}
    said: list[Message] = []
    keep_watch(Watch(), listing=lambda: listing, take=take, wait=lambda: next(waits), say=said.append,
               is_finished=yes)
    assert (len(taken), said) == (2, [])


def test_a_second_watcher_is_refused_and_the_first_one_s_own_trouble_is_its_own(tmp_path: Path) -> None:
    with only_watcher(tmp_path), pytest.raises(StoreBusy, match="watches"), only_watcher(tmp_path):
        pass
    with pytest.raises(RecordkitError, match="mine"), only_watcher(tmp_path):
        raise StoreBusy(msg("mine"))
