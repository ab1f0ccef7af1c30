"""The few lines of NumPy or Keras that do what a step shows; the tests run them.

Each is a program of its own but for what `GIVEN` says is there. Placeholders begin with `$`.
"""

from __future__ import annotations

from string import Template
from typing import Any

import streamlit as st

from mnist_core.explanation import LayerSeen

GIVEN = """\
import keras, numpy as np
from PIL import Image

model = keras.models.load_model("model.keras")  # Train, "Use this model", or models/default
digit = np.asarray(Image.open("digit.png"))     # (28, 28), 0 to 255
x = digit[None, :, :, None] / 255               # one picture, one channel, 0 to 1
"""

SNIPPETS = {
    "ink": """\
import numpy as np
from PIL import Image

ink = np.asarray(Image.open("drawing.png").convert("L")).astype(int)
ink = np.abs(ink - ink[0, 0])                                 # the paper becomes 0
rows, columns = np.nonzero(ink > ink.max() / 3)
ink = ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]     # crop

field = max(ink.shape) * 28 / 20                              # the longer side becomes 20 of 28
row = ink.sum(axis=1) @ np.arange(ink.shape[0]) / ink.sum() + 0.5             # centre of mass
column = ink.sum(axis=0) @ np.arange(ink.shape[1]) / ink.sum() + 0.5
room = round(field)
top, left = (room + centre - field * 14.5 / 28 for centre in (row, column))
wide = Image.fromarray(np.pad(ink, room).astype(np.uint8))
small = wide.resize((28, 28), Image.Resampling.HAMMING, (left, top, left + field, top + field))
digit = np.asarray(small) * (255 / np.max(small))

x = digit / 255                                               # 0 to 1
""",
    "layers": """\
# Keras has a convolution, its normalisation and ReLU as three layers; the page folds them into one.
inside = keras.Model(model.input, [layer.output for layer in model.layers])
for layer, values in zip(model.layers, inside(x)):
    print(layer.name, values.shape, layer.count_params())
""",
    "unit": """\
from mnist_core.weights import PlainNetwork    # weights.json and weights.bin: plain arrays

network = PlainNetwork.load("models/default")  # or the folder of another model
values = network.forward(digit[None])          # what every layer says, by its name
layer = network.layers[-2]                     # the logits: a dense layer
features = values["features"][0].ravel()

k = 4
total = (features * layer["kernel"][:, k]).sum() + layer["bias"][k]
""",
    "softmax": """\
logits = keras.Model(model.input, model.get_layer("logits").output)(x)[0].numpy()
raised = np.exp(logits - logits.max())
probabilities = raised / raised.sum()

one_hot = np.eye(10)[$true]
loss = -(one_hot * np.log(probabilities)).sum()
""",
    "evidence": """\
pictures = keras.Model(model.input, model.get_layer("$last").output)(x)[0].numpy()
weights = model.get_layer("logits").get_weights()[0]
$contrast
evidence = $places
""",
    "occlusion": """\
logits = keras.Model(model.input, model.get_layer("logits").output)
$lead
missed = np.zeros((28, 28))
for row in range(0, 28, 4):
    for column in range(0, 28, 4):
        covered = x.copy()
        covered[0, row : row + 4, column : column + 4] = 0
        missed[row : row + 4, column : column + 4] = lead(x) - lead(covered)
""",
    "similar": """\
from collections import Counter

features = keras.Model(model.input, model.get_layer("features").output)
(images, labels), _ = keras.datasets.mnist.load_data()

of_all = features.predict(images[..., None] / 255).reshape(len(images), -1)
of_it = features.predict(x).reshape(1, -1)
nearest = np.linalg.norm(of_all - of_it, axis=1).argsort()[:10]
vote = Counter(labels[nearest]).most_common(1)[0][0]    # of equals the nearest
""",
    "nudge": """\
turned = Image.fromarray(digit).rotate(-20, Image.Resampling.BILINEAR)
probabilities = model(np.asarray(turned)[None, :, :, None] / 255)[0].numpy()
""",
}


def code(name: str, **values: Any) -> None:
    """Show the code of a step in a fold; `values` are as for `written`."""
    title = "Show me the code" + (": one unit" if name == "unit" else "")
    with st.expander(title):
        st.code(written(name, **values), language="python")


def written(name: str, **values: Any) -> str:
    """The code of a step.

    Args:
        name: of `SNIPPETS`.
        values: "softmax": `true`. "evidence" and "occlusion": `digit`, `against` (None: all
            others), and `layers` of the network.
    """
    body = SNIPPETS[name]
    if name == "softmax":
        body = Template(body).substitute(true=values["true"])
    elif name in ("evidence", "occlusion"):
        body = Template(body).substitute(_asked(**values))
    return body if name == "ink" else f"{GIVEN}\n{body}"


def _asked(*, digit: int, against: int | None, layers: tuple[LayerSeen, ...]) -> dict[str, str]:
    if against is None:
        one = f"weights[:, {digit}] - np.delete(weights, {digit}, axis=1).mean(axis=1)"
        lead = f"z[{digit}] - np.delete(z, {digit}).mean()"
    else:
        one = f"weights[:, {digit}] - weights[:, {against}]"
        lead = f"z[{digit}] - z[{against}]"
    names = [layer.name for layer in layers]
    before = layers[names.index("logits") - 1]
    last = names[names.index("logits") - 2] if len(layers) > 3 else None
    averaged = before.kind == "global_average"
    return {
        "contrast": f"contrast = {one}",
        "places": "pictures @ contrast / pictures[..., 0].size"
        if averaged
        else "(pictures * contrast.reshape(pictures.shape)).sum(axis=2)",
        "last": last or "image",
        "lead": f"def lead(x):\n    z = logits(x)[0].numpy()\n    return {lead}\n",
    }
