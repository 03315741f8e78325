"""Lin, Chen, Yan: Network in network. arXiv 1312.4400v3, 2014.

The widths are not in the paper; they are those of the first author's own cuda-convnet definitions.
"""

from __future__ import annotations

from functools import partial

from impls.layers import Activation, Conv, Dropout, GlobalAverage, Layer, Pool
from impls.network import Architecture

SOURCE = "Lin et al. 2014, section 4 and the author's definition files"
WIDTHS = "channel counts and paddings are the first author's files'; the paper's supplement with them is not public"
TWO_POOLS = "a pool after the first two blocks only, as in the author's files; section 4.1 says after every block"

Widths = tuple[int, int, int]


def mlpconv(
    numbers: tuple[int, int, int], widths: Widths, kernel: int, stride: int = 1, padding: int = 0
) -> tuple[Layer, ...]:
    """A convolution and two 1 x 1 layers (cascaded cross-channel pooling), each with ReLU."""
    first, *others = numbers
    return (
        Conv(f"conv{first}", widths[0], kernel=kernel, stride=stride, padding=padding),
        Activation(f"conv{first}-relu", "relu"),
        *(
            layer
            for number, width in zip(others, widths[1:])
            for layer in (Conv(f"cccp{number}", width, kernel=1), Activation(f"cccp{number}-relu", "relu"))
        ),
    )


def small_images(
    classes: int, first: Widths, second: Widths, third: tuple[int, int], third_kernel: int
) -> tuple[Layer, ...]:
    return (
        *mlpconv((1, 1, 2), first, kernel=5, padding=2),
        Pool("pool1", kernel=3, stride=2, ceil=True),
        Dropout("dropout1"),
        *mlpconv((2, 3, 4), second, kernel=5, padding=2),
        Pool("pool2", kernel=3, stride=2, ceil=True),
        Dropout("dropout2"),
        *mlpconv((3, 5, 6), (*third, classes), kernel=third_kernel, padding=third_kernel // 2),
        GlobalAverage("gap"),
    )


def imagenet(classes: int) -> tuple[Layer, ...]:
    return (
        *mlpconv((1, 1, 2), (96, 96, 96), kernel=11, stride=4),
        Pool("pool1", kernel=3, stride=2, ceil=True),
        *mlpconv((2, 3, 4), (256, 256, 256), kernel=5, padding=2),
        Pool("pool2", kernel=3, stride=2, ceil=True),
        *mlpconv((3, 5, 6), (384, 384, 384), kernel=3, padding=1),
        Pool("pool3", kernel=3, stride=2, ceil=True),
        Dropout("dropout3"),
        *mlpconv((4, 7, 8), (1024, 1024, classes), kernel=3, padding=1),
        GlobalAverage("gap"),
    )


cifar = partial(small_images, first=(192, 160, 96), second=(192, 192, 192), third=(192, 192), third_kernel=3)

NIN_CIFAR10 = Architecture(
    name="nin-cifar10",
    title="NIN for CIFAR-10",
    source=SOURCE,
    input_shape=(3, 32, 32),
    classes=10,
    table=cifar,
    deviations=(WIDTHS, TWO_POOLS, "pool2 is max, as in the author's file; Caffe's port averages"),
)

NIN_CIFAR100 = Architecture(
    name="nin-cifar100",
    title="NIN for CIFAR-100",
    source=SOURCE,
    input_shape=(3, 32, 32),
    classes=100,
    table=cifar,
    deviations=(WIDTHS, TWO_POOLS),
)

NIN_MNIST = Architecture(
    name="nin-mnist",
    title="NIN for MNIST",
    source=SOURCE,
    input_shape=(1, 28, 28),
    classes=10,
    table=partial(small_images, first=(96, 64, 48), second=(128, 96, 48), third=(128, 96), third_kernel=5),
    deviations=(WIDTHS, TWO_POOLS),
)

NIN_SVHN = Architecture(
    name="nin-svhn",
    title="NIN for SVHN",
    source=SOURCE,
    input_shape=(3, 32, 32),
    classes=10,
    table=partial(small_images, first=(128, 96, 64), second=(320, 256, 128), third=(384, 256), third_kernel=5),
    deviations=(WIDTHS, TWO_POOLS),
)

NIN_IMAGENET = Architecture(
    name="nin-imagenet",
    title="NIN for ImageNet, of Caffe's model zoo",
    source="Caffe model zoo, NIN ImageNet by the paper's first author; not in the paper",
    input_shape=(3, 224, 224),
    classes=1000,
    table=imagenet,
    deviations=("the last pool averages the whole map; the file's 6 x 6 average is the same at 224",),
)
