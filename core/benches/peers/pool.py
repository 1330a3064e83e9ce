#!/usr/bin/env python3
"""The 200 cells of sweeps/bench/mixed.toml in a warm PyTorch process pool: one thread a process, a process a core.

Imports, the start of the processes and a first small run in each are not timed; longest cells go first. Prints one JSON line.
Beside it: sweep run sweeps/bench/mixed.toml --fresh (docs/performance.md).
"""
import argparse, itertools, json, multiprocessing as mp, os, time

ap = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__)
ap.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
ap.add_argument("--steps", type=int, default=300)
ap.add_argument("--replicates", type=int, default=5)
SIZES = [(50, 2, 700), (100, 5, 2500), (150, 5, 5600), (200, 5, 10000), (300, 10, 22500)]


def start(barrier):
    for v in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[v] = "1"
    global torch
    import torch
    torch.set_num_threads(1)
    train((50, 2, 700), 3, "adam", "ratio", 0, 5)
    barrier.wait()


def train(size, depth, optimizer, penalty, seed, steps):
    n, rank, samples = size
    g = torch.Generator().manual_seed(seed)
    normal = lambda *shape: torch.randn(*shape, generator=g, dtype=torch.float64)
    truth = normal(n, rank) @ normal(n, rank).T
    truth *= n / truth.norm()
    order = torch.randperm(n * n, generator=g)
    idx, rest = order[:samples].sort().values, order[samples:]
    y = truth.view(-1)[idx]
    ws = [(normal(n, n) * (1e-3 ** (1 / depth) / n**0.5)).requires_grad_() for _ in range(depth)]
    opt = torch.optim.SGD(ws, lr=1.0) if optimizer == "gd" else torch.optim.Adam(ws, lr=1e-3)

    def end_to_end():
        w = ws[0]
        for layer in ws[1:]:
            w = layer @ w
        return w

    for _ in range(steps):
        opt.zero_grad(set_to_none=True)
        w = end_to_end()
        loss = (w.view(-1)[idx] - y).square().mean()
        if penalty == "ratio":
            loss = loss + 0.01 * torch.linalg.matrix_norm(w, "nuc") / torch.linalg.matrix_norm(w, "fro")
        loss.backward()
        opt.step()
    with torch.no_grad():
        w = end_to_end()
        return (w.view(-1)[rest] - truth.view(-1)[rest]).square().mean().item(), torch.linalg.svdvals(w)[0].item()


def run(cell):
    return train(*cell)


if __name__ == "__main__":
    a = ap.parse_args()
    cells = list(itertools.product(SIZES, [1, 3], ["gd", "adam"], ["none", "ratio"], range(a.replicates), [a.steps]))
    cells.sort(key=lambda c: -c[0][0] ** 3 * (c[1] + 5 * (c[3] == "ratio")))
    context = mp.get_context("spawn")
    barrier = context.Barrier(a.processes + 1)
    with context.Pool(a.processes, start, (barrier,)) as pool:
        barrier.wait()
        began = time.perf_counter()
        results = pool.map(run, cells, chunksize=1)
        seconds = time.perf_counter() - began
    print(json.dumps({"impl": "torch pool", "processes": a.processes, "cells": len(results), "seconds": round(seconds, 2),
                      "cells_per_hour": round(3600 * len(results) / seconds)}))
