# SPDX-License-Identifier: Apache-2.0
"""A FedAvg loop in PyTorch with nothing around it: the floor under every Python framework.

One process, one thread, one model. A round goes through its clients: load the global weights, one epoch of SGD in
batches of 10, add the weighted difference to a sum; then move the global weights by the mean. No sampling, no messages,
no checks.

    python3 pytorch_floor.py WORKLOAD...   rounds of each, and their median
    python3 pytorch_floor.py               a workload's name on standard input: one round, client updates per second out

Needs PyTorch of Debian's python3-torch, the LibTorch that tributary links. tributary-bench runs it between rounds of its
own on the same core.
"""

import statistics
import sys
import time

import torch
from torch import nn
from torch.nn.functional import cross_entropy

BATCH = 10


def mlp():
    return nn.Sequential(nn.Linear(784, 200), nn.ReLU(), nn.Linear(200, 200), nn.ReLU(), nn.Linear(200, 10))


def cnn():
    return nn.Sequential(
        nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(3136, 512), nn.ReLU(), nn.Linear(512, 10))


# Module, shape of an example, examples of a client, learning rate, clients of a round.
WORKLOADS = {
    "logistic_60x10": (lambda: nn.Linear(60, 10), (60,), 50, 0.1, 200),
    "fedavg_2nn": (mlp, (784,), 60, 0.1, 40),
    "fedavg_cnn": (cnn, (1, 28, 28), 60, 0.05, 6),
    "torchscript_2nn": (lambda: torch.jit.script(mlp()), (784,), 60, 0.1, 40),
}


class Federation:
    """The global weights of a workload and the data of its clients."""

    def __init__(self, name):
        make, shape, self.examples, self.rate, clients = WORKLOADS[name]
        torch.manual_seed(0)
        self.module = make()
        self.parameters = list(self.module.parameters())
        self.weights = [p.detach().clone() for p in self.parameters]
        self.clients = [(torch.randn(self.examples, *shape), torch.randint(0, 10, (self.examples,)))
                        for _ in range(clients)]

    def train(self, features, classes):
        optimizer = torch.optim.SGD(self.parameters, lr=self.rate)
        for start in range(0, self.examples, BATCH):
            optimizer.zero_grad()
            loss = cross_entropy(self.module(features[start:start + BATCH]), classes[start:start + BATCH])
            loss.backward()
            optimizer.step()

    def round(self):
        """One round; client updates per second."""
        start = time.perf_counter()
        sums = [torch.zeros_like(w) for w in self.weights]
        for features, classes in self.clients:
            self.train(features, classes)
            with torch.no_grad():
                for parameter, weight, total in zip(self.parameters, self.weights, sums):
                    total.add_(parameter - weight, alpha=float(self.examples))
                    parameter.copy_(weight)
        with torch.no_grad():
            for parameter, weight, total in zip(self.parameters, self.weights, sums):
                weight.add_(total, alpha=1 / (self.examples * len(self.clients)))
                parameter.copy_(weight)
        return len(self.clients) / (time.perf_counter() - start)


def main(names):
    torch.set_num_threads(1)
    federations = {}

    def one_round(name):
        if name not in federations:
            federations[name] = Federation(name)
            federations[name].round()  # warms up
        return federations[name].round()

    for name in names:
        print(f"{name} {statistics.median(one_round(name) for _ in range(5)):.1f} client updates/s", flush=True)
    if not names:
        print(f"torch {torch.__version__}", flush=True)
        for line in sys.stdin:
            print(one_round(line.strip()), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
