"""Everything a verb works with, opened together and closed together."""

from __future__ import annotations

import signal
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Protocol
from zoneinfo import ZoneInfo

from ..connectors.clock import Clock
from ..connectors.errors import UnavailableError
from ..connectors.finding import Finding
from ..connectors.port import Connector, OurKeyPlace
from ..connectors.registry import connect
from ..connectors.schema import Schema
from ..connectors.secrets import Secrets
from ..mappings.compile import CompiledMapping
from ..mappings.people import People
from ..mappings.stub import of_mapping
from ..runs.bodies import BodyStore
from ..runs.keys import Keys, load_or_create_keys
from ..runs.ledger import control, proofs, sound
from ..runs.ledger.operations import Settled
from ..runs.ledger.store import Ledger, hold
from ..runs.stage import Stage
from ..runs.values import Item, ValueStore
from .answers import settings_of
from .pace.pacing import Paces, paces_of
from .pins import check_digest_key, check_known_keys, check_pin, notice_data_key
from .project import Project
from .proving.grade import Grade, grades
from .sending.answer import Planned, Sends
from .sending.breaker import Breaker
from .sending.caller import Caller, Inline, caller_for
from .sources.assembled import elsewhere
from .sources.several import Sources, systems_of
from .turns import Turns

SPILLS = "assembly"
"""In the environment's folder: what is read to be put together."""
LISTENS = 1.0
"""Seconds until a wait looks whether Ctrl-C was pressed."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A sign of life: what is being done to which mapping, how many records so far, and of how many where known."""

    activity: str
    mapping: str
    done: int
    total: int | None = None


class Interrupted(KeyboardInterrupt):
    """The operator pressed Ctrl-C; the batch in flight has been finished. code: what a command says that writes nothing
    and so has no more to tell."""

    code = "cli.interrupted"


def as_they_are(piece: list[Planned]) -> list[Planned]:
    return piece


class Interruption:
    """Turns the first Ctrl-C into a request that the work looks for between batches; the second one kills. halted: one
    of several lanes has failed, and the others are to end in the same way."""

    def __init__(self) -> None:
        self.asked = False
        self.halted = False
        self.turns = Turns()
        self._here = threading.local()

    @property
    def ends(self) -> bool:
        return self.asked or self.halted

    def check(self) -> None:
        if self.ends:
            raise Interrupted

    @contextmanager
    def departing(self, may: Callable[[], None]) -> Iterator[None]:
        """A call is about to depart from this thread. may: raises where it must not; asked at once, and in every slice
        of its wait for the pace."""
        may()
        self._here.may = may
        try:
            yield
        finally:
            del self._here.may

    def listen(self) -> None:
        """In every slice of a wait for the pace. Raises Interrupted, or what keeps the call from departing."""
        if self.turns.mine:  # else the ledger is another thread's
            for each in list(self.turns.flights):
                each.prolong()
        getattr(self._here, "may", self.check)()

    def _ask(self, _signal: int, _frame: FrameType | None) -> None:
        self.asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    @contextmanager
    def heard(self) -> Iterator[None]:
        try:
            before = signal.signal(signal.SIGINT, self._ask)
        except ValueError:  # not in the main thread: somebody else hears it
            yield
            return
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)


class Team(Protocol):
    """The processes that share this process's run. calls: that others have made to the target, by interface.
    partitions: that were laid out. took_part: processes."""

    calls: Counter[str]
    partitions: int
    took_part: int

    def sender(self, enough: Callable[[Sequence[Settled]], bool]) -> Sends:
        """What sends the run's changes by all of them. enough: told how changes ended; true stops the rest."""
        ...


@dataclass
class Session:
    """An environment of a project, open. `rehearsal` is true for a dry run: then ledger and values are throw-away
    copies and the target only says what it would do. notices: what opening it noticed, for the next report. watch:
    called between batches. caller: makes the calls that write. proven: objects on which the target is proven to refuse
    our key twice. degraded: objects of which that is known to be otherwise. breaker: what the target's latest calls
    came to. team: who shares this process's run; None where nobody does. carry: takes the target's own words to where
    they are kept, while this process works on a partition of another's run. renew: called with changes that are about
    to be sent, gives back the same, their files still good. began: when it was opened, by the monotonic clock."""

    project: Project
    source: Connector
    target: Connector
    paces: Paces
    ledger: Ledger
    values: ValueStore
    stage: Stage
    bodies: BodyStore
    keys: Keys
    clock: Clock
    source_schema: Schema
    target_schema: Schema
    rehearsal: bool = False
    mappings: dict[str, CompiledMapping] = field(default_factory=dict)
    people: People | None = None
    tick: Callable[[Tick], None] = lambda _tick: None
    watch: Callable[[], None] = lambda: None
    interruption: Interruption = field(default_factory=Interruption)
    notices: list[Finding] = field(default_factory=list)
    team: Team | None = None
    carry: Callable[[Iterable[Item]], None] | None = None
    renew: Callable[[list[Planned]], list[Planned]] = as_they_are
    caller: Caller = field(default_factory=Inline)
    proven: set[str] = field(default_factory=set)
    degraded: set[str] = field(default_factory=set)
    _look_again: float = 0.0
    _paused: bool = False
    breaker: Breaker = field(init=False)
    began: float = field(init=False)

    def __post_init__(self) -> None:
        self.breaker = Breaker(self.project.spec.limits)
        self.began = self.clock.monotonic()

    def heed(self) -> None:
        """Between batches: what the operator asks for. Stands still while runs are paused from another terminal. Raises
        Interrupted."""
        self.interruption.check()
        self.watch()
        if not self.paused():
            return
        turns = self.turns
        while (asked := control.read(self.ledger)).paused_at is not None:
            if not turns.resting:
                self.tick(Tick("paused", asked.paused_at[:19], 1))
                turns.resting = True
            self.wait(LISTENS)
        self._paused = False
        if turns.resting:
            turns.resting = False
            self.tick(Tick("continued", "", 1))

    @property
    def turns(self) -> Turns:
        return self.interruption.turns

    def keep_words(self, words: Iterable[Item]) -> None:
        """The target's own words about refusals."""
        (self.values.put_many if self.carry is None else self.carry)(words)

    def paused(self) -> bool:
        """Whether runs are to stand still; looked at once in a while."""
        now = self.clock.monotonic()
        if not self.rehearsal and now >= self._look_again:
            self._look_again = now + LISTENS
            self._paused = control.read(self.ledger).paused_at is not None
        return self._paused

    def at_once(self, object_name: str) -> int:
        """Calls that may be under way at a time on this object at most: its lane's share of what the target takes;
        where our key does not keep it from doubling, or nothing is sent at all, one."""
        able = self.target.capabilities
        alone = self.rehearsal or able.our_key is OurKeyPlace.NONE or object_name in self.degraded
        return 1 if alone else max(1, able.at_once // self.turns.lanes)

    def wait(self, seconds: float) -> None:
        """Let so much time pass. Raises Interrupted where the operator does not want to."""
        while seconds > 0:
            self.interruption.check()
            with self.interruption.turns.away():
                self.clock.sleep(min(seconds, LISTENS))
            seconds -= LISTENS

    def maker(self, name: str) -> CompiledMapping | None:
        """The mapping of that name, or whose stubs are made under it; None where there is none any more."""
        return self.mappings.get(of_mapping(name))

    @property
    def graded(self) -> list[Grade]:
        """How far each target object of the mappings can be trusted with our key."""
        names = {mapping.target.name for mapping in self.mappings.values()}
        tried = [each for each in proofs.everything(self.ledger) if each.object in names]
        return grades(tried, self.target.capabilities, names)

    @property
    def source_name(self) -> str:
        """The system in our keys; empty where several sources have it in the names of their objects."""
        return self.project.environment.system

    @property
    def target_zone(self) -> ZoneInfo | None:
        return self.project.environment.target_zone


@contextmanager
def open_sources(project: Project, secrets: Secrets, paces: Paces, clock: Clock) -> Iterator[Connector]:
    """The source of the project's environment; several as one."""
    with ExitStack() as stack:
        environment, opened = project.environment, {}
        for role, spec in environment.sources.items():
            each = opened[spec.name] = connect(settings_of(project, spec), secrets, paces.sources[role], clock)
            stack.callback(each.close)
        yield Sources(opened) if isinstance(environment.source, tuple) else each


@contextmanager
def open_connectors(
    project: Project, secrets: Secrets, paces: Paces, clock: Clock
) -> Iterator[tuple[Connector, Connector]]:
    """(source, target) of the project's environment."""
    with ExitStack() as stack:
        stack.callback(paces.close)
        source = stack.enter_context(open_sources(project, secrets, paces, clock))
        target = connect(settings_of(project, project.environment.target), secrets, paces.target, clock)
        stack.callback(target.close)
        yield source, target


@contextmanager
def open_ledger(project: Project, secrets: Secrets) -> Iterator[tuple[Ledger, Keys]]:
    """The environment's ledger and its keys, for reading; nobody is locked out. Raises DecisionError
    `key.digest_exchanged` where the digest key is not the one the ledger was written with."""
    keys = load_or_create_keys(project.key_id)
    with Ledger(project.ledger(secrets), any_thread=True) as ledger, ledger.told():
        check_digest_key(ledger, keys)
        yield ledger, keys


@contextmanager
def open_session(
    project: Project,
    secrets: Secrets,
    clock: Clock,
    tick: Callable[[Tick], None] = lambda _tick: None,
    *,
    alone: bool = True,
    sends: bool = False,
    shared: bool = False,
) -> Iterator[Session]:
    """Open everything. tick: told of every sign of life, also while it is opened. alone: hold the environment's lock
    (every verb that writes, but for a worker of another's run). sends: it writes to the target. shared: its pace is
    that of all who share a run.

    Raises BusyError while another process holds the lock, DecisionError `org.*` where a system is not the one the
    ledger was written against, and, where it `sends`, `ledger.damaged` or `ledger.history_broken` where the ledger is
    not as it was written."""
    with ExitStack() as stack:
        stack.enter_context(_machine_heard())
        if alone:  # before any call: one that is refused for another's sake costs that one none
            stack.enter_context(hold(project.runs))
        interruption = Interruption()
        waits: Callable[[str], None] = lambda until: tick(Tick("waiting", until, 1))  # noqa: E731
        how = {"shared": shared, "notes": alone or not shared, "knows": True}
        paces = paces_of(project, secrets, clock, interruption.listen, waits=waits, **how)
        stack.callback(paces.asked.close)
        with _not_begun():
            source, target = stack.enter_context(open_connectors(project, secrets, paces, clock))
            ledger, keys = stack.enter_context(open_ledger(project, secrets))
            if alone:
                stack.enter_context(ledger.held())
                if sends:
                    sound.check(ledger)
                ledger.take_over()
            for role, identity in systems_of(source, target).items():
                check_pin(ledger, role, identity)
            target_schema = target.describe()  # before anything is asked for: it would be described twice
            check_known_keys(ledger, target)
            values = ValueStore(project.runs / "values.db", keys.data)
            stack.callback(values.close)
            caller = caller_for(target.capabilities.at_once)
            stack.callback(caller.close)
            stack.enter_context(interruption.heard())
        graded = grades(proofs.everything(ledger), target.capabilities, target_schema.objects)
        yield Session(
            project=project,
            source=source,
            target=target,
            paces=paces,
            ledger=ledger,
            values=values,
            stage=Stage(project.runs / "stage", keys.data),
            bodies=BodyStore(project.runs / "bodies", keys.data),
            keys=keys,
            clock=clock,
            tick=tick,
            source_schema=source.describe(),
            target_schema=target_schema,
            interruption=interruption,
            caller=caller,
            notices=notice_data_key(ledger, keys),
            proven={each.object for each in graded if each.proven},
            degraded={each.object for each in graded if each.degraded},
        )


@contextmanager
def _machine_heard() -> Iterator[None]:
    """What this machine comes to, wherever it is noticed, is the operator's to mend; then the command goes on."""
    try:
        yield
    except MemoryError as error:
        raise UnavailableError("machine.memory") from error
    except OSError as error:
        raise UnavailableError("machine.refused", reason=error.strerror or type(error).__name__) from error


@contextmanager
def _not_begun() -> Iterator[None]:
    """Ctrl-C before there is anything to finish."""
    try:
        yield
    except KeyboardInterrupt as stopped:
        raise Interrupted from stopped


@contextmanager
def rehearse(session: Session, target: Connector, *, known: bool = True) -> Iterator[Session]:
    """The same session with nothing at stake: a copy of the ledger, an empty value store and stage, and the given
    target in place of the real one. known: else the ledger is empty too. All of it is gone afterwards."""
    session.project.runs.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="rehearsal-", dir=session.project.runs) as name:
        folder = Path(name)
        place = folder / "ledger.db"
        ledger = session.ledger.scratch(place) if known else Ledger(place, durable=False)
        values = ValueStore(folder / "values.db", session.keys.data)
        try:
            yield replace(
                session,
                source=elsewhere(session.source, folder / SPILLS),
                target=target,
                ledger=ledger,
                values=values,
                stage=Stage(folder / "stage", session.keys.data),
                caller=Inline(),
                rehearsal=True,
            )
        finally:
            ledger.close()
            values.close()
