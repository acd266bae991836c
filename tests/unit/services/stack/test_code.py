"""What is in no patch and no stamp can't be imported: the shop runs from a copy of what is."""

from __future__ import annotations

import os
import py_compile
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from chaos.drills import attempt
from services.stack import code, config
from services.stack.config import Settings
from services.stack.errors import StackError
from services.stack.layout import Lab

CHECKOUT = Path(__file__).resolve().parents[4]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A checkout with an attempt."""
    shop = tmp_path / "checkout" / "services" / "shop"
    (shop / "core").mkdir(parents=True)
    for name in ("__init__.py", "shop/__init__.py", "shop/serve.py", "shop/core/__init__.py"):
        (shop.parent / name).write_text("")
    for name in ("naive", "attempt"):
        (shop / name).mkdir()
        (shop / name / "__init__.py").write_text("")
        (shop / name / "settings.py").write_text("WHO = 'settings'\n")
    real = config.load({})
    return Settings(
        checkout=tmp_path / "checkout", lab_dir=tmp_path / "lab", tools_dir=real.tools_dir,
        evidence_dir=tmp_path / "evidence", asked_base_port=None, toxiproxy=None, offline=True, path=real.path,
    )  # fmt: skip


@pytest.fixture
def lab(settings: Settings) -> Lab:
    return Lab(settings.lab_dir)


def own(settings: Settings) -> Path:
    return settings.checkout / "services" / "shop" / "attempt"


def plant(path: Path, text: str = "WHO = 'hidden'\n") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


HIDDEN = (
    ".lib/x.py", "__pycache__/x.py", "a/.b/x.py", "a/__pycache__/x.py", ".x.py", "tests/x.py", ".x.so", ".lib/x.pyc",
)  # fmt: skip
PLAIN = ("x.py", "X.PY", "x.pyc", "x.so", "x.zip", "a/b/x.py", "data.json", "templates/x.html", "conftest.py", "ü.py")


@pytest.mark.parametrize("name", HIDDEN)
def test_what_the_patch_leaves_out_is_not_there_to_be_imported(settings: Settings, lab: Lab, name: str) -> None:
    before = code.placed(settings, lab, "attempt")
    plant(own(settings) / name)
    copy = code.placed(settings, lab, "attempt")
    assert copy == before
    assert not (copy / "services" / "shop" / "attempt" / name).exists()


@pytest.mark.parametrize("name", PLAIN)
def test_what_can_be_imported_is_in_the_stamp_and_in_the_patch(settings: Settings, lab: Lab, name: str) -> None:
    before = code.placed(settings, lab, "attempt")
    plant(own(settings) / name)
    copy = code.placed(settings, lab, "attempt")
    assert copy != before
    assert (copy / "services" / "shop" / "attempt" / name).read_bytes() == (own(settings) / name).read_bytes()
    shop = settings.checkout / "services" / "shop"
    patch = attempt.patch("attempt", shop)
    assert patch is not None
    assert f"+++ b/{name}" in patch.decode()


def test_the_copy_and_the_patch_hold_the_same_files(settings: Settings) -> None:
    """Two packages that may not import each other decide it: here they are held against each other."""
    for name in (*HIDDEN, *PLAIN):
        plant(own(settings) / name)
    shop = settings.checkout / "services" / "shop"
    ours = {
        path.relative_to(own(settings)).as_posix() for path in code.files(shop, "attempt") if "core" not in path.parts
    }
    theirs = {name for name in attempt._files(own(settings)) if not name.startswith("tests/")}
    assert ours == theirs


def link(path: Path) -> None:
    path.symlink_to(path.parent / "settings.py")


def link_to_a_folder(path: Path) -> None:
    path.symlink_to("/tmp")


def pipe(path: Path) -> None:
    os.mkfifo(path)


def large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(code.MOST_BYTES + 1)


def many(path: Path) -> None:
    path.mkdir()
    for number in range(code.MOST_FILES + 1):
        (path / f"m{number}.py").touch()


@pytest.mark.parametrize("put", [link, link_to_a_folder, pipe, large, many])
def test_what_no_patch_carries_is_refused(settings: Settings, lab: Lab, put: object) -> None:
    put(own(settings) / "x.py")  # type: ignore[operator]
    with pytest.raises(StackError, match=r"^services/shop/attempt\S*: got .*, expected ") as caught:
        code.placed(settings, lab, "attempt")
    assert caught.value.exit_code == 2
    assert not list((lab.root / "shop" / "code").glob("attempt-*"))


@pytest.mark.parametrize("name", ["a\nb.py", 'a"b.py', "a\\b.py", "a\x1bb.py", os.fsdecode(b"\xff.py")])
def test_a_name_that_no_patch_carries_is_refused(settings: Settings, lab: Lab, name: str) -> None:
    plant(own(settings) / name)
    with pytest.raises(StackError, match="a name that no patch carries") as caught:
        code.placed(settings, lab, "attempt")
    assert "\x1b" not in caught.value.message
    assert "\n" not in caught.value.message


def test_planted_bytecode_does_not_run(settings: Settings, lab: Lab) -> None:
    """Python uses a cache whose time and size match the source; the copy has no caches."""
    source = own(settings) / "settings.py"
    plant(source, "WHO = 'planted!'\n")
    cache = Path(py_compile.compile(str(source), doraise=True) or "")
    stat = source.stat()
    source.write_text("WHO = 'settings'\n")
    os.utime(source, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    # This Python takes `services` from its own checkout (launch/first.py); the one that is tried here is another.
    ask = "import sys; sys.meta_path[:] = [f for f in sys.meta_path if getattr(f, '__name__', '') != 'First']; "
    ask += "import services.shop.attempt.settings as s; print(s.WHO)"

    def who(**environment: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", ask], cwd=settings.checkout, env={"PATH": os.environ["PATH"], **environment},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout.strip()

    shutil.copy(CHECKOUT / "services" / "shop" / "__init__.py", settings.checkout / "services" / "shop")
    assert cache.exists()
    assert who() == "planted!"  # else this test could not fail
    assert who(SHOP_CODE=str(code.placed(settings, lab, "attempt"))) == "settings"


def test_a_copy_that_somebody_changed_is_noticed_and_made_anew(settings: Settings, lab: Lab) -> None:
    copy = code.placed(settings, lab, "attempt")
    code.choose(lab, copy)
    assert not code.changed(lab, "attempt")
    for name in ("settings.py", "more.py", ".lib/x.py"):
        plant(copy / "services" / "shop" / "attempt" / name, "WHO = 'mine'\n")
        assert code.changed(lab, "attempt"), name
        assert code.placed(settings, lab, "attempt") == copy
        assert not code.changed(lab, "attempt"), name


def test_one_copy_is_left_and_the_link_names_it(settings: Settings, lab: Lab) -> None:
    for number in range(3):
        plant(own(settings) / "x.py", f"N = {number}\n")
        copy = code.placed(settings, lab, "attempt")
        code.choose(lab, copy)
    assert code.current(lab).resolve() == copy
    assert sorted(path.name for path in copy.parent.iterdir()) == sorted([copy.name, "current"])


def test_a_traceback_names_the_file_that_a_person_edits(settings: Settings, lab: Lab) -> None:
    copy = code.placed(settings, lab, "attempt")
    text = f'  File "{copy}/services/shop/attempt/views.py", line 3, in get\n'
    told = code.as_in_checkout(settings, lab, text)
    assert told == f'  File "{own(settings)}/views.py", line 3, in get\n'


@pytest.mark.parametrize("flags", [(), ("-I",)])
def test_all_of_the_shop_comes_from_the_copy(tmp_path: Path, lab: Lab, flags: tuple[str, ...]) -> None:
    """The real entry point, and what it starts: found in the copy, and nowhere else, however Python is started."""
    real = config.load({})
    copy = code.placed(real, lab, "naive")
    (lab.shop / "current").symlink_to(copy)
    core = copy / "services" / "shop" / "core"
    shutil.rmtree(core)
    plant(core / "__init__.py", "import os; raise SystemExit(f'from {__file__}, and {os.environ[\"SHOP_CODE\"]}')\n")

    def started(where: Path, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *flags, *words], cwd=CHECKOUT, env={"PATH": os.environ["PATH"], "SHOP_CODE": str(where)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    done = started(lab.shop / "current", "-m", "services.shop.serve", "api")
    assert done.stderr == f"from {core}/__init__.py, and {copy}\n"
    hidden = started(copy, "-c", "import services.shop.hardened")
    assert "ModuleNotFoundError: No module named 'services.shop.hardened'" in hidden.stderr
    gone = started(tmp_path / "nowhere", "-m", "services.shop.serve", "api")
    assert (gone.returncode, gone.stderr.startswith("SHOP_CODE: got ")) == (2, True)
