"""Child processes outlive nobody."""

from __future__ import annotations

import subprocess
import sys

PARENT = """
from recordkit.crew import Crew
if __name__ == "__main__":
    with Crew(2, 600) as crew:
        for number in range(2):
            crew.put((0, number), exec, "import sys, time; print('busy', flush=True); time.sleep(600)")
        crew.take()
"""


def test_busy_children_end_with_a_parent_that_was_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    assert [parent.stdout.readline(), parent.stdout.readline()] == ["busy\n"] * 2
    parent.kill()
    # Each child holds the other end of the pipe: it ends when the last of them does.
    assert parent.communicate(timeout=60)[0] == ""
