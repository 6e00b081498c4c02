from __future__ import annotations

from typing import Any

from gitops_push.core.allocation import ALLOCATED, mark_allocated

Body = dict[str, Any]


def service(**spec: Any) -> Body:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec}


def port(number: int, **more: Any) -> Body:
    return {"port": number, "protocol": "TCP", **more}


def test_a_node_port_and_an_address_that_nobody_asked_for_are_marked() -> None:
    merged = service(clusterIP="10.0.0.7", clusterIPs=["10.0.0.7"], ports=[port(80, nodePort=30001)])
    assert mark_allocated(merged, None, service(ports=[port(80)]))["spec"] == {
        "clusterIP": ALLOCATED,
        "clusterIPs": [ALLOCATED],
        "ports": [port(80, nodePort=ALLOCATED)],
    }


def test_what_is_there_already_or_was_asked_for_stays() -> None:
    live = service(clusterIP="10.0.0.7", ports=[port(80, nodePort=30001)])
    sent = service(ports=[port(80), port(81, nodePort=30002), port(82)])
    merged = service(
        clusterIP="10.0.0.7", ports=[port(80, nodePort=30001), port(81, nodePort=30002), port(82, nodePort=30003)]
    )
    marked = mark_allocated(merged, live, sent)["spec"]
    assert marked["clusterIP"] == "10.0.0.7"
    assert [item["nodePort"] for item in marked["ports"]] == [30001, 30002, ALLOCATED]
    assert merged["spec"]["ports"][2]["nodePort"] == 30003


def test_nothing_is_copied_where_nothing_is_allocated() -> None:
    merged = service(clusterIP="10.0.0.7", ports=[port(80)])
    assert mark_allocated(merged, service(clusterIP="10.0.0.7"), service()) is merged
    assert mark_allocated({"apiVersion": "v1", "kind": "ConfigMap"}, None, {})["kind"] == "ConfigMap"


def test_the_uid_by_which_a_new_job_selects_its_pods_is_marked() -> None:
    labels = {"batch.kubernetes.io/controller-uid": "u-1", "app": "job"}
    job: Body = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "job", "uid": "u-1"},
        "spec": {"selector": {"matchLabels": labels}},
    }
    assert mark_allocated(job, None, job)["spec"]["selector"]["matchLabels"] == {
        **labels,
        next(iter(labels)): ALLOCATED,
    }
    assert mark_allocated(job, job, job) is job
