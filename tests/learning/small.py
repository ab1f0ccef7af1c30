"""A training that takes a second."""

from mnist_core.settings import Settings

# 130 digits are four batches and two digits left over: 20 batches in all.
SETTINGS = Settings(
    "mlp",
    "dense",
    hidden=(12,),
    dropout=0.2,
    epochs=4,
    batch_size=32,
    learning_rate=0.01,
    augment=True,
    images=130,
    data="generated",
)
