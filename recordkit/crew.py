"""Child processes that work through tasks: batches of documents to print, pages to read."""

from __future__ import annotations

import contextlib
import heapq
import logging
import multiprocessing
import multiprocessing.connection
import os
import queue
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import resource_tracker
from typing import Any, Literal, Self

from recordkit.errors import RecordkitError
from recordkit.messages import msg

_SECONDS_TO_START = 120.0
_SECONDS_TO_END = 10.0
_SECONDS_TO_LOOK_UP = 0.5


Loss = Literal["damaged", "too-large", "timeout"]
"""Its process died, took more memory than allowed, or took too long."""


class Lost(Exception):
    """A task that brought no outcome."""

    def __init__(self, reason: Loss) -> None:
        """Keep the reason."""
        super().__init__(reason)
        self.reason: Loss = reason


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a task returned, or the error it ended with."""

    value: Any
    error: Exception | None


Key = tuple[int, int]


@dataclass(slots=True)
class _Worker:
    process: multiprocessing.process.BaseProcess
    pipe: multiprocessing.connection.Connection
    deadline: float
    started: bool = False
    key: Key | None = None


class Crew:
    """Child processes that work through tasks, smallest key first, under a time limit for each.

    concurrent.futures cannot end a single task, and with one dead process all its tasks are lost; here each process
    holds one task, so the guilty one is known. Processes start when there is work for them. A thread hands out the
    tasks, so that no process waits while the caller is busy with what came.

    Args:
        jobs: processes at most, at least one.
        seconds: time allowed for one task; the start of a process does not count.
        memory_bytes: memory that one process may take, None for no limit. Linux counts what the process itself
            writes to, not shared libraries and models mapped from files; a task beyond it is lost as ``too-large`` or
            ends with a MemoryError. macOS takes the limit and does not keep it, and Windows has none for a process
            that is running: there the time limit is what stops a task.
    """

    def __init__(self, jobs: int, seconds: float, memory_bytes: int | None = None) -> None:
        """Start nothing yet."""
        self._jobs = max(1, jobs)
        self._seconds = seconds
        self._memory_bytes = memory_bytes
        self._context = multiprocessing.get_context("spawn")
        self._lock = threading.Lock()  # of what both threads use: the tasks that wait
        self._waiting: list[tuple[Key, Callable[..., Any], tuple[Any, ...]]] = []
        self._finished: queue.SimpleQueue[tuple[Key, Outcome] | Exception] = queue.SimpleQueue()
        self._ear, self._bell = multiprocessing.connection.Pipe(duplex=False)  # wakes the thread
        self._thread: threading.Thread | None = None
        self._ends = False
        self._failure: Exception | None = None
        self._under_way = 0  # tasks put and neither taken nor dropped
        self._workers: list[_Worker] = []  # the thread's own
        self._reserved = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._ends = True
        if self._thread is not None:
            self._bell.send_bytes(b"!")
            self._thread.join()
        for worker in tuple(self._workers):
            self._dismiss(worker)
        self._ear.close()
        self._bell.close()

    def put(self, key: Key, function: Callable[..., Any], *arguments: Any) -> None:
        """Add a task. ``key`` is unique; ``function`` must be importable by the child."""
        with self._lock:
            heapq.heappush(self._waiting, (key, function, arguments))
        self._under_way += 1
        if self._thread is None:
            # A daemon: a caller that is killed by a second Ctrl-C must not hang on it.
            self._thread = threading.Thread(target=self._serve_workers, daemon=True)
            self._thread.start()
        self._bell.send_bytes(b"!")

    def reserve(self, count: int) -> int:
        """The first of ``count`` numbers for keys that nobody else gets, for callers that share the processes."""
        self._reserved += count
        return self._reserved - count

    def drop(self, first: int) -> None:
        """Forget the waiting tasks whose key begins with ``first``."""
        with self._lock:
            kept = [task for task in self._waiting if task[0][0] != first]
            self._under_way -= len(self._waiting) - len(kept)
            self._waiting = kept
            heapq.heapify(self._waiting)

    def take(self) -> tuple[Key, Outcome]:
        """Wait for the next finished task, in whatever order they finish.

        Raises:
            LookupError: there is no task left.
            RecordkitError: a process does not start.
        """
        if self._failure is not None:
            raise self._failure
        if not self._under_way:
            raise LookupError("no task is left")
        found: tuple[Key, Outcome] | Exception | None = None
        while found is None:
            with contextlib.suppress(queue.Empty):
                found = self._finished.get(timeout=_SECONDS_TO_LOOK_UP)  # without it Windows would not hear Ctrl-C
        if isinstance(found, Exception):
            self._failure = found
            raise found
        self._under_way -= 1
        return found

    def _serve_workers(self) -> None:
        """The thread's life: tasks to the workers, what they bring to the caller, until the end."""
        try:
            while not self._ends:
                self._hand_out()
                busy = [worker for worker in self._workers if worker.key is not None or not worker.started]
                patience = None
                if busy:
                    patience = max(0.0, min(worker.deadline for worker in busy) - time.monotonic())
                ready = multiprocessing.connection.wait([self._ear, *(worker.pipe for worker in busy)], patience)
                if self._ear in ready:
                    self._ear.recv_bytes()
                now = time.monotonic()
                for worker in busy:
                    finished = None
                    if worker.pipe in ready:
                        finished = self._receive(worker)
                    elif worker.deadline <= now:
                        finished = self._give_up(worker, "timeout")
                    if finished is not None:
                        self._finished.put(finished)
        except Exception as error:
            self._finished.put(error)

    def _hand_out(self) -> None:
        for worker in tuple(self._workers):
            if worker.started and worker.key is None:
                with self._lock:
                    if not self._waiting:
                        break
                    task = heapq.heappop(self._waiting)
                key, function, arguments = task
                try:
                    worker.pipe.send((function, arguments))
                except OSError:  # it died while idle: no task is to blame
                    with self._lock:
                        heapq.heappush(self._waiting, task)
                    self._dismiss(worker)
                    continue
                worker.key, worker.deadline = key, time.monotonic() + self._seconds
        starting = sum(not worker.started for worker in self._workers)
        for _ in range(min(len(self._waiting) - starting, self._jobs - len(self._workers))):
            self._start()

    def _start(self) -> None:
        here, there = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(there, self._memory_bytes), daemon=True)
        with _interrupts_wait():
            process.start()
            there.close()
            self._workers.append(_Worker(process, here, time.monotonic() + _SECONDS_TO_START))

    def _receive(self, worker: _Worker) -> tuple[Key, Outcome] | None:
        try:
            outcome = worker.pipe.recv()
        except (EOFError, OSError):
            worker.process.join(_SECONDS_TO_END)
            return self._give_up(worker, "too-large" if _ran_out_of_memory(worker.process.exitcode) else "damaged")
        if not worker.started:
            worker.started = True
            return None
        key, worker.key = worker.key, None
        assert key is not None
        return key, outcome

    def _give_up(self, worker: _Worker, reason: Loss) -> tuple[Key, Outcome]:
        self._dismiss(worker)
        if worker.key is None:
            raise RecordkitError(
                msg("A worker process did not start."),
                msg("Try again with fewer jobs; a script of your own must start under: if __name__ == '__main__'."),
            )
        return worker.key, Outcome(None, Lost(reason))

    def _dismiss(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        worker.process.kill()
        worker.process.join()
        worker.pipe.close()


@contextlib.contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Hold Ctrl-C back until the block ends; it is never lost.

    It reaches all processes of the terminal: a child that is born with it held back prints no traceback over it, and
    a child that is started but not yet known would be left behind.
    """
    if sys.platform != "win32":
        # It lifts the hold itself when it starts its helper with the first child; so that comes before.
        resource_tracker.ensure_running()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers, and Ctrl-C reaches no other
        return
    came: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if handler is None else handler)
    if came:
        signal.raise_signal(signal.SIGINT)


def _ran_out_of_memory(exit_code: int | None) -> bool:
    """Whether a process died as those do that get no memory: C++ libraries abort, Linux kills the largest process."""
    return sys.platform != "win32" and exit_code in (-signal.SIGABRT, -signal.SIGKILL)


def _limit_memory(size: int) -> None:
    """Let this process take no more than ``size`` bytes, where the system has a way to say that."""
    if sys.platform != "win32":
        import resource

        # RLIMIT_AS would count address space that is only set aside: onnxruntime needs twice as much of that.
        kind = resource.RLIMIT_DATA if sys.platform == "linux" else resource.RLIMIT_AS
        with contextlib.suppress(OSError, ValueError):  # a lower limit is set already
            resource.setrlimit(kind, (size, size))
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a dump would put the paper on the disk, in clear


def _serve(pipe: multiprocessing.connection.Connection, memory_bytes: int | None) -> None:
    """A child's life: say that it is there, then one task after the other until the parent hangs up."""
    if memory_bytes is not None:
        _limit_memory(memory_bytes)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # programs it starts are not to inherit the hold
    threading.Thread(target=_die_with_parent, daemon=True).start()
    # What libraries think of broken files is not news for the terminal; what matters is in the outcome.
    logging.disable()
    warnings.simplefilter("ignore")
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        pipe.send(None)
        while True:
            function, arguments = pipe.recv()
            try:
                outcome = Outcome(function(*arguments), None)
            except Exception as error:
                outcome = Outcome(None, error)
            try:
                pipe.send(outcome)
            except (TypeError, AttributeError, ValueError) as error:  # an exception that cannot travel
                pipe.send(Outcome(None, RuntimeError(f"{outcome.error!r}: {error}")))


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)  # in mid-page if need be: nobody waits for it
