"""Every way in, and what keeps a caller out."""

from __future__ import annotations

import base64
import datetime as dt
import json
from pathlib import Path

import jwt
import pytest
from changeover.connectors.errors import InputError
from changeover.connectors.salesforce.simulator import Settings
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from .callers import CLIENT, START, Caller, simulator

SOAP = '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Header>{}</e:Header><e:Body>{}</e:Body></e:Envelope>'


def test_each_grant_gives_a_session_and_what_is_wrong_is_named() -> None:
    caller = Caller(simulator())
    told = caller.sign_in()
    assert told["scope"] == "api refresh_token"
    assert told["id"].split("/")[-2:] == [
        caller.cells("SELECT Id FROM Organization")[0],
        caller.simulator.sign_in.run_as["Id"],
    ]
    basic = base64.b64encode(b"simulator:secret").decode()
    assert "access_token" in caller.form({"grant_type": "client_credentials"}, {"Authorization": f"Basic {basic}"})
    password = CLIENT | {"grant_type": "password", "username": "east@muan.example", "password": "passwordtoken"}
    assert "access_token" in caller.form(password)
    refresh = {"grant_type": "refresh_token", "refresh_token": caller.simulator.sign_in.refresh_token}
    assert "access_token" in caller.form(CLIENT | refresh)
    wrong = {
        "invalid_client_id": CLIENT | {"client_id": "x"},
        "invalid_client": CLIENT | {"client_secret": "x"},
        "unsupported_grant_type": CLIENT | {"grant_type": "x"},
        "invalid_grant": password | {"password": "x"},
    }
    assert {caller.form(form)["error"] for form in wrong.values()} == set(wrong)
    assert caller.form(password | {"username": "left@muan.example"})["error"] == "invalid_grant"
    assert caller.form(CLIENT | refresh | {"refresh_token": "x"})["error"] == "invalid_grant"


def certificate(folder: Path) -> bytes:
    """The private key of one that lies in the folder."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rehearsal")])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, START, START + dt.timedelta(days=9))
    signed = made.sign(key, hashes.SHA256())
    (folder / "app.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)


def test_a_jwt_is_held_against_the_certificate_that_the_folder_names(tmp_path: Path) -> None:
    key = certificate(tmp_path)
    (tmp_path / "org.yaml").write_text("certificate: app.pem\nusers: [{username: a@b.example, last: A}]\n", "utf-8")
    caller = Caller(simulator(tmp_path))
    claims = {"iss": "simulator", "sub": "a@b.example", "aud": "https://login.salesforce.com"}
    claims["exp"] = str(int(START.timestamp()) + 180)

    def error(key: bytes, **changes: str) -> str:
        grant = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"}
        told = caller.form({**grant, "assertion": jwt.encode(claims | changes, key, algorithm="RS256")})
        return str(told.get("error_description", told.get("scope")))

    (other := tmp_path / "other").mkdir()
    assert error(key) == "api refresh_token"
    assert error(certificate(other)) == "invalid assertion"
    assert error(key, sub="nobody") == "user hasn't approved this consumer"
    assert error(key, aud="https://elsewhere.example") == "audience is invalid"
    assert error(key, iss="x") == "client identifier invalid"
    caller.clock.sleep(181)
    assert error(key) == "expired authorization code"
    for torn in ("x", "W10.W10.x", "W10.eyJleHAiOjF9.x"):
        form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": torn}
        assert caller.form(form)["error_description"] == "invalid assertion"
    caller.simulator.close()
    (tmp_path / "app.pem").write_text("torn", encoding="utf-8")
    with pytest.raises(InputError) as raised:
        simulator(tmp_path)
    assert raised.value.code == "simulator.file"


def test_soap_signs_in_up_to_its_last_version_and_takes_records_out_of_the_bin() -> None:
    caller = Caller(simulator())

    def soap(body: str, version: str = "59.0", header: str = "") -> tuple[int, str]:
        status, _, told = caller.raw("POST", f"/services/Soap/u/{version}", SOAP.format(header, body).encode())
        return status, told.decode()

    def login(password: str, version: str = "59.0") -> tuple[int, str]:
        who = "<username>admin@muan.example</username>"
        return soap(f"<login>{who}<password>{password}</password></login>", version)

    status, told = login("passwordtoken")
    assert (status, "<sandbox>true</sandbox>" in told, "/services/Soap/u/59.0/00D" in told) == (200, True, True)
    token = told.partition("<sessionId>")[2].partition("<")[0]
    caller.headers = {"Authorization": f"OAuth {token}"}
    account = caller.create("Account", Name="甲")
    assert caller.call("DELETE", f"sobjects/Account/{account}") == (204, None)
    session = f"<SessionHeader><sessionId>{token}</sessionId></SessionHeader>"
    undelete = f"<undelete><ids>{account}</ids></undelete>"
    assert soap(undelete, header=session)[1].count("<success>true</success>") == 1
    assert caller.cells("SELECT Name FROM Account") == ["甲"]
    assert "UNDELETE_FAILED" in soap(undelete, header=session)[1]
    assert "INVALID_SESSION_ID" in soap(undelete)[1]
    assert (login("x")[0], "INVALID_LOGIN" in login("x")[1]) == (500, True)
    assert "UNSUPPORTED_API_VERSION" in login("password", "65.0")[1]
    assert "INVALID_SOAP" in caller.raw("POST", "/services/Soap/u/59.0", b"<torn")[2].decode()


def test_a_session_ends_when_nobody_calls_and_counts_what_is_let_through() -> None:
    caller = Caller(simulator(session_seconds=60, daily_calls=4))
    for _ in range(3):
        caller.clock.sleep(59)
        assert caller.call("GET", "limits")[0] == 200
    assert caller.last["Sforce-Limit-Info"] == "api-usage=3/4"
    caller.clock.sleep(61)
    assert caller.refused("GET", "limits") == "401 INVALID_SESSION_ID"
    caller.sign_in()
    assert caller.call("GET", "limits")[1]["DailyApiRequests"] == {"Max": 4, "Remaining": 0}
    status, told = caller.call("GET", "limits")
    assert (status, told[0]["message"]) == (403, "TotalRequests Limit exceeded.")
    caller.headers = {}
    assert caller.refused("GET", "limits") == "401 INVALID_AUTH_HEADER"


def test_the_user_the_versions_and_the_objects_are_told() -> None:
    caller = Caller(simulator())
    versions = json.loads(caller.raw("GET", "/services/data")[2])
    assert (versions[-1]["version"], versions[-1]["label"], versions[0]["version"]) == ("67.0", "Summer '26", "31.0")
    status, told = caller.call("GET", "/services/oauth2/userinfo")
    assert (status, told["preferred_username"], told["name"]) == (200, "admin@muan.example", "静 何")
    identity = caller.call("GET", "")[1]["identity"].partition("localhost")[2]
    assert caller.call("GET", identity)[1]["username"] == "admin@muan.example"
    caller.version = 30
    assert caller.refused("GET", "sobjects") == "410 UNSUPPORTED_API_VERSION"
    caller.version = 68
    assert caller.refused("GET", "sobjects") == "404 NOT_FOUND"


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(InputError) as raised:
        Settings.of({"audit_fields": "perhaps"})
    assert raised.value.code == "simulator.setting_value"
    with pytest.raises(InputError) as raised:
        simulator(run_as="nobody")
    assert raised.value.code == "simulator.setting_value"
