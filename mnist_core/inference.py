"""From pictures to readings: the network that serves, and what to say of its answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from mnist_core import inspection, registry
from mnist_core.calibration import digitness
from mnist_core.errors import InputError, ModelError
from mnist_core.ink import find_ink
from mnist_core.preprocessing import place
from mnist_core.words import a

Verdict = Literal["digit", "unsure", "blank", "not a digit"]

_CHUNK = 256  # images at a time: bounds memory, loses no speed

# The probability of the likeliest digit from which on it is the answer; of a model that did not
# learn what is no digit it must be higher, for it is all there is to tell.
_SURE, _SURE_WITHOUT_NONE = 0.6, 0.8
_UNLIKE = "It is unlike any digit the network has learned."


@dataclass(frozen=True)
class Reading:
    """What the network made of one picture.

    Attributes:
        image: (28, 28) uint8, what the network saw.
        probabilities: (10,) float32, summing to 1.
        label: the digit with the highest probability; of no meaning if blank.
        confidence: its probability, 0-1; 0 if blank.
        verdict: "digit", "unsure", "blank" or "not a digit".
        reason: a sentence for a person; empty if the verdict is "digit".
    """

    image: NDArray[np.uint8]
    probabilities: NDArray[np.float32]
    label: int
    confidence: float
    verdict: Verdict
    reason: str

    @property
    def runner_up(self) -> int:
        """The digit with the second highest probability."""
        return int(np.argsort(self.probabilities)[-2])


class Classifier:
    """A published network, run by LiteRT. One instance serves many threads.

    Attributes:
        model: what it was loaded from.
        digit_from: of a model that learned what is no digit, the `calibration.digitness` from
            which on a drawing is taken for one; of others None.
    """

    def __init__(self, model: registry.Model) -> None:
        """Load a model found by `registry`.

        Raises:
            ModelError: its file is missing, altered, or can't be run.
        """
        # Imported here: reading a card needs no runtime.
        from ai_edge_litert.interpreter import Interpreter

        content = model.read("model.tflite")
        self.model = model
        self._lock = threading.Lock()  # an interpreter holds one computation at a time
        try:
            line = model.card.get("digit_from")
            self.digit_from = None if line is None else float(line)
            self._interpreter = Interpreter(model_content=content, num_threads=1)
            self._run = self._interpreter.get_signature_runner()
            self.predict(np.zeros((1, 28, 28), np.uint8))  # warms up, and finds what is missing
        except (ValueError, TypeError, RuntimeError, KeyError) as error:
            reason = " ".join(str(error).split()).rstrip(".")
            raise ModelError(f"The model {model.id} can't be run: {reason}.") from error

    @classmethod
    def load(cls, model_id: str | None = None) -> Self:
        """Load a model by its id; None means the published one, else the one that ships.

        Raises:
            ModelError: there is no such model, or a file of it is missing or altered.
        """
        return cls(registry.find(model_id))

    def predict(self, digits: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Read digits.

        Args:
            digits: (N, 28, 28) uint8, bright ink on 0, any N, also 0.

        Returns:
            (N, 10) float32 probabilities; every row sums to 1.

        Raises:
            InputError: another shape or dtype.
        """
        return np.concatenate([said["probabilities"] for said in self._chunks(digits)])

    def outputs(self, digits: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """Read digits and give out what every layer says.

        Args:
            digits: as for `predict`.

        Returns:
            float32 arrays, first axis N, by the names of the layers: always "probabilities"
            (N, 10), "logits" (N, 10) and "features".

        Raises:
            InputError: another shape or dtype.
        """
        chunks = list(self._chunks(digits))
        if len(chunks) == 1:
            return chunks[0]
        return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}

    def _chunks(self, digits: NDArray[np.uint8]) -> Iterator[dict[str, NDArray[np.float32]]]:
        """What `outputs` gives, some digits at a time; at least once."""
        if not isinstance(digits, np.ndarray) or digits.dtype != np.uint8:
            kind = digits.dtype if isinstance(digits, np.ndarray) else type(digits).__name__
            raise InputError(f"Digits must be an array of uint8 values 0-255, not {kind}.")
        if digits.ndim != 3 or digits.shape[1:] != (28, 28):
            raise InputError(f"Digits must be (N, 28, 28); these are {digits.shape}.")
        if len(digits) == 0:
            blank = self._chunk(np.zeros((1, 28, 28), np.uint8))
            yield {name: values[:0] for name, values in blank.items()}
        for begin in range(0, len(digits), _CHUNK):
            yield self._chunk(digits[begin : begin + _CHUNK])

    def _chunk(self, digits: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        image = digits[..., None].astype(np.float32)
        image /= 255
        with self._lock:
            outputs: dict[str, NDArray[np.float32]] = self._run(image=image)
        return outputs


def read_drawing(image: NDArray[np.uint8], classifier: Classifier) -> Reading:
    """Read one digit from any picture, and say how far to trust the answer.

    Args:
        image: as for `preprocessing.to_mnist`: a drawing, scan or photo, uint8.
        classifier: the network that reads.

    Returns:
        The reading. A blank picture has ten equal probabilities and confidence 0.

    Raises:
        InputError: `image` is not such an array.
    """
    ink = find_ink(image)
    digit = place(ink)
    if inspection.is_blank(ink) or not digit.any():
        return Reading(
            np.zeros((28, 28), np.uint8),
            np.full(10, 0.1, np.float32),
            0,
            0.0,
            "blank",
            "There is nothing to read: no ink stands out from its background.",
        )
    outputs = classifier.outputs(digit[None])
    probabilities = outputs["probabilities"][0]
    label = int(probabilities.argmax())
    confidence = float(probabilities[label])
    verdict, reason = _judge(outputs["logits"][0], probabilities, classifier)
    if complaint := inspection.complaint(ink):
        verdict, reason = "unsure", complaint
    elif inspection.is_solid(digit):
        verdict, reason = "not a digit", "It is a filled shape: draw a digit with lines."
    return Reading(digit, probabilities, label, confidence, verdict, reason)


def sure_from(classifier: Classifier) -> float:
    """The probability of the likeliest digit from which on it is the answer."""
    return _SURE_WITHOUT_NONE if classifier.digit_from is None else _SURE


def _judge(
    logits: NDArray[np.float32], probabilities: NDArray[np.float32], classifier: Classifier
) -> tuple[Verdict, str]:
    """The verdict and its reason, from what the network says of the ten digits."""
    if classifier.digit_from is not None and digitness(logits) < classifier.digit_from:
        return "not a digit", _UNLIKE
    sure = sure_from(classifier)
    second, first = (int(d) for d in np.argsort(probabilities)[-2:])
    if probabilities[first] >= sure:
        return "digit", ""
    if classifier.digit_from is not None or probabilities[first] + probabilities[second] >= sure:
        return "unsure", f"It could be {a(first)} or {a(second)}: it lies between the two."
    return "not a digit", _UNLIKE
