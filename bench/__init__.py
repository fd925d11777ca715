"""Benchmarks: `python -m bench [NAME ...]` measures, `python -m bench --table` shows."""
