"""Two clients from PyPI, as their authors published them, drive the simulator. Neither is a dependency of ours: one
declares no licence, and the other does not declare all that it imports; so they are installed beside us."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from changeover.connectors.clock import SystemClock
from changeover.connectors.fxiaoke.simulator import Server, Settings, Simulator

EXAMPLE = Path(__file__).parents[3] / "docs" / "fxiaoke-tenant"
PACKAGES = ("fxiaoke-python==0.0.3", "crm-cli==0.2.1", "six", "python-dotenv")
LEADS_FIELDS = {
    "field_7dDlL__c": {"type": "select_one", "label": "跟进状态", "options": {"7e8T541Vr": "S1-待跟进"}},
    "field_S737R__c": {"type": "phone_number", "label": "联系电话"},
    "field_g60ab__c": {"type": "select_one", "label": "区域", "options": {"1dKGudtaC": "欧洲", "5yF9DohVi": "亚洲"}},
    "field_IT92M__c": {"type": "select_one", "label": "国家", "options": {"KsekHd2m8": "德国", "IYWea10Fx": "英国"}},
    "field_q1Vij__c": {"type": "long_text", "label": "备注"},
    "field_xmuU5__c": {"type": "url", "label": "公司网址"},
}
POOL = {"object": "LeadsPoolObj", "id": "643d87b17be47e000190a715", "name": "欧洲线索池"}
LEADS = [
    {"company": "Ada Robots", "email": "ada@example.com", "phone": "+49 30 1234", "country": "DE", "remarks": "展会"},
    {"company": "Brit Robots", "email": "brit@example.com", "country": "GB", "website": "https://brit.example.com"},
]


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packages")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    try:
        done = subprocess.run(
            [*install, "--target", folder, *PACKAGES], capture_output=True, text=True, check=False, timeout=120
        )
    except subprocess.TimeoutExpired:
        pytest.skip("the package index does not answer")
    if done.returncode:
        pytest.skip(f"no package index: {done.stderr.strip().splitlines()[-1]}")
    return folder


def test_published_clients_work_with_it_as_they_are(packages: Path, tmp_path: Path) -> None:
    tenant = tmp_path / "tenant"
    shutil.copytree(EXAMPLE, tenant)
    told = yaml.safe_load((tenant / "tenant.yaml").read_text(encoding="utf-8"))
    told["fields"]["LeadsObj"], told["pools"] = LEADS_FIELDS, [*told["pools"], POOL]
    (tenant / "tenant.yaml").write_text(yaml.safe_dump(told, allow_unicode=True), encoding="utf-8")
    leads = tmp_path / "leads.json"
    leads.write_text(json.dumps(LEADS), encoding="utf-8")
    settings = Settings(rate_calls=0, token_calls=0, total="always", duplicate_rules="LeadsObj.email")
    simulator = Simulator(SystemClock(), settings, tenant)
    server = Server(simulator)
    try:
        open_id = server.credentials["currentOpenUserId"]
        environment = {
            **os.environ,
            "PYTHONPATH": str(packages),
            "HOME": str(tmp_path),
            "CRM_APP_ID": "FSAID_simulator",
            "CRM_APP_SECRET": "secret",
            "CRM_PERMANENT_CODE": "code",
            "CRM_USER_MOBILE": "13900000000",
        }
        driver = [sys.executable, Path(__file__).with_name("drive_packages.py"), server.url, open_id, leads]
        done = subprocess.run(driver, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout.splitlines()[-1])
        made = simulator.rows("LeadsObj")
    finally:
        server.close()
    assert (said["pages"], said["total"], said["order"], said["describe"]) == (True, 105, "客户0", "object_reference")
    assert said["custom"] == [[True, "10.00"]]
    assert "name is required" in said["refused"]
    assert "Sync complete: 2 created, 0 duplicates" in said["sync"][1]
    assert "Sync complete: 0 created, 2 duplicates" in said["again"][1]
    assert [(each["name"], each["company"], each["owner"], each["field_S737R__c"]) for each in made] == [
        ("Ada Robots", "Ada Robots", None, "49301234"),
        ("Brit Robots", "Brit Robots", None, None),
    ]
    assert "Company:       Ada Robots" in said["found"][1]
    assert said["not found"][0] == 1
    assert "罗一鸣" in said["lookup"][1]
    assert '"label": "德国"' in said["field"][1]
    assert said["country"] == [0, "KsekHd2m8\n"]
