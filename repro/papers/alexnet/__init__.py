"""Krizhevsky, Sutskever, Hinton: ImageNet classification with deep convolutional neural networks. NIPS 2012."""

from __future__ import annotations

from repro.claims.claim import Claim, Kind, Paper
from repro.papers.alexnet import checks, experiments

ALEXNET = Paper(
    name="AX",
    title="ImageNet classification with deep convolutional neural networks",
    source="Krizhevsky, Sutskever, Hinton. NIPS 2012",
    claims=(
        Claim(
            id="AX-1",
            kind=Kind.TRAINING,
            place="section 3.1, Fig. 1",
            statement="ReLU takes a four-layer network to 25 % training error on CIFAR-10 six times as fast as tanh.",
            number="6 times; about 6 against 36 passes, read off the plot",
            method=(
                "The same network with either function, each at the learning rate that suits it best, without "
                "regularisation; passes to 25 % training error. The paper says that the factor varies with the "
                "network, so the direction is tested."
            ),
            experiments=experiments.RELU,
            needs=("cifar10",),
        ),
        Claim(
            id="AX-2",
            kind=Kind.TRAINING,
            place="section 3.3",
            statement="Local response normalisation lowers the ImageNet error by 1.4 points top-1 and 1.2 top-5.",
            number="-1.4 / -1.2 points",
            method=(
                "The network with and without it. Small images and few classes can show whether it helps there; the "
                "points are ImageNet's."
            ),
            experiments=experiments.LRN_IMAGENET,
            needs=("imagenet",),
        ),
        Claim(
            id="AX-3",
            kind=Kind.TRAINING,
            place="section 3.3",
            statement="A four-layer network errs on 13 % of CIFAR-10, and on 11 % with local response normalisation.",
            number="13 % and 11 %",
            method=(
                "Two arms that differ in the normalisation alone. The paper leaves the network to the author's files, "
                "and their 13 % and 11 % networks differ in a layer's width, too: the direction is tested. Here the "
                "author's two locally connected layers are convolutions, and all layers have the weight decay of his "
                "last three."
            ),
            experiments=experiments.LRN_FOUR_LAYERS,
            needs=("cifar10",),
        ),
        Claim(
            id="AX-4",
            kind=Kind.TRAINING,
            place="section 3.4",
            statement="Overlapping pools (3 x 3 by 2) have 0.4 points less top-1 error than 2 x 2, and 0.3 less top-5.",
            number="-0.4 / -0.3 points",
            method=(
                "Two arms that differ in the pools alone; both give maps of 27, 13 and 6 cells a side from 55, as the "
                "paper says. So small a difference needs ImageNet's test set; a small one shows a tendency at most."
            ),
            experiments=experiments.OVERLAP,
            needs=("imagenet",),
        ),
        Claim(
            id="AX-5",
            kind=Kind.TRAINING,
            place="section 3.2",
            statement="The network in two towers errs less than one with half as many kernels in a single tower.",
            number="-1.7 / -1.2 points",
            method=(
                "Both networks on the same data. The larger has more maps, and the paper's gain is of ImageNet: "
                "elsewhere only the direction means anything."
            ),
            experiments=experiments.TWO_TOWERS,
            needs=("imagenet",),
        ),
        Claim(
            id="AX-6",
            kind=Kind.TRAINING,
            place="section 4.1",
            statement="Shifting colours along their principal components lowers the top-1 error by more than a point.",
            number="more than 1 point top-1",
            method=(
                "Two arms that differ in this augmentation alone. How much it brings depends on how colours vary in "
                "the data, so other data can't settle the paper's point."
            ),
            experiments=experiments.COLOUR,
            needs=("imagenet",),
        ),
        Claim(
            id="AX-7",
            kind=Kind.TRAINING,
            place="Table 1, footnote 5",
            statement="On ILSVRC-2010's test images the network errs on 37.5 % top-1 and 17.0 % top-5.",
            number="37.5 / 17.0 %; 39.0 / 18.3 % without the mean of ten views",
            method="The error on that test set, seen in ten views and in one. No other data can stand in for it.",
            needs=("ILSVRC-2010 with the labels of its test images",),
        ),
        Claim(
            id="AX-8",
            kind=Kind.TRAINING,
            place="Table 2",
            statement="On ILSVRC-2012 one network has 18.2 % top-5 error, five have 16.4 %, and seven (CNN*) 15.3 %.",
            number=(
                "1 CNN 40.7 / 18.2 %; 5 CNNs 38.1 / 16.4 %, test 16.4 %; 1 CNN* 39.0 / 16.6 %; 7 CNNs* 36.7 / 15.4 %, "
                "test 15.3 %; the next best entry 26.2 %"
            ),
            method="The top-1 error of one network on those validation images. No other data can stand in for it.",
            experiments=experiments.TOP1_2012,
            needs=("imagenet",),
        ),
        Claim(
            id="AX-9",
            kind=Kind.TRAINING,
            place="section 7",
            statement="Leaving out any one of the middle convolutions costs about two points of top-1 error.",
            number="about 2 points",
            method=(
                "The whole network against two that lack conv3 or conv4. Small images may not need as many "
                "layers as ImageNet's: elsewhere only the direction is tested."
            ),
            experiments=experiments.WITHOUT_MIDDLE,
            needs=("imagenet",),
        ),
        Claim(
            id="AX-10",
            kind=Kind.TRAINING,
            place="section 6",
            statement="On ImageNet as of fall 2009, with 10,184 classes, the errors are 67.4 % top-1 and 40.9 % top-5.",
            number="67.4 / 40.9 %",
            method="It would take that release: images of 10,184 classes. No other data can stand in for it.",
            needs=("the fall 2009 release of ImageNet, 10,184 classes",),
        ),
        Claim(
            id="AX-11",
            kind=Kind.STRUCTURAL,
            place="section 1",
            statement="No convolution holds more than one per cent of the network's parameters.",
            number="at most 1 %",
            method="Each convolution's parameters, biases included, over all of them.",
            check=checks.shares,
        ),
        Claim(
            id="AX-12",
            kind=Kind.STRUCTURAL,
            place="section 4.1",
            statement="Crops of 224 from 256 pixels, mirrored too, make the training set 2,048 times as large.",
            number="2,048",
            method="Every place that a 224 x 224 window can take in 256 x 256 is counted, twice.",
            check=checks.crops,
        ),
        Claim(
            id="AX-13",
            kind=Kind.STRUCTURAL,
            place="abstract",
            statement="The network has 60 million parameters.",
            number="60 million",
            method="Counted from the table and rounded to one digit, as which the paper's figure is taken.",
            check=checks.parameters,
        ),
        Claim(
            id="AX-E1",
            kind=Kind.STRUCTURAL,
            place="Fig. 2",
            statement="The first convolution has 253,440 neurons.",
            number="253,440",
            method="The cells of conv1's maps, whose side follows from the paper's own later layers.",
            check=checks.neurons_of_conv1,
        ),
        Claim(
            id="AX-E2",
            kind=Kind.STRUCTURAL,
            place="abstract, Fig. 2",
            statement="The network has 650,000 neurons.",
            number="650,000",
            method="The units of all layers with weights are added up, and so are the figure's own counts of them.",
            check=checks.neurons,
        ),
    ),
)
