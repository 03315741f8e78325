"""Lin, Chen, Yan: Network in network. arXiv 1312.4400v3, 2014."""

from __future__ import annotations

from repro.claims.claim import Claim, Kind, Paper
from repro.papers.nin import checks, experiments

NIN = Paper(
    name="NIN",
    title="Network in network",
    source="Lin, Chen, Yan. arXiv 1312.4400v3, 2014",
    claims=(
        Claim(
            id="NIN-1",
            kind=Kind.TRAINING,
            place="Table 1",
            statement="On CIFAR-10 the network errs on 10.41 % of the test images, and on 8.81 % with augmentation.",
            number="10.41 %; 8.81 % with shifted and mirrored images",
            method=(
                "The test error with the author's widths and rates, 260 passes. His images are whitened, ours only "
                "standardised, and his last layer and biases have rates of their own: a higher error here can't "
                "speak against his numbers."
            ),
            experiments=experiments.CIFAR10,
            needs=("cifar10",),
        ),
        Claim(
            id="NIN-2",
            kind=Kind.TRAINING,
            place="section 4.2, Fig. 3",
            statement="Dropout between the mlpconv layers lowers CIFAR-10's test error by more than a fifth.",
            number="14.51 % without, 10.41 % with: -28.3 %",
            method=(
                "Two arms that differ in dropout alone. It slows learning down, so with few passes it may cost more "
                "than it brings; the fifth is of training to the end."
            ),
            experiments=experiments.DROPOUT,
            needs=("cifar10",),
        ),
        Claim(
            id="NIN-3",
            kind=Kind.TRAINING,
            place="Table 2",
            statement="On CIFAR-100 the network errs on 35.68 % of the test images.",
            number="35.68 %",
            method="As NIN-1, with the rates of the author's file for CIFAR-100; the same differences remain.",
            experiments=experiments.CIFAR100,
            needs=("cifar100",),
        ),
        Claim(
            id="NIN-4",
            kind=Kind.TRAINING,
            place="Table 3",
            statement="On SVHN the network errs on 2.35 % of the test images.",
            number="2.35 %",
            method="As NIN-1, on SVHN's train set without its extra images or local contrast normalisation.",
            experiments=experiments.SVHN,
            needs=("svhn",),
        ),
        Claim(
            id="NIN-5",
            kind=Kind.TRAINING,
            place="Table 4",
            statement="On MNIST the network errs on 0.47 % of the test images, no better than maxout's 0.45 %.",
            number="0.47 %; maxout 0.45 %",
            method="The test error after training. Maxout isn't trained here; two images in 10,000 are no difference.",
            experiments=experiments.MNIST,
            needs=("mnist",),
        ),
        Claim(
            id="NIN-6",
            kind=Kind.TRAINING,
            place="Table 5",
            statement="Averaging each map beats a full connection with dropout, and that one without.",
            number="CIFAR-10: 11.59 %, with dropout 10.88 %, averaged 10.41 %",
            method=(
                "Three arms that differ in what follows the last maps. The paper doesn't say what its full connection "
                "reads (here all cells of those maps); points are of training to the end, the order is tested."
            ),
            experiments=experiments.HEADS,
            needs=("cifar10",),
        ),
        Claim(
            id="NIN-7",
            kind=Kind.TRAINING,
            place="section 4.6",
            statement="In a plain network averaging the maps beats a full connection, and loses to one with dropout.",
            number="CIFAR-10: 17.56 %, with dropout 15.99 %, averaged 16.46 %",
            method=(
                "The same three heads on three plain convolutions. The paper's has a layer with weights of its own at "
                "every place, which the tables can't say, so the order is tested on what comes near."
            ),
            experiments=experiments.CNN_HEADS,
            needs=("cifar10",),
        ),
        Claim(
            id="NIN-8",
            kind=Kind.STRUCTURAL,
            place="section 4.6",
            statement="Averaging each map has no parameters: it's a linear layer whose matrix is fixed and in blocks.",
            number="0 parameters",
            method=(
                "The layer is applied to every unit vector, which gives its matrix, and to random maps. That this "
                "keeps it from over-fitting is NIN-6's matter."
            ),
            check=checks.global_average,
        ),
        Claim(
            id="NIN-9",
            kind=Kind.STRUCTURAL,
            place="section 3.1, eq. 2",
            statement="A cascaded cross-channel pooling layer is a 1 x 1 convolution.",
            number="equal",
            method=(
                "Each such layer's convolution, as a sum over window and inputs, against weighted sums across the "
                "channels of each pixel. Tests compare every framework with such sums."
            ),
            check=checks.cascaded_pooling,
        ),
        Claim(
            id="NIN-10",
            kind=Kind.TRAINING,
            place="section 4.7, Fig. 4",
            statement="The map of an image's true class is the one that is most active, where the object is.",
            number="a figure of the highest tenth of activations",
            method=(
                "How the true class's map compares with the others' on test images. The paper shows chosen images and "
                "counts nothing; where in the image the object is, no data set here says."
            ),
            experiments=experiments.MAPS,
            needs=("cifar10",),
        ),
    ),
)
