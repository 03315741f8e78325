"""The four phases in PyTorch, for any module whose parameters have the canonical names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch._dynamo.exc import FailOnRecompileLimitHit
from torch._dynamo.utils import counters
from torch.func import functional_call

from impls.errors import Unavailable
from impls.frameworks import Allocated, Model, Plan, is_card
from impls.frameworks.pytorch import CUDA_BUILD
from impls.frameworks.pytorch.layers import translate
from impls.frameworks.pytorch.plain import of_row
from impls.network import INPUT

COMPILED: Mapping[str, dict[str, Any]] = {
    "compile": {"dynamic": False},
    "compile-dynamic": {"dynamic": True},
    "compile-graphs": {"dynamic": False, "mode": "reduce-overhead"},
    "compile-frozen": {"dynamic": False, "options": {"freezing": True}},
}
"""torch.compile's settings by execution; "reduce-overhead" records CUDA graphs and replays them."""


class Batch(NamedTuple):
    images: Tensor
    labels: Tensor


class Events:
    """CUDA's own clock: two events in the stream."""

    def __init__(self) -> None:
        self._ends = [torch.cuda.Event(enable_timing=True) for _ in range(2)]

    def start(self) -> None:
        self._ends[0].record()

    def stop(self) -> None:
        self._ends[1].record()

    def seconds(self) -> float:
        return self._ends[0].elapsed_time(self._ends[1]) / 1e3


class PyTorchModel(Model):
    """A translated network, eager or compiled."""

    def __init__(self, plan: Plan):
        torch.manual_seed(plan.seed)
        tf32 = plan.precision == "tf32"
        torch.set_float32_matmul_precision("high" if tf32 else "highest")
        torch.backends.cudnn.allow_tf32 = tf32
        # Sums of products are float32: partial sums would otherwise be rounded to the operands' format.
        torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False
        torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = False
        torch.backends.cudnn.benchmark = True  # shapes are static: pick the fastest algorithm
        self._device = device(plan)
        if self._device.type == "cuda":
            self.stopwatch = Events()
        self._policy = plan.policy
        self._dtype = getattr(torch, plan.policy.outside)
        self._kind = getattr(torch, plan.policy.activations)
        self._layout = torch.channels_last if plan.execution == "eager-nhwc" else torch.contiguous_format
        self._rubbish = plan.network.rejection_score
        self._differentiates_input = plan.network.differentiates_input
        self._sgd = plan.sgd
        self._fused = None if "update" in plan.plain else True
        self._statistic_names = frozenset(plan.network.statistics)
        self._module = self.place(self.module(plan))
        self._parameters = dict(self.named_parameters(self._module))
        self._values = list(self._parameters.values())
        self._new_optimizer()
        self._fallback = ""
        self._scores, self._loss = self._evaluation_scores, self._training_loss
        self._graphs = plan.execution == "compile-graphs"
        self._skips_before = _skipped_graphs()
        if plan.compile_threads is not None:  # the variable was read when the zygote imported Inductor
            torch._inductor.config.compile_threads = plan.compile_threads
        if plan.execution in COMPILED:
            if not is_card(plan.device):
                _keep_pool_gradient_whole()
            torch.compiler.config.force_disable_caches = plan.cold
            self._scores = self._compiled(self._scores, COMPILED[plan.execution])
            self._loss = self._compiled(self._loss, COMPILED[plan.execution])

    def _compiled(self, function: Callable[..., Tensor], settings: Mapping[str, Any]) -> Callable[..., Tensor]:
        """`function` compiled, until PyTorch reaches its limit of recompilations for new shapes.

        With `fullgraph` that is an error, which is recorded; without it, PyTorch would silently run eagerly.
        """
        compiled = torch.compile(function, fullgraph=True, **settings)

        def call(*arrays: Tensor) -> Tensor:
            if not self._fallback:
                try:
                    return compiled(*arrays)
                except FailOnRecompileLimitHit:
                    most = torch._dynamo.config.recompile_limit
                    self._fallback = f"PyTorch compiles a function {most} times and no more: eager from then on"
            return function(*arrays)

        return call

    @property
    def compilations(self) -> int:
        return counters["stats"]["unique_graphs"]

    @property
    def fallback(self) -> str:
        if not self._graphs or not (skips := _skipped_graphs() - self._skips_before):
            return self._fallback
        most = torch._inductor.config.triton.cudagraph_unexpected_rerecord_limit
        return self._fallback or (
            f"PyTorch ran compiled functions without CUDA graphs ({skips} skipped): they change their inputs, compute "
            f"partly on the CPU, or were recorded more than {most} times; its log says which"
        )

    def module(self, plan: Plan) -> nn.Module:
        """The module that computes the scores."""
        return translate(plan.network, plan.execution == "compile-dynamic", of_row(plan.plain))

    def named_parameters(self, module: nn.Module) -> dict[str, nn.Parameter]:
        """The trainable arrays by canonical name."""
        return dict(module.named_parameters())

    def named_buffers(self, module: nn.Module) -> dict[str, Tensor]:
        """Running statistics by canonical name, and constants."""
        return dict(module.named_buffers())

    def name_in_module(self, name: str) -> str:
        """The placed module's own name of a trainable array."""
        return name

    def place(self, module: nn.Module) -> nn.Module:
        """The module on the device: weights as stored, constants as activations, running statistics as the loss."""
        module = module.to(self._device, self._dtype, memory_format=self._layout)
        for value in module.parameters():
            value.data = value.data.to(getattr(torch, self._policy.stored))
        for name, buffer in module.named_buffers():
            if name not in self._statistic_names and buffer.is_floating_point():
                buffer.data = buffer.data.to(self._kind)
        return module

    def _new_optimizer(self) -> None:
        sgd, group = self._sgd, {"params": self._values}  # a group may be empty, for a layer without weights
        self._optimizer = torch.optim.SGD(
            [group], sgd.learning_rate, sgd.momentum, weight_decay=sgd.weight_decay, fused=self._fused
        )
        self._scaler: torch.amp.GradScaler | None = None
        if rule := self._policy.loss_scaling:
            self._scaler = torch.amp.GradScaler(
                self._device.type, rule.initial, rule.factor, 1 / rule.factor, rule.interval
            )

    def load(self, weights: Mapping[str, np.ndarray], statistics: Mapping[str, np.ndarray]) -> None:
        buffers = self.named_buffers(self._module)
        with torch.no_grad():
            for name, target in self._parameters.items():
                target.copy_(torch.from_numpy(weights[name]))
            for name, array in statistics.items():
                buffers[name].copy_(torch.from_numpy(array))
        self._new_optimizer()

    def weights(self) -> dict[str, np.ndarray]:
        return {name: _to_numpy(value).copy() for name, value in self._parameters.items()}

    def statistics(self) -> dict[str, np.ndarray]:
        named = self.named_buffers(self._module).items()
        return {name: _to_numpy(value).copy() for name, value in named if name in self._statistic_names}

    def momentum(self) -> dict[str, np.ndarray]:
        state = self._optimizer.state
        velocities = {name: state[value].get("momentum_buffer") for name, value in self._parameters.items()}
        return {
            name: np.zeros(tuple(self._parameters[name].shape), np.float32) if v is None else _to_numpy(v).copy()
            for name, v in velocities.items()
        }

    def set_momentum(self, momentum: Mapping[str, np.ndarray]) -> None:
        for name, value in self._parameters.items():
            self._optimizer.state[value]["momentum_buffer"] = torch.from_numpy(momentum[name]).to(value, copy=True)

    def reseed(self, seed: int) -> None:
        torch.manual_seed(seed)  # of every device

    def put(self, images: np.ndarray, labels: np.ndarray) -> Batch:
        placed = torch.tensor(images, dtype=self._dtype, device=self._device).contiguous(memory_format=self._layout)
        return Batch(
            placed.requires_grad_(self._differentiates_input),
            torch.tensor(labels, dtype=torch.int64, device=self._device),
        )

    def put_copies(self, image: np.ndarray, label: np.ndarray, copies: int) -> Batch:
        one = torch.tensor(image, dtype=self._dtype, device=self._device)
        shape = copies, *one.shape[1:]
        images = torch.empty(shape, dtype=self._dtype, device=self._device, memory_format=self._layout)
        images.copy_(one)  # on the device: a copy from the host would be expanded there
        labels = torch.full((copies,), int(label[0]), dtype=torch.int64, device=self._device)
        return Batch(images.requires_grad_(self._differentiates_input), labels)

    def infer(self, batch: Batch) -> Tensor:
        self._mode(training=False)
        self._begin()
        with torch.inference_mode():
            return self._scores(batch.images)

    def forward(self, batch: Batch) -> Tensor:
        self._mode(training=True)
        self._begin()
        return self._loss(batch.images, batch.labels)

    def gradient(self, batch: Batch) -> tuple[Tensor, Sequence[Tensor]]:
        loss = self.forward(batch)
        by = [*self._values, batch.images] if self._differentiates_input else self._values
        if self._scaler is None:
            return loss, torch.autograd.grad(loss, by)
        scale = self._scaler.scale(torch.ones((), device=self._device))
        gradients = torch.autograd.grad(loss * scale, by)
        torch._foreach_div_(gradients, scale)
        return loss, gradients

    def train(self, batch: Batch) -> Tensor:
        self._optimizer.zero_grad(set_to_none=True)
        loss = self.forward(batch)
        if self._scaler is not None:
            self._scaled_update(self._scaler, loss)
        else:
            loss.backward()
            self._optimizer.step()
        return loss.detach()

    def _scaled_update(self, scaler: torch.amp.GradScaler, loss: Tensor) -> None:
        """The update under loss scaling."""
        scaler.scale(loss).backward()
        state = self._optimizer.state
        if any("momentum_buffer" not in state[value] for value in self._values[:1]):
            # A skipped first step of the fused kernel would leave it uninitialised.
            for value in self._values:
                state[value]["momentum_buffer"] = torch.zeros_like(value)
        scaler.step(self._optimizer)
        scaler.update()

    def synchronize(self, outputs: object) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize()

    def forget_allocated(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()

    def allocated(self) -> Allocated | str:
        if self._device.type != "cuda":
            return super().allocated()
        if self._graphs:
            return "a replayed graph does not use the allocator, so its peak does not cover the step"
        return Allocated(torch.cuda.max_memory_allocated(), "torch.cuda.max_memory_allocated, of the step")

    def to_numpy(self, outputs: Tensor) -> np.ndarray:
        return _to_numpy(outputs)

    def gradients(self, outputs: tuple[Tensor, Sequence[Tensor]]) -> dict[str, np.ndarray]:
        return {name: _to_numpy(value) for name, value in zip((*self._parameters, INPUT), outputs[1])}

    def devices(self, outputs: Tensor | tuple[Tensor, Sequence[Tensor]]) -> frozenset[str]:
        return devices_of(outputs)

    def _begin(self) -> None:
        """Mark the begin of a step, after which recorded graphs may overwrite earlier outputs."""
        if self._graphs:
            torch.compiler.cudagraph_mark_step_begin()

    def _mode(self, training: bool) -> None:
        if self._module.training is not training:
            self._module.train(training)

    def _evaluation_scores(self, images: Tensor) -> Tensor:
        # A function in this file: torch.compile skips frames of torch.nn, and thus a module that has only its layers.
        if self._kind == self._dtype:
            return self._module(images)
        images = images.to(self._kind)
        if not self._policy.casts:
            return self._module(images).to(self._dtype)
        arrays = {self.name_in_module(name): value.to(self._kind) for name, value in self._parameters.items()}
        return functional_call(self._module, arrays, (images,), tie_weights=False).to(self._dtype)

    def _training_loss(self, images: Tensor, labels: Tensor) -> Tensor:
        scores = self._evaluation_scores(images)
        if self._rubbish is not None:
            scores = F.pad(scores, (0, 1), value=-self._rubbish)
        return F.cross_entropy(scores, labels)


def device(plan: Plan) -> torch.device:
    """The plan's device; Unavailable if this PyTorch has no CUDA, or sees no GPU."""
    if is_card(plan.device) and not torch.cuda.is_available():
        lacks = "finds no GPU" if torch.version.cuda else "was installed without CUDA"
        raise Unavailable(f"PyTorch {torch.__version__} {lacks}; {CUDA_BUILD}, or use the device cpu")
    return torch.device(plan.device)


def _skipped_graphs() -> int:
    """How often Inductor has run compiled functions of this process without CUDA graphs where it was to record them.

    It counts functions that it cannot record, and those that it recorded too often (torch._inductor.cudagraph_utils).
    """
    return counters["inductor"]["cudagraph_skips"]


def _keep_pool_gradient_whole() -> None:
    """Compute max pooling's gradient as one operation, as releases before 2.13 did.

    2.13 splits it into a zero fill and a scatter, and on the CPU may fuse what reads the result with the fill alone:
    the gradients of every layer below a max pool then come out as zero, without an error (conv, relu, pool, flatten,
    linear). The tag prevents the use of wrong kernels that are already in the cache. Triton's kernels are not affected.
    """
    from torch._inductor import decomposition

    decomposition.decompositions.pop(torch.ops.aten.max_pool2d_with_indices_backward.default, None)
    torch.compiler.config.cache_key_tag = "deadheat-whole-pool-gradient"


def devices_of(outputs: Tensor | Sequence[Any]) -> frozenset[str]:
    """The types of the devices that hold tensors, also nested ones; "meta" and others by PyTorch's own names."""
    if isinstance(outputs, Tensor):
        return frozenset({outputs.device.type})
    return frozenset().union(*map(devices_of, outputs))


def _to_numpy(value: Tensor) -> np.ndarray:
    """NumPy's view of it, on the CPU; a copy in float32 of formats with two bytes, of which NumPy lacks one."""
    value = value.detach().cpu().contiguous()
    return (value.float() if value.itemsize < 4 else value).numpy()
