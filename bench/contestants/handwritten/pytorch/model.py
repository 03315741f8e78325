"""LeNet-5 and VGG-A by hand in PyTorch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.contestants.handwritten import network_by_hand
from impls.architectures.lenet import C3_LINKS, digit_codes
from impls.frameworks import Model, Plan
from impls.frameworks.pytorch.model import devices_of

Batch = tuple[Tensor, Tensor]


class LeNet5(nn.Module):
    def __init__(self, dropout: float):
        super().__init__()
        self.c1, self.c3, self.c5 = nn.Conv2d(1, 6, 5), nn.Conv2d(6, 16, 5), nn.Conv2d(16, 120, 5)
        self.s2_coefficient, self.s2_bias = nn.Parameter(torch.empty(6)), nn.Parameter(torch.empty(6))
        self.s4_coefficient, self.s4_bias = nn.Parameter(torch.empty(16)), nn.Parameter(torch.empty(16))
        self.f6 = nn.Linear(120, 84)
        mask = torch.zeros(16, 6, 1, 1)
        for output, inputs in enumerate(C3_LINKS):
            mask[output, list(inputs)] = 1
        self.register_buffer("mask", mask)
        self.register_buffer("codes", torch.tensor(digit_codes(10), dtype=torch.float32))

    def forward(self, x: Tensor) -> Tensor:
        x = 1.7159 * torch.tanh(2 / 3 * self.c1(x))
        x = F.avg_pool2d(x, 2, divisor_override=1)
        x = 1.7159 * torch.tanh(2 / 3 * (x * self.s2_coefficient[:, None, None] + self.s2_bias[:, None, None]))
        x = 1.7159 * torch.tanh(2 / 3 * F.conv2d(x, self.c3.weight * self.mask, self.c3.bias))
        x = F.avg_pool2d(x, 2, divisor_override=1)
        x = 1.7159 * torch.tanh(2 / 3 * (x * self.s4_coefficient[:, None, None] + self.s4_bias[:, None, None]))
        x = 1.7159 * torch.tanh(2 / 3 * self.c5(x))
        x = 1.7159 * torch.tanh(2 / 3 * self.f6(x.flatten(1)))
        return -((x[:, None] - self.codes) ** 2).sum(2)

    def loss(self, images: Tensor, labels: Tensor) -> Tensor:
        return F.cross_entropy(F.pad(self(images), (0, 1), value=-0.1), labels)

    def named(self) -> dict[str, nn.Parameter]:
        renamed = {"s2_coefficient": "s2.coefficient", "s2_bias": "s2.bias"}
        renamed |= {"s4_coefficient": "s4.coefficient", "s4_bias": "s4.bias"}
        return {renamed.get(name, name): parameter for name, parameter in self.named_parameters()}


class VggA(nn.Module):
    def __init__(self, dropout: float):
        super().__init__()
        features: list[nn.Module] = []
        inputs = 3
        for outputs in (64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"):
            if isinstance(outputs, int):
                features += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(inplace=True)]
                inputs = outputs
            else:
                features.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(
            *(nn.Linear(512 * 7 * 7, 4096), nn.ReLU(inplace=True), nn.Dropout(dropout)),
            *(nn.Linear(4096, 4096), nn.ReLU(inplace=True), nn.Dropout(dropout)),
            nn.Linear(4096, 1000),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x).flatten(1))

    def loss(self, images: Tensor, labels: Tensor) -> Tensor:
        return F.cross_entropy(self(images), labels)

    def named(self) -> dict[str, nn.Parameter]:
        layers = [f"conv{number}" for number in ("1_1", "2_1", "3_1", "3_2", "4_1", "4_2", "5_1", "5_2")]
        layers += ["fc6", "fc7", "fc8"]
        names = [f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")]
        return dict(zip(names, self.parameters(), strict=True))


class ByHand(Model):
    def __init__(self, plan: Plan):
        build, dropout = network_by_hand(plan, {"lenet5": LeNet5, "vgg-a": VggA})
        self.net: LeNet5 | VggA = build(dropout)
        self.parameters = self.net.named()
        self.values = list(self.parameters.values())
        sgd = plan.sgd
        self.optimizer = torch.optim.SGD(
            self.values, lr=sgd.learning_rate, momentum=sgd.momentum, weight_decay=sgd.weight_decay, fused=True
        )

    def load(self, weights: Mapping[str, np.ndarray], statistics: Mapping[str, np.ndarray]) -> None:
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(torch.from_numpy(weights[name]))

    def weights(self) -> dict[str, np.ndarray]:
        return {name: parameter.detach().numpy() for name, parameter in self.parameters.items()}

    def statistics(self) -> dict[str, np.ndarray]:
        return {}

    def put(self, images: np.ndarray, labels: np.ndarray) -> Batch:
        return torch.tensor(images), torch.tensor(labels, dtype=torch.int64)

    def infer(self, batch: Batch) -> Tensor:
        if self.net.training:
            self.net.eval()
        with torch.inference_mode():
            return self.net(batch[0])

    def forward(self, batch: Batch) -> Tensor:
        if not self.net.training:
            self.net.train()
        return self.net.loss(*batch)

    def gradient(self, batch: Batch) -> tuple[Tensor, Sequence[Tensor]]:
        loss = self.forward(batch)
        return loss, torch.autograd.grad(loss, self.values)

    def train(self, batch: Batch) -> Tensor:
        self.optimizer.zero_grad()
        loss = self.forward(batch)
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    def synchronize(self, outputs: object) -> None:
        """Do nothing: on the CPU, PyTorch has finished when a call returns."""

    def to_numpy(self, outputs: Tensor) -> np.ndarray:
        return outputs.detach().numpy()

    def gradients(self, outputs: tuple[Tensor, Sequence[Tensor]]) -> dict[str, np.ndarray]:
        return {name: gradient.numpy() for name, gradient in zip(self.parameters, outputs[1], strict=True)}

    def devices(self, outputs: Tensor | tuple[Tensor, Sequence[Tensor]]) -> frozenset[str]:
        return devices_of(outputs)
