"""What differs between orgs, or what nobody outside knows of the API, as settings with names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...simulating.settings import DeclaredSettings
from ...simulating.settings import setting as _of
from ...simulators import Setting

CHINESE = Path(__file__).with_name("settings.zh.yaml")


@dataclass(frozen=True, slots=True)
class Settings(DeclaredSettings):
    """Each default is the answer that is harder on a client, but for what an org has or has not."""

    # Who is let in
    client_id: str = _of("simulator", "the app's consumer key", known=True)
    client_secret: str = _of("secret", "the app's consumer secret", known=True)
    password: str = _of("password", "every user's password", known=True)
    security_token: str = _of("token", "what SOAP wants behind the password", known=True)
    run_as: str = _of("", "username that client credentials act as; empty: the first user of the org", known=True)
    jwt: str = _of(
        "checked", "a JWT's signature, where org.yaml names a certificate", "checked", "unchecked", known=True
    )
    session_seconds: float = _of(7200.0, "seconds without a call until a session is over", known=True)
    soap_login: str = _of("on", "login() of SOAP, up to version 64", "on", "off", known=True)
    oldest_version: int = _of(31, "versions below are answered with 410", known=True)
    newest_version: int = _of(67, "the newest version there is", known=True)

    # What may be done
    view_all_data: str = _of("yes", "records of others are seen and written", "yes", "no", known=True)
    view_all_records: str = _of(
        "", "objects of which all records are seen without view_all_data, as Account,Case", known=True
    )
    view_setup: str = _of("yes", "what others may do and see can be asked for", "yes", "no", known=True)
    audit_fields: str = _of("no", "CreatedDate and its like may be set by inserts", "yes", "no", known=True)
    inactive_owners: str = _of("no", "records may be given to inactive users", "yes", "no", known=True)
    hard_delete: str = _of("no", "Bulk may delete for good", "yes", "no", known=True)
    query_all_files: str = _of("no", "all files are found without naming records", "yes", "no", known=True)
    hidden_fields: str = _of("", "fields that the user does not see, as Account.Fax,Contact.Title", known=True)
    hidden_objects: str = _of("", "objects that the user does not see, as Clinic__c", known=True)
    read_only_objects: str = _of("", "objects that the user may not write, as Case,Lead", known=True)

    # What the org has
    records: int = _of(0, "invented records that it has from the beginning", known=True)
    key_field: str = _of("", "a unique external id that every object gets, as Legacy_Key__c; empty: none", known=True)
    person_accounts: str = _of("no", "people can be accounts", "yes", "no", known=True)
    currencies: str = _of(
        "", "currencies beside the org's own, as USD=0.14: so many are one of its own; empty: none", known=True
    )
    instance: str = _of("CHN8S", "InstanceName of the org", known=True)
    sandbox: str = _of("yes", "IsSandbox of the org", "yes", "no", known=True)
    assignment_rules: str = _of("", "owner that rules give new records, as Lead=username,Case=username", known=True)
    duplicate_rules: str = _of("", "fields by which duplicates are found, as Account.Name,Contact.Email", known=True)
    validation_rules: str = _of("", "fields that a rule wants besides, as Account.Phone,Lead.Rating", known=True)
    numbers_in_cells: str = _of("plain", "big numbers in results of Bulk", "plain", "exponents")

    # Limits
    daily_calls: int = _of(100_000, "calls in any 24 hours", known=True)
    bulk_query_jobs: int = _of(10_000, "query jobs in any 24 hours", known=True)
    bulk_batches: int = _of(15_000, "batches of ingest jobs in any 24 hours", known=True)
    bulk_records: int = _of(150_000_000, "records of ingest jobs in any 24 hours", known=True)
    storage_mb: int = _of(10_240, "data storage; 2 KB a record", known=True)
    page_rows: int = _of(2000, "rows of a query's page at most, whatever batchSize says")
    ranges: str = _of("no", "bodies of files are given from any byte on", "yes", "no")
    locator_seconds: float = _of(172_800.0, "seconds until a query's locator is gone", known=True)
    bulk_page_rows: int = _of(50_000, "rows of a page of Bulk results where maxRecords is not sent")
    bulk_polls: int = _of(1, "times that a job is told to be in progress before it is complete")
    bulk_order: str = _of("shuffled", "rows of an ingest job's results", "shuffled", "as_sent")
    replication_lag: float = _of(0.0, "seconds that latestDateCovered lies behind")
    random_seed: int = _of(0, "of tokens and of what is shuffled", known=True)


def told_settings() -> tuple[Setting, ...]:
    """For the list that the command shows."""
    return Settings.told(CHINESE)
