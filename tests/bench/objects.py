"""Plain manifests for the cluster benchmarks: a third each of Deployments (0 replicas), Services and ConfigMaps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-{i}
  namespace: {namespace}
  labels: {{app: app-{i}, version: "{version}"}}
spec:
  replicas: 0
  selector: {{matchLabels: {{app: app-{i}}}}}
  template:
    metadata:
      labels: {{app: app-{i}}}
    spec:
      containers:
        - name: web
          image: registry.example.com/app-{i}:{version}
          ports: [{{containerPort: 8080, protocol: TCP}}]
          env: [{{name: MODE, value: production}}, {{name: VERSION, value: "{version}"}}]
          resources: {{requests: {{cpu: 100m, memory: 64Mi}}, limits: {{memory: 128Mi}}}}
"""
SERVICE = """apiVersion: v1
kind: Service
metadata:
  name: app-{i}
  namespace: {namespace}
  labels: {{app: app-{i}, version: "{version}"}}
spec:
  selector: {{app: app-{i}}}
  ports: [{{port: 80, targetPort: 8080, protocol: TCP}}]
"""
CONFIG_MAP = """apiVersion: v1
kind: ConfigMap
metadata:
  name: app-{i}
  namespace: {namespace}
  labels: {{app: app-{i}, version: "{version}"}}
data:
  settings: "version {version} of {i}"
"""
TEMPLATES = (DEPLOYMENT, SERVICE, CONFIG_MAP)


def write_objects(path: Path, count: int, namespace: str, version: int) -> None:
    """Write `count` objects into one file; every object differs between two versions."""
    path.write_text("---\n".join(_texts(count, namespace, version)))


def write_split(directory: Path, count: int, namespace: str, version: int) -> None:
    """Write the same objects into a file each."""
    directory.mkdir(exist_ok=True)
    for number, text in enumerate(_texts(count, namespace, version)):
        (directory / f"{number}.yaml").write_text(text)


def _texts(count: int, namespace: str, version: int) -> Iterator[str]:
    return (TEMPLATES[i % 3].format(i=i // 3, namespace=namespace, version=version) for i in range(count))
