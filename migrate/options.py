"""The options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

KeysOption = Annotated[
    list[str],
    typer.Option("--keys", metavar="OBJECT:K1,K2|FILE", help="Only these records and what they refer to."),
]
SampleOption = Annotated[
    int | None, typer.Option("--sample", min=1, metavar="N", help="Only N records of each mapping.")
]
ChildrenOption = Annotated[bool, typer.Option("--children", help="With --keys or --sample: also what refers to them.")]
RejectedOption = Annotated[bool, typer.Option("--rejected", help="Only the records that wait for somebody.")]
CodeOption = Annotated[str | None, typer.Option("--code", metavar="CODE", help="Of these, what waits for this cause.")]
OwnerOption = Annotated[
    str | None, typer.Option("--owner", metavar="WHO", help="Of these, one person's, by key or e-mail.")
]
AcceptOption = Annotated[
    list[str],
    typer.Option("--accept", metavar="OBJECT", help="Let the target do with this object what it was found to do."),
]
NoDataOption = Annotated[bool, typer.Option("--no-data", help="Do not read the source's records.")]
ImportOption = Annotated[Path | None, typer.Option("--import", metavar="FILE.xlsx", help="Make corrections of it.")]
ShowValuesOption = Annotated[bool, typer.Option("--show-values", help="Show cells as they are; masked otherwise.")]
ExecuteOption = Annotated[bool, typer.Option("--execute", help="Really write to the target.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only say what would happen (the default).")]
ConfirmOption = Annotated[
    str | None, typer.Option("--confirm", metavar="NAME", help="The target org's own name; production asks for it.")
]
SimulatorName = Annotated[str | None, typer.Argument(metavar="[NAME]", help="Which; without it they are listed.")]
PortOption = Annotated[int, typer.Option("--port", min=0, max=65535, metavar="P", help="Where; 0 takes any free one.")]
DataOption = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="What the tenant has, and where rows are kept.")
]
SetOption = Annotated[list[str], typer.Option("--set", metavar="NAME=VALUE", help="A setting; may be given again.")]
BodiesOption = Annotated[bool, typer.Option("--files", help="Read the bodies of files on both sides, too.")]
FaultsOption = Annotated[Path | None, typer.Option("--faults", metavar="FILE", help="What is to go wrong, and when.")]
ProbeOption = Annotated[bool, typer.Option("--probe", help="Instead, ask the systems what only they can tell.")]
ProbedOption = Annotated[
    str | None, typer.Option("--object", metavar="OBJECT", help="With --probe --execute: where records are made.")
]
MadeFolder = Annotated[Path, typer.Argument(metavar="[DIR]", help="Where to make it; must not hold one yet.")]
RecordsOption = Annotated[
    int | None,
    typer.Option(
        "--records", min=1, metavar="N", help="Records in the legacy CRM; else 103000, or 10000 with --target."
    ),
]
SeedOption = Annotated[int, typer.Option("--seed", metavar="S", help="The same seed makes the same data.")]
IntoOption = Annotated[
    str | None, typer.Option("--target", metavar="SIMULATOR", help="Into this simulator; else into a database.")
]
OldUrlOption = Annotated[
    str | None,
    typer.Option("--source", metavar="URL", help="The legacy system; else sqlite:///legacy.db"),
]
NewUrlOption = Annotated[
    str | None, typer.Option("--target", metavar="URL", help="The new system; else sqlite:///target.db")
]
PackOption = Annotated[
    str | None, typer.Option("--pack", metavar="NAME", help="Begin with a ready pack; a wrong name lists them.")
]
CHOICE = {"keys": (KeysOption, ()), "sample": (SampleOption, None), "children": (ChildrenOption, False)}
OF_WAITING = {"code": (CodeOption, None), "owner": (OwnerOption, None)}
RETRY = {"rejected": (RejectedOption, False), **OF_WAITING}
ACCEPT = {"accept": (AcceptOption, ())}
PROBING = {
    "probe": (ProbeOption, False),
    "execute": (ExecuteOption, False),
    "object": (ProbedOption, None),
    "confirm": (ConfirmOption, None),
}
SIMULATING = {
    "name": (SimulatorName, None),
    "port": (PortOption, 8750),
    "data": (DataOption, None),
    "values": (SetOption, ()),
    "faults": (FaultsOption, None),
}
STARTING = {
    "source": (OldUrlOption, None),
    "target": (NewUrlOption, None),
    "pack": (PackOption, None),
}
MAKING = {
    "folder": (MadeFolder, Path("demo")),
    "records": (RecordsOption, None),
    "seed": (SeedOption, 20_240_601),
    "target": (IntoOption, None),
}
