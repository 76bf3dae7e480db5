"""The report says what the evaluation found, shows the mistakes, and needs no other file."""

import io
import shutil
from base64 import b64decode
from dataclasses import replace

import datasets
import numpy as np
import pytest
from PIL import Image

from dogbreed.classifier import DogBreedClassifier
from dogbreed.heatmap import overlay, relative_evidence
from dogbreed.train.data.columns import to_photos
from dogbreed.train.measure.metrics import Evaluation, Results, dog_metrics, rejection_metrics
from dogbreed.train.report.html import REPORT, metric_intervals, write_report
from tests.helpers.flowers import speaks_of_dogs, write_flowers
from tests.helpers.reports import (
    COUNT,
    RED,
    Page,
    audited,
    decode,
    known,
    make_photos,
    negatives,
    numeric,
    report,
)
from tests.helpers.tiny_bundle import LABELS, NAMES, draw_disc, write_bundle


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Page:
    return report(tmp_path_factory.mktemp("full"), unseen=negatives())


def test_all_metrics_are_there_with_intervals_around_them(page):
    header, *rows = page.tables["metrics"]
    assert header == ["Metric", "Value", "95 % interval", "Photos"]
    values = {title: (value, interval, photos) for title, value, interval, photos in rows}
    assert (
        len(values)
        == len(dog_metrics(known())) + len(rejection_metrics(known(), negatives()))
        == 13
    )
    assert values["Top-1 accuracy"][0] == f"{100 * 16 / 21:.2f} %"
    assert values["Mean size of the prediction sets"][0] == "2"
    for title, (value, interval, _) in values.items():
        if title == "Top-3 accuracy":
            continue
        low, high = (numeric(end) for end in interval.split(" to "))
        assert low <= numeric(value) <= high and low < high, title
    # With three classes the first three answers are always right: no draw says anything else.
    assert values["Top-3 accuracy"][:2] == ("100.00 %", "–")
    assert values["Top-1 accuracy"][2] == "21"
    assert values["Non-dog photos rejected at the threshold in use"][2] == "20"
    assert values["Dog photos against non-dog photos (AUROC)"][2] == "21 + 20"


def test_independent_photos_are_shown_by_source(tmp_path):
    answers = known()
    half = len(answers) // 2
    sources = ["web"] * half + ["phone"] * (len(answers) - half)
    page = report(tmp_path, unseen=negatives(), independent=replace(answers, groups=sources))
    header, *rows = page.tables["sources"]
    assert header[:3] == ["Source", "Photos", "Top-1"]
    assert [row[0] for row in rows] == ["phone", "web", "all"]
    assert rows[-1][1:3] == [str(len(answers)), f"{100 * 16 / 21:.2f} %"]
    assert "sources" not in report(tmp_path / "without").tables


def test_intervals_are_as_wide_as_the_number_of_photos_says():
    found = metric_intervals(Results(known(times=40)))
    share = 16 / 21
    low, high = found["top_1"]
    expected = 1.96 * np.sqrt(share * (1 - share) / (40 * COUNT))
    assert share - low == pytest.approx(expected, rel=0.1)
    assert high - share == pytest.approx(expected, rel=0.1)
    # 2 of 9 of the first breed and 3 of 9 of the second weigh a third each, in their own numbers.
    spread = np.sqrt(0.8 * 0.2 / (40 * 10) + 2 / 3 * 1 / 3 / (40 * 9)) / 3
    low, high = found["macro_top_1"]
    assert high - low == pytest.approx(2 * 1.96 * spread, rel=0.2)


def test_a_single_photo_has_no_intervals(tmp_path):
    one = Evaluation(
        np.array([[2, 1, 0]], np.float32),
        np.array([RED]),
        np.array([0]),
        NAMES,
        [],
        temperature=1.0,
        set_sizes=np.array([1]),
        dog_scores=np.array([0.9]),
        refused=np.array([False]),
    )
    rows = report(tmp_path, one).tables["metrics"][1:]
    assert [row[2] for row in rows] == ["–"] * 9


def test_every_breed_has_a_row_worst_first(page):
    assert page.tables["breeds"][1:] == [
        ["Green square", "9", "66.7 %", "100.0 %", "Red disc"],
        ["Red disc", "10", "80.0 %", "100.0 %", "Green square"],
        ["Blue triangle", "2", "100.0 %", "100.0 %", ""],
    ]


def test_the_mistakes_of_each_pair_are_shown_surest_first_with_both_breeds(page):
    text = page.texts["mistakes"]
    assert "Red disc taken for Green square: 2. Green square taken for Red disc: 2." in text
    assert "Green square taken for Blue triangle: 1. Blue triangle taken for Green square: 0." in (
        text.replace("Blue triangle and Green square", "")
    )
    # Positions 9, 16 and 17 are the surest of the four mistakes, 18 the only one of its pair.
    shown = [f"Row {COUNT - 1 - position} of test" for position in (9, 16, 17, 18)]
    assert [line for line in text.splitlines() if line.startswith("Row ")] == shown
    described = [alt for _, alt in page.pictures["mistakes"]]
    assert described == [
        f"Photo labelled {true}; red marks the evidence for {breed}."
        for true, answer in (
            ("Red disc", "Green square"),
            ("Green square", "Red disc"),
            ("Green square", "Red disc"),
            ("Green square", "Blue triangle"),
        )
        for breed in (answer, true)
    ]


def test_the_evidence_is_laid_over_the_photo_that_was_answered(page):
    """The photo of position 16, row 4: a disc of red 120, evidence for the red disc only."""
    for_red, for_green = (decode(address) for address, _ in page.pictures["mistakes"][2:4])
    assert for_red.size == for_green.size == (240, 160)
    plain = np.array([120, 0, 0])
    inside = (30, 40)
    assert np.abs(np.asarray(for_green)[inside] - plain).max() < 8
    assert np.asarray(for_red)[inside][0] > 150
    beyond = np.asarray(for_red)[100:, 140:]
    assert beyond.max() < 20


def test_the_frame_is_the_one_that_the_network_sees(tmp_path):
    preprocessing = {"scale": "inception", "resize": "letterbox"}
    photos = make_photos((120, 60))
    page = report(tmp_path, photos=photos, preprocessing=preprocessing)
    shown = decode(page.pictures["mistakes"][2][0])
    classifier = DogBreedClassifier.from_pretrained(tmp_path / "tiny-model")
    photo = Image.open(io.BytesIO(photos.encoded(4))).convert("RGB")
    evidence = relative_evidence(classifier.predict(photos.encoded(4)), "Red disc")

    def difference(resize: str) -> float:
        expected = np.asarray(overlay(photo, evidence, resize), float)
        return np.abs(np.asarray(shown, float) - expected).mean()

    assert shown.size == photo.size
    assert difference("letterbox") < 2 < difference("squash")


def test_the_pictures_and_the_groups_are_there(page):
    for section in ("reliability", "negatives"):
        ((address, description),) = page.pictures[section]
        assert decode(address).format == "PNG"
        assert description
    # Of the 10 photos each, those at 0, 4, 8, 12 and 16 were accepted, all of them places.
    assert page.tables["negatives"][1:] == [
        ["places", "10", "5", "50.0 %", "Red disc"],
        ["food", "10", "10", "100.0 %", ""],
    ]


def test_learning_curves_are_there_if_the_bundle_has_them(tmp_path, page):
    assert "curves" not in page.pictures
    history = (
        "epoch,accuracy,cross_entropy,val_accuracy,val_cross_entropy,val_loss\n"
        "1,0.1,2.0,0.1,2.0,2.0\n2,0.2,1.0,0.2,1.0,1.0\n"
    )
    with_curves = report(tmp_path, history=history)
    ((address, description),) = with_curves.pictures["curves"]
    assert decode(address).format == "PNG"
    assert "2 epochs" in description


@pytest.mark.parametrize("row", ["", "1,0.1", "1,0.1,none", "1,0.1,2.0,3.0"])
def test_a_history_that_cannot_be_drawn_is_left_out(tmp_path, row):
    history = f"epoch,accuracy,cross_entropy\n{row}\n"
    assert "curves" not in report(tmp_path, history=history).pictures


ISSUES = "file,row,label,suggested,of_label,of_suggested\n"


def test_labels_that_are_probably_wrong_are_listed(tmp_path):
    rows = [f"a/{number}.png,{number},<b>a</b>,b,0.01,0.9" for number in range(60)]
    page = audited(tmp_path, {"label_issues": ISSUES + "\n".join(rows)})
    header, *listed = page.tables["audit"]
    assert header == ["Photo", "Label", "Its probability", "Suggested", "Its probability"]
    assert listed == [[f"a/{number}.png", "<b>a</b>", "0.01", "b", "0.9"] for number in range(50)]
    assert "look the same" not in page.texts["audit"]


def test_photos_that_look_the_same_are_listed(tmp_path):
    pairs = "split,file,other_split,other_file\ntest,a/1.png,train,b/2.png\n"
    page = audited(tmp_path, {"near_duplicates": pairs})
    assert page.tables["audit"][1:] == [["a/1.png", "test", "b/2.png", "train"]]
    assert "probably wrong" not in page.texts["audit"]


@pytest.mark.parametrize("text", ["", ISSUES, "file,label\na/1.png,a\n", "\0"])
def test_without_such_rows_there_is_no_section_for_them(tmp_path, text):
    assert "audit" not in audited(tmp_path, {"label_issues": text}).tables


def test_a_bundle_without_thresholds_or_metrics_has_a_report(tmp_path):
    bundle = write_bundle(tmp_path / "tiny-model")
    shutil.rmtree(bundle / "metrics")
    classifier = DogBreedClassifier.from_pretrained(bundle)
    write_report(tmp_path / REPORT, classifier, Results(known(trust=False)), make_photos())
    page = Page((tmp_path / REPORT).read_text(encoding="utf-8"))
    assert [row[0] for row in page.tables["metrics"][1:]] == [
        "Top-1 accuracy",
        "Top-3 accuracy",
        "Mean top-1 accuracy over the breeds",
        "Expected calibration error",
        "Expected calibration error without the temperature",
        "First answers with a probability over 90 %",
        "Wrong answers among those",
    ]
    assert set(page.pictures) == {"metrics", "reliability", "breeds", "mistakes"}


def test_the_report_of_another_model_does_not_speak_of_dogs(tmp_path):
    flowers = DogBreedClassifier.from_pretrained(write_flowers(tmp_path / "flowers"))
    results = Results(known(flowers.names), negatives=replace(negatives(), names=flowers.names))
    write_report(tmp_path / REPORT, flowers, results, make_photos())
    html = (tmp_path / REPORT).read_text(encoding="utf-8")
    page = Page(html)
    shown = [alt for pictures in page.pictures.values() for _, alt in pictures]
    shown += [cell for rows in page.tables.values() for row in rows for cell in row]
    assert speaks_of_dogs("\n".join([*shown, *page.texts.values()])) == []
    assert "names classes</h1>" in html and "Flower photos wrongly rejected" in shown


def test_without_mistakes_it_says_so(tmp_path):
    evaluation = known()
    evaluation.logits[np.arange(COUNT), evaluation.labels] = 9
    page = report(tmp_path, evaluation)
    assert "Every photo was classified correctly." in page.texts["mistakes"]
    assert page.pictures["mistakes"] == []


def test_names_are_shown_as_text(tmp_path):
    names = ("<b>Red</b>", '"Green" & <i>', "Blue")
    changes = {"names": dict(zip(LABELS, names, strict=True))}
    page = report(tmp_path, known(names), **changes)
    assert "<b>" not in page.html and "<i>" not in page.html
    assert {row[0] for row in page.tables["breeds"][1:]} == set(names)
    assert any(alt.endswith('evidence for "Green" & <i>.') for _, alt in page.pictures["mistakes"])


def test_it_needs_nothing_from_elsewhere_and_names_no_folder(page, tmp_path):
    assert "://" not in page.html and "<link" not in page.html and "@import" not in page.html
    addresses = [address for pictures in page.pictures.values() for address, _ in pictures]
    assert len(addresses) == page.html.count("src=")
    assert all(address.startswith("data:image/") for address in addresses)
    assert "How well tiny-model names breeds" in page.html
    assert "1 photo could not be decoded" in page.html
    assert "/home/someone" not in page.html and str(tmp_path.parent) not in page.html


def test_what_photos_say_of_their_owners_stays_out(tmp_path):
    file = io.BytesIO()
    draw_disc(64).save(file, "JPEG", comment=b"taken by Someone")
    assert b"taken by Someone" in file.getvalue()
    cell = {"bytes": file.getvalue(), "path": None}
    features = datasets.Features({"image": datasets.Image(), "label": datasets.Value("string")})
    data = {"image": [cell] * COUNT, "label": [LABELS[0]] * COUNT}
    photos = to_photos(datasets.Dataset.from_dict(data, features=features), "test")
    page = report(tmp_path, photos=photos)
    shown = [b64decode(src.partition(",")[2]) for src, _ in page.pictures["mistakes"]]
    assert shown and not any(b"Someone" in picture for picture in shown)


def test_it_says_that_the_photos_are_not_for_everyone(page):
    text = page.texts["mistakes"]
    assert "Do not publish this file unless the owners of the photos allow it" in text


def test_the_same_evaluation_gives_the_same_file(tmp_path):
    pages = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        pages.append(report(tmp_path / name, unseen=negatives()).html)
    assert pages[0] == pages[1]


@pytest.fixture
def opened(page, tmp_path, chromium_path, playwright_session):
    """The report in Debian's Chromium, on a phone, with the requests and errors it caused."""
    (tmp_path / REPORT).write_text(page.html, encoding="utf-8")
    browser = playwright_session.chromium.launch(
        executable_path=chromium_path, args=["--no-sandbox", "--disable-gpu"]
    )
    tab = browser.new_page(viewport={"width": 360, "height": 740})
    tab.noticed = []
    tab.on("request", lambda request: tab.noticed.append(request.url))
    tab.on("console", lambda message: tab.noticed.append(message.text))
    tab.on("pageerror", lambda error: tab.noticed.append(str(error)))
    tab.goto((tmp_path / REPORT).as_uri())
    yield tab
    browser.close()


def test_columns_are_sorted_in_a_browser_by_mouse_and_keyboard(opened):
    def column(number: int) -> list[str]:
        return opened.locator(f"#breeds tbody tr > :nth-child({number})").all_inner_texts()

    def order(number: int) -> str | None:
        return opened.locator(f"#breeds thead th:nth-child({number})").get_attribute("aria-sort")

    def button(name: str):
        return opened.locator("#breeds").get_by_role("button", name=name)

    assert (order(3), column(3)) == ("ascending", ["66.7 %", "80.0 %", "100.0 %"])
    button("Photos").click()
    assert column(2) == ["2", "9", "10"]
    assert (order(2), order(3)) == ("ascending", None)
    button("Photos").press("Enter")
    assert (order(2), column(2)) == ("descending", ["10", "9", "2"])
    button("Breed").press("Space")
    assert column(1) == ["Blue triangle", "Green square", "Red disc"]
    assert column(2) == ["2", "9", "10"]


def test_a_phone_shows_it_whole_and_nothing_is_fetched(opened):
    assert opened.evaluate("document.documentElement.scrollWidth") <= 360
    pictures = opened.locator("img")
    for number in range(pictures.count()):
        pictures.nth(number).scroll_into_view_if_needed()
    opened.wait_for_function(
        "[...document.images].every((image) => image.complete && image.naturalWidth > 0)"
    )
    foreign = [each for each in opened.noticed if not each.startswith(("file:", "data:"))]
    assert foreign == []
