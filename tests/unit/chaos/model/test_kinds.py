import importlib
import sys

import pytest

from chaos.model.kinds import discover, first_paragraph


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An importable package; `add` gives it a module."""
    monkeypatch.syspath_prepend(tmp_path)
    name = f"kinds_of_{tmp_path.name.replace('-', '_')}"
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").touch()

    def add(**modules):
        for module, source in modules.items():
            (tmp_path / name / f"{module}.py").write_text(source)
        importlib.invalidate_caches()
        return importlib.import_module(name)

    yield add
    for module in [m for m in sys.modules if m.startswith(name)]:
        del sys.modules[module]


KIND = "class Kind(dict):\n    name = {!r}\nKIND = Kind()\n"


def test_every_public_module_gives_a_kind(package):
    found = discover(package(b=KIND.format("second"), a=KIND.format("first"), _helper="KIND = 3"), dict)
    assert list(found) == ["first", "second"]


@pytest.mark.parametrize("source", ["", "KIND = 3"])
def test_a_module_without_a_kind_is_an_error_not_a_check_less(package, source):
    with pytest.raises(TypeError, match="expected a dict"):
        discover(package(forgot=source), dict)


def test_a_name_can_be_taken_once(package):
    with pytest.raises(TypeError, match="expected one that no other kind has"):
        discover(package(a=KIND.format("same"), b=KIND.format("same")), dict)


def test_the_first_paragraph_on_one_line():
    assert first_paragraph("One\n    line.\n\n    More.") == "One line."
    assert first_paragraph(None) == ""
