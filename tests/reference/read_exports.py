"""Reads a sweep's database and exports with the packages that a user has, and compares them value by value.

    read_exports.py DIRECTORY

DIRECTORY holds results.db, results.csv, results.parquet and expected.json: a list of rows, column -> value, in the
order of cells, with every value as the program wrote it. The lines marked (docs) are those of docs/sql.md.
"""

import json
import math
import sqlite3
import sys
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.parquet as pq

# What a spreadsheet takes for the beginning of a formula gets an apostrophe in front, in CSV alone.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def same(found, expected, place):
    """Exact equality; a missing value is None, NaN or pandas' NA."""
    missing = found is None or found is pd.NA or (isinstance(found, float) and math.isnan(found))
    if expected is None:
        assert missing, f"{place}: {found!r} where there is no value"
    else:
        assert not missing and found == expected, f"{place}: {found!r} is not {expected!r}"


def check(records, expected, name, csv=False):
    assert len(records) == len(expected), f"{name}: {len(records)} rows, expected {len(expected)}"
    for i, (found, row) in enumerate(zip(records, expected)):
        assert list(found) == list(row), f"{name}: columns {list(found)}"
        for column, value in row.items():
            if csv and isinstance(value, str) and value.startswith(FORMULA):
                value = "'" + value
            if csv and value == "":
                value = None  # CSV does not tell empty from missing
            same(found[column], value, f"{name}, row {i}, {column}")


def main():
    directory = Path(sys.argv[1])
    database, csv, parquet = (directory / f"results.{end}" for end in ("db", "csv", "parquet"))
    expected = json.loads((directory / "expected.json").read_text())

    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)  # (docs)
    frame = pd.read_sql("SELECT * FROM results ORDER BY cell", connection)  # (docs)
    check(frame.astype(object).to_dict("records"), expected, "pandas from SQLite")
    medians = pd.read_sql("SELECT n, test_rel_median FROM medians ORDER BY setting_key", connection)
    assert len(medians) > 0 and medians["n"].sum() == len(expected)

    frame = pd.read_csv(csv, float_precision="round_trip", dtype_backend="numpy_nullable")
    check(frame.astype(object).to_dict("records"), expected, "pandas from CSV", csv=True)

    table = pq.read_table(parquet)
    check(table.to_pylist(), expected, "pyarrow from Parquet")
    types = {field.name: str(field.type) for field in table.schema}
    assert (types["cell"], types["lr"], types["optimizer"]) == ("int64", "double", "string"), types

    answer = duckdb.sql(f"SELECT * FROM '{parquet}' ORDER BY cell")  # (docs)
    rows = [dict(zip(answer.columns, row)) for row in answer.fetchall()]
    check(rows, expected, "DuckDB from Parquet")
    answer = duckdb.sql(f"SELECT * FROM read_csv('{csv}', header = true, sample_size = -1) ORDER BY cell")
    rows = [dict(zip(answer.columns, row)) for row in answer.fetchall()]
    check(rows, expected, "DuckDB from CSV", csv=True)
    median = duckdb.sql(f"SELECT median(test_rel) FROM '{parquet}'").fetchone()[0]
    values = sorted(row["test_rel"] for row in expected if row["test_rel"] is not None)
    middle = (values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2
    assert math.isclose(median, middle, rel_tol=1e-15), (median, middle)
    print(f"{len(expected)} rows, {len(expected[0])} columns: all equal")


if __name__ == "__main__":
    main()
