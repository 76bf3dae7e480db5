"""The article's prediction as a script: load the Keras network, name three breeds of a photo.

python benchmarks/article_script.py keras.keras labels.json photo.jpg
"""

import json
import sys

import keras
import numpy as np


def main() -> None:
    network, labels, photo = sys.argv[1:]
    with open(labels, encoding="utf-8") as file:
        names = json.load(file)
    model = keras.models.load_model(network)
    image = keras.utils.load_img(photo, target_size=model.input_shape[1:3])
    batch = keras.utils.img_to_array(image)[None]
    logits = model.predict(keras.applications.inception_v3.preprocess_input(batch), verbose=0)
    probabilities = keras.ops.softmax(logits[0]).numpy()
    for number in np.argsort(-probabilities)[:3]:
        print(f"{names[number]}: {probabilities[number]:.2%}")


if __name__ == "__main__":
    main()
