"""The camera that the page opens."""

import gradio as gr


def rear_camera(width: int, height: int) -> gr.WebcamOptions:
    """The rear camera of a phone, else whichever there is; not mirrored, so that text can be read.

    Args:
        width, height: Pixels to ask for; the camera may have others.
    """
    video = {
        "facingMode": {"ideal": "environment"},
        "width": {"ideal": width},
        "height": {"ideal": height},
    }
    return gr.WebcamOptions(mirror=False, constraints={"video": video})
