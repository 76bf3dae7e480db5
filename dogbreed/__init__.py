"""Name the breed of the dog in a photo.

from dogbreed import DogBreedClassifier
print(DogBreedClassifier.from_pretrained().predict("dog.jpg").as_dict())
"""

from dogbreed.classifier import DogBreedClassifier
from dogbreed.errors import DogBreedError
from dogbreed.prediction import Prediction

__all__ = ["DogBreedClassifier", "DogBreedError", "Prediction"]
