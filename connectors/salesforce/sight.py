"""What our user cannot see.

The org shows a user what that user may see, and says nothing of the rest. But it can be asked what the user may do, and
it tells who else was given which object and which field: what somebody may read and our user's describe does not have
is hidden from our user. What the permissions leave open, the org's own estimate of its records makes plain.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase

from ..errors import InputError, UnavailableError
from ..finding import Finding, Severity
from .everything import rows_if_allowed
from .file_fields import FILES
from .gateway import Gateway
from .options import Options
from .org_object import OrgObject
from .soql import among, quoted

VIEW_ALL, ALL_FILES = "PermissionsViewAllData", "PermissionsQueryAllFiles"
PERMISSIONS = "SELECT PermissionsViewAllData, PermissionsQueryAllFiles FROM UserPermissionAccess"
WHOLE = (
    "SELECT SobjectType FROM ObjectPermissions WHERE PermissionsViewAllRecords = true AND ParentId IN "
    "(SELECT PermissionSetId FROM PermissionSetAssignment WHERE AssigneeId = {user})"
)
SHARING = "SELECT QualifiedApiName, InternalSharingModel FROM EntityDefinition WHERE {these}"
PUBLIC = {"Read", "ReadSelect", "ReadWrite", "ReadWriteTransfer", "FullAccess", "All"}
OBJECTS = "SELECT SobjectType FROM ObjectPermissions WHERE PermissionsRead = true GROUP BY SobjectType"
FIELDS = "SELECT Field FROM FieldPermissions WHERE SobjectType = {name} AND PermissionsRead = true GROUP BY Field"
CUSTOM_FIELDS = "SELECT QualifiedApiName FROM FieldDefinition WHERE EntityDefinition.QualifiedApiName = {name}"
OF_FILES = {"ContentDocument", "ContentVersion", "ContentDocumentLink"}
OWNER = "OwnerId"
AT_A_TIME = 100


class Sight:
    """accepted: what the project says need not be seen. seen: how many records of an object our user sees."""

    def __init__(self, gateway: Gateway, options: Options, connection: str, seen: Callable[[OrgObject], int]) -> None:
        self._gateway, self._connection, self._seen = gateway, connection, seen
        self._accepted = options.accept_unseen

    def unseen(self, objects: Sequence[OrgObject]) -> tuple[Finding, ...]:
        found, unproven = [], []
        told = rows_if_allowed(self._gateway, PERMISSIONS)
        may = told[0] if told else {}
        if not told:
            unproven.append("UserPermissionAccess")
        if not may.get(VIEW_ALL):
            found += self._records(objects)
        if not may.get(ALL_FILES):
            found += self._files(objects)
        others = rows_if_allowed(self._gateway, OBJECTS)
        if others is None:
            unproven += ["ObjectPermissions", "FieldPermissions"]
        else:
            listed = {str(each["name"]) for each in self._gateway.ask("sobjects").get("sobjects") or ()}
            found += self._objects({str(each["SobjectType"]) for each in others} - listed)
            found += self._fields(objects)
        if unproven:
            params = {"connection": self._connection, "asked": ", ".join(unproven)}
            found.append(Finding("salesforce.sight_unproven", Severity.WARNS, params))
        return tuple(found)

    def _taken(self, name: str) -> bool:
        return any(fnmatchcase(name, each) for each in self._accepted)

    # Records

    def _records(self, objects: Sequence[OrgObject]) -> list[Finding]:
        whole = self._seen_whole(objects)
        wanted = [each for each in objects if each.name not in whole and not self._taken(each.name)]
        estimates = self._estimates(wanted)
        found = []
        for each in wanted:
            seen, estimate = self._seen(each), estimates.get(each.name)
            params: dict[str, str | int] = {"connection": self._connection, "object": each.name, "seen": seen}
            code = "salesforce.unseen_records"
            if estimate is not None:
                code, params = "salesforce.unseen_of", {**params, "estimate": estimate}
            found.append(Finding(code, Severity.HOLDS, params, object=each.name))
        return found

    def _seen_whole(self, objects: Sequence[OrgObject]) -> set[str]:
        """Of which our user sees all records without seeing all data: by a permission, or because everybody does."""
        rows = rows_if_allowed(self._gateway, WHOLE.format(user=quoted(self._gateway.user()))) or []
        whole = {str(each["SobjectType"]) for each in rows}
        models: dict[str, str] = {}
        names = [each.name for each in objects]
        for start in range(0, len(names), AT_A_TIME):
            these = among("QualifiedApiName", [quoted(each) for each in names[start : start + AT_A_TIME]])
            for row in rows_if_allowed(self._gateway, SHARING.format(these=these)) or ():
                models[str(row["QualifiedApiName"])] = str(row["InternalSharingModel"] or "")
        for each in objects:
            model = models.get(each.name, "")
            if model in PUBLIC or (not model and OWNER not in each.fields):
                whole.add(each.name)
        return whole

    def _estimates(self, objects: Sequence[OrgObject]) -> dict[str, int]:
        """By the org itself, whoever asks; none where it does not let our user ask."""
        if not objects:
            return {}
        names = ",".join(each.name for each in objects)
        try:
            told = self._gateway.ask(f"limits/recordCount?sObjects={names}")
        except (InputError, UnavailableError):
            return {}
        return {str(each["name"]): int(each["count"]) for each in told.get("sObjects") or ()}

    # Files

    def _files(self, objects: Sequence[OrgObject]) -> list[Finding]:
        found = []
        for each in objects:
            field = FILES if FILES in each.fields else None
            name = f"{each.name}.{field}" if field else each.name
            if (field or each.name in OF_FILES) and not self._taken(name):
                params: dict[str, str | int] = {"connection": self._connection, "object": each.name}
                found.append(Finding("salesforce.unseen_files", Severity.HOLDS, params, object=each.name, field=field))
        return found

    # Objects and fields

    def _objects(self, hidden: set[str]) -> list[Finding]:
        names = sorted(each for each in hidden if not self._taken(each))
        if not names:
            return []
        params: dict[str, str | int] = {"connection": self._connection, "objects": ", ".join(names)}
        return [Finding("salesforce.unseen_objects", Severity.HOLDS, {**params, "number": len(names)})]

    def _fields(self, objects: Sequence[OrgObject]) -> list[Finding]:
        found = []
        for each in objects:
            names = [name for name in self._hidden(each) if not self._taken(f"{each.name}.{name}")]
            if names:
                params: dict[str, str | int] = {"connection": self._connection, "object": each.name}
                params |= {"fields": ", ".join(names), "number": len(names)}
                found.append(Finding("salesforce.unseen_fields", Severity.HOLDS, params, object=each.name))
        return found

    def _hidden(self, there: OrgObject) -> list[str]:
        """Fields that somebody may read, or that an administrator has made, and that are not told to us. Of the
        standard ones a definition may also be of a part of the product that the org does not have."""
        name = quoted(there.name)
        given = rows_if_allowed(self._gateway, FIELDS.format(name=name)) or ()
        made = rows_if_allowed(self._gateway, CUSTOM_FIELDS.format(name=name)) or ()
        names = {str(each["Field"]).rpartition(".")[2] for each in given}
        names |= {str(each["QualifiedApiName"]) for each in made if str(each["QualifiedApiName"]).endswith("__c")}
        return sorted(names - there.told)
