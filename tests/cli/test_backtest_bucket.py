"""`rules backtest --data s3://...`: a bucket, as s3fs reads it, on a server of this machine."""

from collections.abc import Iterator
from pathlib import Path

import boto3
import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from moto.server import ThreadedMotoServer

from tests.cli.calling import Answer, call

RULES = """
version: 1
timezone: UTC
rules:
  - {name: jumps, when: V moves 1% in 10s, do: notify desk}
  - {name: apart, when: V - MA crosses above 1, do: buy 10 V}
"""
PRICES = {"V": (100.0, 100.5, 101.5, 99.0, 103.0, 102.0), "MA": (100.0, 100.0, 100.2, 100.1, 100.3, 100.0)}
START_S = 1_900_000_000


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """An S3 of our own, where prices lie in a bucket."""
    running = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def bucket(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Its address; the same files are in `here`."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "anybody",
        "AWS_SECRET_ACCESS_KEY": "anything",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": server,
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    write(tmp_path / "here")
    store = boto3.client("s3", endpoint_url=server)
    store.create_bucket(Bucket="prices")
    for path in sorted((tmp_path / "here").rglob("*.*")):
        store.upload_file(str(path), "prices", path.relative_to(tmp_path / "here").as_posix())
    (tmp_path / "rules.yaml").write_text(RULES)
    return "s3://prices"


def write(folder: Path) -> None:
    """The prices as CSV, and as Parquet in two files each."""
    for name, prices in PRICES.items():
        times = [START_S + 2 * step for step in range(len(prices))]
        path = folder / "csv" / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            "timestamp,price\n" + "".join(f"{at},{price}\n" for at, price in zip(times, prices, strict=True))
        )
        for part in range(2):
            path = folder / "parquet" / f"symbol={name}" / f"part-{part}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            some = slice(3 * part, 3 * part + 3)
            pq.write_table(pa.table({"timestamp": times[some], "price": list(prices[some])}), path)


def played(folder: Path, data: str) -> Answer:
    return call("backtest", str(folder / "rules.yaml"), "--data", data, "--json")


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_files_of_a_bucket_are_played_as_those_of_a_folder(kind: str, bucket: str, tmp_path: Path) -> None:
    expected = played(tmp_path, str(tmp_path / "here" / kind))
    assert expected.out.count("\n") > 2
    assert played(tmp_path, f"{bucket}/{kind}") == expected


def test_one_object_that_is_not_there_is_a_problem_with_its_address(bucket: str, tmp_path: Path) -> None:
    answer = played(tmp_path, f"V={bucket}/csv/SPY.csv")
    assert answer.code
    assert f"{bucket}/csv/SPY.csv" in answer.err and "the file is not read: there is no such file" in answer.err


@pytest.mark.parametrize("data", ["s3://others/csv", "s3://prices/none"])
def test_an_address_at_which_there_is_nothing_is_told_as_that(data: str, bucket: str, tmp_path: Path) -> None:
    answer = played(tmp_path, data)
    assert answer.code == 2 and f"there is nothing at {data}" in answer.err


def test_the_address_of_a_file_is_no_folder(bucket: str, tmp_path: Path) -> None:
    answer = played(tmp_path, f"{bucket}/csv/V.csv")
    assert answer.code == 2 and f"'{bucket}/csv/V.csv' is neither NAME=FILE" in " ".join(answer.err.split())


def test_a_store_that_does_not_answer_is_told_without_a_traceback(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    for data in (f"{bucket}/csv", f"V={bucket}/csv/V.csv"):
        answer = played(tmp_path, data)
        assert answer.code
        assert "--data" in answer.err and "Could not connect to the endpoint" in answer.err


def test_an_object_that_breaks_off_is_a_problem_with_its_address(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone(Exception):
        """An error of a store's own."""

    def gone(*_: object) -> bytes:
        raise Gone("the connection was lost")

    monkeypatch.setattr("s3fs.core.S3File._fetch_range", gone)
    for data in (f"V={bucket}/csv/V.csv", f"V={bucket}/parquet/symbol=V/part-0.parquet"):
        answer = played(tmp_path, data)
        assert answer.code
        assert data.partition("=")[2] in answer.err and "the file is not read: the connection was lost" in answer.err
