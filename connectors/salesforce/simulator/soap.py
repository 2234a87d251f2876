"""The little of SOAP that has no place in REST: signing in, and taking records out of the bin."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape

from lxml import etree

from .answers import XML, CallError, Reply, RowError
from .identity import full_name
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
VERSION = re.compile(r"(\d+)\.0")


def answered(org: Org, sign_in: SignIn, version: str, host: str, body: bytes) -> Reply:
    """version: as it stands in the path."""
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
            return _login(org, sign_in, f"http://{host}", version, verb)
        case "undelete":
            return _undelete(org, sign_in, verb)
    return _fault("soapenv:Client", "INVALID_OPERATION", "there are login and undelete and nothing else")


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


def _undelete(org: Org, sign_in: SignIn, verb: etree._Element) -> Reply:
    try:
        acting = Acting(sign_in.user_of(_text(verb, "sessionId")))
    except CallError as error:
        return _fault(f"sf:{error.code}", error.code, error.message)
    told = []
    for each in verb.xpath("*[local-name()='ids']/text()"):
        row_id, failure = str(each), ""
        try:
            with org.store.whole():
                undelete(org, acting, object_of(org, row_id), row_id)
        except (RowError, CallError) as refused:
            code = refused.code
            failure = f"<errors><message>{escape(refused.message)}</message><statusCode>{code}</statusCode></errors>"
        told.append(f"<result>{failure}<id>{row_id}</id><success>{'false' if failure else 'true'}</success></result>")
    return Reply(ENVELOPE.format(f"<undeleteResponse>{''.join(told)}</undeleteResponse>").encode(), type=XML)


def _fault(fault: str, code: str, message: str) -> Reply:
    inner = (
        f"<soapenv:Fault><faultcode>{fault}</faultcode><faultstring>{escape(message)}</faultstring><detail>"
        f'<sf:LoginFault xsi:type="sf:LoginFault"><sf:exceptionCode>{code}</sf:exceptionCode>'
        f"<sf:exceptionMessage>{escape(message)}</sf:exceptionMessage></sf:LoginFault></detail></soapenv:Fault>"
    )
    return Reply(ENVELOPE.format(inner).encode(), 500, XML)
