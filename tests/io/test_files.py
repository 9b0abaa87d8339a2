"""Files are written whole or not at all, and only regular files are read or replaced."""

import errno
import os
import signal
import socket
import stat
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import Ridge

import skxfer
from skxfer import io
from skxfer.io import files

resource = pytest.importorskip("resource", reason="limits of Unix")
pytestmark = pytest.mark.skipif(os.name == "nt", reason="pipes, devices and signals of Unix")


def run(code, folder, **options):
    """Code in a fresh process."""
    env = {**os.environ, "PYTHONPATH": str(Path(skxfer.__file__).parents[1])}
    command = [sys.executable, "-c", textwrap.dedent(code)]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=60, **options)


SAVE_SLOWLY = """
    import os, signal, sys
    from sklearn.linear_model import Ridge
    from skxfer import io
    from skxfer.io import files
    def stop(*_):
        print("writing", flush=True)
        {}
    files.os.{} = stop
    io.save(Ridge(alpha=2.0), "model.skxfer")
"""


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_what_a_killed_save_left_is_swept_by_the_next(step, path):
    io.save(Ridge(alpha=1.0), path)
    done = run(SAVE_SLOWLY.format("os.kill(os.getpid(), signal.SIGKILL)", step), path.parent)
    assert done.returncode == -signal.SIGKILL
    assert len(list(path.parent.iterdir())) == 2
    assert io.load(path).alpha == 1.0
    io.save(Ridge(alpha=3.0), path.with_name("other.skxfer"))
    assert sorted(p.name for p in path.parent.iterdir()) == ["model.skxfer", "other.skxfer"]


def test_a_save_that_goes_on_is_not_swept(path):
    code = SAVE_SLOWLY.format("sys.stdin.readline()", "fsync")
    env = {**os.environ, "PYTHONPATH": str(Path(skxfer.__file__).parents[1])}
    command = [sys.executable, "-c", textwrap.dedent(code)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=path.parent, env=env, **pipes) as other:
        assert other.stdout.readline() == "writing\n"
        io.save(Ridge(alpha=1.0), path.with_name("other.skxfer"))
        other.communicate("\n", timeout=60)
    assert other.returncode == 0
    assert io.load(path).alpha == 2.0
    assert len(list(path.parent.iterdir())) == 2


def test_many_threads_may_save_to_one_folder(tmp_path):
    def save(i):
        for _ in range(5):
            io.save(Ridge(alpha=float(i)), tmp_path / f"{i % 3}.skxfer")

    threads = [threading.Thread(target=save, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["0.skxfer", "1.skxfer", "2.skxfer"]
    assert all(io.load(path).alpha % 3 == int(path.stem) for path in tmp_path.iterdir())


def test_files_of_others_are_not_swept(path):
    others = [path.with_name(name) for name in (".0123456789abcdef.tmp", ".skxfer-x.tmp", "notes.tmp")]
    for other in others:
        other.write_text("mine")
    io.save(Ridge(), path)
    assert all(other.read_text() == "mine" for other in others)


@pytest.fixture(params=["pipe", "device", "socket", "folder", "link to a device"])
def special(request, tmp_path, monkeypatch):
    path = tmp_path / "special"
    if request.param == "pipe":
        os.mkfifo(path)
    elif request.param == "device":
        try:
            os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))
        except OSError:
            pytest.skip("only the superuser may make a device")
    elif request.param == "socket":
        monkeypatch.chdir(tmp_path)  # the path of a socket may not be long
        socket.socket(socket.AF_UNIX).bind("special")
    elif request.param == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero")
    return path


def test_special_files_are_neither_read_nor_replaced(special):
    start, kind = time.time(), special.stat().st_mode
    for act in (io.load, lambda path: io.save(Ridge(), path)):
        with pytest.raises(OSError, match="special|zero"):
            act(special)
    assert special.stat().st_mode == kind
    assert time.time() - start < 5


def test_a_read_only_file_is_kept(path):
    io.save(Ridge(alpha=1.0), path)
    path.chmod(0o444)
    with pytest.raises(PermissionError, match=r"read-only.*model\.skxfer"):
        io.save(Ridge(alpha=2.0), path)
    assert io.load(path).alpha == 1.0
    assert len(list(path.parent.iterdir())) == 1


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write anywhere"
)
def test_a_read_only_folder_is_named(path):
    path.parent.chmod(0o555)
    with pytest.raises(PermissionError, match=r"model\.skxfer"):
        io.save(Ridge(), path)
    path.parent.chmod(0o755)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no folder .*there.*make it first"):
        io.save(Ridge(), tmp_path / "there" / "model.skxfer")


def test_a_full_disk_names_the_path_and_keeps_the_old_file(path, monkeypatch):
    io.save(Ridge(alpha=1.0), path)

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left.*model\.skxfer") as caught:
        io.save(Ridge(alpha=2.0), path)
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(path))
    assert io.load(path).alpha == 1.0
    assert [p.name for p in path.parent.iterdir()] == ["model.skxfer"]


def test_a_file_that_may_not_grow_names_the_path(tmp_path):
    code = """
        import resource, signal
        import numpy as np
        from sklearn.linear_model import Ridge
        from skxfer import io
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        model = Ridge(alpha=np.random.default_rng(0).normal(size=10_000))
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        io.save(model, "model.skxfer")
    """
    done = run(code, tmp_path)
    assert "OSError: [Errno 27] File too large, while saving" in done.stderr
    assert "model.skxfer" in done.stderr
    assert [*tmp_path.iterdir()] == []


def test_a_large_file_of_another_kind_is_not_read(tmp_path):
    path = tmp_path / "sparse"
    with open(path, "wb") as file:
        file.write(b"PK\x03\x04")
        file.truncate(2**36)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match="damaged"):
        io.load(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


def test_what_shrinks_too_well_is_stored_as_it_is(tmp_path):
    zeros = np.zeros(9 * 2**20)
    io.save(Ridge(alpha=zeros), tmp_path / "model.skxfer")
    np.testing.assert_array_equal(io.load(tmp_path / "model.skxfer").alpha, zeros)
