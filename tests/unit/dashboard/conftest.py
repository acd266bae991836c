"""Fixtures of the dashboard's tests; what they are made of is in samples.py."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

CHECKOUT = Path(__file__).resolve().parents[3]


def _load_samples() -> ModuleType:
    """Tests are no package, so the shared file is loaded by its path, once."""
    name = "firedrill_dashboard_samples"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("samples.py"))
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


if str(CHECKOUT) not in sys.path:
    sys.path.insert(0, str(CHECKOUT))
_samples = _load_samples()


@pytest.fixture(scope="session")
def samples() -> Any:
    """The module samples.py."""
    return _samples


@dataclass
class Lab:
    """A lab as the dashboard sees it, nothing of it running unless a test starts it."""

    folder: Path
    samples: Any

    @property
    def evidence(self) -> Path:
        return self.folder / "evidence"

    @property
    def stack_file(self) -> Path:
        return self.folder / "stack.json"

    def stack(self, **urls: str | None) -> None:
        self.samples.write_stack(self.stack_file, **urls)

    def run(self, *, ago_s: float = 600.0, **more: Any) -> str:
        return str(self.samples.write_run(self.evidence, t0_unix_s=time.time() - ago_s, **more))

    def page(self, name: str, **query: str) -> AppTest:
        """The page as a browser would have it after its first run."""
        app = AppTest.from_file(str(CHECKOUT / "dashboard" / "app.py"), default_timeout=60)
        for key, value in query.items():
            app.query_params[key] = value
        if name != "overview":
            app.switch_page(f"app_pages/{name}.py")
        return app.run()


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """An empty lab: no stack, no runs."""
    st.cache_data.clear()
    st.cache_resource.clear()
    (tmp_path / "evidence").mkdir()
    monkeypatch.setenv("FIREDRILL_STACK_FILE", str(tmp_path / "stack.json"))
    monkeypatch.setenv("FIREDRILL_EVIDENCE_DIR", str(tmp_path / "evidence"))
    monkeypatch.setenv("FIREDRILL_ATTEMPT_DIR", str(tmp_path / "attempt"))
    yield Lab(tmp_path, _samples)
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture
def scorecard() -> Iterator[Any]:
    """A scorecard over real HTTP, with six drills and nothing else."""
    with _samples.FakeScorecard().served() as fake:
        yield fake
