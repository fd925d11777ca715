"""TensorBoard and MLflow: listeners on the bus that write down what a run tells.

Neither hears of images or of file names. Each writes from a thread of its own: a server that answers slowly, or not at
all, holds up no training.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol, final

from lince.core.addresses import without_credentials
from lince.core.errors import ConfigError
from lince.core.events import EpochFinished, Event, EventBus, Noticed
from lince.core.extras import require
from lince.core.files import make_folder
from lince.core.logs import logger
from lince.training.events import EpochsRecalled, RunFinished, RunPlanned, RunStarted

_METRICS = ("train_loss", "val_loss", "val_auc", "learning_rate")
_CLOSING_SECONDS = 30.0
_WRITTEN = (RunStarted, RunPlanned, EpochsRecalled, EpochFinished, RunFinished)


class Writer(Protocol):
    """Somewhere to write a run to; every method is called on one and the same thread."""

    def write(self, event: Event) -> None:
        """Write down what an event tells, where it matters here."""

    def close(self, error: BaseException | None) -> None:
        """The run is over, by ``error`` unless None."""


@contextmanager
def tracking(bus: EventBus, *, tensorboard: Path | None = None, mlflow: str | None = None) -> Iterator[None]:
    """Write the runs of a bus to the trackers that are named, until the block ends.

    Parameters
    ----------
    tensorboard
        Folder of TensorBoard's events; the run gets a folder inside, with one for each phase.
    mlflow
        Address of an MLflow server or database (with ``://``), or a folder for a database of its own.

    Raises
    ------
    MissingExtraError
        The package of a tracker is not installed.
    ConfigError
        MLflow cannot be reached there.
    OutputError
        A folder cannot be written.
    """
    with ExitStack() as relays:
        if tensorboard is not None:
            relays.enter_context(_relayed(bus, "TensorBoard", lambda: TensorBoardWriter(tensorboard)))
        if mlflow is not None:
            relays.enter_context(_relayed(bus, "MLflow", lambda: MlflowWriter(mlflow)))
        yield


@contextmanager
def _relayed(bus: EventBus, name: str, start: Callable[[], Writer]) -> Iterator[None]:
    """Hand events to a writer on its own thread. It may fail at the start; later it is given up, with a warning."""
    with ExitStack() as leaving:
        pool = ThreadPoolExecutor(1, thread_name_prefix=f"lince-{name}")
        leaving.callback(pool.shutdown, wait=False, cancel_futures=True)
        writer = pool.submit(start).result()
        relay = _Relay(bus, name, writer, pool)
        leave = bus.subscribe(relay.hear)
        leaving.callback(leave)
        try:
            yield
        except BaseException as error:
            relay.close(error)
            raise
        else:
            relay.close(None)


@final
class _Relay:
    def __init__(self, bus: EventBus, name: str, writer: Writer, pool: ThreadPoolExecutor) -> None:
        self._bus, self._name, self._writer, self._pool = bus, name, writer, pool
        self._waiting: list[Future[None]] = []
        self._given_up = False

    def hear(self, event: Event) -> None:
        if self._given_up or not isinstance(event, _WRITTEN):
            return
        self._waiting.append(self._pool.submit(self._writer.write, event))
        while self._waiting and self._waiting[0].done():
            self._check(self._waiting.pop(0))

    def close(self, error: BaseException | None) -> None:
        """Let the writer finish, for half a minute at most."""
        self._waiting.append(self._pool.submit(self._writer.close, error))
        for one in self._waiting:
            self._check(one, wait=_CLOSING_SECONDS)

    def _check(self, written: Future[None], wait: float = 0.0) -> None:
        if self._given_up:
            return
        try:
            written.result(wait)
        except (Exception, TookTooLong) as error:
            self._given_up = True
            logger.warning("%s failed", self._name, exc_info=error)
            reason = f"{type(error).__name__}: {error}".rstrip(": ").splitlines()[0]
            self._bus.publish(
                Noticed(f"{self._name} gets no more of this run ({without_credentials(reason)})", "warning")
            )


@final
class TensorBoardWriter:
    """Scalars of every phase, so that phases lie over each other in TensorBoard's charts.

    Raises
    ------
    MissingExtraError
        TensorBoard is not installed.
    OutputError
        The folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        require("tensorboard")
        self._folder = make_folder(folder)
        self._run = folder
        self._writers: dict[str, Any] = {}

    def write(self, event: Event) -> None:
        """Write scalars, and the plan as text."""
        match event:
            case RunStarted():
                self._run = self._folder / event.out.name
            case RunPlanned():
                text = event.plan.model_dump_json(indent=2)
                self._of("plan").add_text("plan", f"```json\n{text}\n```")
            case EpochFinished() | EpochsRecalled():
                for phase, row in _rows(event):
                    for name in _METRICS:
                        self._of(phase).add_scalar(name, float(row[name]), int(row["epoch"]))
            case RunFinished():
                for name, value in _figures(event).items():
                    self._of("test").add_scalar(name, value)
        for writer in self._writers.values():
            writer.flush()

    def close(self, _: BaseException | None) -> None:
        """Close the files."""
        for writer in self._writers.values():
            writer.close()

    def _of(self, part: str) -> Any:
        from torch.utils.tensorboard import SummaryWriter

        if part not in self._writers:
            self._writers[part] = SummaryWriter(str(self._run / part))
        return self._writers[part]


@final
class MlflowWriter:
    """A run of the experiment that is named like the collection: options, plan, curves, figures, the card and plots.

    Raises
    ------
    MissingExtraError
        MLflow is not installed.
    ConfigError
        It cannot be reached.
    OutputError
        The folder cannot be written.
    """

    def __init__(self, place: str) -> None:
        # It would tell its makers of every run; and its advice is not for the terminal of a training.
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
        require("mlflow")
        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.WARNING)
        from mlflow import MlflowClient

        self._artifacts: str | None = None
        address = place
        if "://" not in place:
            require("sqlalchemy")
            folder = make_folder(Path(place)).absolute()
            address, self._artifacts = f"sqlite:///{folder / 'mlflow.db'}", (folder / "artifacts").as_uri()
        try:
            self._client = MlflowClient(address)
            self._client.search_experiments(max_results=1)
        except Exception as error:  # of any of its back ends
            raise ConfigError(
                "MLflow cannot be reached",
                received=without_credentials(place),
                fix="check the address, or name a folder to write to",
            ) from error
        self._run: str | None = None

    def write(self, event: Event) -> None:
        """Write parameters, metrics, figures."""
        match event:
            case RunStarted():
                self._start(event)
            case RunPlanned() if self._run:
                self._log(params=_parameters(event))
                self._client.log_dict(self._run, event.plan.model_dump(mode="json"), "plan.json")
            case EpochFinished() | EpochsRecalled() if self._run:
                for phase, row in _rows(event):
                    self._log({f"{phase}/{name}": float(row[name]) for name in _METRICS}, step=int(row["epoch"]))
            case RunFinished() if self._run:
                self._log({f"test/{name}": value for name, value in _figures(event).items()})
                self._client.set_tag(self._run, "lince.model_id", event.bundle.model_id)
                for path in _shareable(event.bundle.path):
                    self._client.log_artifact(self._run, str(path))

    def close(self, error: BaseException | None) -> None:
        """Say how the run ended."""
        if self._run is not None:
            status = "FINISHED" if error is None else "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"
            self._client.set_terminated(self._run, status)

    def _start(self, event: RunStarted) -> None:
        import lince

        found = self._client.get_experiment_by_name(event.name)
        experiment = found.experiment_id if found else self._client.create_experiment(event.name, self._artifacts)
        tags = {"lince.version": lince.__version__, "lince.synthetic": str(event.synthetic).lower()}
        if event.resumed:
            tags["lince.resumed"] = "true"
        self._run = self._client.create_run(experiment, run_name=event.out.name, tags=tags).info.run_id

    def _log(
        self, metrics: Mapping[str, float] | None = None, *, step: int = 0, params: Mapping[str, str] | None = None
    ) -> None:
        """All values of an epoch in one request."""
        import time

        from mlflow.entities import Metric, Param

        now = int(time.time() * 1000)
        self._client.log_batch(
            self._run or "",
            metrics=[Metric(name, value, now, step) for name, value in (metrics or {}).items()],
            params=[Param(name, value) for name, value in (params or {}).items()],
        )


def _rows(event: EpochFinished | EpochsRecalled) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Phase and row of each epoch that the event tells of."""
    if isinstance(event, EpochFinished):
        yield event.phase, {name: getattr(event, name) for name in ("epoch", *_METRICS)}
    else:
        for row in event.rows:
            yield event.phase, row


def _figures(event: RunFinished) -> dict[str, float]:
    """The figures of the test split that have a value, and the ends of their intervals."""
    found = {}
    for name, estimate in event.bundle.summary().items():
        if isinstance(estimate, Mapping) and estimate.get("value") is not None:
            found[name] = float(estimate["value"])
            found |= {f"{name}_{end}": float(estimate[end]) for end in ("low", "high") if estimate.get(end) is not None}
    return found


def _parameters(event: RunPlanned) -> dict[str, str]:
    """Options as they were resolved, and how many images there are; nothing that names a file."""
    options = event.options.model_dump(mode="json", exclude={"table", "weights"}, exclude_none=True)
    counts = {f"images.{split}": str(len(event.prepared.rows(split))) for split in ("train", "val", "test")}
    return {name: str(value)[:500] for name, value in {**options, "model": event.plan.model}.items()} | counts


def _shareable(bundle: Path) -> list[Path]:
    """The parts of a bundle without file names of images, which can name patients: the card and the plots."""
    return [path for path in (bundle / "card.md", *sorted((bundle / "report").glob("*.png"))) if path.is_file()]
