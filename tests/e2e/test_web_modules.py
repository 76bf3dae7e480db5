"""Answers, words and tables of the page without a server, compared with those of Python."""

import numpy as np
import pytest

from dogbreed import rejection, wording
from dogbreed.breeds import BREEDS
from dogbreed.page.batch import as_row, write_csv
from dogbreed.page.i18n import LANGUAGES, texts
from dogbreed.page.live import PAUSE, smooth
from dogbreed.prediction import Prediction
from dogbreed.prediction_set import SetRule
from tests.helpers.tiny_bundle import NAMES, THRESHOLDS, make_config

RULES = {
    "energy": {"method": "energy", "threshold": 2.0, "scale": 0.7, "offset": -1.0},
    "logistic": {"method": "logistic", "threshold": 0.3, "scale": 1.5, "offset": 0.2},
    "mlp": {"method": "mlp", "threshold": 0.3, "scale": 1.5, "offset": 0.2},
    "no probability": {"method": "energy", "threshold": 2.0, "scale": None, "offset": None},
}


@pytest.mark.parametrize("rule", RULES)
def test_an_answer_is_made_alike(modules, rule):
    rng = np.random.default_rng(1)
    evidence = (3 * rng.standard_normal((8, 8, 12))).astype(np.float32)
    features = rng.standard_normal(5).astype(np.float32)
    shapes = {"weights": (4 if rule == "mlp" else 5,), "bias": ()}
    if rule == "mlp":
        shapes |= {"hidden_weights": (5, 4), "hidden_bias": (4,)}
    arrays = {name: np.float32(rng.standard_normal(shape)) for name, shape in shapes.items()}
    sets = {"coverage": 0.9, "threshold": 0.8, "penalty": 0.1, "free_ranks": 1}
    model = {
        "names": [f"Breed {number}" for number in range(12)],
        "temperature": 0.6,
        "sets": sets,
        "rejection": {**RULES[rule], **{k: v.tolist() for k, v in arrays.items()}},
    }
    found = modules.evaluate(
        """async ([model, evidence, features]) => {
            const { predict } = await import("/answer.js");
            const [values, pooled] = [evidence, features].map((each) => Float32Array.from(each));
            return predict(model, { evidence: values, rows: 8, columns: 8, features: pooled }, 5);
        }""",
        [model, evidence.ravel().tolist(), features.tolist()],
    )
    logits = evidence.mean(axis=(0, 1), dtype=np.float64)
    exponentials = np.exp((logits - logits.max()) / 0.6)
    probabilities = exponentials / exponentials.sum()
    order = np.argsort(-probabilities, kind="stable")
    assert found["ids"] == order[:5].tolist()
    assert found["probabilities"] == pytest.approx(probabilities[order[:5]], abs=1e-9)
    size = int(SetRule(**sets).sizes(probabilities[None])[0])
    assert found["predictionSet"] == [f"Breed {number}" for number in order[:size]]
    wanted = rejection.RejectionRule(arrays=arrays, **RULES[rule])
    scores = wanted.score(logits[None], features[None])
    assert found["score"] == pytest.approx(float(scores[0]), abs=1e-5)
    assert found["looksLikeDog"] == bool(scores[0] >= wanted.threshold)
    probability = wanted.probability(scores)
    if probability is None:
        assert found["isDog"] is None
    else:
        assert found["isDog"] == pytest.approx(float(probability[0]), abs=1e-6)


def predictions() -> list[Prediction]:
    """Answers that need different sentences."""
    breeds = ("Irish setter", "Gordon setter", "Eurasier", "Affenpinscher", "Pug")
    made = []
    for first in (0.95, 0.7, 0.4):
        for count in range(6):
            for looks_like_dog in (True, False):
                made.append(
                    Prediction(
                        labels=breeds[:3],
                        probabilities=(first, 0.2, 0.1),
                        ids=(0, 1, 2),
                        evidence_map=np.zeros((8, 8, 5), np.float32),
                        looks_like_dog=looks_like_dog,
                        prediction_set=breeds[:count],
                        coverage=0.95 if count else None,
                        is_dog=0.25,
                    )
                )
    return made


def as_argument(prediction: Prediction) -> dict:
    return {
        "labels": prediction.labels,
        "probabilities": prediction.probabilities,
        "looksLikeDog": prediction.looks_like_dog,
        "predictionSet": prediction.prediction_set,
        "coverage": prediction.coverage,
        "isDog": prediction.is_dog,
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sentences_are_the_same(modules, language):
    words, made = texts(language), predictions()
    articles = {breed.name: breed.wikidata for breed in BREEDS}
    confused = {made[0].labels[0]: ("Pug", "Boxer")}
    found = modules.evaluate(
        """async ([all, words, language, breeds, confused]) => {
            const wording = await import("/wording.js");
            const link = (each, name) => wording.readMoreLink(name, breeds[name], language);
            return all.map((each) => [
                wording.sentence(each, words, language === "en"),
                wording.confidence(each, words),
                wording.oftenConfused(each, confused, words),
                link(each, each.labels[0]),
            ]);
        }""",
        [[as_argument(each) for each in made], words, language, articles, confused],
    )
    assert found == [
        [
            wording.sentence(each, words, language == "en"),
            wording.confidence(each, words),
            wording.often_confused(each, confused, words),
            wording.read_more_link(each.labels[0], language),
        ]
        for each in made
    ]


def test_the_csv_is_the_same(modules, tmp_path):
    made = predictions()[:4]
    names = ["dog.jpg", 'a "b", c.png', "犬.webp", "x.avif"]
    found = modules.evaluate(
        """async (rows) => (await import("/batch.js")).asCsv(rows)""",
        [
            {
                "file": name,
                "prediction": as_argument(each),
                "note": "" if each.looks_like_dog else texts("en")["no_dog"],
            }
            for name, each in zip(names, made, strict=True)
        ],
    )
    rows = [as_row(name, each) for name, each in zip(names, made, strict=True)]
    path = write_csv(rows, tmp_path)
    assert found.encode() == path.read_bytes()


def test_the_camera_is_smoothed_alike(modules):
    rng = np.random.default_rng(2)
    frames, now = [], 10.0
    for number in range(12):
        now += [0.1, 0.4, PAUSE + 1][number % 3] if number > 5 else 0.05
        frames.append([rng.dirichlet(np.ones(4)).tolist(), bool(rng.random() < 0.6), now])
    found = modules.evaluate(
        """async (frames) => {
            const { smooth } = await import("/live.js");
            let state = null;
            return frames.map(([probabilities, dog, now]) => {
                state = smooth(state, Float64Array.from(probabilities), dog, now);
                return [...state.probabilities, state.noDog];
            });
        }""",
        frames,
    )
    state = None
    for (probabilities, dog, now), values in zip(frames, found, strict=True):
        state = smooth(state, np.array(probabilities), dog, now)
        assert values == pytest.approx([*state.probabilities, state.no_dog], abs=1e-12)


def test_the_evidence_is_relative_to_the_average_label(modules):
    evidence = np.random.default_rng(3).standard_normal((2, 3, 4)).astype(np.float32)
    found = modules.evaluate(
        """async (evidence) => {
            const { relativeEvidence } = await import("/heatmap.js");
            const output = { evidence: Float32Array.from(evidence), rows: 2, columns: 3 };
            const answer = { output, labels: ["a", "b"], ids: [2, 0], all: [0, 0, 0, 0] };
            return Array.from(relativeEvidence(answer, "b"));
        }""",
        evidence.ravel().tolist(),
    )
    wanted = evidence[:, :, 0] - evidence.mean(axis=2)
    assert np.reshape(found, (2, 3)) == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize(
    ("found", "wanted", "alike"),
    [
        ([1.0, -2.0], [1.01, -2.0], True),
        ([1.0, -2.0], [1.03, -2.0], False),
        ([1.0], [1.0, -2.0], False),
        ([float("nan"), -2.0], [1.0, -2.0], False),
        ([], [], True),
    ],
)
def test_a_gpu_that_answers_otherwise_is_found(modules, found, wanted, alike):
    compare = """async ([found, wanted]) => {
        const { areAlike } = await import("/network.js");
        return areAlike(Float32Array.from(found), Float32Array.from(wanted));
    }"""
    assert modules.evaluate(compare, [found, wanted]) is alike


@pytest.mark.parametrize(
    ("wanted", "language"),
    [("de-CH", "de"), ("fi", "en"), ("zh-TW", "zh-CN"), ("pt-BR", "pt"), ("EN", "en")],
)
def test_the_language_is_picked_alike(modules, wanted, language):
    pick = """async ([wanted, all]) => (await import("/texts.js")).pickLanguage(wanted, all)"""
    assert modules.evaluate(pick, [wanted, list(LANGUAGES)]) == language


@pytest.mark.parametrize(
    ("training", "alike"),
    [
        ({"settled": {"photos": 100}, "options": {}}, True),
        ({"settled": {"photos": 100}, "options": {"independent": "ann/others"}}, False),
        ({}, False),
    ],
)
def test_promises_that_photos_like_the_training_photos_settled_are_known(modules, training, alike):
    config = {**make_config(), "thresholds": THRESHOLDS, "training": training}
    found = modules.evaluate(
        """async (config) => (await import("/model.js")).asModel(config, {})""", config
    )
    assert found["settledAlike"] is alike
    assert found["names"] == list(NAMES) and found["rejection"] == THRESHOLDS["is_dog"]


def test_a_download_is_checked_kept_and_forgotten(modules):
    found = modules.evaluate(
        """async () => {
            const { download, forgetOthers } = await import("/download.js");
            const url = "square.js";
            const bytes = new Uint8Array(await (await fetch(url)).arrayBuffer());
            const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
            const sha256 = [...hash].map((each) => each.toString(16).padStart(2, "0")).join("");
            const file = { url, sha256, size: bytes.length };
            let loaded = 0;
            await download(file, (length) => { loaded += length; });
            const [name] = await caches.keys();
            const kept = (await (await caches.open(name)).keys()).length;
            const wrong = { ...file, sha256: sha256.replace(/^../, "zz") };
            const refused = await download(wrong).catch((error) => String(error));
            await forgetOthers([]);
            const left = (await (await caches.open(name)).keys()).length;
            return { loaded, size: bytes.length, kept, refused, left };
        }"""
    )
    assert found["loaded"] == found["size"] and found["kept"] == 1 and found["left"] == 0
    assert "is not the file it should be" in found["refused"]
