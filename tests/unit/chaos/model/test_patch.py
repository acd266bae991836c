"""Which files a patch changes: no line of the code can pass for the head of another file."""

from __future__ import annotations

import pytest

from chaos.model.patch import changes, is_code, same_code

MARKED = """\
diff --git a/services.py b/services.py
--- a/services.py
+++ b/services.py
@@ -1,2 +1,4 @@
 one
+# diff --git a/tests/x.py b/tests/x.py
+# diff --git a/review/x.md b/review/x.md
+{after}
 two
"""


def patch(after: str) -> bytes:
    return MARKED.format(after=after).encode()


def test_a_line_that_looks_like_a_head_hides_nothing_behind_it() -> None:
    (only,) = changes(patch("three"))
    assert only.name == "services.py"
    assert [line for _, line in only.added][-1] == "three"
    assert same_code(patch("three"), patch("three"))
    assert not same_code(patch("three"), patch("four"))


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("views.py", True),
        ("templates/page.html", True),
        ("queries/helper.py", True),
        ("contract/helper.py", True),
        ("review/helper.py", True),
        ("review/views.py", False),
        ("review/notes.yaml", False),
        ("contract/openapi.yaml", False),
        ("queries/strategy.md", False),
        ("tests/test_own.py", False),
    ],
)
def test_what_the_shop_can_import_is_code_wherever_it_lies(name: str, code: bool) -> None:
    assert is_code(name) is code
