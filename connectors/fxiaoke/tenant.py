"""The tenant's objects as it describes them itself, under the names that the project gives them.

API names of what an administrator made may be generated (`field_xK3f2__c`) and then differ between tenants: the option
`fields` and `names` say what ours are called there, so that one set of mappings serves every environment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from ..errors import InputError
from ..nearest import nearest
from ..schema import Field, FieldType, ObjectSchema
from .options import Members, Options
from .wire import Document, part, parts, whole

ID = "_id"
CUSTOM = "__c"
TEAM = "relevant_team"
ROLES = {"joint": "2", "after_sales": "3", "normal": "4"}
PERMISSIONS = {"read": "1", "write": "2"}
PARTS = ";"
"""Between people in one text."""
CREATED = ("create_time", "created_by")
"""What only a create can write, and only with flags of its own."""
WRITTEN_THERE = {"name", "owner", "record_type", "data_own_department", "out_owner", "partner_id", "mc_currency"}
"""System fields that a user writes. All others the tenant keeps itself."""
KEPT_THERE = {
    "last_modified_time",
    "last_modified_by",
    "life_status",
    "lock_status",
    "lock_user",
    "lock_rule",
    "is_deleted",
    "version",
    "tenant_id",
    "owner_department",
    "owner_department_id",
    "relevant_team",
    "extend_obj_data_id",
    "object_describe_api_name",
    "object_describe_id",
    "order_by",
    "total_num",
    "searchAfterId",
    "life_status_before_invalid",
    "package",
}
COMPUTED = {"formula", "count", "quote", "auto_number"}
PEOPLE = {"employee", "department", "out_employee"}
MANY = {"employee_many", "department_many", "select_many", "object_reference_many", "out_employee_many"}
FILES = {"image", "file_attachment", "signature"}
SHOWN = {"group", "area", "embedded_object_list", "use_scope", "lock_rule"}
"""What is put together from other fields, or kept by calls of its own."""
NUMBERS = {"number", "currency", "percentile"}
_TYPES = {
    "date": FieldType.DATE,
    "date_time": FieldType.INSTANT,
    "true_or_false": FieldType.BOOLEAN,
    "select_one": FieldType.CHOICE,
    "record_type": FieldType.CHOICE,
    "object_reference": FieldType.REFERENCE,
    "master_detail": FieldType.REFERENCE,
    **dict.fromkeys(FILES, FieldType.FILE),
}


@dataclass(frozen=True, slots=True)
class TenantField:
    """api: its name there. kind: its type there, of what a formula computes where it is one. field: as we see it.
    member: (role, permission) of whom it holds, where it is a part of the record's team."""

    api: str
    kind: str
    field: Field
    member: tuple[str, str] | None = None

    @property
    def name(self) -> str:
        return self.field.name


@dataclass(frozen=True)
class TenantObject:
    """name: ours; api: the tenant's. our_key: API name of the field for our key, None where the tenant has none;
    unique: it refuses the same value twice by its own word. binned: it says of a record whether it is in the bin."""

    name: str
    api: str
    schema: ObjectSchema
    fields: Mapping[str, TenantField]
    our_key: str | None
    unique: bool

    @property
    def custom(self) -> bool:
        return self.api.endswith(CUSTOM)

    @property
    def binned(self) -> bool:
        return self.has("life_status")

    def has(self, api: str) -> bool:
        return any(each.api == api for each in self.fields.values())

    def api_of(self, name: str) -> str | None:
        """A field's name there, None where the object has no such field."""
        found = self.fields.get(name)
        return found.api if found else None

    @cached_property
    def by_words(self) -> dict[str, str]:
        """Label or API name -> our name."""
        labels = {each.field.label: name for name, each in self.fields.items() if each.field.label}
        return labels | {each.api: name for name, each in self.fields.items()}


def listed(document: Document) -> dict[str, str]:
    """Of an object list: API name -> label of what is active."""
    objects = parts(part(document, "data"), "objects")
    return {
        str(each["describeApiName"]): str(each.get("describeDisplayName") or "")
        for each in objects
        if each.get("describeApiName") and each.get("isActive") is not False
    }


def described(
    name: str, api: str, label: str, answer: Document, options: Options, ours: Mapping[str, str]
) -> TenantObject:
    """An object of the answer to a describe. label: where the describe has none. ours: API name of an object -> the
    project's name, for references."""
    describe = part(part(answer, "data"), "describe")
    told = {key: each for key, each in part(describe, "fields").items() if isinstance(each, dict)}
    given = options.fields.get(name, {})
    renamed = {there: here for here, there in given.items()}
    key_name = options.our_key_of(name)
    key_api = given.get(key_name, key_name)
    fields = {}
    for key, each in told.items():
        field_api = str(each.get("api_name") or key)
        shadowed = field_api in given and field_api not in renamed  # another field goes by its name
        if each.get("is_active") is False or field_api == ID or shadowed:
            continue
        field = _field(field_api, each, renamed.get(field_api, field_api), options, ours, field_api == key_api)
        fields[field.name] = field
    if TEAM in told and not any(each.field.master for each in fields.values()):
        fields |= {each.name: each for each in _of_team(options.teams.get(name, {}))}
    identity = TenantField(ID, "text", Field(ID, FieldType.TEXT, writable=False, unique=True, empty_text=False))
    fields = {ID: identity, **fields}
    schema = ObjectSchema(
        name, (ID,), tuple(each.field for each in fields.values()), str(describe.get("label") or label)
    )
    key_told = told.get(key_api)
    has_key = key_told is not None and key_told.get("is_active") is not False and key_told.get("type") == "text"
    unique = has_key and key_told is not None and key_told.get("is_unique") is True
    return TenantObject(name, api, schema, fields, key_api if has_key else None, unique)


def _field(api: str, told: Document, name: str, options: Options, ours: Mapping[str, str], is_key: bool) -> TenantField:
    own_kind = str(told.get("type") or "text")
    kind = str(told.get("return_type") or "text") if own_kind in COMPUTED - {"auto_number"} else own_kind
    writable = own_kind not in COMPUTED | SHOWN and not is_key and _writable(api, told, options)
    scale = whole(told.get("decimal_places"))
    number = kind in NUMBERS
    type_ = _TYPES.get(kind, FieldType.TEXT)
    if number:
        type_ = FieldType.INTEGER if kind == "number" and scale == 0 else FieldType.DECIMAL
    target = str(told.get("target_api_name") or "")
    required = told.get("is_required") is True and writable and told.get("default_value") in (None, "", [])
    length = whole(told.get("max_length"))
    return TenantField(
        api,
        kind,
        Field(
            name,
            type_,
            label=str(told.get("label") or ""),
            required=required and api != "record_type",
            writable=writable,
            changeable=api not in CREATED,
            unique=told.get("is_unique") is True,
            length=length if type_ is FieldType.TEXT and kind not in PEOPLE | MANY | FILES else None,
            precision=length if number else None,
            scale=scale if type_ is FieldType.DECIMAL else None,
            choices=_choices(told) if type_ is FieldType.CHOICE else (),
            references=(ours.get(target, target),) if type_ is FieldType.REFERENCE and target else (),
            master=kind == "master_detail",
            empty_text=options.empty_text == "kept" and kind not in PEOPLE | MANY | FILES,
        ),
    )


def _of_team(named: Mapping[str, Members]) -> Iterator[TenantField]:
    for name, each in named.items():
        field = Field(name, FieldType.TEXT, empty_text=False, parts=PARTS)
        yield TenantField(TEAM, "team", field, (ROLES[each.role], PERMISSIONS[each.permission]))


def _writable(api: str, told: Document, options: Options) -> bool:
    if api in CREATED:
        return options.preserve
    if api in KEPT_THERE:
        return False
    return told.get("define_type") != "system" or api in WRITTEN_THERE


def _choices(told: Document) -> tuple[str, ...]:
    options = [each for each in parts(told, "options") if each.get("not_usable") is not True]
    values = (each.get("value") if each.get("value") is not None else each.get("api_name") for each in options)
    return tuple(str(each) for each in values if each is not None)


def no_object(name: str, known: Iterable[str]) -> InputError:
    return InputError("fxiaoke.no_object", object=name, near=nearest(name, known))


def no_field(there: TenantObject, name: str) -> InputError:
    labels = {each.name: each.field.label for each in there.fields.values()}
    return InputError("fxiaoke.no_field", object=there.name, field=name, near=nearest(name, labels))
