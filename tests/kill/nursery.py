"""`python -m tests.kill.nursery`: has everything loaded and forks `rules` commands, told and telling in JSON lines.

A process that is forked starts in a few milliseconds instead of a second, and is a process of its own all the same.
"""

import gc
import importlib
import json
import logging
import os
import selectors
import signal
import sys
import traceback
from pathlib import Path

from rules_engine.cli import main as rules
from tests.kill.points import Sheath, install

LOADED = ("cli.run", "cli.gateway", "cli.audit", "daemon.start", "broker.link")


def main() -> None:
    """Forks until its input ends, then leaves no child behind."""
    for name in LOADED:
        importlib.import_module(f"rules_engine.{name}")
    importlib.import_module("apprise")
    gc.freeze()
    awake, wake = os.pipe()
    os.set_blocking(awake, False)
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    # A child may be given its knife before it knows what to do with it.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
    selector = selectors.DefaultSelector()
    selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
    selector.register(awake, selectors.EVENT_READ)
    children: set[int] = set()
    heard = b""
    while True:
        for key, _ in selector.select():
            if key.fd == awake:
                os.read(awake, 4096)
                continue
            news = os.read(key.fd, 65536)
            if not news:
                for child in children:
                    os.kill(child, signal.SIGKILL)
                return
            *lines, heard = (heard + news).split(b"\n")
            for line in lines:
                order = json.loads(line)
                if not (child := os.fork()):
                    selector.close()
                    _live(order, (awake, wake))
                children.add(child)
                _say(id=order["id"], pid=child)
        _report(children)


def _report(children: set[int]) -> None:
    """Tells of every child that stopped or ended."""
    for child in list(children):
        pid, status = os.waitpid(child, os.WNOHANG | os.WUNTRACED)
        if not pid:
            continue
        if os.WIFSTOPPED(status):
            _say(pid=pid, stopped=True)
        else:
            children.discard(pid)
            _say(pid=pid, code=os.waitstatus_to_exitcode(status))


def _say(**news: object) -> None:
    os.write(1, json.dumps(news).encode() + b"\n")


def _live(order: dict, pipes: tuple[int, int]) -> None:
    """The child's whole life."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for pipe in pipes:
        os.close(pipe)
    output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for here, there in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(here, there)
    install(Sheath(Path(order["knife"])))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR2})
    sys.argv = ["rules", *order["words"]]
    code = 1
    try:
        rules()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
