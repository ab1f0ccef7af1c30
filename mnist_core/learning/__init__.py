"""Build, fit and export networks: the only room that imports TensorFlow.

Nothing here is imported by the web process; it runs in a process of its own.
"""
