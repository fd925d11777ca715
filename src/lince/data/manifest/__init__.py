"""Manifests: a collection as a table, CSV or Parquet.

Layout: `table` is a file read as columns, `text` its CSV side and `parquet` its Parquet side; `cells` finds the types
of CSV cells; `columns` what the columns mean; `rows` which rows can be used; `files` which named files are there;
`write` is the way back. `lince.data.sources.manifest` makes a collection of it.
"""

from lince.data.manifest.table import SUFFIXES, Table, read_table
from lince.data.manifest.write import check_out, write_manifest

__all__ = ["SUFFIXES", "Table", "check_out", "read_table", "write_manifest"]
