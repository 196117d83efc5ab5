"""Passwords that many people have, made from rules: the list needs no file, and is the same everywhere.

What people type when they may choose: a common word or two, a word again and again, a row of the
keyboard, an alphabet or digits in order, a saying. Letters and digits only, in lower case: spaces,
punctuation, letter case, digits after it and letters written as digits are `blocklist`'s business.
Proven by tests/unit/test_password_blocklist.py.
"""

from collections.abc import Iterator
from itertools import product
from typing import Final

LONGEST_RUN: Final = 40
"""How long a row, an alphabet or a repetition is in the list."""

_SHORTEST: Final = 15
"""What comes in many lengths is listed from this one on: a shorter one is nobody's password."""

WORDS: Final = tuple(
    """
    password passwort passcode passphrase contrasena motdepasse parola wachtwoord haslo heslo salasana
    secret secure security private hidden mystery access account admin administrator root superuser user
    username guest master login logon signin welcome willkommen bienvenue bienvenido hello goodbye letmein
    openup opensesame trustno changeme default example sample testing tester temporary temp initial
    computer laptop desktop keyboard monitor internet network server database system software hardware
    windows microsoft google facebook amazon apple samsung android iphone linkedin youtube twitter netflix
    company business office employee manager director president assistant department customer service
    support helpdesk experience product project meeting monday tuesday wednesday thursday friday saturday
    sunday weekend holiday vacation january february march april may june july august september october
    november december spring summer autumn winter fruehling sommer herbst printemps verano invierno
    sunshine sunflower sunset moonlight starlight rainbow thunder lightning hurricane blizzard snowflake
    black white yellow orange purple green blue red silver golden diamond platinum crystal emerald sapphire
    monkey dragon tiger lion panther leopard elephant giraffe dolphin penguin butterfly dragonfly kitten
    puppy horse stallion mustang eagle falcon phoenix unicorn wolf bear rabbit turtle chicken spider snake
    football baseball basketball volleyball softball hockey soccer tennis cricket swimming champion player
    liverpool arsenal chelsea barcelona madrid juventus manchester united yankees cowboys steelers lakers
    superman batman spiderman ironman pokemon starwars skywalker gandalf matrix minecraft fortnite mario
    michael jennifer jessica michelle matthew jordan daniel andrew joshua ashley amanda nicole charlie
    thomas robert william richard alexander benjamin christopher elizabeth stephanie samantha victoria
    patricia jonathan anthony nicholas maximilian sebastian katharina francesca isabella gabriella
    princess prince queen king angel devil heaven forever together family mother father brother sister
    daughter baby sweetheart darling honey sugar cookie chocolate cupcake strawberry blueberry pineapple
    banana cherry coffee cappuccino whiskey cheese hamburger pepper ginger cinnamon
    iloveyou loveyou iloveu lovers love kisses beautiful handsome gorgeous lovely happy lucky crazy sexy
    freedom liberty justice victory warrior soldier knight captain general commander hunter killer ninja
    samurai pirate wizard magic magical shadow ghost zombie vampire
    london newyork paris berlin hamburg muenchen vienna zurich amsterdam brussels california florida texas
    washington chicago australia canada deutschland england france espana america germany switzerland
    guitar trumpet metallica nirvana eminem beatles rocknroll music dancing concert
    jesus christ blessed blessing faith gospel church abcdef abc asdf asdfgh qwer qwert qwerty qwertz azerty
    qwertyuiop asdfghjkl zxcvbn zxcvbnm zaqxsw
    """.split()  # noqa: SIM905 - a list literal would be four hundred lines
)
"""Single words, for what people put after them."""

SAYINGS: Final = """
    the quick brown fox jumps over the lazy dog|the quick brown fox|to be or not to be|that is the question
    to be or not to be that is the question|may the force be with you|i am your father|luke i am your father
    let me in|let me in please|open sesame|trust no one|correct horse battery staple|live long and prosper
    houston we have a problem|here is looking at you kid|you shall not pass|one ring to rule them all
    winter is coming|valar morghulis|elementary my dear watson|to infinity and beyond|hakuna matata
    hasta la vista baby|i will be back|life is like a box of chocolates|there is no place like home
    i love you|i love you so much|i love you forever|i love you baby|i love my family|i love my wife
    i love my husband|i love my mom|i love my dad|i love my dog|i love my cat|i love my kids|i love jesus
    in god we trust|god is love|god bless you|god bless america|jesus is lord|jesus loves me
    jesus is my savior|our father who art in heaven|praise the lord
    in the beginning god created the heaven and the earth
    call me ishmael|once upon a time|happily ever after|happy birthday to you|merry christmas|happy new year
    we are the champions|let it be|all you need is love|stairway to heaven|hotel california|highway to hell
    another brick in the wall|dark side of the moon|knocking on heavens door|smells like teen spirit
    never gonna give you up|dont worry be happy|dont stop believing|carpe diem|seize the day
    keep calm and carry on|live laugh love|just do it|think different|work hard play hard
    practice makes perfect|knowledge is power
    time is money|money is power|money makes the world go round|you only live once|no pain no gain
    never give up|never say never|nothing is impossible|everything is possible|all is well|this too shall pass
    what doesnt kill you makes you stronger|the cake is a lie|hello world|hello kitty|hello my name is
    this is my password|this is a password|this is not my password|this is a secret|this is my secret password
    this is my new password|my password is password|my password is secret|password is my password|my password
    my new password|my old password|my secret password|my super secret password|super secret password
    secret password|new password|the password is password|no password|no password needed|i forgot my password
    i hate passwords|i hate my password|i hate this password|i need a new password|i dont know my password
    i cant remember my password|please let me in|please change me|please change this password|change me now
    change this password|change on install|default password|initial password|temporary password|first password
    one two three four five|one two three four five six|one two three four five six seven|eins zwei drei vier
    uno dos tres cuatro cinco|un deux trois quatre cinq|ich liebe dich|je t aime|te quiero mucho|te amo mucho
    sesam oeffne dich|mein passwort|das ist mein passwort|das passwort|geheimes passwort|hallo welt
    la vie en rose|bonjour tout le monde|mon mot de passe|mi contrasena|esta es mi contrasena|hola mundo
    veni vidi vici|cogito ergo sum|et tu brute|sic parvis magna|lorem ipsum dolor sit amet|lorem ipsum dolor
    customer experience|customer service|customer support|welcome to the jungle|welcome to the company
    welcome to the team|welcome home|welcome back|welcome on board|good morning|good morning vietnam
    good night
"""
"""Sentences that need no thinking, between bars and ends of lines."""

_ROWS: Final = ("qwertyuiop", "qwertzuiop", "azertyuiop", "asdfghjkl", "qsdfghjklm", "zxcvbnm", "yxcvbnm")
_KEYBOARDS: Final = (
    "1234567890qwertyuiopasdfghjklzxcvbnm",
    "qwertyuiopasdfghjklzxcvbnm",
    "1234567890qwertzuiopasdfghjklyxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "1234567890azertyuiopqsdfghjklmwxcvbn",
    "azertyuiopqsdfghjklmwxcvbn",
)
_COLUMNS: Final = (
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "1q2w3e4r5t6y7u8i9o0p",
    "qaz1wsx2edc3rfv4tgb5yhn6ujm7",
)
_ORDERS: Final = ("abcdefghijklmnopqrstuvwxyz", "0123456789", "1234567890", "01234567890", "abcdefg1234567")
_UNITS: Final = (
    *"abcdefghijklmnopqrstuvwxyz0123456789",
    "abc", "abcd", "abcde", "xyz", "12", "123", "1234", "12345", "123456", "abc123", "a1", "a1b2", "a1b2c3",
    "123abc", "1a2b3c", "321", "4321", "54321", "qwe", "asd", "zxc", "qaz", "wsx", "qazwsx", "1q2w3e", "1qaz",
    "13", "69", "007", "420", "666", "777", "101", "10", "01", "2580", "147", "258", "369", "147258369", "ab",
    "xx", "lol", "haha", "blah", "la", "no", "yes", "ok", "go", "hi", "bye", "me", "my", "you", "test",
    "pass",
)  # fmt: skip


def common_passwords() -> frozenset[str]:
    """All of them, letters and digits only, in lower case."""
    return frozenset((*WORDS, *_sayings(), *_pairs(), *_repetitions(), *_walks(), *_runs()))


def _sayings() -> Iterator[str]:
    for saying in SAYINGS.replace("\n", "|").split("|"):
        yield saying.replace(" ", "")
    for word in WORDS:
        for frame in ("mynameis{}", "i love my {}", "my {} password", "this is my {}", "{} is my password"):
            yield frame.replace(" ", "").format(word)
        yield f"iloveyou{word}"
        yield f"{word}iloveyou"


def _pairs() -> Iterator[str]:
    # Short ones too, for the digits that people put after them.
    return (one + other for one, other in product(WORDS, WORDS))


def _repetitions() -> Iterator[str]:
    for unit in (*WORDS, *_UNITS, *_ROWS):
        for length in range(_SHORTEST, LONGEST_RUN + 1):
            # The last one may be cut off: abcabcab.
            yield (unit * length)[:length]
        yield from (unit * times for times in range(2, LONGEST_RUN // len(unit) + 1))


def _walks() -> Iterator[str]:
    for board in (*_KEYBOARDS, *_COLUMNS):
        for text in (board, board[::-1]):
            yield from _cuts(text * 2, starts=len(text))


def _runs() -> Iterator[str]:
    for order in _ORDERS:
        for text in (order, order[::-1]):
            yield from _cuts(text * 5, starts=len(text))
    letters, digits = _ORDERS[0], _ORDERS[2]
    for one, other in product(range(3, 27), range(3, 11)):
        yield from (letters[:one] + digits[:other], digits[:other] + letters[:one])


def _cuts(text: str, *, starts: int) -> Iterator[str]:
    """Every piece that begins in the first `starts` characters."""
    for start, length in product(range(starts), range(_SHORTEST, LONGEST_RUN + 1)):
        yield text[start : start + length]
