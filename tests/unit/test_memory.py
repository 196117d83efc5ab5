"""What a process remembers between units of work: by type and key, and not without end."""

from scimserver.work.memory import Memory


def test_thing_is_remembered_by_its_type_and_key():
    memory = Memory()
    memory.keep("a", 1)
    memory.keep("a", "one")
    assert (memory.get(int, "a"), memory.get(str, "a"), memory.get(int, "b")) == (1, "one", None)


def test_later_thing_takes_the_place_of_the_earlier():
    memory = Memory()
    memory.keep("a", 1)
    memory.keep("a", 2)
    assert memory.get(int, "a") == 2


def test_forgotten_thing_is_gone_and_can_be_forgotten_again():
    memory = Memory()
    memory.keep("a", 1)
    memory.forget(int, "a")
    memory.forget(int, "a")
    assert memory.get(int, "a") is None


def test_what_was_kept_first_makes_room():
    memory = Memory(most=2)
    for number in range(3):
        memory.keep(number, number)
    assert [memory.get(int, number) for number in range(3)] == [None, 1, 2]


def test_what_takes_its_own_place_takes_no_other():
    memory = Memory(most=2)
    for key, number in (("a", 1), ("b", 2), ("b", 3)):
        memory.keep(key, number)
    assert [memory.get(int, key) for key in "ab"] == [1, 3]
