"""Reference values for the optimizers: twelve steps on one 3x3 quadratic, f64.

Writes optimizers.json beside this file; core/tests/methods/optimizers.rs reads it. Run it again when an optimizer is
added (a test over all known optimizers fails until then):

    python3 -m venv .venv && .venv/bin/pip install torch numpy
    .venv/bin/python tests/reference/torch_optim.py

Where torch.optim has the rule, the values are torch's; otherwise they are those of the source equation, written
here a second time in numpy. torch.optim.Muon rounds to bfloat16, so Muon is of the second kind. Every optimizer
runs with its defaults, which are torch's where it has them, and again with every parameter changed.
"""

import json
import pathlib

import numpy as np
import torch

STEPS = 12
# f(W) = 1/2 |A W - B|^2, gradient A^T (A W - B). A is neither symmetric nor singular.
A = np.array([[1.0, 0.5, -0.25], [0.0, 1.5, 0.75], [0.5, -0.5, 1.25]])
B = np.array([[1.0, -2.0, 0.5], [0.25, 1.0, -1.0], [2.0, 0.0, -0.5]])
START = np.array([[0.5, -1.0, 0.25], [1.5, 0.75, -0.5], [-0.25, 2.0, 1.0]])


def gradient(w):
    return A.T @ (A @ w - B)


def by_torch(make):
    """The iterates of the optimizer that `make` builds for a list of parameters."""
    w = torch.tensor(START, dtype=torch.float64)
    optimizer = make([w])
    iterates = []
    for _ in range(STEPS):
        w.grad = torch.tensor(gradient(w.numpy()))
        optimizer.step()
        iterates.append(w.numpy().copy())
    return iterates


def by_equation(rule):
    """The iterates w - rule(t, g), t = 1, 2, ..."""
    w = START.copy()
    iterates = []
    for t in range(1, STEPS + 1):
        w = w - rule(t, gradient(w))
        iterates.append(w.copy())
    return iterates


def sign_gd(lr):
    return lambda t, g: lr * np.sign(g)


def normalised_gd(lr):
    return lambda t, g: lr * g / np.linalg.norm(g)


def group_rmsprop(lr, alpha=0.99, epsilon=1e-4):
    mean_square = 0.0

    def rule(t, g):
        nonlocal mean_square
        mean_square = alpha * mean_square + (1 - alpha) * np.sum(g**2)
        return lr * g / (np.sqrt(mean_square / (1 - alpha**t)) + epsilon)

    return rule


def newton_schulz(d):
    x = d / (np.linalg.norm(d) + 1e-7)
    for _ in range(5):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x


def exact_polar(d):
    u, _, vt = np.linalg.svd(d)
    return u @ vt


def muon(lr, momentum=0.95, polar="newton_schulz"):
    average = np.zeros_like(START)
    orthogonal = {"newton_schulz": newton_schulz, "exact": exact_polar}[polar]

    def rule(t, g):
        nonlocal average
        average = momentum * average + (1 - momentum) * g
        return lr * orthogonal((1 - momentum) * g + momentum * average)

    return rule


def torch_runs():
    """(optimizer, our parameters, how torch is asked for them). Only `lr` is given where the defaults are torch's."""
    o = torch.optim
    for lr in (0.05, 0.2):
        yield "gd", {"lr": lr}, lambda w, lr=lr: o.SGD(w, lr=lr)
    for name, nesterov in (("momentum", False), ("nesterov", True)):
        # torch's default momentum is 0; ours is the usual 0.9.
        yield name, {"lr": 0.05}, lambda w, n=nesterov: o.SGD(w, lr=0.05, momentum=0.9, nesterov=n)
        yield name, {"lr": 0.1, "momentum": 0.5}, lambda w, n=nesterov: o.SGD(w, lr=0.1, momentum=0.5, nesterov=n)
    yield "rmsprop", {"lr": 0.05}, lambda w: o.RMSprop(w, lr=0.05)
    yield (
        "rmsprop",
        {"lr": 0.1, "alpha": 0.8, "epsilon": 0.01},
        lambda w: o.RMSprop(w, lr=0.1, alpha=0.8, eps=0.01),
    )
    yield "adagrad", {"lr": 0.3}, lambda w: o.Adagrad(w, lr=0.3)
    yield "adagrad", {"lr": 0.5, "epsilon": 0.1}, lambda w: o.Adagrad(w, lr=0.5, eps=0.1)
    yield "adadelta", {"lr": 1.0}, lambda w: o.Adadelta(w)
    yield (
        "adadelta",
        {"lr": 2.0, "rho": 0.8, "epsilon": 1e-3},
        lambda w: o.Adadelta(w, lr=2.0, rho=0.8, eps=1e-3),
    )
    family = {"lr": 0.2, "beta1": 0.7, "beta2": 0.9, "epsilon": 0.01}
    asked = {"lr": 0.2, "betas": (0.7, 0.9), "eps": 0.01}
    yield "adam", {"lr": 0.1}, lambda w: o.Adam(w, lr=0.1)
    yield "adam", family, lambda w: o.Adam(w, **asked)
    yield "amsgrad", {"lr": 0.1}, lambda w: o.Adam(w, lr=0.1, amsgrad=True)
    yield "amsgrad", family, lambda w: o.Adam(w, **asked, amsgrad=True)
    yield "adamw", {"lr": 0.1}, lambda w: o.AdamW(w, lr=0.1)
    yield "adamw", {**family, "weight_decay": 0.5}, lambda w: o.AdamW(w, **asked, weight_decay=0.5)
    yield "nadam", {"lr": 0.1}, lambda w: o.NAdam(w, lr=0.1)
    yield "nadam", {**family, "momentum_decay": 0.1}, lambda w: o.NAdam(w, **asked, momentum_decay=0.1)
    # With the default beta2 the rectified branch begins at step 6.
    yield "radam", {"lr": 0.1}, lambda w: o.RAdam(w, lr=0.1)
    yield "radam", family, lambda w: o.RAdam(w, **asked)
    yield "adamax", {"lr": 0.1}, lambda w: o.Adamax(w, lr=0.1)
    yield "adamax", family, lambda w: o.Adamax(w, **asked)


def equation_runs():
    for lr in (0.05, 0.2):
        yield "sign_gd", {"lr": lr}, sign_gd
        yield "normalised_gd", {"lr": lr}, normalised_gd
    yield "group_rmsprop", {"lr": 0.05}, group_rmsprop
    yield "group_rmsprop", {"lr": 0.1, "alpha": 0.7, "epsilon": 0.5}, group_rmsprop
    yield "muon", {"lr": 0.05}, muon
    yield "muon", {"lr": 0.1, "momentum": 0.5, "polar": "newton_schulz"}, muon
    yield "muon", {"lr": 0.1, "momentum": 0.6, "polar": "exact"}, muon


def main():
    # NAdam keeps its product of momenta in the default type.
    torch.set_default_dtype(torch.float64)
    runs = [(name, given, by_torch(make)) for name, given, make in torch_runs()]
    runs += [(name, given, by_equation(rule(**given))) for name, given, rule in equation_runs()]
    head = {
        "made_by": f"tests/reference/torch_optim.py with torch {torch.__version__.split('+')[0]}, numpy {np.__version__}",
        "a": A.ravel().tolist(),
        "b": B.ravel().tolist(),
        "start": START.ravel().tolist(),
    }
    lines = [f" {json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
    rows = [
        json.dumps({"optimizer": name, "given": given, "iterates": [w.ravel().tolist() for w in iterates]})
        for name, given, iterates in runs
    ]
    text = "{\n" + "\n".join(lines) + '\n "runs": [\n  ' + ",\n  ".join(rows) + "\n ]\n}\n"
    (pathlib.Path(__file__).parent / "optimizers.json").write_text(text)


if __name__ == "__main__":
    main()
