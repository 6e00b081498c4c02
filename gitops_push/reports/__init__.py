"""Renders plans, deployments and drift reports; pure functions from values to text."""
