"""Runs one program and ends it with all its children as soon as the caller is gone. Started as a script.

Arguments: a folder, then the command. Standard input is a pipe that the caller holds open: when it closes, the program
is killed. A byte before that says that the caller did it on purpose; without one the caller has died, and the folder,
which holds customers' data, is removed for it. The first line on standard output is the program's process id, the exit
code its exit code.

LibreOffice is a tree of two processes and a hung one ignores polite signals; nobody but a living neighbour can end it
after the caller was killed (SIGKILL, a closed session, a power cut of the remote desktop). Only the standard library
and no module of ours: this must start in a few hundredths of a second.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time


def end_tree(process: int) -> None:
    """Kill ``process``, started as the leader of its own group, and its children."""
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(process)], check=False, capture_output=True)
    else:
        try:
            os.killpg(process, signal.SIGKILL)
        except ProcessLookupError:
            return


_ending = threading.Event()


def _obey(process: int, folder: str) -> None:
    on_purpose = sys.stdin.buffer.read()  # returns when the caller closes its end or is no more
    _ending.set()
    end_tree(process)
    for _ in range(0 if on_purpose else 50):
        # The killed ones may still finish a last call that makes a file, and a neighbour clears the same folder.
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.lexists(folder):  # noqa: PTH110  (pathlib takes as long to load as all the rest)
            break
        time.sleep(0.1)
    os._exit(1)


def _main() -> None:
    folder, *command = sys.argv[1:]
    none = subprocess.DEVNULL
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP
        child = subprocess.Popen(command, stdin=none, stdout=none, stderr=none, creationflags=flags)
    else:
        child = subprocess.Popen(command, stdin=none, stdout=none, stderr=none, process_group=0)
    sys.stdout.write(f"{child.pid}\n")
    sys.stdout.flush()
    neighbour = threading.Thread(target=_obey, args=(child.pid, folder), daemon=True)
    neighbour.start()
    code = child.wait()
    if _ending.is_set():
        neighbour.join()
    end_tree(child.pid)  # a child that outlives its parent would keep the profile locked
    os._exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    _main()
