"""The one reader and writer of YAML and JSON: positions, dialects, budgets."""
