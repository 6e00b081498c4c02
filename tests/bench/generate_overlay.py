"""Writes an overlay of a wanted size: one object a file, prefix, labels, images, a generator for 50 objects, a patch
for 10.

    python -m tests.bench.generate_overlay FOLDER COUNT

prints the directory to build, relative to FOLDER.
"""

from __future__ import annotations

import sys
from pathlib import Path

OBJECTS_PER_GENERATOR = 50
OBJECTS_PER_PATCH = 10


def generate_overlay(folder: Path, count: int) -> str:
    """Write a base with `count` objects and an overlay over it; return the overlay's directory relative to `folder`."""
    base, overlay = folder / "base", folder / "overlay"
    base.mkdir(parents=True)
    overlay.mkdir()
    names = []
    for number in range(count):
        names.append(f"r{number:05}.yaml")
        (base / names[-1]).write_text(_manifest(number, max(1, count // OBJECTS_PER_GENERATOR)))
    (base / "kustomization.yaml").write_text("resources:\n" + "".join(f"- {name}\n" for name in names))
    (overlay / "kustomization.yaml").write_text(_overlay(overlay, count))
    return "overlay"


def _manifest(number: int, generators: int) -> str:
    match number % 3:
        case 0:
            return _deployment(number, number % generators)
        case 1:
            return f"""apiVersion: v1
kind: Service
metadata:
  name: app-{number - 1}
  labels:
    app: app-{number - 1}
spec:
  selector:
    app: app-{number - 1}
  ports:
  - name: http
    port: 80
    targetPort: 8080
"""
        case _:
            return f"""apiVersion: v1
kind: ConfigMap
metadata:
  name: settings-{number}
data:
  LEVEL: info
  HOST: app-{number - 2}.example.com
  settings.ini: |
    [main]
    threads = 4
    queue = work-{number}
"""


def _deployment(number: int, generator: int) -> str:
    return f"""apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-{number}
  labels:
    app: app-{number}
  annotations:
    example.com/owner: team-{number % 7}
spec:
  replicas: 2
  selector:
    matchLabels:
      app: app-{number}
  template:
    metadata:
      labels:
        app: app-{number}
    spec:
      serviceAccountName: default
      containers:
      - name: main
        image: registry.example.com/app-{number % 20}:1.0.0
        args: ["--port=8080", "--config=/etc/app/settings.ini"]
        env:
        - name: LEVEL
          valueFrom:
            configMapKeyRef:
              name: settings-{number + 2}
              key: LEVEL
        - name: MODE
          value: "production"
        envFrom:
        - configMapRef:
            name: generated-{generator}
        ports:
        - name: http
          containerPort: 8080
        resources:
          requests:
            cpu: 100m
            memory: 128Mi
          limits:
            memory: 256Mi
        readinessProbe:
          httpGet:
            path: /healthz
            port: http
        volumeMounts:
        - name: config
          mountPath: /etc/app
      volumes:
      - name: config
        configMap:
          name: settings-{number + 2}
"""


def _overlay(overlay: Path, count: int) -> str:
    generators = max(1, count // OBJECTS_PER_GENERATOR)
    patches = max(1, count // OBJECTS_PER_PATCH)
    lines = ["resources:", "- ../base", "namePrefix: prod-", "labels:", "- pairs:", "    stage: prod"]
    lines += ["  includeTemplates: true", "images:"]
    for number in range(20):
        lines += [f"- name: registry.example.com/app-{number}", f"  newTag: 2.0.{number}"]
    lines.append("configMapGenerator:")
    for number in range(generators):
        lines += [f"- name: generated-{number}", "  literals:", f"  - NUMBER={number}", "  - STAGE=prod"]
    lines.append("patches:")
    for number in range(patches):
        target = (number * OBJECTS_PER_PATCH) // 3 * 3
        (overlay / f"patch{number:05}.yaml").write_text(_patch(target, number))
        lines.append(f"- path: patch{number:05}.yaml")
    return "\n".join(lines) + "\n"


def _patch(target: int, number: int) -> str:
    return f"""apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-{target}
spec:
  replicas: {3 + number % 5}
  template:
    spec:
      containers:
      - name: main
        env:
        - name: EXTRA
          value: "{number}"
"""


if __name__ == "__main__":
    print(generate_overlay(Path(sys.argv[1]), int(sys.argv[2])))
