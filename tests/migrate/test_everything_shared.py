"""All parts of the mapping language in one move, laid out in partitions over a ledger on a server: it comes to what it
comes to alone, but that each detail goes in its own mapping's turn."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from changeover.connectors.testing.hostile import Operation
from changeover.migrate.run import Order

from ..servers import fresh_database
from .everything import Everything, wanted, went_on
from .laws import made
from .moving import World
from .test_details import inside
from .test_everything import as_users_left_it, there


class OneByOne(Everything):
    """So that of two changes each is a partition."""

    limits = "{chunk: 6, batch: 1}"


def shared(world: World) -> None:
    """Both runs, as if others could join them."""
    world.order = Order(workers=1)
    went_on(world)


def test_it_comes_to_the_same_where_it_is_shared(postgres: sa.URL, tmp_path: Path) -> None:
    with fresh_database(postgres) as text:
        url = sa.make_url(text).set(drivername="postgresql").render_as_string(hide_password=False).replace(":@", "@")
        move = made(OneByOne(tmp_path / "move", ledger=url), shared)
        world = move.world
        assert there(move.wanted) == as_users_left_it(wanted(world))
        counts = {
            name: {key: number for key, number in each.items() if number} for name, each in move.wanted.counts.items()
        }
        assert counts["account"] == {"read": 5, "updated": 3, "unchanged": 1, "conflicted": 1}
        assert counts["line"] == {"read": 6, "created": 1, "updated": 1, "unchanged": 4}
        objects = {name for (name,) in world.ask("select distinct object from partition")}
        assert objects >= {"account", "order", "line", "solution", "contract", "visit"}, "stubs and their children too"
        assert inside(world.calls(Operation.WRITE)) == {}
