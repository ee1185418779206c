#!/usr/bin/env python3
"""Builds the archive of a release: the program for this platform, its completions, its manual pages, and the licences."""

import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
DIST = ROOT / "target" / "dist"
SHELLS = {"bash": "pushspec.bash", "zsh": "_pushspec", "fish": "pushspec.fish"}


def version():
    return re.search(r'^version = "(.+)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE).group(1)


def platform():
    told = subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout
    return re.search(r"^host: (.+)$", told, re.MULTILINE).group(1)


def built(release=True):
    """The program, built for a release or for a test of the packages."""
    profile = ["--release"] if release else []
    subprocess.run(["cargo", "build", *profile, "--locked", "-p", "pushspec"], cwd=ROOT, check=True)
    told = subprocess.run(["cargo", "metadata", "--no-deps", "--locked", "--format-version", "1"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    folder = pathlib.Path(json.loads(told)["target_directory"]) / ("release" if release else "debug")
    return folder / ("pushspec.exe" if sys.platform == "win32" else "pushspec")


def main():
    program = built()
    name = f"pushspec-{version()}-{platform()}"
    DIST.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        inside = pathlib.Path(folder) / name
        (inside / "completions").mkdir(parents=True)
        shutil.copy(program, inside)
        for file in ["README.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"]:
            shutil.copy(ROOT / file, inside)
        for shell, file in SHELLS.items():
            text = subprocess.run([program, "completions", shell], capture_output=True, check=True).stdout
            (inside / "completions" / file).write_bytes(text)
        subprocess.run([program, "man", "--dir", inside / "man"], check=True)
        archive = DIST / f"{name}.tar.gz"
        with tarfile.open(archive, "w:gz") as tar:
            tar.add(inside, arcname=name)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    archive.with_suffix(".gz.sha256").write_text(f"{digest}  {archive.name}\n")
    print(f"{archive.relative_to(ROOT)}: {archive.stat().st_size / 1e6:.1f} MB; the program has {program.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
