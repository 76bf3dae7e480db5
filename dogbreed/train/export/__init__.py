"""From Keras to the network that serves, and to other formats."""
