"""Backtests on real worker processes: the same answers, a worker that dies, a worker of another program."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import dask
import pytest
from distributed import Client, LocalCluster

import rules_engine
from rules_engine.recordings import Recording
from rules_engine.recordings.location import Location, of_instruments
from rules_engine.replay import on_dask, reports
from rules_engine.replay.backtest import Backtest
from rules_engine.replay.on_dask import OnDask, VersionSkew, cluster
from rules_engine.replay.playing import Task
from rules_engine.replay.reports import Counting, Report, Reports
from rules_engine.replay.request import Request
from rules_engine.replay.workers import NoWorkers
from tests.cli.calling import call
from tests.recordings.written import NEW_YORK
from tests.replay.playing import FREE, HEAD, loaded_rules, prices

NAMES = ("V", "MA", "AXP", "SPY")
RULES = "rules:\n" + "".join(
    f"  - {{name: {name}-up, when: {name} crosses above 101, do: buy 10 {name}}}\n"
    f"  - {{name: {name}-far, when: '{name} > sma({name}, 5s) + 1', do: notify desk, cooldown: 3s}}\n"
    for name in NAMES
)


@pytest.fixture(scope="module")
def processes() -> Iterator[LocalCluster]:
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as found:
        yield found


@pytest.fixture
def client(processes: LocalCluster) -> Iterator[Client]:
    with Client(processes) as found:
        yield found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four instruments, the first two of them in days."""
    for number, name in enumerate(NAMES):
        walk = [100 + (step * (7 + number)) % 13 / 4 for step in range(400)]
        lines = prices(*walk).splitlines()
        if number < 2:
            (tmp_path / name).mkdir()
            (tmp_path / name / "1.csv").write_text("\n".join(lines[:200]))
            (tmp_path / name / "2.csv").write_text("\n".join([lines[0], *lines[200:]]))
        else:
            (tmp_path / f"{name}.csv").write_text("\n".join(lines))
    (tmp_path / "rules.yaml").write_text(HEAD + RULES)
    return tmp_path


def request_on(folder: Path) -> Request:
    loaded, plans = loaded_rules(RULES)
    found = of_instruments(Location(str(folder)), loaded.instruments)
    recordings = [Recording(name, files, NEW_YORK) for name, files in found.items()]
    return Request(plans, loaded.instruments, recordings, assumptions=FREE)


def played(request: Request, client: Client | None = None) -> tuple[int, list[object], list[str]]:
    """The rows, every outcome, and each variant's summary."""
    backtest = Backtest(request, workers=None if client is None else OnDask(client))
    rows: list[int] = []
    backtest.survey()
    outcomes: list[object] = list(backtest.outcomes(rows.append))
    return sum(rows), outcomes, [repr(summary) for summary in backtest.summaries()]


def test_workers_find_what_one_process_finds(folder: Path, client: Client) -> None:
    expected = played(request_on(folder))
    assert expected[0] == 1600 and len(expected[1]) > 100
    assert played(request_on(folder), client) == expected


def test_workers_tell_how_far_they_are_while_they_are_at_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers of this process tell it with every few rows; in the end all rows are told, each once a task."""
    monkeypatch.setattr(reports, "_TOLD_EVERY_S", 0.0)
    with LocalCluster(n_workers=1, processes=False, dashboard_address=":0") as threads, Client(threads) as client:
        told: list[int] = []
        read: list[int] = []
        backtest = Backtest(request_on(folder), workers=OnDask(client))
        backtest.survey(read.append)
        list(backtest.outcomes(told.append))
        assert (sum(read), sum(told)) == (backtest.size(), 1600)
        assert backtest.rows() == 1600
        events = [event for _, event in client.get_events(reports.TOPIC)]
    assert {number for _, number, _ in events} == {0, 1, 2, 3}
    assert max(done for _, _, done in events) > 400


def test_what_other_runs_and_tasks_that_have_ended_tell_does_not_count() -> None:
    told: list[int] = []
    heard = Reports(told.append)
    for run, number, done in ((heard.run, 0, 10), ("other", 0, 99), (heard.run, 1, 5), (heard.run, 0, 30)):
        heard.hear((0.0, (run, number, done)))
    heard.hear((0.0, (heard.run, 1, 2)))
    heard.end(0, 40)
    heard.hear((0.0, (heard.run, 0, 35)))
    assert told == [10, 5, 20, -3, 10]


def test_variants_are_divided_among_workers_and_come_back_in_order(folder: Path, client: Client) -> None:
    request = request_on(folder)
    variants = []
    for level in range(100, 104):
        variants.append(loaded_rules(RULES.replace("101", str(level)))[1])
    request = replace(request, variants=variants)
    assert OnDask(client).variants_at_once(parts=4, variants=4) == 2
    expected = played(request)
    found = played(request_on_variants(folder, variants), client)
    assert found[2] == expected[2]
    assert len(set(found[2])) == 4


def request_on_variants(folder: Path, variants: list[Any]) -> Request:
    return replace(request_on(folder), variants=variants)


@pytest.mark.parametrize(("parts", "variants", "expected"), [(1, 100, 13), (8, 100, 100), (3, 1, 1), (4, 4, 2)])
def test_there_are_tasks_enough_for_every_thread(parts: int, variants: int, expected: int, client: Client) -> None:
    assert OnDask(client).variants_at_once(parts, variants) == expected


def test_the_command_says_the_same_bytes_here_and_there(folder: Path, processes: LocalCluster) -> None:
    words = ("backtest", str(folder / "rules.yaml"), "--data", str(folder))
    there = ("--on", processes.scheduler_address.replace("tcp", "dask"))
    for form in (("--json",), ("--summary", "json"), ("--json", "--sweep", "rules.V-up.threshold=100..103")):
        here = call(*words, *form)
        assert here.code == 0 and here.out
        assert call(*words, *form, *there) == here


def test_problems_of_files_are_told_as_here(folder: Path, processes: LocalCluster) -> None:
    (folder / "SPY.csv").write_text("time,price\n2,5\n1,5\n3,x\n")
    (folder / "MA" / "2.csv").write_text("")
    words = ("backtest", str(folder / "rules.yaml"), "--data", str(folder))
    here = call(*words)
    assert here.code == 78 and here.err.count("error[") == 3
    assert call(*words, "--on", processes.scheduler_address.replace("tcp", "dask")) == here


def test_a_worker_that_dies_with_its_work_changes_nothing(
    folder: Path, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first worker that plays is killed; what it did is done anew by the other, or by its successor."""
    expected = played(request_on(folder))
    marks = folder / "marks"
    marks.mkdir()
    monkeypatch.setattr(on_dask, "_play", dying_once(str(marks)))
    before = set(client.scheduler_info()["workers"])
    assert played(request_on(folder), client) == expected
    [killed] = marks.iterdir()
    assert killed.name == "once"
    client.wait_for_workers(2, timeout=60)
    assert set(client.scheduler_info()["workers"]) != before


def dying_once(marks: str) -> Any:
    """Plays as ever, but whoever first gets to play for V ends at once, by SIGKILL."""
    play = on_dask._play

    def work(sender: str, sent: bytes, run: str, number: int) -> object:
        import pickle

        task: Task = pickle.loads(sent)
        if task.request.recordings[0].instrument == "V":
            try:
                os.close(os.open(f"{marks}/once", os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return play(sender, sent, run, number)
            os.kill(os.getpid(), signal.SIGKILL)
        return play(sender, sent, run, number)

    return work


def test_work_that_kills_whoever_does_it_ends_with_a_word(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def work(sender: str, sent: bytes, run: str, number: int) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(on_dask, "_look_through", work)
    root = Path(rules_engine.__file__).parent.parent
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        LocalCluster(n_workers=0, dashboard_address=":0") as processes,
        # Nobody starts it anew, which might go on while the cluster ends.
        worker_of(processes, root),
        Client(processes) as client,
    ):
        client.wait_for_workers(1, timeout=60)
        with pytest.raises(NoWorkers, match="workers in a row died of one task"):
            played(request_on(folder), client)


def test_an_interrupt_is_for_the_command_and_not_for_the_workers_that_it_started() -> None:
    before = signal.getsignal(signal.SIGINT)
    with cluster("local:1"):
        heard = Client.current().run(signal.getsignal, signal.SIGINT)
        assert list(heard.values()) == [signal.SIG_IGN]
        assert signal.getsignal(signal.SIGINT) == before


def test_workers_that_do_not_go_in_time_do_not_hide_what_came_of_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(LocalCluster):
        def close(self, timeout: float | None = None) -> None:
            super().close(timeout)
            raise TimeoutError

    monkeypatch.setattr("distributed.LocalCluster", Slow)
    with pytest.raises(NoWorkers, match="as it happens"), cluster("local:1"):
        raise NoWorkers("as it happens")


@contextmanager
def worker_of(processes: LocalCluster, root: Path) -> Iterator[None]:
    """A worker that finds its rules-engine in that folder, and that nobody watches."""
    worker = subprocess.Popen(
        (
            sys.executable,
            "-m",
            "distributed.cli.dask_worker",
            processes.scheduler_address,
            "--nthreads=1",
            "--no-nanny",
            "--no-dashboard",
        ),
        env={**os.environ, "PYTHONPATH": str(root)},
        cwd=root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        worker.kill()
        worker.wait()


def test_a_task_sent_by_another_program_is_refused(client: Client, folder: Path) -> None:
    """As one of a worker that was started anew from another source while the work was going on."""
    workers = OnDask(client)
    future = client.submit(on_dask._look_through, "rules-engine 0.0.9", b"", "", 0)
    with pytest.raises(VersionSkew, match=r"a worker runs rules-engine .*, this is rules-engine 0\.0\.9"):
        future.result()
    assert workers.variants_at_once(1, 1) == 1


@pytest.mark.parametrize("is_other", [True, False])
def test_a_worker_of_another_program_is_told_before_anything_is_played(is_other: bool, tmp_path: Path) -> None:
    """A real worker whose rules-engine differs by a line, or that has none."""
    source = Path(rules_engine.__file__).parent
    if is_other:
        shutil.copytree(source, tmp_path / "rules_engine", ignore=shutil.ignore_patterns("__pycache__"))
        (tmp_path / "rules_engine" / "model" / "more.py").write_text('"""More."""')
    else:
        (tmp_path / "rules_engine").mkdir()
        (tmp_path / "rules_engine" / "__init__.py").write_text("raise ImportError('no such thing')\n")
    runs = r"runs rules-engine .* \(source" if is_other else "runs no such rules-engine"
    with (
        LocalCluster(n_workers=0, dashboard_address=":0") as processes,
        worker_of(processes, tmp_path),
        pytest.raises(VersionSkew, match=runs),
        cluster(processes.scheduler_address.removeprefix("tcp://")),
    ):
        raise AssertionError("nobody may work here")


@pytest.mark.parametrize(
    ("where", "code", "why"),
    [
        ("dask://127.0.0.1:1", 3, "nobody answers at dask://127.0.0.1:1"),
        ("127.0.0.1:1", 2, "'127.0.0.1:1' is not dask://HOST:PORT, dask://local or dask://local:2"),
        ("dask://local:0", 2, "is not dask://HOST:PORT"),
        ("dask://", 2, "is not dask://HOST:PORT"),
    ],
)
def test_who_does_not_answer_is_named(
    where: str, code: int, why: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_dask, "_ANSWER_S", 0.5)
    answer = call("backtest", str(folder / "rules.yaml"), "--data", str(folder), "--on", where)
    assert (answer.code, answer.out) == (code, "")
    assert why in " ".join(answer.err.split())


def test_without_dask_it_is_said_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    answer = call("backtest", str(folder / "rules.yaml"), "--data", str(folder), "--on", "dask://local")
    assert (answer.code, answer.out) == (3, "")
    assert answer.err == "--on needs dask.distributed: pip install distributed\n"


def test_addresses_of_fsspec_are_read(folder: Path) -> None:
    """The same files through `file://` and in memory."""
    import fsspec

    expected = played(request_on(folder))
    memory = fsspec.filesystem("memory")
    memory.put(f"{folder}/", "/bucket/", recursive=True)
    try:
        for address in (f"file://{folder}", "memory://bucket"):
            loaded, _ = loaded_rules(RULES)
            found = of_instruments(Location(address), loaded.instruments)
            assert sum(map(len, found.values())) == 6
            recordings = [Recording(name, files, NEW_YORK) for name, files in found.items()]
            assert played(replace(request_on(folder), recordings=recordings)) == expected
    finally:
        memory.rm("/bucket", recursive=True)


def test_an_address_that_nothing_reads_is_told(folder: Path) -> None:
    answer = call("backtest", str(folder / "rules.yaml"), "--data", "teapot://bucket")
    assert answer.code == 2
    assert "teapot" in answer.err and "Traceback" not in answer.err


def test_a_task_tells_its_first_piece_at_once_and_the_next_ones_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "_TOLD_EVERY_S", 1e9)
    told: list[Report] = []
    count = Counting("run", 3, told.append)
    count(5)
    count(7)
    assert told == [("run", 3, 5)]
    assert count.done == 12
