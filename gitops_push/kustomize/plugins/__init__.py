"""Built-in and external plugins: what `generators`, `transformers` and `validators` name."""
