"""Files, by both ways: one call with a form and a token, or a signed address that takes one upload."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from ...simulating.form import parts_of
from .answers import Document, Raw, RefusedError, missing, well
from .tenant import Call, Tenant

LARGEST = 104_857_600
DAYS_3 = 3 * 24 * 3600 * 1000
UPLOAD = "/simulated/upload/"
SIGNED = ("acid", "resource", "ak", "sign", "expiry", "filename", "size", "digest")


@dataclass(frozen=True, slots=True)
class Form:
    """fields, and the one file: its name and body."""

    fields: Mapping[str, str]
    name: str = ""
    body: bytes | None = None


def form_of(headers: Mapping[str, str], body: bytes, part: str) -> Form:
    """A multipart body. part: the name of the part that is the file."""
    fields, name, content = {}, "", None
    for each in parts_of(headers, body):
        if each.name == part:
            name, content = each.filename, each.body
        else:
            fields[each.name] = each.body.decode("utf-8", "replace")
    return Form(fields, name, content)


def upload_by_token(tenant: Tenant, form: Form) -> Document:
    if form.body is None:
        raise missing("media")
    _check_size(len(form.body))
    media = f"M_{tenant.ids.token()[:32].lower()}"
    tenant.store.keep_file(media, form.name, form.body, None)
    return well("success", mediaId=media)


def _check_size(size: int) -> None:
    if not 0 < size <= LARGEST:
        raise missing("fileSize")


def credential(tenant: Tenant, call: Call, host: str) -> Document:
    """What an upload must carry in its headers, and where it goes."""
    data = call.data
    for name, kind in (("filename", str), ("extension", str), ("isStreamUpload", bool)):
        if not isinstance(data.get(name), kind):
            raise missing(name)
    size, seconds, resource = data.get("fileSize"), data.get("expireTime"), data.get("resourceType")
    if type(size) is not int or type(seconds) is not int or not 60 <= seconds <= 604_800:
        raise missing("expireTime")
    _check_size(size)
    if resource not in ("N", "TN"):
        raise missing("resourceType")
    streams = data["isStreamUpload"]
    expiry = tenant.now() + seconds * 1000
    told = {
        "acid": tenant.number,
        "resource": resource,
        "ak": tenant.settings.app_id,
        "sign": tenant.ids.token()[:40].lower(),
        "expiry": str(expiry),
        "filename": data["filename"],
        "size": str(size),
        "digest": hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:32],
        "contentType": "application/octet-stream" if streams else "multipart/form-data",
    }
    tenant.uploads[told["sign"]] = told
    return well(data={"method": "POST", "url": f"http://{host}{UPLOAD}", **told})


def upload_by_signature(tenant: Tenant, headers: Mapping[str, str], body: bytes) -> Raw:
    """A signature is good for one upload, of just what it was made for."""
    signed = tenant.uploads.pop(headers.get("sign", ""), None)
    if signed is None or any(headers.get(each) != signed[each] for each in SIGNED):
        return _told(400, "签名错误", None)
    if tenant.now() > int(signed["expiry"]):
        return _told(400, "签名已过期", None)
    streams = signed["contentType"] == "application/octet-stream"
    content = body if streams else form_of(headers, body, "facishareFile").body
    if content is None or len(content) != int(signed["size"]):
        return _told(400, "文件大小不一致", None)
    path = f"{signed['resource']}_{tenant.ids.token()[:32].lower()}"
    tenant.store.keep_file(path, signed["filename"], content, tenant.now() + DAYS_3 if path.startswith("TN") else None)
    return _told(200, "success", path)


def _told(code: int, message: str, path: str | None) -> Raw:
    told = {"success": code == 200, "code": code, "message": message, "data": path}
    return Raw(json.dumps(told, ensure_ascii=False).encode(), "application/json;charset=UTF-8")


def download(tenant: Tenant, call: Call) -> Raw:
    media = call.top.get("mediaId")
    found = tenant.store.file(media, tenant.now()) if isinstance(media, str) else None
    if found is None:
        raise RefusedError(tenant.settings.validation_code, f"no such file: {media}")
    return Raw(found[1], "application/octet-stream")
