"""Simonyan, Zisserman: Very deep convolutional networks for large-scale image recognition. arXiv 1409.1556v6, 2015."""

from __future__ import annotations

from functools import partial

from impls.architectures.alexnet import classifier
from impls.layers import Activation, BatchNorm, Conv, Flatten, Layer, LocalResponseNorm, Pool
from impls.network import Architecture

# Table 1, a row a stage: (channels, kernel) of each convolution.
A = (((64, 3),), ((128, 3),), ((256, 3),) * 2, ((512, 3),) * 2, ((512, 3),) * 2)
B = (((64, 3),) * 2, ((128, 3),) * 2, *A[2:])
C = (*B[:2], (*B[2], (256, 1)), (*B[3], (512, 1)), (*B[4], (512, 1)))
D = (*B[:2], ((256, 3),) * 3, ((512, 3),) * 3, ((512, 3),) * 3)
E = (*B[:2], ((256, 3),) * 4, ((512, 3),) * 4, ((512, 3),) * 4)

Stages = tuple[tuple[tuple[int, int], ...], ...]


def vgg(classes: int, stages: Stages, normalised: bool = False) -> tuple[Layer, ...]:
    layers: list[Layer] = []
    for number, stage in enumerate(stages, 1):
        for index, (channels, kernel) in enumerate(stage, 1):
            name = f"conv{number}_{index}"
            layers += [Conv(name, channels, kernel=kernel, padding=kernel // 2), Activation(f"{name}-relu", "relu")]
            if normalised and name == "conv1_1":
                layers.append(LocalResponseNorm("norm1_1"))
        layers.append(Pool(f"pool{number}", kernel=2, stride=2))
    return (*layers, Flatten("flatten"), *classifier(classes))


def vgg_bn(classes: int, stages: Stages) -> tuple[Layer, ...]:
    return tuple(
        layer
        for one in vgg(classes, stages)
        for layer in ((one, BatchNorm(f"{one.name}-bn", 0.9, 1e-5)) if isinstance(one, Conv) else (one,))
    )


def configuration(letter: str, title: str, stages: Stages, normalised: bool = False) -> Architecture:
    return Architecture(
        name=f"vgg-{letter}",
        title=f"VGG configuration {letter.upper()}: {title}",
        source="Simonyan & Zisserman 2015, section 2.1, Table 1",
        input_shape=(3, 224, 224),
        classes=1000,
        table=partial(vgg, stages=stages, normalised=normalised),
        deviations=("at sizes other than 224, fc6 grows with the map; the paper applies it as a convolution instead",),
    )


def with_batch_norm(letter: str, title: str, stages: Stages) -> Architecture:
    return Architecture(
        name=f"vgg-{letter}-bn",
        title=f"VGG configuration {letter.upper()} with batch normalisation: {title}",
        source="Simonyan & Zisserman 2015, Table 1, with Ioffe & Szegedy 2015 (arXiv 1502.03167) as in torchvision",
        input_shape=(3, 224, 224),
        classes=1000,
        table=partial(vgg_bn, stages=stages),
        deviations=(
            "batch normalisation between each convolution, which keeps its bias, and its ReLU; not in the paper",
            "at sizes other than 224, fc6 grows with the map; torchvision pools it to 7 x 7",
        ),
    )


VGG_A = configuration("a", "11 weight layers", A)
VGG_A_LRN = configuration("a-lrn", "11 weight layers, LRN after the first", A, normalised=True)
VGG_B = configuration("b", "13 weight layers", B)
VGG_C = configuration("c", "16 weight layers, three of them 1 x 1", C)
VGG_D = configuration("d", "16 weight layers (VGG-16)", D)
VGG_E = configuration("e", "19 weight layers (VGG-19)", E)
VGG_A_BN = with_batch_norm("a", "11 weight layers", A)
VGG_D_BN = with_batch_norm("d", "16 weight layers", D)
