#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A PyTorch module goes to Tributary, is trained there and comes back.

What docs/models.md tells a user to do, step by step, checked against PyTorch
itself. Exit code 77: skipped, python3-torch is not installed.
"""

import argparse
import json
import os
import struct
import subprocess
import sys
import tempfile

try:
    import torch
except ImportError as error:
    print(f"skipped: no torch in {sys.executable} ({error}); install python3-torch")
    sys.exit(77)

RATE = 0.5  # as in train_once.cc

PLAN = """
name: interop
population: interop
seed: 1
model:
  architecture:
{architecture}
round: {{cohort_size: 1}}
training: {{steps: 1, batch_size: 24, learning_rate: 0.5}}
update: {{max_abs: 10, max_weight: 100}}
stop: {{rounds: 1}}
"""


class Mine(torch.nn.Module):
    """A convolution, BatchNorm and a linear layer over windows of 8 samples."""

    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv1d(1, 4, 3, padding=1)
        self.norm = torch.nn.BatchNorm1d(4)
        self.head = torch.nn.Linear(32, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.norm(self.conv(x.reshape(-1, 1, 8))))
        return self.head(x.flatten(1))


def read_safetensors(path):
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(size))
        data = file.read()
    header.pop("__metadata__")
    return {
        name: torch.frombuffer(
            bytearray(data[entry["data_offsets"][0]:entry["data_offsets"][1]]),
            dtype=torch.float32).reshape(entry["shape"])
        for name, entry in header.items()
    }


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\nfailed: {done.stdout}")
    return done.stdout


def close(name, got, expected, tolerance=1e-5):
    difference = (got - expected).abs().max().item()
    if not difference <= tolerance:
        sys.exit(f"{name}: differs by {difference}")


def shared(state):
    return {name: tensor for name, tensor in state.items()
            if tensor.dtype == torch.float32}


def train_in_python(module, features, classes):
    """The step of train_once.cc, by PyTorch."""
    module.train()
    optimizer = torch.optim.SGD(module.parameters(), lr=RATE)
    loss = torch.nn.functional.cross_entropy(module(features), classes)
    loss.backward()
    optimizer.step()
    return loss.item()


def round_trip(options, folder, name, architecture, archive, features, classes,
               data, module):
    plan = os.path.join(folder, name + ".yaml")
    first = os.path.join(folder, name + ".safetensors")
    trained = os.path.join(folder, name + "-trained.safetensors")
    exported = os.path.join(folder, name + "-trained.pt")
    with open(plan, "w", encoding="utf-8") as file:
        file.write(PLAN.format(architecture="    " + architecture))
    run(options.model, "init", plan, "--out", first)

    before = read_safetensors(first)
    if module is None:  # built in: PyTorch opens the untrained export
        untrained = os.path.join(folder, name + "-untrained.pt")
        run(options.model, "export", first, "--out", untrained)
        module = torch.jit.load(untrained)
    state = shared(module.state_dict())
    if sorted(before) != sorted(state):
        sys.exit(f"{name}: tensors {sorted(before)}, expected {sorted(state)}")
    for tensor, expected in state.items():
        close(f"{name}: first {tensor}", before[tensor], expected, 0)

    loss = float(run(options.train_once, first, archive, data, trained))
    run(options.model, "export", trained, "--out", exported)
    described = json.loads(run(options.model, "inspect", exported, "--json"))
    if described["parameters"] != sum(
            parameter.numel() for parameter in module.parameters()):
        sys.exit(f"{name}: inspect counts {described['parameters']} parameters")

    expected_loss = train_in_python(module, features, classes)
    if abs(loss - expected_loss) > 1e-5:
        sys.exit(f"{name}: loss {loss}, PyTorch says {expected_loss}")
    after = read_safetensors(trained)
    for tensor, expected in shared(module.state_dict()).items():
        close(f"{name}: trained {tensor}", after[tensor], expected)
        if torch.equal(after[tensor], before[tensor]):
            # BatchNorm takes the convolution's bias out again.
            if tensor not in ("conv.bias", "conv1.bias", "conv2.bias"):
                sys.exit(f"{name}: training did not move {tensor}")

    back = torch.jit.load(exported)
    if back.training:
        sys.exit(f"{name}: the exported archive is not in evaluation mode")
    module.eval()
    close(f"{name}: outputs", back(features), module(features), 1e-4)
    for tensor, value in shared(back.state_dict()).items():
        close(f"{name}: exported {tensor}", value, after[tensor], 0)
    print(f"{name}: {len(after)} tensors made the round trip")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="tributary-model")
    parser.add_argument("--train-once", required=True)
    options = parser.parse_args()

    torch.manual_seed(1)
    torch.set_num_threads(1)
    features = torch.randn(24, 8)
    classes = features[:, :3].argmax(1)
    with tempfile.TemporaryDirectory() as folder:
        data = os.path.join(folder, "data.csv")
        with open(data, "w", encoding="utf-8") as file:
            for row, target in zip(features.tolist(), classes.tolist()):
                file.write(",".join(repr(x) for x in row) + f",{target}\n")

        mine = Mine()
        archive = os.path.join(folder, "mine.pt")
        torch.jit.script(mine).save(archive)
        round_trip(options, folder, "mine", "torchscript: mine.pt", archive,
                   features, classes, data, mine)
        round_trip(options, folder, "mlp",
                   "mlp: {inputs: 8, hidden: [6], outputs: 3}", "-", features,
                   classes, data, None)
        round_trip(options, folder, "conv1d",
                   "conv1d: {channels: 1, length: 8, outputs: 3}", "-",
                   features, classes, data, None)


if __name__ == "__main__":
    main()
