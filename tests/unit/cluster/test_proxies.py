from __future__ import annotations

import pytest

from gitops_push.cluster.proxies import checked_proxy, proxy_for
from gitops_push.core.errors import ClusterError

PROXY = "http://proxy:3128"


def used(host: str, no_proxy: str = "", port: int = 6443) -> bool:
    return proxy_for(host, port, {"HTTPS_PROXY": PROXY, "NO_PROXY": no_proxy}) == PROXY


@pytest.mark.parametrize(
    ("environment", "proxy"),
    [
        ({}, ""),
        ({"HTTPS_PROXY": "a"}, "a"),
        ({"https_proxy": "b"}, "b"),
        ({"HTTPS_PROXY": "a", "https_proxy": "b"}, "a"),
        ({"HTTP_PROXY": "c", "ALL_PROXY": "d"}, ""),
        ({"HTTPS_PROXY": "a", "no_proxy": "*"}, ""),
        ({"HTTPS_PROXY": "a", "NO_PROXY": "other", "no_proxy": "*"}, "a"),
    ],
)
def test_the_proxy_comes_from_the_variables_that_kubectl_reads(environment: dict[str, str], proxy: str) -> None:
    assert proxy_for("api.example", 443, environment) == proxy


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "::1"])
def test_this_machine_is_never_reached_through_a_proxy(host: str) -> None:
    assert not used(host)


@pytest.mark.parametrize(
    ("host", "no_proxy", "through_proxy"),
    [
        ("api.example", "api.example", False),
        ("api.example", "API.Example", False),
        ("api.example", "example", False),
        ("notexample", "example", True),
        ("example", ".example", True),
        ("api.example", ".example", False),
        ("api.example", "*.example", False),
        ("example", "*.example", True),
        ("api.example", "api.example:6443", False),
        ("api.example", "api.example:443", True),
        ("api.example", " other , api.example ", False),
        ("api.example", ",,", True),
        ("10.1.2.3", "10.0.0.0/8", False),
        ("11.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "10.1.2.3", False),
        ("10.1.2.3", "10.1.2.3:6443", False),
        ("10.1.2.3", "1.2.3", True),
        ("fd00::1", "fd00::/8", False),
        ("fd00::1", "[fd00::1]", False),
        ("api.example", "10.0.0.0/8", True),
        ("api.example", "10.0.0.0/99", True),
    ],
)
def test_no_proxy_is_matched_by_gos_rules(host: str, no_proxy: str, *, through_proxy: bool) -> None:
    assert used(host, no_proxy) is through_proxy


def test_a_proxy_without_a_scheme_is_http() -> None:
    assert checked_proxy("proxy:3128") == "http://proxy:3128"
    assert checked_proxy("https://proxy") == "https://proxy"


@pytest.mark.parametrize("proxy", ["socks5://proxy", "ftp://x", "http://:3128", "http://h:99999", "http://[::1"])
def test_another_kind_of_proxy_is_an_error_that_does_not_print_it(proxy: str) -> None:
    with pytest.raises(ClusterError) as caught:
        checked_proxy(proxy)
    assert proxy not in str(caught.value)
