"""`helmCharts`: charts of the repo, rendered by the user's helm."""
