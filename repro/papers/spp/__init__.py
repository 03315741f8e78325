"""He, Zhang, Ren, Sun: Spatial pyramid pooling in deep convolutional networks. arXiv 1406.4729v4, 2015."""

from __future__ import annotations

from repro.claims.claim import Claim, Kind, Paper
from repro.papers.spp import checks, experiments

SPP = Paper(
    name="SPP",
    title="Spatial pyramid pooling in deep convolutional networks for visual recognition",
    source="He, Zhang, Ren, Sun. arXiv 1406.4729v4, 2015",
    claims=(
        Claim(
            id="SPP-1",
            kind=Kind.STRUCTURAL,
            place="section 2.2",
            statement="A pyramid gives vectors of one length for images of any size.",
            number="one length",
            method="What the four networks' classifiers read is worked out for many sizes, square and not.",
            check=checks.fixed_length,
        ),
        Claim(
            id="SPP-2",
            kind=Kind.STRUCTURAL,
            place="section 4.1",
            statement="50 bins of 256 maps make a vector of 12,800.",
            number="12,800",
            method="ZF-5's pyramid: its bins, and the length of its output.",
            check=checks.length,
        ),
        Claim(
            id="SPP-3",
            kind=Kind.STRUCTURAL,
            place="section 2.3, Fig. 4",
            statement="On maps of 13 x 13, windows and strides of 3 x 3, 2 x 2 and 1 x 1 bins are 5/4, 7/6 and 13/13.",
            number="5/4, 7/6, 13/13",
            method="The rule for windows and strides, against the ranges that the layer pools with it.",
            check=checks.windows_on_thirteen,
        ),
        Claim(
            id="SPP-4",
            kind=Kind.STRUCTURAL,
            place="section 2.3",
            statement="The networks for images of 224 and of 180 pixels share every parameter.",
            number="the same parameters",
            method=(
                "The shapes of all trainable arrays at both sizes. Bins are by appendix A's rule, as section 2.3's "
                "can't make 6 x 6 of the map at 180 (SPP-E1)."
            ),
            check=checks.shared_parameters,
        ),
        Claim(
            id="SPP-5",
            kind=Kind.TRAINING,
            place="Table 2",
            statement="A pyramid lowers the error of all four networks, and training at two sizes lowers it further.",
            number="top-1 points: 1.01, 0.55, 1.26, 1.65; at two sizes 1.39, 0.99, 1.87, 2.33",
            method=(
                "ZF-5, the first of the four, with and without the pyramid, and with it at two sizes. Only the "
                "direction carries over to small images; the points are ImageNet's."
            ),
            experiments=experiments.PYRAMID,
            needs=("imagenet",),
        ),
        Claim(
            id="SPP-6",
            kind=Kind.TRAINING,
            place="section 3.1.2",
            statement="The gain isn't from parameters: a pyramid that leaves fewer of them still has less error.",
            number="ZF-5: without 35.99 / 14.76 %, 30 bins 35.06 / 14.04 %, 50 bins 34.98 / 14.14 %",
            method=(
                "The network without a pyramid against one whose pyramid leaves the classifier fewer inputs. On other "
                "data only the direction is tested."
            ),
            experiments=experiments.FEWER_PARAMETERS,
            needs=("imagenet",),
        ),
        Claim(
            id="SPP-7",
            kind=Kind.TRAINING,
            place="section 3.1.3",
            statement="Training at random sizes is better than at one size, and worse than at two by turns.",
            number="Overfeat-7: one 30.36 %, random 30.06 / 10.96 %, two 29.68 %",
            method=(
                "Three arms that differ in the sizes of a pass. Differences of 0.3 points are ImageNet's; scaled down, "
                "only large ones can be told."
            ),
            experiments=experiments.RANDOM_SIZE,
            needs=("imagenet",),
        ),
        Claim(
            id="SPP-8",
            kind=Kind.TRAINING,
            place="Table 3",
            statement="Seeing the full image has less error than seeing its centre crop.",
            number="top-1: 38.01 / 37.55, 37.57 / 37.07, 33.18 / 32.72, 32.57 / 31.25 % (crop / full)",
            method=(
                "One trained network, seen in both ways. It takes images larger than the crop, with something in the "
                "margin: those of small data sets are centred and square."
            ),
            experiments=experiments.FULL_IMAGE,
            needs=("imagenet",),
        ),
        Claim(
            id="SPP-9",
            kind=Kind.TRAINING,
            place="section 3.1.5",
            statement="Ten views taken from the feature maps have within 0.1 points the top-5 error of ten crops.",
            number="within 0.1 points top-5",
            method=(
                "One trained network, seen in both ways. On small maps a cell is a larger part of a view, so that the "
                "two may differ more than at 224 pixels."
            ),
            experiments=experiments.VIEWS_ON_MAPS,
            needs=("imagenet",),
        ),
        Claim(
            id="SPP-10",
            kind=Kind.TRAINING,
            place="section 3.1.5",
            statement="96 views at six scales lower the top-5 error from 10.95 % to 9.36 %, two full ones to 9.14 %.",
            number="10.95, 9.36, 9.14 %",
            method=(
                "One trained network, seen in ten crops and in many views of its maps, by top-1. Small images have no "
                "detail at larger scales, so that more views may bring less there."
            ),
            experiments=experiments.MANY_VIEWS,
            needs=("imagenet",),
        ),
        Claim(
            id="SPP-11",
            kind=Kind.TRAINING,
            place="section 2.3",
            statement="Training at two sizes by turns converges about as fast as at one.",
            number="a similar rate",
            method=(
                "Two arms that differ in the sizes of a pass; how the error falls with passes. The paper gives no "
                "figure for what it calls similar."
            ),
            experiments=experiments.SAME_RATE,
            needs=("imagenet",),
        ),
        Claim(
            id="SPP-12",
            kind=Kind.SPEED,
            place="section 4.3",
            statement="Computing an image's features once for all windows is far faster than computing each window's.",
            number="270 times at one scale, 49 times at five",
            method=(
                "The newest campaign that measured both ways: ZF-5 on one image, its windows pooled from one map, "
                "against a pass each, the classifier included. The verdict is on direction; the factors are of "
                "convolutions alone, on a GPU, with many more windows."
            ),
            check=checks.features_once,
            needs=("VOC 2007 and an R-CNN, for the factors",),
        ),
        Claim(
            id="SPP-E1",
            kind=Kind.STRUCTURAL,
            place="section 2.3",
            statement="Windows of ceil(a/n) and strides of floor(a/n) pool a map of a x a into n x n bins.",
            number="n x n for any a",
            method=(
                "Bins are counted for maps up to 40 x 40 and each level that the paper uses. One case is the paper's "
                "own: 6 x 6 bins of the 10 x 10 map at 180 pixels."
            ),
            check=checks.sliding_rule,
        ),
        Claim(
            id="SPP-E2",
            kind=Kind.STRUCTURAL,
            place="Table 1",
            statement="Table 1 gives the sides of the maps after each cell's pool, ZF-5's second too: 27.",
            number="ZF-5: 55, 27; Convnet*-5: 55, 27, 13; Overfeat: 36, 18",
            method=(
                "The sides that the tables here come to. Paddings are ours, as the paper gives none, but no padding "
                "makes both 27 here and 13 in the next cell."
            ),
            check=checks.sizes_of_table_1,
        ),
    ),
)
