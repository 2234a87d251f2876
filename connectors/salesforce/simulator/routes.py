"""Which call leads where, behind the version."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from . import changes, files, limits, metadata, records, search, sobject_collections, tree
from .answers import CallError, Reply, not_found
from .org import Org
from .request import Request

Verb: TypeAlias = Callable[[Org, Request], Reply]
Routes: TypeAlias = "dict[tuple[str, ...], Mapping[str, Verb]]"
ANY = "*"

PLAIN: Routes = {
    (): {"GET": metadata.resources},
    ("sobjects",): {"GET": metadata.describe_all},
    ("sobjects", ANY): {"GET": metadata.object_info, "POST": files.create},
    ("sobjects", ANY, "describe"): {"GET": metadata.describe},
    ("sobjects", ANY, "updated"): {"GET": changes.updated},
    ("sobjects", ANY, "deleted"): {"GET": changes.deleted},
    ("sobjects", ANY, ANY): {"GET": records.get, "PATCH": records.change, "DELETE": records.remove},
    ("sobjects", ANY, ANY, ANY): {"GET": files.get, "PATCH": records.put_by, "DELETE": records.remove_by},
    ("composite", "sobjects"): {
        "POST": sobject_collections.create,
        "PATCH": sobject_collections.change,
        "DELETE": sobject_collections.remove,
    },
    ("composite", "sobjects", ANY): {"GET": sobject_collections.retrieve, "POST": sobject_collections.retrieve},
    ("composite", "sobjects", ANY, ANY): {"PATCH": sobject_collections.put},
    ("composite", "tree", ANY): {"POST": tree.create},
    ("search",): {"GET": search.search},
    ("limits", "recordcount"): {"GET": limits.record_count},
}
"""Fixed words in lower case; a * stands for any."""


def verb_of(routes: Routes, request: Request) -> Verb:
    """The one whose path fits best: a fixed word before any. Raises CallError."""
    best: tuple[int, Mapping[str, Verb]] | None = None
    for path, verbs in routes.items():
        if len(path) == len(request.path):
            fits = all(wanted in (ANY, told.lower()) for wanted, told in zip(path, request.path, strict=True))
            fixed = sum(each != ANY for each in path)
            if fits and (best is None or fixed > best[0]):
                best = fixed, verbs
    if best is None:
        raise not_found()
    method = request.asked.get("_HttpMethod", request.method).upper() if request.method == "POST" else request.method
    found = best[1].get("GET" if method == "HEAD" else method)
    if found is None:
        said = f"HTTP Method '{method}' not allowed. Allowed are {','.join(best[1])}"
        raise CallError(405, "METHOD_NOT_ALLOWED", said, Allow=",".join(best[1]))
    return found
