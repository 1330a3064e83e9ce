#!/usr/bin/env python3
"""Cells per hour of this machine, by size of the matrices, for slots × BLAS threads.

  core/benches/peers/box.py [--sweep target/release/sweep] [--sizes 50,100,300,1000] [--cells 8]

Each cell is Adam with the ratio at depth 3, as many steps as take about a second at (1, 1), and eight cells for each
setting. A Markdown table, and the ratio to one slot with one thread in brackets.
"""
import argparse, os, subprocess, tempfile, time

ap = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__)
ap.add_argument("--sweep", default="target/release/sweep")
ap.add_argument("--sizes", default="50,100,300,1000")
ap.add_argument("--cells", type=int, default=8)
a = ap.parse_args()
cores = len(os.sched_getaffinity(0))
settings = [(1, 1), (cores, 1), (1, cores), (cores, cores)]
print("| n | " + " | ".join(f"{s} × {t}" for s, t in settings) + " |")
print("|---" * (len(settings) + 1) + "|")


def seconds(n, steps, cells, slots, threads):
    text = f"""
name = "box"
[problem]
n = {n}
rank = 5
samples = {n * n // 4}
[train]
depth = 3
steps = {steps}
[optimizer]
name = "adam"
lr = 1e-3
[penalty]
name = "ratio"
lambda = 1e-2
[replicate]
count = {cells}
[record]
points = 2
"""
    with tempfile.TemporaryDirectory() as tmp:
        with open(f"{tmp}/box.toml", "w") as fh:
            fh.write(text)
        db = f"{tmp}/box.db"
        # Several threads for a slot, whatever that costs: what is refused elsewhere is measured here.
        command = [a.sweep, "--db", db, "run", f"{tmp}/box.toml", "--slots", str(slots), "--blas-threads", str(threads), "--oversubscribe"]
        subprocess.run(command, check=True, capture_output=True)


for n in map(int, a.sizes.split(",")):
    steps = max(3, int(1.0 / (0.403e-3 * (n / 100) ** 2.8)))
    row = []
    for slots, threads in settings:
        began = time.perf_counter()
        seconds(n, steps, a.cells, slots, threads)
        row.append(time.perf_counter() - began)
    rates = [3600 * a.cells / s for s in row]
    print(f"| {n} | " + " | ".join(f"{r:,.0f} ({r / rates[0]:.2f})" for r in rates) + " |", flush=True)
