"""Everything Digit Studio knows about digits; it imports neither Streamlit nor Plotly.

Ink to prediction: `preprocessing.to_mnist` -> `inference.Classifier` -> `inference.Reading`.
Data to model: `datasets` -> `learning` (the only room that imports TensorFlow) -> `models/`.
"""
