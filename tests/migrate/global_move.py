"""The pack from Salesforce to Fxiaoke between the two simulators, as `init` lays it for a user."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from changeover.connectors.clock import SystemClock
from changeover.connectors.fxiaoke.simulator import Server as Tenant
from changeover.connectors.salesforce.simulator import Server as Org
from changeover.connectors.simulators import Wanted, simulator
from changeover.mappings.compile import load_mapping_files
from changeover.migrate.init import init

from .company import Company

PACK, OUR_FIELD = "salesforce_fxiaoke", "legacy_key__c"
SECRETS = {"SF_SECRET": "secret", "FX_APP_SECRET": "secret"}
PORTS = {"http://127.0.0.1:8751": "org", "http://127.0.0.1:8750": "tenant"}
"""Where the project expects them."""
FOLDED = ("CaseComment", "Note")
Row: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Move(Company):
    """The project folder, and both simulators."""

    org: Org
    tenant: Tenant

    def there(self, name: str) -> dict[str, list[Row]]:
        """What the tenant's object holds, by the source key in our key; of users' own under an empty one."""
        found: dict[str, list[Row]] = defaultdict(list)
        for row in self.tenant.simulator.rows(name):
            found[str(row[OUR_FIELD] or "").rpartition(":")[2]].append(row)
        return found

    def alive(self, name: str) -> list[Row]:
        """Records of the org that are not in its bin."""
        return [row for row in self.org.simulator.rows(name) if not row["IsDeleted"]]

    @property
    def mappings(self) -> dict[str, tuple[str, str]]:
        """Mapping -> (source object, target object)."""
        files = load_mapping_files(self.folder / "mappings")
        return {each.name: (each.model.from_, each.model.to) for each in files}


def laid(folder: Path, records: int) -> None:
    """records: of the org."""
    init(folder, pack=PACK)
    org = folder / "org" / "org.yaml"
    text = org.read_text("utf-8")
    assert "records: 3000" in text
    org.write_text(text.replace("records: 3000", f"records: {records}"), "utf-8")


@contextmanager
def moving(folder: Path) -> Iterator[Move]:
    """Both simulators answer until the end of the block, where the project says."""
    clock = SystemClock()
    with (
        closing(simulator("salesforce").start(Wanted(0, folder / "org"), clock)) as org,
        closing(simulator("fxiaoke").start(Wanted(0, folder / "tenant"), clock)) as tenant,
    ):
        assert isinstance(org, Org)
        assert isinstance(tenant, Tenant)
        move = Move(folder, org, tenant)
        found = {"org": org.url, "tenant": tenant.url}
        move.rewrite("changeover.yaml", *((said, found[which]) for said, which in PORTS.items()))
        yield move
