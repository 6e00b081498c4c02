"""One module a transformer: each changes the objects of a layer in place and records who set what."""
