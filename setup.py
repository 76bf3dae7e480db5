"""Dependencies of the package, read from the requirements files; all else is in pyproject.toml."""

from pathlib import Path

from setuptools import setup


def requirements(name: str) -> list[str]:
    """The requirements of one file, without those it includes."""
    lines = Path(__file__).with_name(name).read_text().splitlines()
    return [line for line in lines if line and not line.startswith(("#", "-r"))]


setup(
    install_requires=requirements("requirements-serve.txt"),
    extras_require={"train": requirements("requirements.txt")},
)
