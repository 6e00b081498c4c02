"""A manifest set with the origin of every value, as JSON data; the form is docs/build-origins.schema.json."""

from __future__ import annotations

from gitops_push.core.fieldpath import format_field_path
from gitops_push.core.objects import Manifest, ManifestSet
from gitops_push.core.run import RunHeader
from gitops_push.core.tree import origins
from gitops_push.reports.json_report import Data, document, origin_data, ref_data


def origins_document(manifests: ManifestSet, header: RunHeader) -> Data:
    """Return the objects, and of each every scalar's place. The values stand in the objects only."""
    items = [_item(manifest) for manifest in manifests.manifests]
    return document("ManifestSet", header, {"manifestDigest": manifests.public_digest, "items": items}, 0)


def _item(manifest: Manifest) -> Data:
    return {
        **ref_data(manifest.ref),
        "apiVersion": manifest.api_version,
        "manifest": manifest.body,
        "origin": origin_data(manifest.origin),
        "origins": [
            {"path": format_field_path(path), **origin_data(origin or manifest.origin)}
            for path, _, origin in origins(manifest.body)
        ],
    }
