"""Readers of results: each makes one long table of what it finds, and `frames` makes runs of a table.

frames       a table in memory or in a file: CSV, TSV, Parquet, JSON lines
sources      which reader a path, a folder or an address asks for
"""
