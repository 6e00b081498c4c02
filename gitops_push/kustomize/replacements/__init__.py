"""`replacements`: values copied from one field, or written out, into fields of selected objects."""
