"""The training half: the only part of the package that needs TensorFlow and datasets."""
