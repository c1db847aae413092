"""The program runs on Windows and macOS, too: what only POSIX has is called in a few named places, each behind a test
of the system, and nowhere else."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import recordkit

PACKAGE = Path(recordkit.__file__).parent
_OS_CALLS = """
fork forkpty getuid geteuid getgid getegid getgroups setuid setgid seteuid setegid setsid setpgid getpgid getpgrp
killpg wait wait3 wait4 waitid chown lchown fchown fchmod chroot mkfifo mknod uname getloadavg statvfs fstatvfs nice
getpriority setpriority sched_getaffinity sched_setaffinity pipe2 sync sysconf confstr fdatasync posix_spawn
posix_spawnp posix_fadvise posix_fallocate openpty ttyname tcgetpgrp tcsetpgrp pread pwrite preadv pwritev readv writev
sendfile getxattr setxattr listxattr removexattr memfd_create lockf major minor ctermid O_NOFOLLOW O_DIRECTORY
O_CLOEXEC O_NONBLOCK O_SYNC O_DSYNC WIFEXITED WEXITSTATUS WIFSIGNALED WTERMSIG
"""
_SIGNALS = """
SIGKILL SIGHUP SIGUSR1 SIGUSR2 SIGALRM SIGCHLD SIGQUIT SIGSTOP SIGTSTP SIGCONT SIGWINCH SIGPIPE alarm setitimer pause
pthread_kill sigwait pthread_sigmask
"""
_MODULES = "fcntl pwd grp resource termios tty pty posix syslog crypt spwd curses readline"
OS_CALLS, SIGNALS, MODULES = (frozenset(one.split()) for one in (_OS_CALLS, _SIGNALS, _MODULES))
PLACES = ("/dev/", "/proc/", "/etc/", "/tmp", "/bin/", "/usr/", "/sbin/", "/var/", "/home/")
ARGUMENTS = frozenset(("preexec_fn", "pass_fds"))

ALLOWED = {
    "archive/netdisk.py": {"/proc/self/mounts", "/sbin/mount"},
    "cli/answers.py": {"readline"},
    "cli/machine.py": {"/etc/os-release"},
    "cli/making.py": {"readline"},
    "cli/progress.py": {"pthread_sigmask"},
    "crew.py": {"resource", "SIGKILL", "pthread_sigmask"},
    "templates/fonts.py": {"/etc/fonts/fonts.conf"},
    "templates/office_watch.py": {"killpg", "SIGKILL"},
}
"""The adapters. What is not used any more goes from here."""


def posix_only(source: str) -> Iterator[str]:
    """Names of what Windows lacks; texts of documentation do not count."""
    tree = ast.parse(source)
    documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            wanted = {"os": OS_CALLS, "signal": SIGNALS}.get(node.value.id, frozenset())
            if node.attr in wanted:
                yield node.attr
        elif isinstance(node, ast.Import):
            yield from (one.name for one in node.names if one.name.partition(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom):
            if node.module in MODULES:
                yield str(node.module)
            known = {"os": OS_CALLS, "signal": SIGNALS}.get(node.module or "", frozenset())
            yield from (one.name for one in node.names if one.name in known)
        elif isinstance(node, ast.keyword) and node.arg in ARGUMENTS:
            yield node.arg
        elif (isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation
              and node.value.startswith(PLACES)):
            yield node.value


def test_only_the_adapters_call_what_windows_lacks() -> None:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        names = set(posix_only(path.read_text(encoding="utf-8")))
        if names:
            found[path.relative_to(PACKAGE).as_posix()] = names
    assert found == ALLOWED


@pytest.mark.parametrize("name", sorted(ALLOWED))
def test_an_adapter_asks_which_system_it_is_on(name: str) -> None:
    text = (PACKAGE / name).read_text(encoding="utf-8")
    asks = ("sys.platform", "os.name", "platform.system", "ImportError")
    # fonts.py only names the file in a table that fontconfig reads; on other systems nobody reads that table.
    assert any(one in text for one in asks) or name == "templates/fonts.py"


@pytest.mark.parametrize(
    ("line", "name"),
    [("os.fork()", "fork"), ("import fcntl", "fcntl"), ("from signal import SIGHUP", "SIGHUP"),
     ("from pwd import getpwuid", "pwd"), ("subprocess.run(x, preexec_fn=y)", "preexec_fn"),
     ("Path('/dev/null')", "/dev/null"), ("from os import geteuid", "geteuid")],
)
def test_such_a_call_is_seen(line: str, name: str) -> None:
    assert list(posix_only(f'"""/dev/null in a docstring is no call."""\n{line}\n')) == [name]
