"""The places where we reach into the official client: they must be there in every version that we allow."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import pytest
import urllib3
from kubernetes.client import ApiClient, Configuration

CHECK = """
import sys, urllib3
from kubernetes.client import ApiClient, Configuration
client = ApiClient(Configuration(host="https://127.0.0.1:1"))
assert isinstance(client.rest_client.pool_manager, urllib3.PoolManager), vars(client.rest_client)
assert hasattr(urllib3.HTTPResponse, "shutdown") and hasattr(urllib3.HTTPResponse, "read1")
print(sys.modules["kubernetes"].__version__)
"""


def test_the_pool_manager_can_be_swapped_in_the_installed_client() -> None:
    client = ApiClient(Configuration(host="https://127.0.0.1:1"))
    assert isinstance(client.rest_client.pool_manager, urllib3.PoolManager)
    ours = urllib3.PoolManager()
    client.rest_client.pool_manager = ours
    assert client.rest_client.pool_manager is ours


def test_the_client_is_imported_only_when_a_connection_is_made() -> None:
    heavy = "{'kubernetes', 'urllib3', 'requests'}"
    code = f"import sys, gitops_push.cluster.client; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.prove
@pytest.mark.parametrize("version", ["35", "37"])
@pytest.mark.timeout(600)
def test_the_pool_manager_is_there_at_both_ends_of_the_allowed_range(version: str, tmp_path: Path) -> None:
    venv.create(tmp_path, with_pip=True)
    python = tmp_path / "bin" / "python"
    wanted = f"kubernetes=={version}.*"
    subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", wanted], check=True)
    done = subprocess.run([python, "-c", CHECK], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"{version}.")
