"""The public interface is the one in tests/golden/surface, and the parser of headers works."""

import difflib

import pytest

pytest.importorskip("sklearn")
pytest.importorskip("pandas")

import cpp_surface
import surface

HEADER = """
#pragma once
#include <vector>  // a comment
#define BACKPASS_TWO(a) \\
  a a
namespace backpass {
/// Documented.
template <class T>
class BACKPASS_EXPORT Net : public Base<T> {
  int hidden_by_default;

 public:
  Net(int n, std::vector<T> v = {1, 2}) : Base<T>{n}, n_(n), v_{std::move(v)} { check("; {"); }
  Net& operator=(const Net&) = delete;
  [[nodiscard]] bool operator==(const Net& other) const noexcept { return n_ == other.n_; }
  double rate = 0.5, power{2};
  struct Inner {
    char c = '}';
  };

 private:
  void hidden();
  int n_;
};
enum class Kind : unsigned char { one, two };
namespace detail {
void hidden();
}
template <class T>
  requires(is_real<T>)
inline T twice(T x) { if (x > 0) { return x + x; } return 2 * x; }
}  // namespace backpass
"""
LINES = [
    "#define BACKPASS_TWO(a) a a",
    "backpass: template <class T> class BACKPASS_EXPORT Net : public Base<T>",
    "backpass::Net: Net(int n, std::vector<T> v = {1, 2})",
    "backpass::Net: Net& operator=(const Net&) = delete",
    "backpass::Net: [[nodiscard]] bool operator==(const Net& other) const noexcept",
    "backpass::Net: double rate = 0.5, power {2}",
    "backpass::Net: struct Inner",
    "backpass::Net::Inner: char c = '}'",
    "backpass: enum class Kind : unsigned char {one, two}",
    "backpass: template <class T> requires(is_real<T>) inline T twice(T x)",
]


@pytest.mark.parametrize("name", ["python.txt", "cpp.txt"])
def test_the_interface_is_the_recorded_one(name: str) -> None:
    recorded = (surface.GOLDEN / name).read_text(encoding="utf-8").splitlines()
    found = surface.surfaces()[name].splitlines()
    changes = "\n".join(
        difflib.unified_diff(recorded, found, "recorded", "found", lineterm="", n=1)
    )
    assert not changes, (
        f"the public interface changed:\n{changes}\n"
        "If this is intended, describe it in CHANGELOG.md and run: python tests/surface.py --write"
    )


def test_public_declarations_of_a_header() -> None:
    assert list(cpp_surface.declarations(HEADER)) == LINES


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return n_ == other.n_;", "return true;"),  # a body
        ("void hidden();", "int hidden(int);"),  # a private member
        ("  // a comment", ""),
        ("inline T twice(T x) {", "inline T\ntwice(T x)\n{"),  # the layout
        (", n_(n)", ""),  # an initialiser
    ],
)
def test_other_changes_of_a_header_do_not_matter(old: str, new: str) -> None:
    assert old in HEADER
    assert list(cpp_surface.declarations(HEADER.replace(old, new))) == LINES


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("int n, std", "long n, std"),
        ("{1, 2}", "{1, 3}"),
        ("one, two", "two, one"),
        ("rate = 0.5", "rate = 0.6"),
        ("const noexcept {", "const {"),
        (" private:", " public:"),
        ("requires(is_real<T>)", ""),
    ],
)
def test_a_change_of_the_interface_is_seen(old: str, new: str) -> None:
    assert old in HEADER
    assert list(cpp_surface.declarations(HEADER.replace(old, new))) != LINES


def test_a_change_of_a_signature_is_seen() -> None:
    def first(x: "int", y: int = 1, *, name: str = "relu") -> "list[int]": ...
    def second(x: "int", y: int = 2, *, name: str = "relu") -> "list[int]": ...

    assert surface.signature(first) == "(x: int, y=1, *, name='relu') -> list[int]"
    assert surface.signature(first) != surface.signature(second)
