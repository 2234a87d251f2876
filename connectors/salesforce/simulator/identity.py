"""Who the user is, as OAuth tells it."""

from __future__ import annotations

from ...simulating.tables import Row
from .answers import Document, Reply, not_found, said
from .org import Acting, Org


def _urls(org: Org, base: str, user: str) -> Document:
    data = f"{base}/services/data/v{{version}}/"
    return {
        "enterprise": f"{base}/services/Soap/c/{{version}}/{org.organization['Id']}",
        "partner": f"{base}/services/Soap/u/{{version}}/{org.organization['Id']}",
        "rest": data,
        "sobjects": f"{data}sobjects/",
        "query": f"{data}query/",
        "search": f"{data}search/",
        "recent": f"{data}recent/",
        "profile": f"{base}/{user}",
        "custom_domain": base,
    }


def full_name(user: Row) -> str:
    return " ".join(str(each) for each in (user["FirstName"], user["LastName"]) if each)


def user_info(org: Org, acting: Acting) -> Reply:
    user, base = _user(org, acting.user), acting.origin
    return said(
        {
            "sub": f"{base}/id/{org.organization['Id']}/{acting.user}",
            "user_id": acting.user,
            "organization_id": org.organization["Id"],
            "preferred_username": user["Username"],
            "nickname": user["Alias"],
            "name": full_name(user),
            "email": user["Email"],
            "email_verified": True,
            "given_name": user["FirstName"],
            "family_name": user["LastName"],
            "zoneinfo": user["TimeZoneSidKey"],
            "locale": user["LocaleSidKey"],
            "language": user["LanguageLocaleKey"],
            "user_type": "STANDARD",
            "active": bool(user["IsActive"]),
            "is_app_installed": True,
            "urls": _urls(org, base, acting.user),
            "updated_at": f"{user['LastModifiedDate']}+0000",
        }
    )


def identity(org: Org, acting: Acting, organization: str, user_id: str) -> Reply:
    if organization not in (org.organization["Id"], str(org.organization["Id"])[:15]):
        raise not_found()
    user, base = _user(org, user_id), acting.origin
    return said(
        {
            "id": f"{base}/id/{org.organization['Id']}/{user['Id']}",
            "asserted_user": True,
            "user_id": user["Id"],
            "organization_id": org.organization["Id"],
            "username": user["Username"],
            "nick_name": user["Alias"],
            "display_name": full_name(user),
            "email": user["Email"],
            "first_name": user["FirstName"],
            "last_name": user["LastName"],
            "timezone": user["TimeZoneSidKey"],
            "active": bool(user["IsActive"]),
            "user_type": "STANDARD",
            "language": user["LanguageLocaleKey"],
            "locale": user["LocaleSidKey"],
            "utcOffset": 28_800_000,
            "urls": _urls(org, base, str(user["Id"])),
            "last_modified_date": f"{user['LastModifiedDate']}+0000",
            "is_app_installed": True,
        }
    )


def _user(org: Org, user_id: str) -> Row:
    found = org.store.get("User", user_id)
    if found is None:
        raise not_found()
    return found
