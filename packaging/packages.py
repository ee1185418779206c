#!/usr/bin/env python3
"""Builds the wheel and the npm packages for this platform, installs each into an empty environment, and runs the program there.

With `--debug` the program is built without optimisation: that is faster, and shows as much about the packages.
"""

import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile
import venv

from dist import DIST, ROOT, built, version

HERE = pathlib.Path(__file__).resolve().parent
# One case is enough: whether the suite is right is tested elsewhere.
RUN = ["run", "--select", "websocket/5.1-masking/unmasked-text-frame", "--report-dir", "reports"]
DEBUG = "--debug" in sys.argv
ARCHITECTURES = {"x86_64": "x64", "AMD64": "x64", "aarch64": "arm64", "arm64": "arm64"}


def run(*command, cwd=ROOT, **more):
    subprocess.run([str(word) for word in command], cwd=cwd, check=True, **more)


def tries(program, folder):
    """Runs the program that was installed, in an empty folder; its report has to be there afterwards."""
    told = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if told != f"pushspec {version()}":
        sys.exit(f"{program} is {told}, and not pushspec {version()}")
    empty = folder / "empty"
    empty.mkdir()
    run(program, *RUN, cwd=empty)
    report = json.loads((empty / "reports" / "report.json").read_text())
    if not report["conformant"] or not (empty / "reports" / "report.html").exists():
        sys.exit(f"{program} does not judge the reference server as conformant")


def environment(folder):
    """An empty virtual environment; gives the folder of its programs."""
    venv.create(folder, with_pip=True)
    return folder / ("Scripts" if os.name == "nt" else "bin")


def wheel(folder):
    tools = environment(folder / "tools")
    run(tools / "pip", "install", "--quiet", "--disable-pip-version-check", "maturin>=1.9,<2")
    # The environment of the tools is not one that the wheel is for.
    run(tools / "maturin", "build", *([] if DEBUG else ["--release"]), "--out", DIST, cwd=HERE / "pypi")
    [made] = sorted(DIST.glob(f"pushspec-{version()}-*.whl"))
    fresh = environment(folder / "fresh")
    run(fresh / "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", made)
    tries(fresh / "pushspec", folder)
    print(f"{made.relative_to(ROOT)}: installs and runs")


def npm(folder):
    system = f"{sys.platform}-{ARCHITECTURES[platform.machine()]}"
    launcher, inside = folder / "pushspec", folder / system
    shutil.copytree(HERE / "npm" / "pushspec", launcher)
    manifest = json.loads((launcher / "package.json").read_text())
    if manifest["version"] != version() or set(manifest["optionalDependencies"].values()) != {version()}:
        sys.exit(f"packaging/npm/pushspec/package.json is not of version {version()}")
    inside.mkdir()
    shutil.copy(built(release=not DEBUG), inside / "pushspec")
    described = {key: manifest[key] for key in ["version", "description", "license", "repository"]}
    [name, cpu] = system.split("-")
    (inside / "package.json").write_text(json.dumps({"name": f"@pushspec/{system}", **described, "os": [name], "cpu": [cpu], "files": ["pushspec"]}, indent=2))
    run("npm", "pack", "--silent", launcher, inside, cwd=DIST, stdout=subprocess.DEVNULL)
    packed = [DIST / f"pushspec-{version()}.tgz", DIST / f"pushspec-{system}-{version()}.tgz"]
    fresh = folder / "fresh"
    fresh.mkdir()
    (fresh / "package.json").write_text('{ "private": true }')
    # The packages of other platforms are not built here, and npm passes over what it cannot find.
    run("npm", "install", "--silent", "--no-audit", "--no-fund", *reversed(packed), cwd=fresh)
    tries(fresh / "node_modules" / ".bin" / "pushspec", folder)
    print(f"{packed[0].relative_to(ROOT)}: installs and runs")


def main():
    DIST.mkdir(parents=True, exist_ok=True)
    for made in [*DIST.glob("*.whl"), *DIST.glob("*.tgz")]:
        made.unlink()
    for make in (npm, wheel):
        with tempfile.TemporaryDirectory() as folder:
            make(pathlib.Path(folder))


main()
