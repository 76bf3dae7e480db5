"""Metrics as people read them in card and report: what they are called, and their values."""

from dogbreed.subject import capitalized, terms

_NOT_SHARES = ("cross_entropy", "evidence_error", "set_size", "is_dog_auroc")


def metric_titles(subject: str) -> dict[str, str]:
    """What each metric is called, by its name in config.json.

    Args:
        subject: What the photos of the model show.
    """
    words = terms(subject)
    photos, others = map(capitalized, (words.photos, words.others))
    return {
        "top_1": "Top-1 accuracy",
        "top_3": "Top-3 accuracy",
        "macro_top_1": f"Mean top-1 accuracy over the {words.kinds}",
        "cross_entropy": "Cross-entropy",
        "ece": "Expected calibration error",
        "ece_untempered": "Expected calibration error without the temperature",
        "set_coverage": "Prediction sets that contain the true label",
        "set_size": "Mean size of the prediction sets",
        "dogs_refused": f"{photos} wrongly rejected",
        "sure": "First answers with a probability over 90 %",
        "sure_wrong": "Wrong answers among those",
        "is_dog_auroc": f"{photos} against {words.others} (AUROC)",
        "negatives_refused": f"{others} rejected at the threshold in use",
        "negatives_refused_at_1": f"{others} rejected when 1 % of the {words.photos} are",
        "evidence_error": "Largest difference between mean evidence and logit",
        "top_1_agreement": "Answers that agree with the float32 network",
        "float32_top_1": "Top-1 accuracy of the float32 network",
    }


def show_metric(name: str, value: float) -> str:
    """Format the value of a metric for people."""
    return f"{value:.4g}" if name in _NOT_SHARES else f"{100 * value:.2f} %"
