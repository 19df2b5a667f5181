#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a small CNN for the digits as a TorchScript archive (python3-torch).

    small_cnn.py cnn.pt

Two 5x5 convolutions (8 and 16 channels), each with 2x2 max pooling, a dense
layer of 64, linear output; ReLU between them: 20,522 parameters, PyTorch's
first weights. docs/robustness.md says what it is for.
"""

import sys

import torch


class SmallCnn(torch.nn.Module):
    """Takes 28x28 pixels that the plan has scaled to standard deviation 1."""

    def __init__(self):
        super().__init__()
        self.first = torch.nn.Conv2d(1, 8, 5)
        self.second = torch.nn.Conv2d(8, 16, 5)
        self.dense = torch.nn.Linear(256, 64)
        self.out = torch.nn.Linear(64, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        # Their mean is 0.1307 / 0.3081.
        x = x.reshape(-1, 1, 28, 28) - 0.4242
        x = torch.relu(torch.max_pool2d(self.first(x), 2))
        x = torch.relu(torch.max_pool2d(self.second(x), 2))
        return self.out(torch.relu(self.dense(x.flatten(1))))


torch.manual_seed(1)
torch.jit.script(SmallCnn()).save(sys.argv[1])
