"""Backtests on the workers of dask.distributed, which decides who does what and does anew what a lost worker did."""

import pickle
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from logging import ERROR
from math import ceil
from pathlib import Path
from signal import SIG_IGN, SIGINT, signal
from typing import TYPE_CHECKING, TypeVar

import rules_engine
from rules_engine.recordings import Recording
from rules_engine.recordings.recording import Progress
from rules_engine.replay.memory import keep_freed_memory
from rules_engine.replay.playing import Outcome, Playing, Task
from rules_engine.replay.reports import TOPIC, Counting, Report, Reports
from rules_engine.replay.summary import Result
from rules_engine.replay.workers import NoWorkers, Seen, look_through

if TYPE_CHECKING:
    from distributed import Client, LocalCluster

Answer = TypeVar("Answer")

_LOCAL = "local"
_ANSWER_S = 10
"""How long a scheduler, and its first worker, may take to answer."""
_TASKS_A_THREAD = 4
"""So many at least, where there are variants enough: who is ready early takes over from who is slow."""


class VersionSkew(NoWorkers):
    """A worker runs another program than this one, and might find something else. The backtest ends."""


@dataclass(frozen=True, slots=True)
class Away:
    """What was played elsewhere."""

    found: Sequence[Outcome]
    came_of_it: Sequence[Result]

    def outcomes(self) -> Iterator[Outcome]:
        return iter(self.found)

    def results(self) -> Sequence[Result]:
        return self.came_of_it


@contextmanager
def cluster(at: str) -> "Iterator[OnDask]":
    """The workers at `HOST:PORT` of a scheduler, or `local` or `local:2`: so many processes of this machine.

    Raises NoWorkers.
    """
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        raise NoWorkers("--on needs dask.distributed: pip install distributed") from None
    host, _, count = at.partition(":")
    with ExitStack() as stack:
        try:
            address: str | LocalCluster = f"tcp://{at}"
            if host == _LOCAL:
                # Nothing of dask's own is told: what becomes of the work is.
                with _interrupts_ignored():
                    processes = LocalCluster(
                        n_workers=int(count) if count else None,
                        threads_per_worker=1,
                        dashboard_address=":0",
                        silence_logs=ERROR,
                    )
                stack.callback(_end, processes)
                address = processes
            client = stack.enter_context(Client(address, timeout=_ANSWER_S))
            client.wait_for_workers(1, timeout=_ANSWER_S)
        except (OSError, TimeoutError) as error:
            raise NoWorkers(f"nobody answers at dask://{at}: {error}") from error
        yield OnDask(client)


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Processes that are started meanwhile go on doing so: Ctrl-C reaches all of a terminal, and is for this one to
    hear, which ends them."""
    before = signal(SIGINT, SIG_IGN)
    try:
        yield
    finally:
        signal(SIGINT, before)


def _end(processes: "LocalCluster") -> None:
    """Who takes too long to go, such as a worker that is being started anew, ends with this process, and does not hide
    what came of the work."""
    with suppress(TimeoutError):
        processes.close()


class OnDask:
    """Sends every recording to be looked through, and every task to be played, as one task of dask's.

    Raises VersionSkew when a worker there is not of this program.
    """

    def __init__(self, client: "Client") -> None:
        self._client = client
        self._check()

    def survey(self, recordings: Sequence[Recording], progress: Progress) -> Iterator[Seen]:
        for seen, _ in self._answers(_look_through, recordings, progress):
            yield seen

    def play(self, tasks: Sequence[Task], progress: Progress) -> Iterator[Away]:
        for away, _ in self._answers(_play, tasks, progress):
            yield away

    def variants_at_once(self, parts: int, variants: int) -> int:
        threads: int = sum(self._client.nthreads().values())
        tasks_a_part = ceil(_TASKS_A_THREAD * threads / max(1, parts))
        return ceil(variants / min(variants, tasks_a_part))

    def _answers(
        self, work: Callable[[str, bytes, str, int], tuple[Answer, int]], asked: Sequence[object], progress: Progress
    ) -> Iterator[tuple[Answer, int]]:
        """In order, each with all that was done for it; what was taken is forgotten by the workers."""
        reports = Reports(progress)
        self._client.subscribe_topic(TOPIC, reports.hear)
        try:
            for number, answer in enumerate(self._answers_to(work, asked, reports.run)):
                reports.end(number, answer[1])
                yield answer
        finally:
            self._client.unsubscribe_topic(TOPIC)

    def _answers_to(
        self, work: Callable[[str, bytes, str, int], Answer], asked: Sequence[object], run: str
    ) -> Iterator[Answer]:
        from distributed.client import FutureCancelledError
        from distributed.scheduler import KilledWorker

        sent = [pickle.dumps(one) for one in asked]
        futures = deque(
            self._client.map(work, [program()] * len(sent), sent, [run] * len(sent), range(len(sent)), pure=False)
        )
        while futures:
            try:
                answer: Answer = futures.popleft().result()
            except KilledWorker as error:
                raise NoWorkers(
                    f"several workers in a row died of one task; is their memory enough? {error}"
                ) from error
            except FutureCancelledError as error:
                raise NoWorkers(f"the scheduler is gone: {error}") from error
            yield answer

    def _check(self) -> None:
        for worker, theirs in self._client.run(_asked()).items():
            if theirs != program():
                raise VersionSkew(f"the worker {worker} runs {theirs}, this is {program()}; install the same on both")


@cache
def program() -> str:
    """What this is, to the letter of its source, and what runs it."""
    root = Path(rules_engine.__file__).parent
    digest = sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    python = ".".join(map(str, sys.version_info[:2]))
    return f"rules-engine {rules_engine.__version__} (source {digest.hexdigest()[:12]}) on Python {python}"


def _asked() -> Callable[[], str]:
    """A function that travels whole, to workers that may never have heard of this module."""

    def answer() -> str:
        try:
            from rules_engine.replay.on_dask import program
        except ImportError as error:
            return f"no such rules-engine ({error})"
        return program()

    return answer


def _look_through(sender: str, sent: bytes, run: str, number: int) -> tuple[Seen, int]:
    _check_sender(sender)
    count = Counting(run, number, _tell)
    return look_through(pickle.loads(sent), count), count.done


def _play(sender: str, sent: bytes, run: str, number: int) -> tuple[Away, int]:
    _check_sender(sender)
    keep_freed_memory()
    count = Counting(run, number, _tell)
    playing = Playing(pickle.loads(sent), count)
    found = list(playing.outcomes())
    return Away(found, playing.results()), count.done


def _tell(report: Report) -> None:
    from distributed import get_worker

    get_worker().log_event(TOPIC, report)


def _check_sender(sender: str) -> None:
    """A worker may have joined later, or been started anew from another source."""
    if sender != program():
        raise VersionSkew(f"a worker runs {program()}, this is {sender}; install the same on both")
