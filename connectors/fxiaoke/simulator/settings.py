"""What nobody outside knows of the OpenAPI, or what differs between tenants, as settings with names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...simulating.settings import DeclaredSettings
from ...simulating.settings import setting as _of
from ...simulators import Setting

CHINESE = Path(__file__).with_name("settings.zh.yaml")


@dataclass(frozen=True, slots=True)
class Settings(DeclaredSettings):
    """Each default is the answer that is harder on a client, but for what a tenant has or has not."""

    # Who is let in
    app_id: str = _of("FSAID_simulator", "the app's id", known=True)
    app_secret: str = _of("secret", "the app's secret", known=True)
    permanent_code: str = _of("code", "the app's permanent code", known=True)
    token_calls: int = _of(10, "calls of each token endpoint in any minute; 0: any number", known=True)
    legacy_expires_in: str = _of(
        "constant", "expiresIn of a token that is given out again: 7200 each time, or what is left", "constant", "left"
    )
    third_trace_id: str = _of("ignored", "calls without thirdTraceId", "ignored", "required")
    unknown_user: int = _of(20012, "code where there is no such employee", "20012", "30027")
    mixed_user_ids: str = _of("refused", "1000 where FSUID_... is due, and the other way round", "refused", "accepted")

    # How fast
    rate_calls: int = _of(100, "calls of each path in any rate_seconds; 0: any number", known=True)
    rate_seconds: float = _of(20.0, "see rate_calls", known=True)
    burst_code: int = _of(30004, "code where rate_calls are exceeded", "30004", "14001")
    refused_calls_count: str = _of("yes", "calls that were refused for their number count among the next", "yes", "no")
    packs: int = _of(1, "packs of 100,000 calls a day; 0: none was bought", known=True)
    zone: str = _of("Asia/Shanghai", "whose 0:00 begins a new day of calls")

    # Queries
    limit_over_100: str = _of("refused", "a limit over 100", "refused", "cut", "accepted")
    odd_offset: str = _of("refused", "an offset that is no multiple of the limit", "refused", "accepted")
    total: str = _of("when_asked", "total where find_explicit_total_num is not sent", "when_asked", "always")
    invalid_rows: str = _of("hidden", "rows made invalid (作废) in queries", "hidden", "shown")
    index_lag: float = _of(0.0, "seconds until a new row is found by queries")
    ids: str = _of("ascending", "_id of new rows", "ascending", "shuffled")
    data_scope: str = _of("all", "rows that an employee may see and write", "all", "own", known=True)

    # Paths
    custom_on_preset_path: str = _of("refused", "objects ..__c at the paths of preset ones", "refused", "accepted")
    preset_on_custom_path: str = _of("accepted", "preset objects at custom/v2/data", "refused", "accepted")
    detail_ids_key: str = _of("", "key of the details' ids where includeDetailIds is set; empty: none are told")
    describe_details_key: str = _of("", "key of the details' describes where includeDetail is set; empty: none")

    # Writes
    validation_code: int = _of(32000, "code of a value that is refused")
    lookup_code: int = _of(201112011, "code of a reference to what is not there")
    wrong_envelope_code: int = _of(-2, "code beside java.lang.NullPointerException")
    wrong_type: str = _of("refused", "a value of the wrong type: as other values, or -2", "refused", "system_error")
    json_numbers: str = _of("refused", "numbers that are not sent as text", "refused", "accepted")
    more_decimals: str = _of("refused", "more decimal places than the field has", "refused", "rounded")
    empty_text: str = _of("null", "an empty text is kept as", "null", "text")
    null_in_update: str = _of("cleared", "null in an update", "cleared", "ignored")
    unknown_fields: str = _of("refused", "fields that the object does not have", "refused", "ignored")
    read_only_fields: str = _of("refused", "formulas, counts, quotes and numbers given out", "refused", "ignored")
    update: str = _of("patch", "fields that an update does not name stay, or are emptied", "patch", "overwrite")
    update_details: str = _of(
        "replaced", "details that are not in an update's list are removed, or stay", "replaced", "kept"
    )
    no_owner: str = _of("acting_user", "rows made without owner and pool", "acting_user", "none", "refused")
    disabled_creator: str = _of("refused", "created_by of somebody who has left", "refused", "accepted")
    max_details: int = _of(100, "rows of details in one call; 0: any number")
    duplicate_rules: str = _of(
        "", "fields by which duplicates are found, as AccountObj.name,LeadsObj.email", known=True
    )
    duplicate_answer: str = _of("error", "a duplicate found", "error", "error_with_rows")
    locked_update: str = _of("refused", "updates of a locked row", "refused", "accepted")
    under_review_update: str = _of("refused", "updates of a row under review", "refused", "accepted")

    stage_by_update: str = _of("accepted", "sales_stage set by update", "accepted", "refused")

    # Life
    invalid_holds_unique: str = _of("yes", "an invalid row keeps its unique values from others", "yes", "no")
    reference_to_invalid: str = _of("refused", "references to an invalid row", "refused", "accepted")
    team_on_others: str = _of("refused", "team members on other objects than AccountObj", "refused", "accepted")
    details_follow: str = _of("yes", "details become invalid and come back with their master", "yes", "no")

    # What the tenant has
    ea: str = _of("simulator", "the enterprise account", known=True)
    key_field: str = _of("", "a unique text field that every object gets, as legacy_key__c; empty: none", known=True)
    approval: str = _of("", "objects with an approval flow for new rows, as AccountObj,SalesOrderObj", known=True)
    approval_leaves: str = _of("ineffective", "life_status while it waits", "ineffective", "under_review")
    workflow: str = _of("", "what a workflow sets on new rows, as AccountObj.remark=text,...", known=True)
    bulk_function: str = _of("off", "an own function for many rows a call is installed", "on", "off", known=True)
    bulk_function_name: str = _of("changeover_bulk__c", "its api_name", known=True)
    random_seed: int = _of(0, "of the ids", known=True)


def told_settings() -> tuple[Setting, ...]:
    """For the list that the command shows."""
    return Settings.told(CHINESE)
