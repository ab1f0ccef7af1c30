"""What happens inside a network while it reads a digit: pure functions of arrays.

`layers`: what every layer says. `arithmetic`: how one unit comes by its value. `evidence`: which
places speak for a digit and against another. `similar`: the training digits that are nearest in
the network's own feature space. `softmax`: from logits to probabilities and loss.
"""

from mnist_core.explanation.arithmetic import UnitSum, adding_up, unit_sum
from mnist_core.explanation.evidence import Evidence, evidence, occlusion
from mnist_core.explanation.layers import LayerSeen, plain_network, through_the_layers
from mnist_core.explanation.softmax import SoftmaxSteps, softmax_steps

__all__ = [
    "Evidence",
    "LayerSeen",
    "SoftmaxSteps",
    "UnitSum",
    "adding_up",
    "evidence",
    "occlusion",
    "plain_network",
    "softmax_steps",
    "through_the_layers",
    "unit_sum",
]
