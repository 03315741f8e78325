"""LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document recognition. Proc. IEEE 86(11), 1998."""

from __future__ import annotations

from repro.claims.claim import Claim, Kind, Paper
from repro.papers.lenet import checks, experiments

LENET = Paper(
    name="LN",
    title="Gradient-based learning applied to document recognition",
    source="LeCun, Bottou, Bengio, Haffner. Proc. IEEE 86(11), 1998",
    claims=(
        Claim(
            id="LN-1",
            kind=Kind.STRUCTURAL,
            place="sections II-A and II-B, Fig. 2, Table I",
            statement="LeNet-5 has 60,000 trainable parameters and 340,908 connections, layer by layer as listed.",
            number="156, 12, 1,516, 32, 48,120, 10,164 parameters; 60,000; 340,908 connections",
            method=(
                "Counted from the table of layers and from Table I's links. The total of connections comes out only "
                "with the 840 of the output, which the paper doesn't itemise."
            ),
            check=checks.counts,
        ),
        Claim(
            id="LN-2",
            kind=Kind.TRAINING,
            place="section III-B, Fig. 5",
            statement="On MNIST the test error settles at 0.95 % after about ten passes and doesn't rise with more.",
            number="0.95 % after about 10 passes; no over-training in 20",
            method=(
                "Later passes are compared with earlier ones by the error on test images. The port with a softmax and "
                "a dense C3, plain SGD in place of the paper's second-order update, or fewer images can show whether "
                "the error rises again, and not its 0.95 %."
            ),
            experiments=experiments.STABILISES,
            needs=("mnist",),
        ),
        Claim(
            id="LN-3",
            kind=Kind.TRAINING,
            place="section III-B",
            statement="After 19 passes 0.35 % of the training images are misread.",
            number="0.35 % after 19 passes",
            method=(
                "The error on the training images after the last pass, of the port with a softmax and a dense C3. It "
                "depends on how many images there are and on the update, so only the whole of MNIST for as many "
                "passes comes near the paper's."
            ),
            experiments=experiments.TRAINING_ERROR_LOW,
            needs=("mnist",),
        ),
        Claim(
            id="LN-4",
            kind=Kind.TRAINING,
            place="section III-B, Fig. 8",
            statement="Training on distorted copies of the images as well lowers the test error from 0.95 % to 0.8 %.",
            number="0.8 % (82 of 10,000) against 0.95 %",
            method=(
                "Two arms of lenet5-dense that differ in random planar distortions (shift, scale, squeeze, shear) "
                "alone. A gain of 0.15 points is 15 of 10,000 images: a smaller test set or few seeds can't see it."
            ),
            experiments=experiments.DISTORTIONS,
            needs=("mnist",),
        ),
        Claim(
            id="LN-5",
            kind=Kind.TRAINING,
            place="section III-B, Fig. 6",
            statement="More training images give fewer errors in the test: 60,000 than 30,000, and these than 15,000.",
            number="curves without figures",
            method=(
                "The port with a dense C3 on shares of the training images. The paper's text gives no numbers, so "
                "only the order is tested."
            ),
            experiments=experiments.MORE_DATA,
            needs=("mnist",),
        ),
        Claim(
            id="LN-6",
            kind=Kind.TRAINING,
            place="section III-C, Fig. 9",
            statement="LeNet-5 misreads fewer test images than linear classifiers, neighbours and full connections do.",
            number=(
                "linear 12.0 %, K-NN 5.0 %, 40 PCA + quadratic 3.3 %, 1000 RBF 3.6 %, 300 hidden 4.7 %, 1000 hidden "
                "4.5 %, 300-100 3.05 %, LeNet-4 1.1 %, SVM poly 4 1.1 %, "
                "LeNet-5 0.95 %, distorted 0.8 %, boosted LeNet-4 0.7 %; all about ± 0.1"
            ),
            method=(
                "LeNet-5 (dense C3, softmax) against those of the figure's classifiers that a table of layers can say, "
                "on the same images. Neighbours, principal components and support vectors are outside of what this "
                "harness trains."
            ),
            experiments=experiments.CLASSIFIERS,
            needs=("mnist",),
        ),
        Claim(
            id="LN-7",
            kind=Kind.STRUCTURAL,
            place="Figs. 11 and 12",
            statement="LeNet-5 takes 401 thousand multiply-accumulates for an image and stores 60 thousand variables.",
            number="401 thousand; 60 thousand",
            method=(
                "Counted from the table in both ways that it allows: multiply-accumulates without biases, and "
                "connections. The paper doesn't say what its 401 thousand include."
            ),
            check=checks.multiply_accumulates,
        ),
        Claim(
            id="LN-8",
            kind=Kind.STRUCTURAL,
            place="section II-C",
            statement="The output's targets of ±1 lie well inside the range of F6's squashing function.",
            number="±1 within ±1.7159",
            method=(
                "The codes of the table's output against the range of the function before it. That F6 saturates less "
                "for it is a matter of training, and not tested."
            ),
            check=checks.targets,
        ),
        Claim(
            id="LN-E1",
            kind=Kind.STRUCTURAL,
            place="appendix A",
            statement="The second derivative of the squashing function is largest, in absolute value, at ±1.",
            number="±1",
            method="1.7159 tanh(2a/3) is differentiated twice and its largest value looked for on a fine grid.",
            check=checks.curvature,
        ),
    ),
)
