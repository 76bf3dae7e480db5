"""Limits of the page, so that one visitor does not keep the others waiting."""

from loky import cpu_count

from dogbreed.images.limits import MAX_BYTES

# One for each core of the container, and at least two, so that a core need not wait while an answer
# is being sent; later visitors see their place in Gradio's queue.
CONCURRENCY = max(2, cpu_count())
# Everything that answers uploads waits in one line, under this name.
QUEUE = "predict"
# With more visitors than this in line, the next is refused instead of kept waiting for minutes.
MOST_WAITING = 64
# With more answers than this that were never fetched, a session is cut off.
MOST_UNREAD = 1000
# The most visitors that Gradio remembers, 0.1 MB each; its default is 10,000. This bounds those who
# are there or left less than KEEP_SECONDS ago; a visitor who returns after that many others has to
# choose the photo again.
MOST_SESSIONS = 1000
# How long photos and answers are kept: long enough to look at the evidence for every label.
KEEP_SECONDS = 600
CLEAN_EVERY = 60
# Photos at once on the tab for several; a few seconds of work.
MOST_PHOTOS = 200
# One upload, with all its files.
UPLOAD_BYTES = MOST_PHOTOS * MAX_BYTES
# Any other request: a photo in base64, which takes four bytes for three, and some words around it.
REQUEST_BYTES = MAX_BYTES * 4 // 3 + 100_000
# How long a request may take to arrive, in seconds.
BODY_SECONDS = 600
# A photo that is sent to /api/predict is in a file instead of in memory from this size on.
MEMORY_BYTES = 1_000_000
