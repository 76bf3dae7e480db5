"""Look up the installed packages in PyPI's database of known vulnerabilities.

    python -m tools.audit

Fails for each finding that .ci/audit-ignore does not list with a reason. Where the database cannot
be reached, it says so and does not fail: that is no reason to stop everything else.
"""

import json
import subprocess
import sys
from pathlib import Path

IGNORED = Path(__file__).parent.parent / ".ci" / "audit-ignore"
_TIMEOUT_SECONDS = 300


def read_ignored(text: str) -> dict[str, str]:
    """Parse lines of an ID and a reason; `#` starts a comment.

    Raises:
        ValueError: A line has no reason.
    """
    ignored = {}
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            finding, _, reason = line.strip().partition(" ")
            if not reason.strip():
                raise ValueError(f"{finding} has no reason.")
            ignored[finding] = reason.strip()
    return ignored


def judge(packages: list[dict], ignored: dict[str, str]) -> tuple[list[str], list[str]]:
    """Sort out what was found.

    Args:
        packages: The `dependencies` of pip-audit's JSON.
        ignored: Reasons by ID, see `read_ignored`.

    Returns:
        Lines that are failures, and lines that are only worth knowing.
    """
    failures, notes, seen = [], [], set()
    for package in packages:
        for finding in package.get("vulns", []):
            names = {finding["id"], *finding.get("aliases", [])}
            known = sorted(names & ignored.keys())
            line = f"{package['name']} {package['version']}: {finding['id']}"
            if known:
                seen.update(known)
                notes.append(f"{line}, known: {ignored[known[0]]}")
            else:
                fixed = ", ".join(finding.get("fix_versions", [])) or "no version"
                failures.append(f"{line}, fixed in {fixed}")
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    if skipped:
        notes.append(f"{len(skipped)} of {len(packages)} packages could not be looked up")
    else:
        notes += [f"{name} is not found any more; remove it" for name in ignored.keys() - seen]
    return failures, notes


def main() -> int:
    """Run pip-audit on this environment; returns the exit code."""
    command = [sys.executable, "-m", "pip_audit", "--format=json", "--progress-spinner=off"]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS)
        packages = json.loads(run.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError):
        print("audit: the database cannot be reached; no package was looked up.")
        return 0
    failures, notes = judge(packages, read_ignored(IGNORED.read_text(encoding="utf-8")))
    for line in [*failures, *notes]:
        print(f"audit: {line}.")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
