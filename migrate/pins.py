"""The org is pinned: a ledger belongs to the two systems that it was written against (DESIGN §4), and to two keys."""

from __future__ import annotations

import datetime as dt

from ..connectors.errors import DecisionError, InputError
from ..connectors.finding import Finding, Severity
from ..connectors.port import KEY, Connector, Identity
from ..runs.keys import Keys, fingerprint, require_digest_key
from ..runs.ledger import events, records
from ..runs.ledger.store import Ledger
from .sources.several import connections_of, systems_of

DIGEST_KEY, NOTED_AGAIN = "digest_key", "digest_key_again"
SAMPLED_KEYS = 20
TELLING_KEYS = 5
"""So many known records must be looked for in vain before the target is taken for another one."""


def check_pin(ledger: Ledger, role: str, identity: Identity) -> None:
    """Raise DecisionError `org.another` where the ledger was written against another system."""
    pinned = ledger.pinned(role)
    if pinned is not None and (pinned.kind, pinned.id) != (identity.kind, identity.id):
        role, _, name = role.partition(" ")
        code = "org.another_source" if name else "org.another"
        raise DecisionError(code, role=f"@org.{role}", name=name, pinned=pinned.name, found=identity.name)


def notice_data_key(ledger: Ledger, keys: Keys) -> list[Finding]:
    """Told once: another data key than before means that what was sealed with the old one is out of reach."""
    known, given = ledger.get_meta("data_key"), fingerprint(keys.data)
    if known != given:
        with ledger.transaction():
            ledger.set_meta("data_key", given)
    if known is None or known == given:
        return []
    return [Finding("key.data_exchanged", Severity.WARNS, {"kept": known, "now": given})]


def check_digest_key(ledger: Ledger, keys: Keys) -> None:
    """Raises DecisionError `key.digest_exchanged`; or `ledger.damaged` where the key is the one that was noted again:
    then it is the note that has changed, and not the key."""
    known, given = ledger.get_meta(DIGEST_KEY), fingerprint(keys.digest)
    if known is None:
        with ledger.transaction():
            ledger.set_meta(DIGEST_KEY, given)
            ledger.set_meta(NOTED_AGAIN, given)
    elif known != given and ledger.get_meta(NOTED_AGAIN) == given:
        raise DecisionError("ledger.damaged", path=str(ledger.place))
    else:
        require_digest_key(keys.digest, known)


def check_known_keys(ledger: Ledger, target: Connector) -> None:
    """Raise DecisionError `org.keys_gone` where not one of the records we wrote is to be found: the target kept its
    name but is another one (a refreshed test tenant, a restored copy). Users may delete a few records, all of an object
    even; that alone proves nothing."""
    objects = {row[0] for row in records.counts_by_state(ledger) if row[2] == "live"}
    gone: dict[str, int] = {}
    for object_name in sorted(objects):
        sample = records.sample_in_target(ledger, object_name, SAMPLED_KEYS)
        if not sample:
            continue
        if len(target.find(object_name, (KEY,), [(key,) for _, key in sample], ())):
            return
        gone[object_name] = len(sample)
    if sum(gone.values()) >= TELLING_KEYS:
        raise DecisionError("org.keys_gone", object=", ".join(gone), count=sum(gone.values()))


def in_production(identity: Identity, declared: bool) -> bool:
    """What the system says of itself outranks the project."""
    return declared if identity.production is None else identity.production


def require_name(identity: Identity, declared: bool, confirm: str | None) -> None:
    """A production system is written to only with its own name typed. Raises InputError `run.production_needs_name`."""
    if in_production(identity, declared) and confirm != identity.name:
        raise InputError("run.production_needs_name", org=identity.name)


UNMARKED = "target_unmarked"
"""In the ledger's meta: what the target's identity was before it was given the id it keeps."""


def pin_systems(ledger: Ledger, source: Connector, target: Connector, before: Identity, now: dt.datetime) -> None:
    """Note which systems this ledger belongs to, once before the first write. before: the target as it was when the
    run's plan was made, until room for our key (and, in a file, its own id) was made in it."""
    systems = systems_of(source, target)
    with ledger.transaction():
        if any(ledger.pinned(role) != identity for role, identity in systems.items()):
            told = {role: f"{identity.kind} {identity.id}" for role, identity in systems.items()}
            events.note(ledger, now, "pinned", told=told)
        for role in connections_of(source):
            ledger.pin(role, systems[role])
        if ledger.get_meta(UNMARKED) is None:
            ledger.set_meta(UNMARKED, f"{before.kind} {before.id}")
        ledger.pin("target", systems["target"])
