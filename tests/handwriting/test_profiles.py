import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from mnist_core import handwriting, store
from mnist_core.errors import InputError, StoreError
from tests.handwriting.made import new


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("  Anna  Maria ", "Anna Maria"),
        ("Anna\tand\nBen", "Anna and Ben"),
        ("O’Neill", "O'Neill"),
        ("Zoe\u0308", "Zo\u00eb"),  # composed
        ("4b", "4b"),
        ("J. R. - left_handed", "J. R. - left_handed"),
        ("山田", "山田"),
        ("हिन्दी", "हिन्दी"),  # with marks upon its letters
        ("x" * 40, "x" * 40),
    ],
)
def test_a_good_name_is_kept_tidily(given, kept):
    assert handwriting.good_name(given) == kept
    assert handwriting.add_profile(given).name == kept


@pytest.mark.parametrize(
    "name",
    [
        "", "   ", "x" * 41, ".", "..", "../etc", "a/b", "a\\b", "C:", ".hidden", "-rf", "_x",
        "a\0b", "a\x1bb", "a\u202eb", "a\u200bb", "<b>", "a*b", "`a`", "[a](b)", "a;b", "a,b", "😀",
        "a\ud800", "\u0301a", "a|b", "a%2e", "a?b", "a#b", "a..b",
    ],
)  # fmt: skip
def test_a_bad_name_is_refused_in_one_sentence(name):
    with pytest.raises(InputError, match=r"^[A-Z][^\n]+\.$") as refused:
        handwriting.add_profile(name)
    assert not {"\0", "\x1b", "<", "\ud800"}.intersection(str(refused.value))
    assert handwriting.profile_named(name) is None
    assert handwriting.profiles() == []


def test_profiles_come_by_name_whatever_its_case_with_their_drawings():
    numbers = {name: handwriting.add_profile(name).number for name in ("berta", "Anna", "Carl")}
    for _ in range(3):
        handwriting.keep(numbers["Carl"], new())
    handwriting.keep(numbers["Anna"], new())
    found = [(profile.name, count) for profile, count in handwriting.profiles()]
    assert found == [("Anna", 1), ("berta", 0), ("Carl", 3)]


def test_a_profile_is_found_by_its_name_whatever_its_case_and_spaces():
    made = handwriting.add_profile("Zoë Strauß", owner="me")
    for name in ("Zoë Strauß", " zoë  STRAUSS ", "ZOE\u0308 strauß"):
        assert handwriting.profile_named(name) == made
    assert handwriting.profile_named("Zoe Strauß") is None
    assert (made.owner, handwriting.find_profile(made.number)) == ("me", made)


def test_two_profiles_never_have_the_same_name():
    first = handwriting.add_profile("Anna")
    second = handwriting.add_profile("Ben")
    with pytest.raises(InputError, match=r"^Another profile has this name"):
        handwriting.add_profile("ANNA")
    with pytest.raises(InputError, match=r"^Another profile has this name"):
        handwriting.rename_profile(second.number, " anna ")
    assert [each for each, _ in handwriting.profiles()] == [first, second]


def test_a_profile_can_be_renamed_also_to_its_own_name_in_another_case():
    number = handwriting.add_profile("anna").number
    assert handwriting.rename_profile(number, "Anna").name == "Anna"
    assert handwriting.rename_profile(number, "Ben") == handwriting.find_profile(number)
    assert handwriting.profile_named("anna") is None
    with pytest.raises(InputError, match="letters"):
        handwriting.rename_profile(number, "a/b")
    assert handwriting.find_profile(number).name == "Ben"


@pytest.mark.parametrize("number", [99, 0, -1, 10**30])
def test_a_profile_that_is_gone_is_said_to_be(number):
    handwriting.add_profile("Anna")
    for ask in (
        lambda: handwriting.find_profile(number),
        lambda: handwriting.rename_profile(number, "Ben"),
        lambda: handwriting.keep(number, new()),
        lambda: handwriting.keep_all(number, [new()]),
    ):
        with pytest.raises(InputError, match=r"^That profile is gone: .+\.$"):
            ask()


def test_a_removed_profile_takes_its_drawings_along_and_its_number_is_never_used_again():
    first, second = handwriting.add_profile("Anna"), handwriting.add_profile("Ben")
    gone = handwriting.keep(second.number, new())
    left = handwriting.keep(first.number, new())
    handwriting.remove_profile(second.number)
    handwriting.remove_profile(second.number)
    assert handwriting.profiles() == [(first, 1)]
    assert handwriting.find_drawing(left.number).profile == first.number
    with pytest.raises(InputError, match="gone"):
        handwriting.find_drawing(gone.number)
    assert handwriting.add_profile("Ben").number == second.number + 1


def test_every_visit_has_a_profile_of_its_own():
    first = handwriting.own_profile("me")
    assert (first.name, first.owner) == ("My digits", "me")
    handwriting.add_profile("my digits 2", owner="me")
    assert handwriting.own_profile("me") == first, "the first one that it began"
    assert handwriting.own_profile("you").name == "My digits 3"
    handwriting.rename_profile(first.number, "Anna")
    assert handwriting.own_profile("me").number == first.number
    assert handwriting.own_profile("they").name == "My digits"


def test_visits_that_begin_at_once_get_one_profile_each():
    together = threading.Barrier(12)

    def begin(number):
        together.wait()
        return handwriting.own_profile(f"visit {number % 4}")

    with ThreadPoolExecutor(12) as pool:
        begun = list(pool.map(begin, range(12)))
    assert len({profile.number for profile in begun}) == 4
    assert {profile.name for profile in begun} == {
        "My digits", "My digits 2", "My digits 3", "My digits 4",
    }  # fmt: skip


def test_a_damaged_profile_is_said_in_a_sentence():
    handwriting.add_profile("Anna")
    with store.opened(write=True) as database:
        database.execute("UPDATE profiles SET made = 'damaged'")
    for ask in (handwriting.profiles, lambda: handwriting.profile_named("Anna")):
        with pytest.raises(StoreError, match=r"is damaged: .+\.$"):
            ask()
