"""Simonyan, Zisserman: Very deep convolutional networks for large-scale image recognition. arXiv 1409.1556v6, 2015."""

from __future__ import annotations

from repro.claims.claim import Claim, Kind, Paper
from repro.papers.vgg import cards, checks, experiments

VGG = Paper(
    name="VGG",
    title="Very deep convolutional networks for large-scale image recognition",
    source="Simonyan, Zisserman. arXiv 1409.1556v6, 2015",
    claims=(
        Claim(
            id="VGG-1",
            kind=Kind.STRUCTURAL,
            place="Table 2",
            statement="The configurations A to E have 133, 133, 134, 138 and 144 million parameters (A-LRN as A).",
            number="A and A-LRN 133, B 133, C 134, D 138, E 144 million",
            method="Counted from Table 1's layers and rounded to millions.",
            check=checks.totals,
        ),
        Claim(
            id="VGG-2",
            kind=Kind.TRAINING,
            place="section 4.1, Table 3",
            statement="Local response normalisation does not help: A-LRN errs no less than A.",
            number="A 29.6 / 10.4 %, A-LRN 29.7 / 10.5 %",
            method=(
                "Two arms that differ in the normalisation alone, scaled down. That there's no difference is never "
                "proven, only bounded; the bound is of small data, the paper's of ImageNet."
            ),
            experiments=experiments.LRN,
            needs=("imagenet",),
        ),
        Claim(
            id="VGG-3",
            kind=Kind.TRAINING,
            place="section 4.1, Table 3",
            statement="The error falls with depth from A to D and no longer from D to E.",
            number="top-1 A 29.6, B 28.7, C 28.1, D 27.0, E 27.3 % (fixed scale 256); D 25.6, E 25.5 % (jittered)",
            method=(
                "Networks of growing depth on the same data. E is slightly worse than D at a fixed scale and better by "
                "0.1 points with jitter only, so E isn't asserted to win. Small data may stop gaining earlier."
            ),
            experiments=experiments.DEPTH,
            needs=("imagenet",),
        ),
        Claim(
            id="VGG-4",
            kind=Kind.TRAINING,
            place="section 4.1, Table 3",
            statement="More 1 x 1 layers help (C beats B); 3 x 3 in their place help more (D beats C).",
            number="top-1 B 28.7, C 28.1, D 27.0 %",
            method=(
                "B, C and D, which has C's depth, on the same data. D has more parameters than C, and on small images "
                "context may matter less: only the direction is tested."
            ),
            experiments=experiments.NONLINEARITY,
            needs=("imagenet",),
        ),
        Claim(
            id="VGG-5",
            kind=Kind.TRAINING,
            place="section 4.1",
            statement="A network with one 5 x 5 in place of each pair of 3 x 3 of B errs by 7 points more.",
            number="+7 points top-1 on centre crops",
            method=(
                "B against the shallow network with the same receptive fields. Only the direction carries over to "
                "small data; the points are ImageNet's."
            ),
            experiments=experiments.SMALL_KERNELS,
            needs=("imagenet",),
        ),
        Claim(
            id="VGG-6",
            kind=Kind.TRAINING,
            place="sections 4.1 and 4.2, Tables 3 and 4",
            statement="Images of varying scale help in training, and several scales help in testing.",
            number="top-1 D: scale 384 26.8 %, jittered 25.6 %, tested at three scales 24.8 %",
            method=(
                "Arms that differ in the training images' scale, seen at one scale and at several. Objects of small "
                "data sets are all of about one size, so that scale may matter less than on ImageNet."
            ),
            experiments=experiments.JITTER,
            needs=("imagenet",),
        ),
        Claim(
            id="VGG-7",
            kind=Kind.TRAINING,
            place="section 4.3, Table 5",
            statement="Many crops are slightly better than the whole image at once, and both together better still.",
            number="top-1 E: dense 24.8 %, crops 24.6 %, both 24.4 %",
            method=(
                "One trained network, seen in these three ways. Differences of 0.2 points take ImageNet's 50,000 "
                "validation images: smaller test sets show larger ones at most."
            ),
            experiments=experiments.VIEWS,
            needs=("imagenet",),
        ),
        Claim(
            id="VGG-8",
            kind=Kind.STRUCTURAL,
            place="section 2.3",
            statement="Two 3 x 3 see 5 x 5 and three see 7 x 7, for which a single layer has 81 % more weights.",
            number="27 C² against 49 C²: 81 % more; two: 18 against 25, 28 % fewer (tutorial)",
            method="Configuration D's last stage: fields by the rule of windows and strides, weights without biases.",
            check=checks.small_kernels,
        ),
        Claim(
            id="VGG-9",
            kind=Kind.SPEED,
            place="section 3.3",
            statement="Four cards, each with a part of every batch, train faster than one.",
            number="3.75 times",
            method=(
                "A training step of a configuration on four cards and on one, the same batch divided and the gradients "
                "averaged. The verdict is on direction; the factor is of the authors' cards and program."
            ),
            check=cards.four_cards,
            needs=("four NVIDIA cards",),
        ),
    ),
)
