from impls.frameworks import Execution, Framework
from impls.frameworks.pytorch import ENVIRONMENT

PYTORCH_BY_HAND = Framework(
    name="pytorch-handwritten",
    title="PyTorch by hand",
    model="bench.contestants.handwritten.pytorch.model:ByHand",
    executions=(Execution("eager", "torch.nn, written out", ENVIRONMENT),),
    requires=("torch",),
    extra="pytorch",
    preload=("torch", "torch._dynamo", "bench.contestants.handwritten.pytorch.model"),
)
