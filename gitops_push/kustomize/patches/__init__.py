"""Strategic merge patches, RFC 6902 patches, and the selection of their targets."""
