"""Packages of Debian, installed without starting what they bring."""

import contextlib
import os
import pathlib
import shutil
import subprocess

from server import Skipped

POLICY = pathlib.Path("/usr/sbin/policy-rc.d")
# 101 is "forbidden": the answer to every question whether a service may be started.
NO_SERVICES = "#!/bin/sh\nexit 101\n"
LONGEST = 1200.0


def install(packages):
    """Installs packages with apt-get.

    Raises `Skipped` where that cannot be done here.
    """
    if not packages:
        return
    if not shutil.which("apt-get"):
        raise Skipped("there is no apt-get here")
    with no_services():
        done = apt(["install", "-y", "-qq", "--no-install-recommends", *packages])
        if done.returncode != 0:
            # The lists may be old, or not there yet.
            apt(["update", "-qq"])
            done = apt(["install", "-y", "-qq", "--no-install-recommends", *packages])
    if done.returncode != 0:
        raise Skipped(f"apt-get came to {done.returncode}: {' / '.join(done.stderr.strip().splitlines()[-2:])}")


def apt(arguments):
    command = [*as_root(), "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", *arguments]
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LONGEST)
    except subprocess.TimeoutExpired:
        raise Skipped(f"apt-get is not done after {LONGEST:.0f} s") from None


def as_root():
    """What stands before a command that only root may run."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0:
        return ["sudo", "-n"]
    raise Skipped("installing needs root, or sudo without a password")


@contextlib.contextmanager
def no_services():
    """While this lasts, packages start nothing. A policy that is there already is left as it is."""
    if POLICY.exists():
        yield
        return
    subprocess.run([*as_root(), "tee", POLICY], input=NO_SERVICES, text=True, stdout=subprocess.DEVNULL, check=True)
    try:
        subprocess.run([*as_root(), "chmod", "755", POLICY], check=True)
        yield
    finally:
        subprocess.run([*as_root(), "rm", "-f", POLICY], check=False)
