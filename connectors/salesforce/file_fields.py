"""Files as fields. In an org they are records of their own: links from a record to documents with versions, and the
attachments of before. Here the record that they hang on has them in a field, and a record that is a file has its body
in one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..schema import Field, FieldType

FILES, ATTACHMENTS = "Files", "Attachments"
LINK, VERSION, ATTACHMENT = "ContentDocumentLink", "ContentVersion", "Attachment"
CHILDREN = {(LINK, "LinkedEntityId"): FILES, (ATTACHMENT, "ParentId"): ATTACHMENTS}
"""(object, field by which it refers to a record) -> the record's field."""
BODY = "base64"
MD5 = "md5"


@dataclass(frozen=True, slots=True)
class Carrier:
    """An object of which a record is a file. body: the field of its bytes. name, extension, size, checksum: fields that
    say so of it; empty where none does."""

    body: str
    name: str
    size: str
    extension: str = ""
    checksum: str = ""

    @property
    def needs(self) -> list[str]:
        return [each for each in (self.name, self.extension, self.size, self.checksum) if each]


CARRIERS: Mapping[str, Carrier] = {
    VERSION: Carrier("VersionData", "Title", "ContentSize", "FileExtension", "Checksum"),
    ATTACHMENT: Carrier("Body", "Name", "BodyLength"),
    "Document": Carrier("Body", "Name", "BodyLength", "Type"),
}


def files_of(document: Mapping[str, Any], names: Iterable[str]) -> dict[str, Field]:
    """The fields of files of a described object. names: those that it has otherwise."""
    taken = set(names)
    found: dict[str, Field] = {}
    told = {(each.get("childSObject"), each.get("field")) for each in document.get("childRelationships") or ()}
    for child, name in CHILDREN.items():
        if child in told and name not in taken:
            checksum = MD5 if name == FILES else ""
            found[name] = Field(name, FieldType.FILE, label=name, writable=name == FILES, checksum=checksum)
    carrier = CARRIERS.get(str(document.get("name")))
    bodies = {str(each["name"]): each for each in document.get("fields") or () if each.get("type") == BODY}
    if carrier is not None and carrier.body in bodies and taken.issuperset(carrier.needs):
        label, checksum = str(bodies[carrier.body].get("label") or ""), MD5 if carrier.checksum else ""
        found[carrier.body] = Field(carrier.body, FieldType.FILE, label=label, writable=False, checksum=checksum)
    return found
