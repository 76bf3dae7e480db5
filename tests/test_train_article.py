"""The article's own recipe trains the head alone, on new views in every epoch."""

import itertools

import numpy as np

from dogbreed.train.data.cuts import cut_validation
from dogbreed.train.data.load import load_training_data
from dogbreed.train.network import article
from dogbreed.train.network.article import LEARNING_RATE, fit_article
from dogbreed.train.network.backbone import build_backbone, classifier_network
from dogbreed.train.options import Options


def test_it_starts_from_the_head_and_leaves_the_rest_as_it_is(shapes_folder, tmp_path):
    photos = load_training_data(str(shapes_folder)).train
    network = classifier_network(build_backbone(None, 75), 3)
    rng = np.random.default_rng(0)
    head = [rng.normal(size=(2048, 3)).astype(np.float32), np.ones(3, np.float32)]
    network.get_layer("predictions").set_weights(head)
    below = [weight.numpy() for weight in network.weights[:-2]]
    split = cut_validation(photos.labels, 3, 42)
    options = Options(output=tmp_path, epochs=1)
    head_found, history = fit_article(network, photos, split, options, tmp_path / "fit")
    # Two batches, two steps: Adam moves each weight by its learning rate at most.
    for weights, begun in zip(head_found, head, strict=True):
        np.testing.assert_allclose(weights, begun, atol=2 * LEARNING_RATE)
        assert not np.array_equal(weights, begun)
    for weights, begun in zip(network.weights[:-2], below, strict=True):
        np.testing.assert_array_equal(weights.numpy(), begun)
    assert len(history) == 1 and "val_cross_entropy" in history[0]
    assert list((tmp_path / "fit" / "logs").rglob("events.out.tfevents.*"))


def test_every_epoch_has_other_views_of_every_photo():
    rows = np.array([7, 2, 5])

    def draw(first_epoch: int, count: int) -> list:
        return list(itertools.islice(article._draw(rows, first_epoch, 1, 75), count))

    two = draw(0, 6)
    for epoch in (two[:3], two[3:]):
        assert sorted(row for row, _ in epoch) == [2, 5, 7]
    first, second = (dict(epoch) for epoch in (two[:3], two[3:]))
    assert not any(np.array_equal(first[row], second[row]) for row in first)
    for (row, view), (again, same) in zip(draw(1, 3), two[3:], strict=True):
        assert row == again and np.array_equal(view, same)
