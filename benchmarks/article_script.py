"""The article's prediction as a script: load the Keras network, name three breeds for a photo.

python -m benchmarks.article_script keras.keras names.json photo.jpg
"""

import argparse
import json

import keras
import numpy as np


def main() -> None:
    """Print the three most probable breeds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("network", help="Keras file")
    parser.add_argument("names", help="JSON file with the name of each class, in order")
    parser.add_argument("photo")
    options = parser.parse_args()
    with open(options.names, encoding="utf-8") as file:
        names = json.load(file)
    model = keras.models.load_model(options.network)
    image = keras.utils.load_img(options.photo, target_size=model.input_shape[1:3])
    batch = keras.utils.img_to_array(image)[None]
    logits = model.predict(keras.applications.inception_v3.preprocess_input(batch), verbose=0)
    probabilities = keras.ops.softmax(logits[0]).numpy()
    for number in np.argsort(-probabilities)[:3]:
        print(f"{names[number]}: {probabilities[number]:.2%}")


if __name__ == "__main__":
    main()
