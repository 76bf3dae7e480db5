"""LiteRT.js, which runs the network in the browser: pinned, fetched by npm, checked.

No file of it is part of this project. Where npm is missing the page loads the same files from a
public CDN; the browser then checks the same hashes.
"""

import base64
import hashlib
import io
import logging
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from dogbreed.errors import UsageError

VERSION = "2.5.3"
CDN = "https://cdn.jsdelivr.net/npm/"
FOLDER = "litert"

# What the registry states for the archives of this version.
INTEGRITY = {
    "@litertjs/core": "sha512-PlGmbMOq9WitX7FO0jhbdJw9GthatsyuCQXjTt/wJZo0FLaw48q4tz8IwqgqCIkviYGr9"
    "OFDL1kCnN4nzWoyJQ==",
    "@litertjs/wasm-utils": "sha512-4fJiw6tBQnIs+0jH/OQ16nYOiSl8/+zZnn5h2ul8aTKHi05sVqZW580Tmk78p"
    "C2kT39A9OYBVdFawteZ/sI1kQ==",
}
_SECONDS = 300

_log = logging.getLogger("dogbreed")


@dataclass(frozen=True)
class LibraryFile:
    """A file of LiteRT.js that the page loads.

    Attributes:
        package: Its npm package.
        path: Where it is in the package.
        sha256: Its hash, in hexadecimal.
        size: Its size in bytes.
    """

    package: str
    path: str
    sha256: str
    size: int

    @property
    def address(self) -> str:
        """Where the CDN has it."""
        return f"{CDN}{self.package}@{VERSION}/{self.path}"


# By the name that the page knows each by. Browsers differ in which of the three builds they run.
FILES = {
    "litert_core.js": LibraryFile(
        "@litertjs/core",
        "dist/index.js",
        "e7daccc3a31eef890848a737ccb863ded5f046a6b40c3fdc0556495adeb5d9b3",
        53_482,
    ),
    "litert_wasm_utils.js": LibraryFile(
        "@litertjs/wasm-utils",
        "dist/index.js",
        "e0e20bc28ab001ac732cf40d15b6eebd24fb0deaeb95eeba5100f51eebf015f2",
        1_494,
    ),
    **{
        name: LibraryFile("@litertjs/core", f"wasm/{name}", sha256, size)
        for name, sha256, size in (
            (
                "litert_wasm_internal.js",
                "68efb69f770e3f76aff36a377de629ca496c131b86ac0f0f4b592a1543a898eb",
                273_035,
            ),
            (
                "litert_wasm_internal.wasm",
                "7280cf4471774867e385e6c3cd53e2b45e2975b80fea338fff4ef359b0865614",
                9_367_934,
            ),
            (
                "litert_wasm_threaded_internal.js",
                "92fe7a720c6deedaa1194c011c79a005ea4f6fc98f533b661cf7900760ab4849",
                317_475,
            ),
            (
                "litert_wasm_threaded_internal.wasm",
                "b5e54eca10f043497edf9a02186332707cae260c550d7ea22b2cae55669596cf",
                9_445_834,
            ),
            (
                "litert_wasm_compat_internal.js",
                "4d8f894b7883654fd6e8439730aa41e79ceaab7d19184fc4f1f0b0f1a2a2c8a5",
                273_246,
            ),
            (
                "litert_wasm_compat_internal.wasm",
                "5255c8ad06eabdbd2522cdebf6b22fc10faf74625c23a49b9e072570cd1fa41c",
                9_334_181,
            ),
        )
    },
}


def fetch_library() -> dict[str, bytes] | None:
    """Fetch LiteRT.js with npm.

    Returns:
        The content of each of `FILES` by name; None where there is no npm, or it cannot reach its
        registry, which is logged: the page can load the files from the CDN then.

    Raises:
        UsageError: npm delivers something else than the pinned version.
    """
    npm = shutil.which("npm")
    if npm is None:
        _log.warning("There is no npm, so the page will load LiteRT.js from %s.", CDN)
        return None
    with tempfile.TemporaryDirectory() as folder:
        names = [f"{package}@{VERSION}" for package in INTEGRITY]
        command = [npm, "pack", "--silent", "--prefer-offline", f"--pack-destination={folder}"]
        try:
            subprocess.run(
                [*command, *names], cwd=folder, capture_output=True, timeout=_SECONDS, check=True
            )
        except (subprocess.SubprocessError, OSError):
            _log.warning("npm cannot fetch LiteRT.js, so the page will load it from %s.", CDN)
            return None
        archives = {package: _read_archive(Path(folder), package) for package in INTEGRITY}
    return {name: _read_file(archives[file.package], file) for name, file in FILES.items()}


def _read_archive(folder: Path, package: str) -> bytes:
    """The archive of a package, checked."""
    name = f"{package.removeprefix('@').replace('/', '-')}-{VERSION}.tgz"
    archive = (folder / name).read_bytes()
    hashed = base64.b64encode(hashlib.sha512(archive).digest()).decode()
    if f"sha512-{hashed}" != INTEGRITY[package]:
        raise UsageError(
            f"npm delivered another {package} {VERSION} than the one this project was made with; "
            "check which registry `npm config get registry` names."
        )
    return archive


def _read_file(archive: bytes, file: LibraryFile) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as members:
        member = members.extractfile(f"package/{file.path}")
        # The hash of the archive has been checked, so the file is in it.
        assert member is not None
        return member.read()
