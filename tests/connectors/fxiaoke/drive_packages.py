"""Run by another Python in which two published clients of the OpenAPI are installed as they are: it lets them work, and
prints what they gave back. Their host is fixed in their code, so that only the way to it leads elsewhere, as an entry
in a hosts file would."""

import contextlib
import io
import json
import logging
import sys

import requests.adapters

URL, OPEN_USER_ID, LEADS = sys.argv[1:4]
HOST = "https://open.fxiaoke.com"
the_real_one = requests.adapters.HTTPAdapter.send


def send(adapter, request, **more):
    assert request.url.startswith(f"{HOST}/"), request.url
    request.url = URL + request.url.removeprefix(HOST)
    return the_real_one(adapter, request, **{**more, "proxies": {}})


requests.adapters.HTTPAdapter.send = send
told = {}


def fxiaoke_python():
    from fxiaoke.api import FxiaokeApi
    from fxiaoke.baseObj import baseObj
    from fxiaoke.op_create import createObj
    from fxiaoke.op_get import getObj
    from fxiaoke.op_query import queryObj

    FxiaokeApi.init("FSAID_simulator", "secret", "code", OPEN_USER_ID)
    logging.getLogger().setLevel(logging.ERROR)
    made = [
        createObj().execute({"name": f"客户{number}", "owner": [OPEN_USER_ID]}, dataObjectApiName="AccountObj")[
            "dataId"
        ]
        for number in range(105)
    ]
    lines = {"SalesOrderProductObj": [{"quantity": "1"}, {"quantity": "2.5"}]}
    order = createObj().execute({"name": "SO-1", "account_id": made[0]}, lines, dataObjectApiName="SalesOrderObj")
    statement = {"name": "DZ-1", "account__c": made[0], "due__c": "10.00"}
    custom = createObj().execute(statement, dataObjectApiName="object_stmt__c")["dataId"]
    span = {"field_name": "create_time", "field_values": [0, 4_000_000_000_000], "operator": "BETWEEN"}
    rows = queryObj().execute(dataObjectApiName="AccountObj", filters=[span], limit=100)
    told["pages"] = sorted(row["_id"] for row in rows) == sorted(made)
    told["total"] = rows.total()
    told["order"] = getObj().execute(order["dataId"], dataObjectApiName="SalesOrderObj")["account_id__r"]
    found = queryObj().execute(dataObjectApiName="object_stmt__c", fieldProjection=["_id", "due__c"])
    told["custom"] = [(row["_id"] == custom, row["due__c"]) for row in found]
    told["describe"] = baseObj(dataObjectApiName="ContactObj").describe()["describe"]["fields"]["account_id"]["type"]
    try:
        createObj().execute({"name": None}, dataObjectApiName="AccountObj")
    except RuntimeError as error:
        told["refused"] = str(error)


def crm(*words):
    from src import cli

    sys.argv, said = ["crm", *words], io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            cli.main()
            code = 0
        except SystemExit as ended:
            code = ended.code
    return [code, said.getvalue()]


def crm_cli():
    told["sync"] = crm("sync", LEADS)
    told["again"] = crm("sync", LEADS)
    told["found"] = crm("query", "--email", "ada@example.com")
    told["not found"] = crm("query", "--email", "nobody@example.com")
    told["lookup"] = crm("lookup", "--mobile", "13900000001")
    told["field"] = crm("describe", "--field", "field_IT92M__c", "--format", "json")
    told["country"] = crm("map-country", "Germany")


fxiaoke_python()
crm_cli()
print(json.dumps(told))
