"""Small disks that a test can fill, and make read-only."""

import contextlib
import os
import subprocess

import pytest

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")


@contextlib.contextmanager
def small_disk(path, size):
    path.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


def remount(path, option):
    subprocess.run(["mount", "-o", f"remount,{option}", str(path)], check=True)
