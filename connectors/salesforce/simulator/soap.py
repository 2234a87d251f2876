"""The little of SOAP that has no place in REST: signing in, taking records out of the bin, merging them, and
converting leads."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias
from xml.sax.saxutils import escape

from lxml import etree

from .answers import XML, CallError, Reply, RowError
from .converting import Conversion, convert
from .identity import full_name
from .ids import whole
from .merging import merge
from .org import Acting, Org
from .removing import undelete
from .sign_in import OAuthError, SignIn
from .writing import object_of

LAST = 64
"""The last version with login()."""
ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns="urn:partner.soap.sforce.com" xmlns:sf="urn:fault.partner.soap.sforce.com" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>{}</soapenv:Body></soapenv:Envelope>'
)
WRONG = "INVALID_LOGIN: Invalid username, password, security token; or user locked out."
Work: TypeAlias = Callable[[Org, Acting, etree._Element], Mapping[str, str]]
"""One piece of what is asked for; the ids of what it is about, by their elements' names."""
VERSION = re.compile(r"(\d+)\.0")


def answered(org: Org, sign_in: SignIn, version: str, base: str, body: bytes) -> Reply:
    """version: as it stands in the path. base: what the address it tells begins with."""
    number = VERSION.match(version)
    try:
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        (verb,) = etree.fromstring(body, parser).xpath("//*[local-name()='Body']/*")
    except (etree.XMLSyntaxError, ValueError):
        return _fault("soapenv:Client", "INVALID_SOAP", "content cannot be read")
    match etree.QName(verb).localname:
        case "login" if org.settings.soap_login == "off" or number is None or int(number[1]) > LAST:
            return _fault("sf:UNSUPPORTED_API_VERSION", "UNSUPPORTED_API_VERSION", "login() is not there")
        case "login":
            return _login(org, sign_in, base, version, verb)
        case "undelete":
            return _each(org, sign_in, verb, "ids", _undelete)
        case "merge":
            return _each(org, sign_in, verb, "request", _merge)
        case "convertLead":
            return _each(org, sign_in, verb, "leadConverts", _convert)
    said = "there are login, undelete, merge and convertLead and nothing else"
    return _fault("soapenv:Client", "INVALID_OPERATION", said)


def _text(element: etree._Element, name: str) -> str:
    found = element.xpath(f"//*[local-name()='{name}']/text()")
    return str(found[0]) if found else ""


def _login(org: Org, sign_in: SignIn, base: str, version: str, verb: etree._Element) -> Reply:
    try:
        user_id = sign_in.by_password(_text(verb, "username"), _text(verb, "password"))
    except OAuthError:
        return _fault("sf:INVALID_LOGIN", "INVALID_LOGIN", WRONG)
    user, organization = org.store.get("User", user_id), org.organization
    assert user is not None  # noqa: S101 - has just signed in
    info = {
        "organizationId": organization["Id"],
        "organizationName": organization["Name"],
        "userEmail": user["Email"],
        "userFullName": full_name(user),
        "userId": user_id,
        "userName": user["Username"],
        "userTimeZone": user["TimeZoneSidKey"],
    }
    told = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in info.items())
    where = f"{version.strip('/')}/{organization['Id']}"
    inner = (
        f"<loginResponse><result><metadataServerUrl>{base}/services/Soap/m/{where}</metadataServerUrl>"
        f"<passwordExpired>false</passwordExpired><sandbox>{'true' if organization['IsSandbox'] else 'false'}</sandbox>"
        f"<serverUrl>{base}/services/Soap/u/{where}</serverUrl><sessionId>{sign_in.open(user_id)}</sessionId>"
        f"<userId>{user_id}</userId><userInfo>{told}</userInfo></result></loginResponse>"
    )
    return Reply(ENVELOPE.format(inner).encode(), type=XML)


def _each(org: Org, sign_in: SignIn, verb: etree._Element, name: str, work: Work) -> Reply:
    """name: of the elements that each ask for a piece of work."""
    try:
        acting = Acting(sign_in.user_of(_text(verb, "sessionId")))
    except CallError as error:
        return _fault(f"sf:{error.code}", error.code, error.message)
    told = []
    for each in verb.xpath(f"*[local-name()='{name}']"):
        failure, ids = "", dict[str, str]()
        try:
            with org.store.whole():
                ids = dict(work(org, acting, each))
        except (RowError, CallError) as refused:
            code = refused.code
            failure = f"<errors><message>{escape(refused.message)}</message><statusCode>{code}</statusCode></errors>"
        inner = "".join(f"<{name}>{row_id}</{name}>" for name, row_id in ids.items())
        told.append(f"<result>{failure}{inner}<success>{'false' if failure else 'true'}</success></result>")
    name = etree.QName(verb).localname + "Response"
    return Reply(ENVELOPE.format(f"<{name}>{''.join(told)}</{name}>").encode(), type=XML)


def _undelete(org: Org, acting: Acting, asked: etree._Element) -> Mapping[str, str]:
    row_id = _id(asked.text)
    undelete(org, acting, object_of(org, row_id), row_id)
    return {"id": row_id}


def _merge(org: Org, acting: Acting, asked: etree._Element) -> Mapping[str, str]:
    """Fields of the master that are sent along are not set."""
    row_id = _id(next(iter(asked.xpath("*[local-name()='masterRecord']/*[local-name()='Id']/text()")), None))
    others = [_id(each) for each in asked.xpath("*[local-name()='recordToMergeIds']/text()")]
    merge(org, acting, object_of(org, row_id), row_id, others)
    return {"id": row_id}


def _convert(org: Org, acting: Acting, asked: etree._Element) -> Mapping[str, str]:
    told = {etree.QName(each).localname: (each.text or "").strip() for each in asked}
    names = ("accountId", "contactId", "ownerId")
    account, contact, owner = (_id(told[name]) if told.get(name) else "" for name in names)
    wanted = told.get("doNotCreateOpportunity", "").lower() not in ("true", "1")
    lead, status, name = _id(told.get("leadId")), told.get("convertedStatus", ""), told.get("opportunityName", "")
    return convert(org, acting, Conversion(lead, status, account, contact, owner, wanted, name))


def _id(told: object) -> str:
    row_id = whole(str(told or "").strip())
    if row_id is None:
        raise RowError("MALFORMED_ID", f"malformed id {told}")
    return row_id


def _fault(fault: str, code: str, message: str) -> Reply:
    inner = (
        f"<soapenv:Fault><faultcode>{fault}</faultcode><faultstring>{escape(message)}</faultstring><detail>"
        f'<sf:LoginFault xsi:type="sf:LoginFault"><sf:exceptionCode>{code}</sf:exceptionCode>'
        f"<sf:exceptionMessage>{escape(message)}</sf:exceptionMessage></sf:LoginFault></detail></soapenv:Fault>"
    )
    return Reply(ENVELOPE.format(inner).encode(), 500, XML)
