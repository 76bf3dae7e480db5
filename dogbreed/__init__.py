"""Name the breed of the dog in a photo.

from dogbreed import DogBreedClassifier
print(DogBreedClassifier.from_pretrained().predict("dog.jpg").as_dict())
"""

from dogbreed.classifier import DogBreedClassifier, Prediction
from dogbreed.errors import DogBreedError

__all__ = ["DogBreedClassifier", "DogBreedError", "Prediction"]
